"""Steps on the way of a training that is kept: those done already, those after which to keep it."""

from __future__ import annotations

import time
from typing import Any

import keras

_SHARE = 20  # at the end of an epoch, so many times longer than writing a checkpoint takes


class DoneSteps:
    """Lets Keras count the steps of an epoch that are done already, and does nothing in them.

    Args:
        model: the model, its train function made.
        count: how many.
        logs: what Keras is told of them.
    """

    def __init__(self, model: keras.Model, count: int, logs: dict[str, Any]) -> None:
        self.count = count
        self._model = model
        self._do_step = model.train_function
        self._seen: Any = None

        def skip(*arguments: Any) -> Any:
            *state, data = arguments
            self._seen = next(data)
            for _ in range(model.steps_per_execution - 1):
                next(data, None)
            return (logs, *state) if state else logs

        model.train_function = skip

    def end(self) -> None:
        """Lets the next step be done."""
        self._model.train_function = self._do_step
        if keras.backend.backend() != "jax":
            # TensorFlow would make the metrics in the first step only.
            self._model._symbolic_build(data_batch=self._seen)


class Pace:
    """Says when a checkpoint is due; see `ResumableTraining`."""

    def __init__(self, every_steps: int | None, every_seconds: float) -> None:
        self.every_steps = every_steps
        self.every_seconds = every_seconds
        self.begin()

    def begin(self) -> None:
        """Counts from now on."""
        self._saved_at = time.monotonic()
        self._cost = 0.0

    def kept(self, started: float) -> None:
        """Notes a checkpoint whose writing began at a time of the monotonic clock."""
        self._saved_at = time.monotonic()
        self._cost = self._saved_at - started

    def due(self, steps: int) -> bool:
        """Whether one is due after so many steps of the training."""
        if self.every_steps is not None:
            return steps % self.every_steps == 0
        return time.monotonic() - self._saved_at > self.every_seconds

    def due_after_epoch(self) -> bool:
        """Whether one is due at the end of an epoch."""
        if self.every_steps is not None:
            return True
        return time.monotonic() - self._saved_at > _SHARE * self._cost
