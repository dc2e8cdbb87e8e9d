"""Callbacks for training applications."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np


class KeepBest(keras.callbacks.Callback):
    """Keeps the weights of the best epoch: as a preset on disk, and in the model at the end.

    Args:
        monitor: the logged metric that tells, higher being better ("val_bleu").
        directory: a folder that is saved as a preset at each new best epoch; None keeps the
            weights in memory only.
        lower_is_better: for metrics such as "val_loss".
        **saving: arguments of `Application.save_to_preset`.

    Raises:
        ValueError: an epoch ends without `monitor` among its metrics.

    Example:

    >>> from zoo.applications import Translator
    >>> from zoo.callbacks import KeepBest
    >>> pairs = [("a dog runs", "ein Hund rennt"), ("a cat sleeps", "eine Katze schläft")]
    >>> translator = Translator(units=16, embedding_size=16, vocabulary_size=300)
    >>> best = KeepBest("val_loss", lower_is_better=True)
    >>> history = translator.fit(
    ...     pairs, epochs=2, validation_data=pairs, callbacks=[best], verbose=0
    ... )
    >>> best.best_epoch in (0, 1)
    True
    """

    def __init__(
        self,
        monitor: str,
        directory: str | Path | None = None,
        *,
        lower_is_better: bool = False,
        **saving: Any,
    ) -> None:
        super().__init__()
        self.monitor = monitor
        self.directory = directory
        self.lower_is_better = lower_is_better
        self.saving = saving
        self.best: float | None = None
        self.best_epoch: int | None = None
        self._weights: list[np.ndarray] | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        if self.monitor not in logs:
            raise ValueError(
                f"`monitor` must be one of the metrics of an epoch ({', '.join(sorted(logs))}). "
                f"Received: monitor={self.monitor!r}."
            )
        value = float(logs[self.monitor])
        if np.isnan(value):
            return
        sign = -1 if self.lower_is_better else 1
        if self.best is None or sign * value > sign * self.best:
            self.best, self.best_epoch = value, epoch
            self._weights = self.model.get_weights()
            if self.directory is not None:
                self.model.save_to_preset(self.directory, **self.saving)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self._weights is not None:
            self.model.set_weights(self._weights)
