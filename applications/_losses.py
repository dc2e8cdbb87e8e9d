"""Losses and metrics of networks that emit one symbol a step."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy in nats per symbol, with label smoothing, without the padding.

        loss = -(1 - a) log p(y) - a / V sum_v log p(v),    averaged over the symbols y != 0

    Args:
        label_smoothing: `a`, in [0, 1).

    Call arguments:
        y_true: integers (batch, time); 0 is padding.
        y_pred: logits (batch, time, V).

    Example:

    >>> from zoo.applications._losses import SmoothedCrossentropy
    >>> round(float(SmoothedCrossentropy()([[1, 0]], [[[0.0, 0.0], [3.0, 0.0]]])), 4)
    0.6931

    Reference:
        Szegedy et al. 2016, "Rethinking the Inception architecture for computer vision".
    """

    def __init__(self, label_smoothing: float = 0.0, name: str = "crossentropy", **kwargs: Any):
        kwargs.setdefault("reduction", "sum")
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        y_true = ops.cast(y_true, "int32")
        logits = ops.cast(y_pred, "float32")
        smoothing = self.label_smoothing
        if smoothing:
            total = ops.logsumexp(logits, axis=-1)
            chosen = ops.take_along_axis(logits, ops.expand_dims(y_true, -1), axis=-1)
            target = (1 - smoothing) * ops.squeeze(chosen, -1)
            each = total - target - smoothing * ops.mean(logits, axis=-1)
        else:  # in one pass where the backend has one
            each = ops.sparse_categorical_crossentropy(y_true, logits, from_logits=True)
        real = ops.cast(ops.not_equal(y_true, 0), "float32")
        return ops.sum(each * real) / ops.maximum(ops.sum(real), 1.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


@keras.saving.register_keras_serializable(package="zoo")
class SymbolAccuracy(keras.metrics.Mean):
    """The fraction of symbols that are the most probable one; padding (0) does not count."""

    def __init__(self, name: str = "accuracy", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true = ops.cast(y_true, "int32")
        right = ops.equal(y_true, ops.cast(ops.argmax(y_pred, axis=-1), "int32"))
        super().update_state(ops.cast(right, "float32"), ops.not_equal(y_true, 0))
