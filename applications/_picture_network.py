"""The network from pictures to symbols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from ._captions import restored
from ._decoder import AttentionDecoder
from ._growing import Grown
from ._sight import EYE, Sighted
from ._units import Units
from ._weights import weight_paths

INJECTIONS = ("initial", "first", "every")


class PictureNetwork(Sighted):
    """An application from pictures to sequences of symbols.

    The features are `grid`, (positions, depth), what the encoder makes of a picture; or `pixels`,
    (height, width, 3), where the encoder is trained too; and those of `Generating`.

    A subclass has the choices that `Captioner` explains, and `symbols` once it is adapted.
    """

    inject: str
    gated: bool
    attention_penalty: float
    scheduled_sampling: float
    unit: str
    max_length: int
    symbols: Units

    def with_trainable_encoder(self) -> Self:
        """Returns a new application, equal to this one, whose encoder can be trained too.

        Its weights are kept with the others from then on.
        """
        self._require_adapted()
        other = type(self).from_config(
            {**self.get_config(), "encoder": self._given_encoder(), "train_encoder": True}
        )
        other.restore(self.assets())
        other.eye.set_weights(self.features.encoder.network.get_weights())
        ours = weight_paths(self)
        for path, weight in weight_paths(other).items():
            if path in ours:
                # A copy, for JAX deletes the arrays of the one that computes first.
                weight.assign(ops.copy(ours[path]))
        return other

    # What is kept.

    def assets(self) -> dict[str, str]:
        return {"tokenizer.json": self.symbols.to_json(), EYE: self.notes()}

    def restore(self, assets: Mapping[str, str]) -> None:
        self.symbols = restored(assets["tokenizer.json"], self.unit)
        self.restore_eye(assets[EYE])
        self.build_network()

    def grown(self, data: Any, targets: Any, vocabulary_size: int) -> Grown:
        if vocabulary_size <= self.symbols.size:
            raise ValueError(
                f"`vocabulary_size` must be more than {self.symbols.size}, the units that this "
                f"{type(self).__name__} has. Received: vocabulary_size={vocabulary_size}."
            )
        texts = self.vocabulary_texts(data, targets)
        symbols, parts = self.symbols.grown(texts, vocabulary_size)
        assets = {**self.assets(), "tokenizer.json": symbols.to_json()}
        # Which a configuration does not hold, where it is a model of the user's.
        choices = {"vocabulary_size": vocabulary_size, "encoder": self._given_encoder()}
        return Grown(choices, assets, parts)

    def count_symbols(self, data: Any, targets: Any = None) -> dict[str, int]:
        self._require_adapted()
        texts = self.vocabulary_texts(data, targets)
        return {
            "vocabulary_size": self.symbols.size,
            "characters": sum(map(len, texts)),
            "unknown": sum(map(self.symbols.count_unknown, texts)),
            "units": sum(map(self.symbols.count, texts)),
        }

    # The network.

    def symbol_count(self) -> int:
        return self.symbols.size

    def new_decoder(self, **options: Any) -> AttentionDecoder:
        return super().new_decoder(
            context=self.inject == "every",
            bridged=self.inject != "first",
            gated=self.gated and self.attention is not None,
            **options,
        )

    def build_network(self) -> None:
        width = self.projection_units or self.units
        self.build_embedding()
        self.look = keras.layers.Dense(width)
        self.look.build((None, None, self.depth_seen))
        # Encoders differ in the size of their features by orders of magnitude.
        self.even = keras.layers.LayerNormalization()
        self.even.build((None, None, width))
        if self.inject == "first":
            self.opening = keras.layers.Dense(self.embedding_size)
            self.opening.build((None, width))
        self.build_decoder(width, width)
        if self.scheduled_sampling:
            self.draws = keras.random.SeedGenerator()
        self.built = True

    def remember(self, features: dict[str, Any], training: bool = False) -> tuple[Any, Any, Any]:
        """The picture's positions, their mean, and no mask."""
        if self.train_encoder:
            grid = self.whole_eye().grid(features["pixels"])
        else:
            grid = ops.cast(features["grid"], self.compute_dtype)
        memory = self.even(self.look(self.drop(grid, training=training)))
        return memory, ops.mean(memory, axis=1), None

    def call(self, features: dict[str, Any], training: bool = False) -> Any:
        memory, summary, _ = self.remember(features, training)
        previous = features["previous"]
        if training and self.scheduled_sampling:
            decoded, _ = self._decoded(previous, memory, summary, training)
            previous = self._mixed(previous, ops.stop_gradient(self.logits(decoded)))
        penalised = training and self.attention is not None and self.attention_penalty > 0
        decoded, weights = self._decoded(previous, memory, summary, training, penalised)
        if penalised:
            self.add_loss(self.attention_penalty * self._unevenness(features["previous"], weights))
        return self.logits(decoded)

    def _decoded(
        self, previous: Any, memory: Any, summary: Any, training: bool, weights: bool = False
    ) -> tuple[Any, Any]:
        """The decoder's outputs at all steps, and the attention's weights if they are wanted."""
        embedded = self.drop(self.target_embedding(previous), training=training)
        if self.inject == "first":
            opening = ops.expand_dims(self.opening(summary), 1)
            embedded = ops.concatenate([opening, embedded], axis=1)
        found = self.decoder(embedded, memory, summary, return_weights=weights, training=training)
        outputs = found if weights else (found, None)
        if self.inject == "first":
            return tuple(None if part is None else part[:, 1:] for part in outputs)  # type: ignore[return-value]
        return outputs

    def _unevenness(self, previous: Any, weights: Any) -> Any:
        """How far the attention over a caption is from one look at each place, by symbol."""
        real = ops.cast(ops.not_equal(previous, 0), "float32")
        looks = ops.sum(ops.cast(weights, "float32") * ops.expand_dims(real, -1), axis=1)
        return ops.sum(ops.square(1 - looks)) / ops.maximum(ops.sum(real), 1)

    def _mixed(self, previous: Any, logits: Any) -> Any:
        """Symbols before, some of them as the model itself would have drawn them."""
        shape = ops.shape(previous)
        flat = ops.reshape(ops.cast(logits, "float32"), (-1, self.symbol_count()))
        drawn = keras.random.categorical(flat, 1, dtype="int32", seed=self.draws)
        drawn = ops.reshape(drawn, shape)[:, :-1]
        taken = keras.random.uniform(ops.shape(drawn), seed=self.draws) < self.scheduled_sampling
        rest = ops.cast(previous[:, 1:], "int32")
        taken = ops.logical_and(taken, ops.not_equal(rest, 0))
        return ops.concatenate(
            [ops.cast(previous[:, :1], "int32"), ops.where(taken, drawn, rest)], axis=1
        )

    def first(self, memory: Any, summary: Any, mask: Any) -> tuple[list[Any], list[Any]]:
        states, constants = super().first(memory, summary, mask)
        if self.inject == "first":
            _, states, _ = self.decoder.step(self.opening(summary), states, constants)
        return states, constants

    def scored(self, logits: Any) -> Any:
        """Nothing that is no word can be written."""
        banned = [self.symbols.pad_id, self.symbols.start_id, self.symbols.unknown_id]
        bias = np.zeros(self.symbol_count(), "float32")
        bias[[number for number in banned if number is not None]] = -1e9
        return ops.cast(logits, "float32") + bias

    def limits(self, features: dict[str, Any]) -> tuple[Any, Any]:
        return self.max_length, None

    def attention_weights(self, features: dict[str, Any]) -> Any:
        memory, summary, _ = self.remember(features)
        return self._decoded(features["previous"], memory, summary, False, True)[1]
