"""Metrics of raw outputs during `fit`."""

from __future__ import annotations

from typing import Any

import keras


class ValidationScore(keras.callbacks.Callback):
    """Decodes the validation data after each epoch and logs the application's metrics.

    `score` gives `{"bleu": ...}`; the logs get `val_bleu`, and so the progress bar, the history
    and callbacks such as `keras.callbacks.EarlyStopping(monitor="val_bleu", mode="max")`.

    Args:
        inputs: raw inputs.
        targets: raw targets.
    """

    def __init__(self, inputs: list[Any], targets: list[Any]) -> None:
        super().__init__()
        self.inputs = inputs
        self.targets = targets

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        scores = self.model.score(self.inputs, self.targets)
        if logs is not None:
            logs.update({f"val_{name}": value for name, value in scores.items()})
