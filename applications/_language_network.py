"""The network of a language model: embedding, recurrent stack, scores of the next unit."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops, tree

from zoo.layers import recurrent as recurrent_layer

from ._carried import CarriedStates
from ._data import TARGET, Batches
from ._head import UnitScores
from ._language_texts import LanguageTexts
from ._losses import SmoothedCrossentropy
from ._streams import FRESH, PREVIOUS, Windows


class LanguageNetwork(LanguageTexts):
    """An application that predicts the next unit of a text.

    The features are `previous`, the units (rows, time) before those to be predicted, and `fresh`
    (rows,), 1 where a row starts anew and 0 where it goes on from the states of the batch before.
    Without `fresh`, every row starts anew, and nothing is carried.

    A subclass has the choices that `LanguageModel` explains, and `symbols` once it is adapted.
    """

    recurrent: str
    units: int | list[int]
    depth: int
    embedding_size: int | None
    projection_units: int | None
    tied_embeddings: bool | None
    dropout: float
    input_dropout: float | None
    output_dropout: float | None
    embedding_dropout: float
    recurrent_weight_dropout: float
    activation_regularization: float
    temporal_activation_regularization: float
    recurrent_options: dict[str, Any] | None

    def build_network(self) -> None:
        size = self.symbols.size
        self.stack = self._new_stack()
        features = width = self._embedding_width(self.stack)
        for layer in self.stack:
            layer.build((None, None, features))
            features = _output_size(layer)
        spread = keras.initializers.RandomNormal(stddev=width**-0.5)
        self.embedding = keras.layers.Embedding(size, width, embeddings_initializer=spread)
        self.embedding.build()
        # The end symbol may be drawn, for texts end often; padding and the start never follow.
        self.head = UnitScores(
            size, self._ties(self.stack), self.sampled_softmax, first=self.symbols.end_id
        )
        self.head.build((None, None, features))
        if self.sampled_softmax is not None and self.sampled_softmax >= size:
            raise ValueError(
                f"`sampled_softmax` must be less than the {size} units of the vocabulary. "
                f"Received: sampled_softmax={self.sampled_softmax}."
            )

        def locked(rate: float | None) -> keras.layers.Layer:
            # Drops a feature in all steps of a row alike.
            return keras.layers.SpatialDropout1D(self.dropout if rate is None else rate)

        self.input_drop = locked(self.input_dropout)
        self.drop = locked(self.dropout)
        self.output_drop = locked(self.output_dropout)
        self.unit_drop = keras.layers.Dropout(self.embedding_dropout)
        self.training_states = CarriedStates()
        self.evaluation_states = CarriedStates()
        self.built = True

    def _new_stack(self) -> list[keras.layers.RNN]:
        options = dict(self.recurrent_options or {})
        if self.projection_units is not None:
            options["projection_units"] = self.projection_units
        if self.recurrent_weight_dropout:
            options["recurrent_weight_dropout"] = self.recurrent_weight_dropout
        sizes = [self.units] * self.depth if isinstance(self.units, int) else self.units
        return [
            recurrent_layer(
                self.recurrent, size, return_sequences=True, return_state=True, **options
            )
            for size in sizes
        ]

    def _embedding_width(self, stack: list[keras.layers.RNN]) -> int:
        return self.embedding_size or _output_size(stack[-1])

    def _ties(self, stack: list[keras.layers.RNN]) -> bool:
        """Whether the embeddings are the softmax's weights too; refuses what cannot be tied."""
        width, last = self._embedding_width(stack), _output_size(stack[-1])
        if self.tied_embeddings and width != last:
            raise ValueError(
                "`tied_embeddings=True` needs embeddings of the size of the last layer's output. "
                f"Received: embedding_size={width}, outputs of {last}; `projection_units` may "
                "bring a layer's output to that size."
            )
        return width == last and self.tied_embeddings is not False

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
        """Runs over units (rows, time): the last layer's outputs (rows, time, size), last states.

        Args:
            previous: the units.
            states: a flat list of (rows, size).
            mask: booleans (rows, time), false at steps that leave the states as they are.
            training: whether dropout acts.
        """
        values = self.embedding(previous)
        if training and self.embedding_dropout:
            kept = self.unit_drop(ops.ones((self.symbols.size, 1), values.dtype), training=True)
            values = values * ops.take(kept, previous, axis=0)
        values = self.input_drop(values, training=training)
        rest, finals = iter(states), []
        for number, layer in enumerate(self.stack):
            if number:
                values = self.drop(values, training=training)
            start = tree.map_structure(lambda _: next(rest), _structure(layer))
            values, *final = layer(values, initial_state=start, mask=mask, training=training)
            finals += tree.flatten(final)
        return values, finals

    def logits(self, outputs: Any) -> Any:
        """Scores all units, for outputs (rows, time, size)."""
        return self.head(outputs, self._table())

    def _table(self) -> Any:
        return self.embedding.embeddings if self.head.tied else None

    def call(self, features: dict[str, Any], training: bool = False) -> Any:
        previous = features[PREVIOUS]
        states = self.initial_states(ops.shape(previous)[0])
        carried = self.training_states if training else self.evaluation_states
        carries = FRESH in features and carried.fits(previous.shape[0])
        if carries:
            states = carried.start(features[FRESH], states)
        outputs, states = self.read(previous, states, training=training)
        if carries:
            carried.keep(states)
        dropped = self.output_drop(outputs, training=training)
        if training:
            self._regularize(outputs, dropped, previous)
            if TARGET in features and self.sampled_softmax:
                return self.head.among(dropped, features[TARGET], self._table())
        return self.logits(dropped)

    def _regularize(self, outputs: Any, dropped: Any, previous: Any) -> None:
        """Adds what AWD-LSTM makes of the last layer's outputs to the loss."""
        real = ops.cast(ops.expand_dims(ops.not_equal(previous, 0), -1), outputs.dtype)
        size = outputs.shape[-1]
        if self.activation_regularization:
            penalty = ops.sum(ops.square(dropped) * real) / (size * ops.maximum(ops.sum(real), 1))
            self.add_loss(self.activation_regularization * penalty)
        if self.temporal_activation_regularization:
            real = real[:, 1:]
            moved = ops.square(outputs[:, 1:] - outputs[:, :-1]) * real
            penalty = ops.sum(moved) / (size * ops.maximum(ops.sum(real), 1))
            self.add_loss(self.temporal_activation_regularization * penalty)

    def loss_and_metrics(self) -> tuple[Any, list[Any]]:
        return SmoothedCrossentropy(), []

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        if training and self.sampled_softmax:
            y = ops.cast(ops.not_equal(y, 0), "int32")  # the columns of `UnitScores.among`
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def expect(self, training: Batches | None, evaluation: Batches | None) -> None:
        if isinstance(training, Windows):
            if self.training_states.expect(training.rows, self.state_sizes):
                self.train_function = None
        if isinstance(evaluation, Windows):
            if self.evaluation_states.expect(evaluation.rows, self.state_sizes):
                self.test_function = None


def _output_size(layer: keras.layers.RNN) -> int:
    size = getattr(layer.cell, "output_size", None)
    return tree.flatten(layer.cell.state_size)[0] if size is None else size


def _structure(layer: keras.layers.RNN) -> Any:
    sizes = layer.cell.state_size
    return [sizes] if isinstance(sizes, int) else sizes
