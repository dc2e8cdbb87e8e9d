"""Applications that write symbol after symbol: the decoder, and the search for the best output."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from zoo.layers._arguments import positive_integer

from ._data import Example
from ._decoder import AttentionDecoder
from ._decoding import beam_search, sample
from ._growing import GrowingVocabulary
from ._losses import SmoothedCrossentropy, SymbolAccuracy


class Search(NamedTuple):
    """How outputs are looked for.

    Attributes:
        beam_size: 1 is greedy.
        length_penalty: see `beam_search`.
        max_length: the most symbols; None leaves it to the application.
    """

    beam_size: int
    length_penalty: float
    max_length: int | None

    def check(self, n_best: int | None) -> None:
        """Refuses what cannot be done, for `n_best` outputs of each input."""
        positive_integer("beam_size", self.beam_size)
        if n_best is not None and positive_integer("n_best", n_best) > self.beam_size:
            raise ValueError(
                "`n_best` must be at most `beam_size`. "
                f"Received: n_best={n_best}, beam_size={self.beam_size}."
            )
        if self.max_length is not None:
            positive_integer("max_length", self.max_length)


class Generating(GrowingVocabulary):
    """An application whose outputs are sequences of symbols, written by an attentive decoder.

    Among the features are `previous`, the start symbol and the output's symbols; the target is the
    output's symbols and the end symbol.

    A subclass has the choices `recurrent`, `units`, `decoder_depth`, `embedding_size`,
    `projection_units`, `attention`, `tied_embeddings`, `dropout`, `label_smoothing` and
    `recurrent_options`, as `Translator` explains them. It calls `build_embedding` and
    `build_decoder` in `build_network`, and implements `symbol_count`, `remember` and `limits`.
    """

    recurrent: str
    units: int
    decoder_depth: int
    embedding_size: int
    projection_units: int | None
    attention: str | None
    tied_embeddings: bool
    dropout: float
    label_smoothing: float
    recurrent_options: dict[str, Any] | None

    start_id = 1
    end_id = 2

    def symbol_count(self) -> int:
        """How many symbols there are."""
        raise NotImplementedError

    def remember(self, features: dict[str, Any], training: bool = False) -> tuple[Any, Any, Any]:
        """Encodes the inputs: the memory (batch, time, features), its summary, its mask."""
        raise NotImplementedError

    def limits(self, features: dict[str, Any]) -> tuple[Any, Any]:
        """The most symbols of any output of a batch, and those of each row, or None."""
        raise NotImplementedError

    def build_embedding(self) -> keras.initializers.Initializer:
        """Makes the symbols' table, and returns what it starts from."""
        spread = keras.initializers.RandomNormal(stddev=self.embedding_size**-0.5)
        self.target_embedding = keras.layers.ReversibleEmbedding(
            self.symbol_count(),
            self.embedding_size,
            tie_weights=self.tied_embeddings,
            embeddings_initializer=spread,
        )
        self.target_embedding.build()
        return spread

    def build_decoder(self, width: int, summary_width: int) -> None:
        """Makes what writes, for a memory and a summary with so many features."""
        self.decoder = self.new_decoder()
        self.decoder.build(
            (None, None, self.embedding_size), (None, None, width), (None, summary_width)
        )
        self.drop = keras.layers.Dropout(self.dropout)

    def cell_options(self, parts: int = 1) -> dict[str, Any]:
        """Arguments of cells of which `parts` share the units."""
        options = dict(self.recurrent_options or {})
        if self.projection_units is not None:
            options["projection_units"] = self.projection_units // parts
        return options

    def new_decoder(self, **options: Any) -> AttentionDecoder:
        return AttentionDecoder(
            self.recurrent,
            self.units,
            self.decoder_depth,
            self.embedding_size,
            attention=self.attention,
            dropout=self.dropout,
            recurrent_options=self.cell_options(),
            name="decoder",
            **options,
        )

    def loss_and_metrics(self) -> tuple[Any, list[Any]]:
        return SmoothedCrossentropy(self.label_smoothing), [SymbolAccuracy()]

    def logits(self, decoded: Any) -> Any:
        """Scores all symbols, for decoder outputs (..., embedding_size)."""
        flat = self.target_embedding(ops.reshape(decoded, (-1, self.embedding_size)), reverse=True)
        return ops.reshape(flat, (*ops.shape(decoded)[:-1], self.symbol_count()))

    def call(self, features: dict[str, Any], training: bool = False) -> Any:
        memory, summary, mask = self.remember(features, training)
        embedded = self.drop(self.target_embedding(features["previous"]), training=training)
        return self.logits(self.decoder(embedded, memory, summary, mask=mask, training=training))

    def first(self, memory: Any, summary: Any, mask: Any) -> tuple[list[Any], list[Any]]:
        """The states before the first symbol, and what stays the same at all steps."""
        return self.decoder.start(memory, summary, mask)

    def scored(self, logits: Any) -> Any:
        """The logits that a search sees."""
        return logits

    def search(self, features: dict[str, Any], search: Search) -> dict[str, Any]:
        """Returns the best `symbols` (batch, beams, time) and their `scores` (batch, beams)."""
        beams = search.beam_size
        memory, summary, mask = self.remember(features)
        states, constants = self.first(memory, summary, mask)
        constants = [ops.repeat(value, beams, axis=0) for value in constants]

        def step(symbols: Any, states: list[Any]) -> tuple[Any, list[Any]]:
            decoded, states, _ = self.decoder.step(
                self.target_embedding(symbols), states, constants
            )
            return self.scored(self.logits(decoded)), states

        most, limits = self.limits(features)
        arguments = {
            "rows": ops.shape(summary)[0],
            "max_length": search.max_length or most,
            "start": self.start_id,
            "end": self.end_id,
            "limits": None if search.max_length else limits,
        }
        if beams > 1:
            penalty = search.length_penalty
            found = beam_search(step, states, beams=beams, length_penalty=penalty, **arguments)
            return {"symbols": found.symbols, "scores": found.scores}
        found = sample(step, states, **arguments)
        return {
            "symbols": ops.expand_dims(found.symbols, 1),
            "scores": ops.expand_dims(found.scores, 1),
        }

    def written(
        self, examples: list[Example], search: Search, n_best: int, batch_size: int, verbose: int
    ) -> list[list[tuple[np.ndarray, float]]]:
        """Returns the best `n_best` outputs of each item: symbols without an end, and score."""
        found = self.run(
            ("search", search),
            lambda features: self.search(features, search),
            examples,
            batch_size=batch_size,
            verbose=verbose,
        )
        return [
            [
                (self.cut(np.asarray(symbols)), float(score))
                for symbols, score in zip(item["symbols"], item["scores"], strict=True)
            ][:n_best]
            for item in found
        ]

    def attention_weights(self, features: dict[str, Any]) -> Any:
        """Returns the attention's weights (batch, time, memory time) for given outputs."""
        memory, summary, mask = self.remember(features)
        embedded = self.target_embedding(features["previous"])
        return self.decoder(embedded, memory, summary, mask=mask, return_weights=True)[1]

    def targets(self, symbols: np.ndarray) -> Example:
        """The features `previous` and the target of an output."""
        previous = np.concatenate([[self.start_id], symbols]).astype("int32")
        return {"previous": previous, "target": np.append(symbols, self.end_id).astype("int32")}

    def cut(self, symbols: np.ndarray) -> np.ndarray:
        """Returns the symbols before the end symbol."""
        ends = np.flatnonzero(symbols == self.end_id)
        return symbols[: ends[0]] if len(ends) else symbols
