"""Callbacks for training applications."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.applications._checkpoints import CheckpointError
from zoo.applications._manifest import clear_unfinished
from zoo.applications._rates import DivergedError
from zoo.applications._resuming import ResumableTraining

__all__ = ["AveragedSGD", "CheckpointError", "DivergedError", "KeepBest", "ResumableTraining"]


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

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if self.directory is not None:
            clear_unfinished(Path(os.path.realpath(self.directory)))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        if self.monitor not in logs:
            raise ValueError(_no_such_metric(self.monitor, logs))
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


class AveragedSGD(keras.callbacks.Callback):
    """Averages the weights of all steps once validation has stopped to improve (NT-ASGD).

    `v_t` is `monitor` at the end of epoch `t`, and `n` is `checks`. After the first epoch `T` with
    `t > n` and `v_t > min(v_0, ..., v_{t-n-1})`, the mean of the weights is kept,

        mean = (w_K + w_{K+1} + ... + w_k) / (k - K + 1)

    from the weights at the end of that epoch, `w_K`, to those after the latest batch, `w_k`.
    Training goes on from `w_k`; validation, what other callbacks see at the end of an epoch, and
    the model when training ends have the mean.

    Made for `keras.optimizers.SGD` at a constant learning rate; it goes with any optimizer. Keras's
    own `use_ema=True` is another mean, which forgets exponentially and starts at the first step.
    Put it before callbacks that save weights, such as `KeepBest`.

    Args:
        monitor: the logged metric that tells, lower being better.
        checks: `n`, how many epochs are not asked to improve.
        higher_is_better: for metrics such as "val_accuracy".

    Raises:
        ValueError: `checks` is no positive integer, or an epoch ends without `monitor`.

    Example:

    >>> import keras, numpy as np
    >>> from zoo.callbacks import AveragedSGD
    >>> model = keras.Sequential([keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(0.5), "mse")
    >>> x, y = np.ones((8, 2), "float32"), np.zeros((8, 1), "float32")
    >>> averaged = AveragedSGD(checks=2)
    >>> history = model.fit(
    ...     x, y, epochs=6, validation_data=(x, y), callbacks=[averaged], verbose=0
    ... )
    >>> averaged.since is None or averaged.since > 2
    True

    Paper:
        Merity et al. 2018, "Regularizing and Optimizing LSTM Language Models".
    """

    def __init__(
        self, monitor: str = "val_loss", checks: int = 5, *, higher_is_better: bool = False
    ) -> None:
        super().__init__()
        if not isinstance(checks, int) or checks < 1:
            raise ValueError(f"`checks` must be a positive integer. Received: checks={checks!r}.")
        self.monitor = monitor
        self.checks = checks
        self.higher_is_better = higher_is_better
        self.since: int | None = None
        self._forget()

    def _forget(self) -> None:
        self._values: list[float] = []
        self._mean: list[Any] = []
        self._latest: list[Any] = []  # the weights to go on from, while the model has the mean
        self._count = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.since = None
        self._forget()

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self._latest:
            self._put(self._latest)
            self._latest = []

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.since is None:
            return
        self._count += 1
        self._mean = [
            mean + (value - mean) / self._count
            for mean, value in zip(self._mean, self._weights(), strict=True)
        ]

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        if self.since is not None and not self._latest:
            self._latest = self._weights()
            self._put(self._mean)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        if self.monitor not in logs:
            raise ValueError(_no_such_metric(self.monitor, logs))
        if self.since is not None:
            self.on_test_begin()  # where nothing validates
            return
        value = float(logs[self.monitor]) * (-1 if self.higher_is_better else 1)
        before = self._values[: -self.checks]
        if before and value > min(before):
            self.since, self._mean, self._count = epoch, self._weights(), 1
        self._values.append(value)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._forget()

    def _weights(self) -> list[Any]:
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()  # during an epoch, JAX keeps the weights elsewhere
        return [keras.ops.copy(variable) for variable in self.model.trainable_variables]

    def _put(self, values: list[Any]) -> None:
        for variable, value in zip(self.model.trainable_variables, values, strict=True):
            variable.assign(keras.ops.copy(value))


def _no_such_metric(monitor: str, logs: dict[str, Any]) -> str:
    return (
        f"`monitor` must be one of the metrics of an epoch ({', '.join(sorted(logs))}). "
        f"Received: monitor={monitor!r}."
    )
