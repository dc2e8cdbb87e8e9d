"""Trainings that go on where they were interrupted."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from zoo.layers._arguments import positive_integer

from ._checkpoints import CheckpointError, Checkpoints
from ._data import Batches
from ._rates import lower_rate
from ._snapshots import (
    Arrays,
    finite,
    pack,
    pack_callback,
    pack_randomness,
    pack_variables,
    put_randomness,
    put_variables,
    unpack,
)

ON_NAN = ("stop", "roll_back")

_SHARE = 20  # at the end of an epoch, so many times longer than writing a checkpoint takes
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class DivergedError(RuntimeError):
    """The loss or a weight is no longer a finite number; the message says what was done."""


class RolledBack(Exception):
    """Training is to go on from the last checkpoint; for `Application.fit`, which starts anew."""


class ResumableTraining(keras.callbacks.Callback):
    """Keeps checkpoints, and goes on from the last one when the same training is started again.

    Killed at any moment, a training that is started again with the same arguments goes on at the
    exact step: weights, optimizer, metrics, random states, the order of the data, and what other
    callbacks have learned are those of the checkpoint. On the same machine its end is that of an
    undisturbed training, bit by bit. A checkpoint is whole or not there; one that cannot be read
    is told of in a warning, and the one before it is taken. On Ctrl-C and SIGTERM the step under
    way is finished and kept first.

    Give it to the `fit` of an application, which knows the other callbacks and remakes the order
    of its batches. In the `fit` of another model, the other callbacks are those in `others`, it
    must be the last one, batches must come in the same order each time, and those of the epoch
    that was interrupted are read again and thrown away. Randomness must be Keras's, NumPy's global
    one or Python's; of a callback, numbers, texts, arrays, and lists and dicts of these are kept.

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
        self.every_steps = every_steps
        self.every_seconds = every_seconds
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
        self._forget()

    def _forget(self) -> None:
        self._found: tuple[dict[str, Any], Arrays] | None = None
        self._skip = 0  # steps of this epoch that were done before the interruption
        self._lowered = 0
        self._logs: dict[str, Any] = {}
        self._number = 0  # of the epoch, as the batches count
        self._saved_step = -1
        self._saved_at = time.monotonic()
        self._cost = 0.0
        self._in_step = False
        self._asked: int | None = None
        self._handlers: dict[int, Any] = {}

    def attach(
        self,
        others: Sequence[keras.callbacks.Callback],
        batches: Batches,
        validation: Batches | None,
    ) -> None:
        """Says with what an application trains."""
        self.others = [callback for callback in others if callback is not self]
        self._batches = batches
        self.identity["training data"] = batches.identity()
        self.identity["validation data"] = validation.identity() if validation else None

    def release(self) -> None:
        """Lets others use the folder, and the signals; after a training that may have failed."""
        self._unlisten()
        self.checkpoints.close()

    # What Keras calls.

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        rolling, self._rolling = self._rolling, False
        if self.on_nan == "roll_back" and self._batches is None:
            raise ValueError("`on_nan='roll_back'` needs the `fit` of an application.")
        self.checkpoints.open()
        self._forget()
        self.steps = self.epoch = self.step = 0
        self._found = self.checkpoints.latest()
        if self._found is None:
            self._save()
        else:
            self._go_on(*self._found, rolling)
        self._listen()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.model._initial_epoch = None
        self.epoch, self.step = epoch, 0
        if self._batches is not None:
            self._number = self._batches.epoch
        if self._found is not None:
            self._put_history(*self._found)
            if not self._skip:
                self._found = None

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._in_step = True

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._in_step = False
        if self._skip:
            if batch + 1 >= self._skip:
                self._arrive()
            return
        self.steps += batch + 1 - self.step
        self.step = batch + 1
        self._logs = dict(logs or {})
        loss = self._logs.get("loss")
        if loss is not None and not math.isfinite(float(loss)):
            self._diverged("loss is")
        if self._asked is not None:
            asked, self._asked = self._asked, None
            self._save()
            self._unlisten()
            signal.raise_signal(asked)
        elif self._due():
            self._save()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch, self.step = epoch + 1, 0
        last = self.epoch == self.params["epochs"] or self.model.stop_training
        if self._due_at_the_end() or (last and not self.delete_checkpoint):
            self._save(logs)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self._found is not None:  # there was nothing left to do
            self._put_history(*self._found)
        self.model._initial_epoch = None
        self._unlisten()
        if self.delete_checkpoint:
            self.checkpoints.remove()

    # Keeping.

    def _due(self) -> bool:
        if self.step == self.params["steps"] and self._due_at_the_end():
            return True
        if self.every_steps is not None:
            return self.steps % self.every_steps == 0
        return time.monotonic() - self._saved_at > self.every_seconds

    def _due_at_the_end(self) -> bool:
        if self.every_steps is not None:
            return True
        return time.monotonic() - self._saved_at > _SHARE * self._cost

    def _save(self, epoch_logs: dict[str, Any] | None = None) -> None:
        started = time.monotonic()
        arrays: Arrays = {}
        state = self._pack(arrays, epoch_logs)
        if not finite(arrays, ("trainable.", "optimizer.")):
            self._diverged("weights are")
        self.checkpoints.save(self.steps, state, arrays)
        self._saved_step = self.steps
        self._saved_at = time.monotonic()
        self._cost = self._saved_at - started

    def _pack(self, arrays: Arrays, epoch_logs: dict[str, Any] | None) -> dict[str, Any]:
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()  # during an epoch, JAX keeps the values elsewhere
        history = {} if self.steps == 0 else self.model.history.history
        for name, value in (epoch_logs or {}).items():  # Keras's own callback comes after this one
            history = {**history, name: [*history.get(name, []), value]}
        return {
            "identity": self.identity,
            "epoch": self.epoch,
            "step": self.step,
            "steps": self.steps,
            "stopped": bool(self.model.stop_training),
            "lowered": self._lowered,
            "batches": self._position(),
            "logs": pack(self._logs, arrays, "logs"),
            "history": pack(history, arrays, "history"),
            "randomness": pack_randomness(arrays),
            "variables": {
                name: pack_variables(variables, arrays, name)
                for name, variables in self._variables().items()
            },
            "callbacks": [
                [type(callback).__name__, pack_callback(callback, arrays, f"callback.{number}")]
                for number, callback in enumerate(self.others)
            ],
        }

    def _position(self) -> dict[str, int] | None:
        if self._batches is None:
            return None
        number = self._number if self.step else self._batches.epoch
        return {"seed": self._batches.seed, "epoch": number}

    def _variables(self) -> dict[str, list[Any]]:
        model = self.model
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        return {
            "trainable": model.trainable_variables,
            "non_trainable": model.non_trainable_variables,
            "optimizer": model.optimizer.variables,
            "metrics": model.metrics_variables,
        }

    # Going on.

    def _go_on(self, state: dict[str, Any], arrays: Arrays, rolling: bool) -> None:
        self._check_identity(state["identity"])
        self.epoch, self.step, self.steps = state["epoch"], state["step"], state["steps"]
        self._lowered = state["lowered"]
        self._saved_step = self.steps
        self._number = state["batches"]["epoch"] if state["batches"] else 0
        if self._batches is not None:
            self._batches.go_to(state["batches"]["seed"], self._number, self.step)
        self._put(state, arrays, without=("metrics",))
        stopped = state["stopped"] and not self.step
        self.model._initial_epoch = self.params["epochs"] if stopped else self.epoch
        if self._lowered or rolling:
            self._lowered += rolling
            lower_rate(self.model, self._lowered, anew=rolling)
        if self.step:
            self._skip = self.step
            self._skip_steps(unpack(state["logs"], arrays))
        if rolling:
            arrays.update(self._repacked(state))
            self.checkpoints.save(self.steps, {**state, "lowered": self._lowered}, arrays)
        elif self.steps:
            total = self.params["epochs"] * (self.params["steps"] or 0)
            of = f" of {total}" if total else ""
            self.tell(f"Going on at step {self.steps + 1}{of} (epoch {self.epoch + 1}).")

    def _repacked(self, state: dict[str, Any]) -> Arrays:
        """The optimizer's variables with the lower rate."""
        arrays: Arrays = {}
        state["variables"]["optimizer"] = pack_variables(
            self.model.optimizer.variables, arrays, "optimizer"
        )
        return arrays

    def _skip_steps(self, logs: dict[str, Any]) -> None:
        """Lets Keras count the steps that are done already, and does nothing in them."""
        do_step = self.model.train_function

        def skip(*arguments: Any) -> Any:
            *state, data = arguments
            if hasattr(data, "get_next"):  # else Keras has read what it gives
                data = [next(data) for _ in range(self.model.steps_per_execution)]
            self._seen = data[0]
            return (logs, *state) if state else logs

        self._do_step = do_step
        self.model.train_function = skip

    def _arrive(self) -> None:
        """Puts everything as it was after the step before the interruption."""
        assert self._found is not None
        state, arrays = self._found
        self.model.train_function = self._do_step
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()
        else:
            # TensorFlow would make the metrics in the first step only.
            self.model._symbolic_build(data_batch=self._seen)
        self._put(state, arrays)
        self._seen = None
        self._found = None
        self._skip = 0
        self.step, self.steps = state["step"], state["steps"]
        self._saved_at = time.monotonic()
        self.model.stop_training = state["stopped"]

    def _put(self, state: dict[str, Any], arrays: Arrays, without: tuple[str, ...] = ()) -> None:
        try:
            for name, variables in self._variables().items():
                if name not in without:
                    put_variables(variables, state["variables"][name], arrays, name)
        except ValueError as error:
            raise CheckpointError(self._others_training(str(error))) from error
        names = [type(callback).__name__ for callback in self.others]
        before = [name for name, _ in state["callbacks"]]
        if names != before:
            raise CheckpointError(
                self._others_training(f"its callbacks are {before}, and here they are {names}")
            )
        for callback, (_, values) in zip(self.others, state["callbacks"], strict=True):
            vars(callback).update(
                {name: unpack(value, arrays) for name, value in values.items()}
            )
        put_randomness(state["randomness"], arrays)

    def _put_history(self, state: dict[str, Any], arrays: Arrays) -> None:
        self.model.history.history = unpack(state["history"], arrays)
        self.model.history.epoch = list(range(state["epoch"]))

    def _check_identity(self, before: dict[str, Any]) -> None:
        for name in dict.fromkeys([*self.identity, *before]):
            old, new = before.get(name), self.identity.get(name)
            if old != new:
                raise CheckpointError(
                    self._others_training(f"{name} was {old!r}, and here it is {new!r}")
                )

    def _others_training(self, reason: str) -> str:
        return (
            f"The checkpoints in {self.checkpoints.folder} are of another training ({reason}): go "
            "on with that one, or remove the folder (`zoo train --restart`)."
        )

    # Losses that are no numbers, and signals.

    def _diverged(self, what: str) -> None:
        where = f"at step {self.steps} (epoch {self.epoch + 1})"
        done = self._lowered
        if self.on_nan == "roll_back" and done < self.roll_backs:
            self.tell(
                f"The {what} not finite {where}: back to step {self._saved_step}, with half the "
                f"learning rate (time {done + 1} of {self.roll_backs})."
            )
            self._rolling = True
            self._unlisten()
            raise RolledBack
        self._unlisten()
        raise DivergedError(
            f"The {what} not finite {where}"
            + (f", after {done} halvings of the learning rate" if done else "")
            + ": lower `learning_rate`"
            + ("." if self.on_nan == "roll_back" else ", or ask for `on_nan: roll_back`.")
        )

    def _listen(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number in _SIGNALS:
            self._handlers[number] = signal.signal(number, self._handle)

    def _unlisten(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}

    def _handle(self, number: int, frame: Any) -> None:
        if self._in_step and not self._skip and self._asked is None:
            self._asked = number
            return
        self._unlisten()
        signal.raise_signal(number)


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
