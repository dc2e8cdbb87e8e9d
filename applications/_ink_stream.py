"""Ink read while it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._ctc_stream import CTCStream
from ._ink import as_ink

if TYPE_CHECKING:
    from .handwriting import HandwritingRecognizer


class InkStream:
    """Takes the points of a pen as they come, and says what has been written so far.

    At any time, `text` is what `HandwritingRecognizer.recognize` reads in the ink so far, and
    `logits()` what the network says of it. Made by `HandwritingRecognizer.stream`.

    Args:
        recognizer: one that reads forwards only.
        height: see `HandwritingRecognizer.stream`.
    """

    def __init__(self, recognizer: HandwritingRecognizer, height: float | None = None) -> None:
        self.recognizer = recognizer
        self.height = height
        self._frames = CTCStream(recognizer)
        self._fed = 0
        self._strokes: list[np.ndarray] = []
        self._stroke = np.zeros((0, 2))
        self._open = np.zeros((0, recognizer.feature_size()), "float32")

    def feed(self, points: Any) -> None:
        """Goes on with the stroke that is being drawn, or begins one.

        Args:
            points: an array (points, 2) of x and y.

        Raises:
            ValueError: a coordinate is not finite, or the ink becomes too long.
        """
        points = np.asarray(points, "float64").reshape(-1, 2)
        if not len(points):
            return
        as_ink([points], "the points")
        self._stroke = np.concatenate([self._stroke, points])
        self._read(open_end=True)

    def lift(self) -> None:
        """Ends the stroke: the pen leaves the paper."""
        if len(self._stroke):
            self._strokes.append(self._stroke)
            self._stroke = np.zeros((0, 2))
            self._read(open_end=False)

    def _read(self, open_end: bool) -> None:
        strokes = [*self._strokes, self._stroke] if open_end else self._strokes
        example = self.recognizer.example(strokes, 0, self.height)
        frames = example["frames"]
        known = len(frames)
        if open_end:
            known -= self.recognizer.reader.unsettled(example)
        self._frames.feed(frames[self._fed : known])
        self._fed = known
        self._open = frames[known:]

    @property
    def text(self) -> str:
        """What has been written so far."""
        return self._frames.read(self.logits())

    def logits(self) -> np.ndarray:
        """What the network says of the ink so far, (frames, symbols)."""
        return self._frames.logits(self._open)
