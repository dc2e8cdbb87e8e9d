"""What all attention layers share: masks, one query or many, and the context."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


class AttentionLayer(keras.layers.Layer):
    """The base of the attention layers: `layer(query, memory, mask=None)`.

    A subclass says what of a memory stays the same for all queries (`keys_of`), and how well a
    query meets each key (`meet`).
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def keys_of(self, memory: Any) -> Any:
        """Returns the keys (batch, memory time, size) of a memory."""
        raise NotImplementedError

    def meet(self, query: Any, keys: Any) -> Any:
        """Returns the scores (batch, time, memory time) of queries (batch, time, features)."""
        raise NotImplementedError

    def project_memory(self, memory: Any, mask: Any = None) -> Any:
        """Returns the keys, the same for all queries, to be handed to calls as `keys`."""
        return self.keys_of(_shown(memory, mask))

    def call(
        self, query: Any, memory: Any, mask: Any = None, memory_mask: Any = None, keys: Any = None
    ) -> tuple[Any, Any]:
        mask = memory_mask if mask is None else mask
        memory = _shown(memory, mask)
        keys = self.keys_of(memory) if keys is None else keys
        single = len(query.shape) == 2
        if single:
            query = ops.expand_dims(query, 1)
        scores = self.meet(query, keys)
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


def _shown(memory: Any, mask: Any) -> Any:
    """The memory with zeros where the mask is false, whatever was there."""
    if mask is None:
        return memory
    mask = ops.expand_dims(ops.cast(mask, "bool"), -1)
    return ops.where(mask, memory, ops.zeros_like(memory))


def masked_softmax(scores: Any, mask: Any) -> Any:
    """Softmax over the last axis where `mask` is true; zeros where it is not."""
    if mask is None:
        return _softmax(scores)
    mask = ops.cast(mask, "bool")
    lowest = -1e4 if keras.backend.standardize_dtype(scores.dtype) == "float16" else -1e9
    weights = _softmax(ops.where(mask, scores, ops.cast(lowest, scores.dtype)))
    return ops.where(mask, weights, ops.zeros_like(weights))


def _softmax(scores: Any) -> Any:
    # Keras warns of a softmax over one entry, but a memory may well have one step.
    return ops.ones_like(scores) if scores.shape[-1] == 1 else ops.softmax(scores, axis=-1)
