"""Scores of the next unit: a softmax over all units, or over a sample of them in training."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

_NEVER = -1e9


@keras.saving.register_keras_serializable(package="zoo")
class UnitScores(keras.layers.Layer):
    """Scores all units of a vocabulary, or in training the right one and a sample of the others.

        s_v = w_v . h + b_v

    With a sample of n units, drawn with probability
    `q(r) = log((r + 2) / (r + 1)) / log(V' + 1)` for the unit of rank `r`, as if frequencies
    followed Zipf's law, the scores become `s_v - log(n q(v))`, and a sampled unit that is the right
    one does not count; their softmax then approaches that of all units.

    Args:
        size: how many units there are.
        tied: take `w` from a table of embeddings instead of a weight of its own.
        sampled: how many units to draw in training; None scores all.
        first: the number of the first unit that is drawn, the most frequent one.

    Call arguments:
        outputs: (batch, time, features).
        table: (size, features), the embeddings, if tied.

    Returns:
        (batch, time, size).

    Reference:
        Jean et al. 2015, "On using very large target vocabulary for neural machine translation";
        Bengio and Senécal 2003, "Quick training of probabilistic neural nets by importance
        sampling".
    """

    def __init__(
        self,
        size: int,
        tied: bool = False,
        sampled: int | None = None,
        first: int = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.size = size
        self.tied = tied
        self.sampled = sampled
        self.first = first
        self.seed_generator = keras.random.SeedGenerator()
        self.supports_masking = True

    def build(self, outputs_shape: Any) -> None:
        if not self.tied:
            self.kernel = self.add_weight(shape=(outputs_shape[-1], self.size), name="kernel")
        self.bias = self.add_weight(shape=(self.size,), initializer="zeros", name="bias")
        self.built = True

    def call(self, outputs: Any, table: Any = None) -> Any:
        kernel = ops.transpose(ops.cast(table, self.compute_dtype)) if self.tied else self.kernel
        return ops.matmul(outputs, kernel) + self.bias

    def among(self, outputs: Any, target: Any, table: Any = None) -> Any:
        """Scores the right units and a sample: (batch, time, 2 + sampled).

        Column 0 is for padding and never likely; column 1 is the target's.

        Args:
            outputs: (batch, time, features).
            target: integers (batch, time).
            table: as in a call.
        """
        count = self.size - self.first
        uniforms = keras.random.uniform((self.sampled,), seed=self.seed_generator)
        ranks = ops.exp(uniforms * math.log(count + 1)) - 1
        drawn = self.first + ops.minimum(ops.cast(ranks, "int32"), count - 1)
        own = ops.sum(outputs * self._rows(target, table), axis=-1, keepdims=True)
        own = own + ops.expand_dims(self._corrected(target), -1)
        others = ops.matmul(outputs, ops.transpose(self._rows(drawn, table)))
        others = others + self._corrected(drawn)
        hit = ops.equal(ops.expand_dims(target, -1), drawn)
        others = ops.where(hit, ops.cast(_NEVER, others.dtype), others)
        padding = ops.zeros_like(own) + ops.cast(_NEVER, own.dtype)
        return ops.concatenate([padding, own, others], axis=-1)

    def _rows(self, units: Any, table: Any) -> Any:
        table = table if self.tied else ops.transpose(self.kernel)
        return ops.cast(ops.take(table, units, axis=0), self.compute_dtype)

    def _corrected(self, units: Any) -> Any:
        """The bias of units, less the logarithm of how often they are expected in a sample."""
        count = self.size - self.first
        ranks = ops.cast(ops.maximum(units - self.first, 0), "float32")
        share = ops.log((ranks + 2) / (ranks + 1)) / math.log(count + 1)
        expected = ops.log(float(self.sampled or 1) * share)
        return ops.take(self.bias, units) - ops.cast(expected, self.compute_dtype)

    def compute_output_shape(self, outputs_shape: Any, table_shape: Any = None) -> Any:
        return (*outputs_shape[:-1], self.size)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "size": self.size,
            "tied": self.tied,
            "sampled": self.sampled,
            "first": self.first,
        }
