"""The network from symbols to symbols: a recurrent encoder in front of the decoder."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers import recurrent as recurrent_layer

from ._generating import Generating


class SequenceToSequence(Generating):
    """An application whose inputs and outputs are sequences of symbols of one vocabulary.

    The features are `source`, the input's symbols and the end symbol, and those of `Generating`.

    A subclass has the choices of `Generating` and `depth`, as `Translator` explains them, and a
    `tokenizer` once it is adapted.
    """

    depth: int

    def symbol_count(self) -> int:
        return self.tokenizer.vocabulary_size

    def build_network(self) -> None:
        width = self.embedding_size
        spread = self.build_embedding()
        self.source_embedding = (
            self.target_embedding
            if self.tied_embeddings
            else keras.layers.Embedding(self.symbol_count(), width, embeddings_initializer=spread)
        )
        self.source_embedding.build()
        self.encoder = []
        for _ in range(self.depth):
            layer = recurrent_layer(
                self.recurrent, self.units // 2, return_sequences=True, **self.cell_options(2)
            )
            self.encoder.append(keras.layers.Bidirectional(layer))
            self.encoder[-1].build((None, None, width))
            width = self.encoder[-1].compute_output_shape((None, None, width))[-1]
        self.build_decoder(width, width)
        self.built = True

    def remember(self, features: dict[str, Any], training: bool = False) -> tuple[Any, Any, Any]:
        return self.read(features["source"], training)

    def read(self, source: Any, training: bool = False) -> tuple[Any, Any, Any]:
        """Encodes tokens: the memory, its summary (the last state of each direction), its mask."""
        mask = ops.not_equal(source, self.tokenizer.pad_id)
        memory = self.drop(self.source_embedding(source), training=training)
        for number, layer in enumerate(self.encoder):
            if number:
                memory = self.drop(memory, training=training)
            memory = layer(memory, mask=mask, training=training)
        # `Bidirectional` puts zeros where the mask is false, so the last column will not do.
        half = memory.shape[-1] // 2
        last = ops.sum(ops.cast(mask, "int32"), axis=1, keepdims=True) - 1
        ends = ops.expand_dims(ops.arange(ops.shape(mask)[1]) == last, -1)
        forward = ops.sum(ops.where(ends, memory[..., :half], 0), axis=1)
        summary = ops.concatenate([forward, memory[:, 0, half:]], axis=-1)
        return self.drop(memory, training=training), summary, mask

    def limits(self, features: dict[str, Any]) -> tuple[Any, Any]:
        """Twice the source's length and 16 more."""
        source = features["source"]
        lengths = ops.sum(ops.cast(ops.not_equal(source, self.tokenizer.pad_id), "int32"), axis=1)
        # Each row's own limit, so that what shares its batch changes nothing.
        return 2 * ops.shape(source)[1] + 16, 2 * lengths + 16
