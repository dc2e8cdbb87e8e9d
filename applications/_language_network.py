"""The network of a language model: embedding, recurrent stack, scores of the next unit."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops, tree

from zoo.layers import recurrent as recurrent_layer

from ._application import Application
from ._carried import CarriedStates
from ._data import Batches, Example
from ._losses import SmoothedCrossentropy
from ._streams import FRESH, PREVIOUS, Windows
from ._units import Units


class LanguageNetwork(Application):
    """An application that predicts the next unit of a text.

    The features are `previous`, the units (rows, time) before those to be predicted, and `fresh`
    (rows,), 1 where a row starts anew and 0 where it goes on from the states of the batch before.

    A subclass has the choices that `LanguageModel` explains, and `symbols` once it is adapted.
    """

    symbols: Units
    recurrent: str
    units: int
    depth: int
    embedding_size: int | None
    projection_units: int | None
    tied_embeddings: bool | None
    dropout: float
    window: int
    recurrent_options: dict[str, Any] | None

    def build_network(self) -> None:
        size = self.symbols.size
        self.stack = self._new_stack()
        features = width = self.embedding_size or self._output_size(self.stack[-1])
        for layer in self.stack:
            layer.build((None, None, features))
            features = self._output_size(layer)
        spread = keras.initializers.RandomNormal(stddev=width**-0.5)
        self.embedding = keras.layers.Embedding(size, width, embeddings_initializer=spread)
        self.embedding.build()
        self.head = keras.layers.Dense(size)
        self.head.build((None, features))
        self.drop = keras.layers.SpatialDropout1D(self.dropout)
        self.training_states = CarriedStates()
        self.evaluation_states = CarriedStates()
        self.built = True

    def _new_stack(self) -> list[keras.layers.RNN]:
        options = dict(self.recurrent_options or {})
        if self.projection_units is not None:
            options["projection_units"] = self.projection_units
        return [
            recurrent_layer(
                self.recurrent, self.units, return_sequences=True, return_state=True, **options
            )
            for _ in range(self.depth)
        ]

    @staticmethod
    def _output_size(layer: keras.layers.RNN) -> int:
        size = getattr(layer.cell, "output_size", None)
        return tree.flatten(layer.cell.state_size)[0] if size is None else size

    @property
    def state_sizes(self) -> list[int]:
        """The sizes of the network's states, bottom layer first."""
        return tree.flatten([layer.cell.state_size for layer in self.stack])

    def initial_states(self, rows: Any) -> list[Any]:
        """The states before a text, a flat list of (rows, size)."""
        return tree.flatten([layer.get_initial_state(rows) for layer in self.stack])

    def read(
        self, previous: Any, states: list[Any], mask: Any = None, training: bool = False
    ) -> tuple[Any, list[Any]]:
        """Runs over units (rows, time): the outputs (rows, time, size) and the last states."""
        values = self.drop(self.embedding(previous), training=training)
        rest, finals = iter(states), []
        for layer in self.stack:
            start = tree.map_structure(lambda _: next(rest), _structure(layer))
            values, *final = layer(values, initial_state=start, mask=mask, training=training)
            finals += tree.flatten(final)
            values = self.drop(values, training=training)
        return values, finals

    def logits(self, outputs: Any) -> Any:
        """Scores all units, for outputs (..., size)."""
        return self.head(outputs)

    def call(self, features: dict[str, Any], training: bool = False) -> Any:
        previous = features[PREVIOUS]
        states = self.initial_states(ops.shape(previous)[0])
        if FRESH not in features:
            return self.logits(self.read(previous, states, training=training)[0])
        carried = self.training_states if training else self.evaluation_states
        outputs, states = self.read(
            previous, carried.start(features[FRESH], states), training=training
        )
        carried.keep(states)
        return self.logits(outputs)

    def loss_and_metrics(self) -> tuple[Any, list[Any]]:
        return SmoothedCrossentropy(), []

    def arrange(
        self, examples: list[Example], batch_size: int, *, shuffle: bool, seed: int
    ) -> Batches:
        return Windows(examples, batch_size, window=self.window, shuffle=shuffle, seed=seed)

    def expect(self, training: Batches | None, evaluation: Batches | None) -> None:
        if isinstance(training, Windows):
            if self.training_states.expect(training.rows, self.state_sizes):
                self.train_function = None
        if isinstance(evaluation, Windows):
            if self.evaluation_states.expect(evaluation.rows, self.state_sizes):
                self.test_function = None


def _structure(layer: keras.layers.RNN) -> Any:
    sizes = layer.cell.state_size
    return [sizes] if isinstance(sizes, int) else sizes
