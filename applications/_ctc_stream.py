"""A CTC network that reads forwards only, a few frames at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

from ._decoding import Compiled

if TYPE_CHECKING:
    from ._ctc_application import CTCApplication


class CTCStream:
    """What has been read so far: the layers' states, and the logits.

    Frames come as they are known; the outputs are those that the network has for all of them
    together.

    Args:
        application: one that is adapted, with `bidirectional=False`.
    """

    def __init__(self, application: CTCApplication) -> None:
        self.application = application
        symbols = len(application.alphabet)
        self._step = Compiled(application, self._advance)
        self._states = [
            [np.zeros((1, int(size)), "float32") for size in layer.state_size]
            for layer in application.stack
        ]
        self._waiting = np.zeros((0, application.feature_size()), "float32")
        self._logits = np.zeros((0, symbols), "float32")

    def feed(self, frames: np.ndarray) -> None:
        """Reads more frames (time, features)."""
        waiting = np.concatenate([self._waiting, frames])
        whole = len(waiting) // self.application.reduction * self.application.reduction
        self._waiting = waiting[whole:]
        if whole:
            logits, self._states = self._run(waiting[:whole])
            self._logits = np.concatenate([self._logits, logits])

    def logits(self, more: np.ndarray | None = None) -> np.ndarray:
        """The logits (frames, symbols) so far, float32.

        Args:
            more: frames that may change yet; they are looked at as if they came next, and not kept.
        """
        tail = self._waiting if more is None else np.concatenate([self._waiting, more])
        if not len(tail):
            return self._logits
        return np.concatenate([self._logits, self._run(tail)[0]])

    @property
    def text(self) -> str:
        """The text of the most probable path so far."""
        return self.read(self.logits())

    def read(self, logits: np.ndarray) -> str:
        """The text of the most probable path of some logits."""
        best = logits.argmax(axis=-1)
        first = np.ones(len(best), bool)
        first[1:] = best[1:] != best[:-1]
        return self.application.alphabet.decode(best[first])

    def _run(self, frames: np.ndarray) -> tuple[np.ndarray, list[Any]]:
        by, count = self.application.reduction, len(frames)
        room = 4 * by  # few lengths to compile for
        while room < count:
            room *= 4
        padded = np.zeros((1, room, frames.shape[1]), "float32")
        padded[0, :count] = frames
        logits, states = self._step.predict_on_batch(
            {
                "frames": padded,
                "length": np.array([count], "int32"),
                "states": self._states,
            }
        )
        return np.asarray(logits)[0, : -(-count // by)], states

    def _advance(self, inputs: dict[str, Any]) -> tuple[Any, list[Any]]:
        application = self.application
        hidden, lengths, states = inputs["frames"], inputs["length"], []
        for number, (layer, before) in enumerate(
            zip(application.stack, inputs["states"], strict=True)
        ):
            mask = ops.arange(ops.shape(hidden)[1]) < ops.expand_dims(lengths, 1)
            hidden, *after = layer(hidden, initial_state=list(before), mask=mask)
            states.append(after)
            if number == 0:
                hidden, lengths = application.joined(hidden, mask, lengths)
        return application.answer(hidden), states
