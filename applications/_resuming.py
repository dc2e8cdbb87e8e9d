"""Trainings that go on where they were interrupted."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from zoo.layers._arguments import positive_integer

from ._checkpoints import CheckpointError, Checkpoints
from ._data import Batches
from ._deferred import Deferred
from ._rates import DivergedError, RolledBack, lower_rate
from ._resumed_steps import DoneSteps, Pace
from ._snapshots import Arrays, finite, pack, pack_variables, unpack
from ._training_state import WEIGHTS_AND_OPTIMIZER, put, put_history, take

ON_NAN = ("stop", "roll_back")


class ResumableTraining(keras.callbacks.Callback):
    """Keeps checkpoints, and goes on from the last one when the same training is started again.

    Killed at any moment, a training that is started again with the same arguments goes on at the
    exact step: weights, optimizer, metrics, random states, the order of the data, and what other
    callbacks have learned are those of the checkpoint. On the same machine its end is that of an
    undisturbed training, bit by bit. A checkpoint is whole or not there; one that cannot be read
    is told of in a warning, and the one before it is taken. On Ctrl-C and SIGTERM the step under
    way is finished and kept first.

    Give it to the `fit` of an application, which knows the other callbacks and remakes the order
    of its batches. In the `fit` of another model it must be the last callback, `others` those
    before it, and the order of the batches always the same; those of the interrupted epoch are
    read again and thrown away. Of a callback, numbers, texts, arrays, and lists and dicts of these
    are kept, of randomness Keras's, Python's and NumPy's global one.

    Args:
        folder: where the checkpoints lie; beside them nothing else.
        every_steps: keep every so many steps; None goes by the clock.
        every_seconds: keep every so many seconds. Ends of epochs are kept too, unless the last
            checkpoint is so young that writing would take more than a twentieth of the time.
        keep: how many checkpoints are kept.
        on_nan: what to do when the loss is not finite: "stop" raises an error; "roll_back" goes
            on from the last checkpoint with half the learning rate (of an application only).
        roll_backs: how often at most.
        delete_checkpoint: remove the folder when training has ended.
        identity: values by name that must be the same when training goes on.
        others: the callbacks whose states are kept.
        tell: takes a sentence when training goes on.

    Raises:
        CheckpointError: the disk refuses, the folder is in use, or its checkpoints are those of
            another training.
        DivergedError: the loss is not finite.

    Example:

    >>> import tempfile
    >>> from zoo.applications import Translator
    >>> from zoo.callbacks import ResumableTraining
    >>> pairs = [("a dog runs", "ein Hund rennt"), ("a cat sleeps", "eine Katze schläft")]
    >>> translator = Translator(units=16, embedding_size=16, vocabulary_size=300)
    >>> resumable = ResumableTraining(tempfile.mkdtemp() + "/training", every_seconds=60)
    >>> history = translator.fit(pairs, epochs=2, callbacks=[resumable], verbose=0)
    >>> resumable.steps
    2
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        every_steps: int | None = None,
        every_seconds: float = 60.0,
        keep: int = 3,
        on_nan: str = "stop",
        roll_backs: int = 3,
        delete_checkpoint: bool = True,
        identity: Mapping[str, Any] | None = None,
        others: Sequence[keras.callbacks.Callback] = (),
        tell: Callable[[str], None] | None = print,
    ) -> None:
        super().__init__()
        if every_steps is not None:
            positive_integer("every_steps", every_steps)
        if on_nan not in ON_NAN:
            raise ValueError(
                f"`on_nan` must be {' or '.join(map(repr, ON_NAN))}. Received: on_nan={on_nan!r}."
            )
        self.checkpoints = Checkpoints(folder, positive_integer("keep", keep))
        self.pace = Pace(every_steps, every_seconds)
        self.on_nan = on_nan
        self.roll_backs = roll_backs
        self.delete_checkpoint = delete_checkpoint
        self.identity = dict(identity or {})
        self.others = list(others)
        self.tell = tell or (lambda _: None)
        self.steps = 0  # of the whole training
        self.epoch = 0
        self.step = 0  # of this epoch
        self._batches: Batches | None = None
        self._rolling = False
        self._signals = Deferred()
        self._forget()

    def _forget(self) -> None:
        self.steps = self.epoch = self.step = 0
        self._found: tuple[dict[str, Any], Arrays] | None = None
        self._done: DoneSteps | None = None  # of this epoch, before the interruption
        self._lowered = 0
        self._logs: dict[str, Any] = {}
        self._number = 0  # of the epoch, as the batches count
        self._saved_step = 0
        self.pace.begin()

    def attach(
        self,
        others: Sequence[keras.callbacks.Callback],
        batches: Batches,
        validation: Batches | None,
    ) -> None:
        """Says with what an application trains."""
        # What only looks on may come and go.
        watching = (ResumableTraining, keras.callbacks.TensorBoard)
        self.others = [callback for callback in others if not isinstance(callback, watching)]
        self._batches = batches
        self.identity["training data"] = batches.identity()
        self.identity["validation data"] = validation.identity() if validation else None

    def release(self) -> None:
        """Lets others use the folder, and the signals; after a training that may have failed."""
        self._signals.stop()
        self.checkpoints.close()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        rolling, self._rolling = self._rolling, False
        if self.on_nan == "roll_back" and self._batches is None:
            raise ValueError("`on_nan='roll_back'` needs the `fit` of an application.")
        self.checkpoints.open()
        self._forget()
        found = self.checkpoints.latest()
        if found is None:
            self._save()
        else:
            self._go_on(*found, rolling)
        self._signals.listen()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.model._initial_epoch = None
        self.epoch, self.step = epoch, 0
        if self._batches is not None:
            self._number = self._batches.epoch
        if self._found is not None:
            put_history(self.model, *self._found, epoch)
            if self._done is None:
                self._found = None

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._signals.in_step = self._done is None

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._signals.in_step = False
        if self._done is not None:
            if batch + 1 >= self._done.count:
                self._arrive()
            return
        self.steps += batch + 1 - self.step
        self.step = batch + 1
        self._logs = dict(logs or {})
        loss = self._logs.get("loss")
        if loss is not None and not math.isfinite(float(loss)):
            self._diverged("loss is")
        if self._signals.asked is not None:
            self._save()
            self._signals.deliver()
        elif self._due():
            self._save()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch, self.step = epoch + 1, 0
        last = self.epoch == self.params["epochs"] or self.model.stop_training
        if self.pace.due_after_epoch() or (last and not self.delete_checkpoint):
            self._save(logs)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self._found is not None:  # there was nothing left to do
            put_history(self.model, *self._found, self.epoch)
        self.model._initial_epoch = None
        self._signals.stop()
        if self.delete_checkpoint:
            self.checkpoints.remove()

    def _due(self) -> bool:
        at_the_end = self.step == self.params["steps"] and self.pace.due_after_epoch()
        return at_the_end or self.pace.due(self.steps)

    def _save(self, epoch_logs: dict[str, Any] | None = None) -> None:
        started = time.monotonic()
        arrays: Arrays = {}
        history = self.model.history.history if self.steps else {}
        for name, value in (epoch_logs or {}).items():  # Keras's own callback comes after this one
            history = {**history, name: [*history.get(name, []), value]}
        state = {
            "identity": self.identity,
            "epoch": self.epoch,
            "step": self.step,
            "steps": self.steps,
            "stopped": bool(self.model.stop_training),
            "lowered": self._lowered,
            "batches": self._position(),
            "logs": pack(self._logs, arrays, "logs"),
            **take(self.model, self.others, history, arrays),
        }
        if not finite(arrays, WEIGHTS_AND_OPTIMIZER):
            self._diverged("weights are")
        self.checkpoints.save(self.steps, state, arrays)
        self._saved_step = self.steps
        self.pace.kept(started)

    def _position(self) -> dict[str, int] | None:
        if self._batches is None:
            return None
        number = self._number if self.step else self._batches.epoch
        return {"seed": self._batches.seed, "epoch": number}

    def _go_on(self, state: dict[str, Any], arrays: Arrays, rolling: bool) -> None:
        for name in dict.fromkeys([*self.identity, *state["identity"]]):
            old, new = state["identity"].get(name), self.identity.get(name)
            if old != new:
                raise self._of_another(f"{name} was {old!r}, and is now {new!r}")
        self._found = state, arrays
        self.epoch, self.step, self.steps = state["epoch"], state["step"], state["steps"]
        self._lowered, self._saved_step = state["lowered"], state["steps"]
        if self._batches is not None:
            self._batches.go_to(**state["batches"], done=self.step)
        self._put(metrics=False)
        finished = state["stopped"] and not self.step
        self.model._initial_epoch = self.params["epochs"] if finished else self.epoch
        if self._lowered or rolling:
            self._lowered += rolling
            lower_rate(self.model, self._lowered, anew=rolling)
        if self.step:
            self._done = DoneSteps(self.model, self.step, unpack(state["logs"], arrays))
        if rolling:
            state["lowered"] = self._lowered
            optimizer = self.model.optimizer.variables  # with the lower rate
            state["variables"]["optimizer"] = pack_variables(optimizer, arrays, "optimizer")
            self.checkpoints.save(self.steps, state, arrays)
        elif self.steps:
            total = self.params["epochs"] * (self.params["steps"] or 0)
            of = f" of {total}" if total else ""
            self.tell(f"Going on after step {self.steps}{of} (epoch {self.epoch + 1}).")

    def _arrive(self) -> None:
        """Puts everything as it was after the last step before the interruption."""
        assert self._found is not None and self._done is not None
        self._done.end()
        state, _ = self._found
        self._put(metrics=True)
        self.step, self.steps = state["step"], state["steps"]
        self.model.stop_training = state["stopped"]
        self._found = self._done = None
        self.pace.begin()

    def _put(self, *, metrics: bool) -> None:
        assert self._found is not None
        try:
            put(self.model, self.others, *self._found, metrics=metrics)
        except ValueError as error:
            raise self._of_another(str(error)) from error

    def _of_another(self, reason: str) -> CheckpointError:
        return CheckpointError(
            f"The checkpoints in {self.checkpoints.folder} are of another training ({reason}): go "
            "on with that one, or remove the folder (`zoo train --restart`)."
        )

    def _diverged(self, what: str) -> None:
        self._signals.stop()
        where = f"The {what} not finite at step {self.steps} (epoch {self.epoch + 1})"
        done = self._lowered
        if self.on_nan == "roll_back" and done < self.roll_backs:
            self.tell(
                f"{where}: back to step {self._saved_step}, with half the learning rate "
                f"(time {done + 1} of {self.roll_backs})."
            )
            self._rolling = True
            raise RolledBack
        if done:
            where += f", after {done} halvings of the learning rate"
        advice = "" if self.on_nan == "roll_back" else ", or ask for `on_nan: roll_back`"
        raise DivergedError(f"{where}: lower `learning_rate`{advice}.")


def fit_resumably(
    fit: Callable[..., keras.callbacks.History],
    callbacks: list[keras.callbacks.Callback],
    batches: Batches,
    validation: Batches | None,
) -> keras.callbacks.History:
    """Trains with any `ResumableTraining` among the callbacks behind all others."""
    ours = [callback for callback in callbacks if isinstance(callback, ResumableTraining)]
    if not ours:
        return fit(batches.for_training(), callbacks=callbacks)
    (resumable,) = ours
    others = [callback for callback in callbacks if callback is not resumable]
    resumable.attach(others, batches, validation)
    try:
        while True:
            try:
                return fit(batches.for_training(), callbacks=[*others, resumable])
            except RolledBack:
                continue
    finally:
        resumable.release()
