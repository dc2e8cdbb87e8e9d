"""Attention over a memory, for decoders."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from ._arguments import positive_integer
from ._cell import product


@keras.saving.register_keras_serializable(package="zoo")
class AdditiveAttention(keras.layers.Layer):
    """Additive attention of Bahdanau et al. over the steps of a memory.

        score_s   = v . tanh(q W_q + k_s W_k)
        weights_s = exp(score_s) / sum_r exp(score_r)     over the unmasked steps r
        context   = sum_s weights_s k_s

    The weights, in this order:

        query_kernel  (query features, units)      W_q
        key_kernel    (memory features, units)     W_k
        score_kernel  (units, 1)                   v

    Args:
        units: size of the space in which query and memory meet.
        kernel_initializer: how `W_q` and `W_k` start.
        score_initializer: how `v` starts.

    Call arguments:
        query: (batch, features) or (batch, time, features).
        memory: (batch, memory time, memory features).
        mask: booleans (batch, memory time), false where the memory is padding. A row without any
            true step gets zero weights and a zero context.
        memory_mask: filled in by Keras when `memory` carries a mask and `mask` is None.
        keys: `project_memory(memory)`, if it has been computed before; of a memory that is finite
            behind its mask too, where gradients are wanted.

    Returns:
        `(context, weights)`, of shapes (batch, [time,] memory features) and
        (batch, [time,] memory time).

    Example:

    >>> import numpy as np
    >>> from zoo.layers import AdditiveAttention
    >>> attention = AdditiveAttention(16)
    >>> query, memory = np.ones((2, 4), "float32"), np.ones((2, 5, 6), "float32")
    >>> context, weights = attention(query, memory)
    >>> context.shape, weights.shape
    (TensorShape([2, 6]), TensorShape([2, 5]))

    Reference:
        Bahdanau, Cho and Bengio 2015, "Neural machine translation by jointly learning to align and
        translate".
    """

    def __init__(
        self,
        units: int,
        kernel_initializer: Any = "glorot_uniform",
        score_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = positive_integer("units", units)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.score_initializer = keras.initializers.get(score_initializer)
        self.supports_masking = True

    def build(self, query_shape: Any, memory_shape: Any, keys_shape: Any = None) -> None:
        self.query_kernel = self.add_weight(
            name="query_kernel",
            shape=(query_shape[-1], self.units),
            initializer=self.kernel_initializer,
        )
        self.key_kernel = self.add_weight(
            name="key_kernel",
            shape=(memory_shape[-1], self.units),
            initializer=self.kernel_initializer,
        )
        self.score_kernel = self.add_weight(
            name="score_kernel",
            shape=(self.units, 1),
            initializer=self.score_initializer,
        )
        self.built = True

    def project_memory(self, memory: Any) -> Any:
        """Returns `k W_k`, which is the same for all queries; shape (batch, time, units)."""
        return product(memory, ops.convert_to_tensor(self.key_kernel))

    def call(
        self, query: Any, memory: Any, mask: Any = None, memory_mask: Any = None, keys: Any = None
    ) -> tuple[Any, Any]:
        mask = memory_mask if mask is None else mask
        if mask is not None:
            mask = ops.cast(mask, "bool")
            memory = ops.where(ops.expand_dims(mask, -1), memory, ops.zeros_like(memory))
        keys = self.project_memory(memory) if keys is None else keys
        single = len(query.shape) == 2
        if single:
            query = ops.expand_dims(query, 1)
        query = ops.expand_dims(product(query, ops.convert_to_tensor(self.query_kernel)), 2)
        meeting = ops.tanh(query + ops.expand_dims(keys, 1))
        scores = ops.squeeze(product(meeting, ops.convert_to_tensor(self.score_kernel)), -1)
        weights = masked_softmax(scores, None if mask is None else ops.expand_dims(mask, 1))
        context = ops.matmul(weights, memory)
        if single:
            return ops.squeeze(context, 1), ops.squeeze(weights, 1)
        return context, weights

    def compute_mask(self, query: Any, mask: Any = None) -> None:
        return None

    def compute_output_shape(
        self, query_shape: Any, memory_shape: Any, keys_shape: Any = None
    ) -> tuple[Any, Any]:
        outer = tuple(query_shape[:-1])
        return (*outer, memory_shape[-1]), (*outer, memory_shape[1])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "score_initializer": keras.initializers.serialize(self.score_initializer),
        }


def masked_softmax(scores: Any, mask: Any) -> Any:
    """Softmax over the last axis where `mask` is true; zeros where it is not."""
    if mask is None:
        return ops.softmax(scores, axis=-1)
    lowest = -1e4 if keras.backend.standardize_dtype(scores.dtype) == "float16" else -1e9
    scores = ops.where(mask, scores, ops.cast(lowest, scores.dtype))
    weights = ops.softmax(scores, axis=-1)
    return ops.where(mask, weights, ops.zeros_like(weights))
