"""Connectionist temporal classification: one output a frame, and texts shorter than the frames.

Symbol 0 is the blank. A path has one symbol a frame; its text is what is left when runs of equal
symbols are made one and blanks are then left out. Networks put *certain blanks*, `close`, behind
the last frame of each item, so that their outputs say how long each is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

BLANK = 0
_CERTAIN = -1e4  # within float16


def close(logits: Any, lengths: Any) -> Any:
    """Makes all frames behind the length of each item certain blanks.

    Args:
        logits: (batch, frames, symbols).
        lengths: integers (batch,).
    """
    outside = ops.arange(ops.shape(logits)[1]) >= ops.expand_dims(lengths, 1)
    certain = np.full((logits.shape[-1],), _CERTAIN, "float32")
    certain[BLANK] = 0
    certain = ops.convert_to_tensor(certain, logits.dtype)
    return ops.where(ops.expand_dims(outside, -1), certain, logits)


def frame_lengths(logits: Any) -> Any:
    """Returns how many frames of each item come before `close`'s: integers (batch,)."""
    real = ops.max(logits[..., 1:], axis=-1) > _CERTAIN / 2
    frames = ops.arange(1, ops.shape(logits)[1] + 1)
    return ops.max(ops.where(real, ops.cast(frames, "int32"), 0), axis=-1)


@keras.saving.register_keras_serializable(package="zoo")
class CTCLoss(keras.losses.Loss):
    """The CTC loss in nats per symbol: the negative log-probability of the texts.

        loss = -sum_i log p(y_i | x_i) / sum_i |y_i|,    p(y | x) = sum of p over the paths of y

    Every item counts with its own number of frames and of symbols, whatever it is padded to.

    Call arguments:
        y_true: integers (batch, symbols) above 0, padded with 0.
        y_pred: logits (batch, frames, symbols), made by `close`.

    Example:

    >>> import numpy as np
    >>> from zoo.applications._ctc import CTCLoss
    >>> float(CTCLoss()(np.array([[1]]), np.zeros((1, 2, 3), "float32")))  # 3 of 9 paths
    1.0986...

    Reference:
        Graves et al. 2006, "Connectionist temporal classification: labelling unsegmented sequence
        data with recurrent neural networks".
    """

    def __init__(self, name: str = "ctc", **kwargs: Any) -> None:
        kwargs.setdefault("reduction", "sum")
        super().__init__(name=name, **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        symbols = ops.sum(ops.cast(ops.not_equal(y_true, BLANK), "float32"))
        return ops.sum(item_losses(y_true, y_pred)) / ops.maximum(symbols, 1.0)


def item_losses(y_true: Any, y_pred: Any) -> Any:
    """Returns the loss of each item in nats, (batch,); see `CTCLoss`."""
    y_true = ops.cast(y_true, "int32")
    counts = ops.sum(ops.cast(ops.not_equal(y_true, BLANK), "int32"), axis=1)
    # Keras's engines need one frame.
    lengths = ops.maximum(frame_lengths(y_pred), 1)
    return ops.ctc_loss(y_true, ops.cast(y_pred, "float32"), counts, lengths, mask_index=BLANK)


def frames_needed(symbols: Sequence[int] | np.ndarray) -> int:
    """Returns the fewest frames for a text: a blank must part equal neighbours."""
    symbols = np.asarray(symbols)
    return len(symbols) + int((symbols[1:] == symbols[:-1]).sum())


def greedy(logits: Any) -> Any:
    """Returns the text of the most probable path, integers (batch, frames) with 0 in between.

    Args:
        logits: (batch, frames, symbols).
    """
    best = ops.cast(ops.argmax(logits, axis=-1), "int32")
    before = ops.pad(best[:, :-1], [[0, 0], [1, 0]])
    return ops.where(best == before, BLANK, best)


class Alignment(NamedTuple):
    """Which frames gave which symbol.

    Attributes:
        path: a symbol for each frame, blanks included.
        starts, ends: for each symbol of the text its first frame, and the one after its last.
        score: the log-probability of the path.
    """

    path: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    score: float


def align(log_probabilities: np.ndarray, symbols: Sequence[int] | np.ndarray) -> Alignment:
    """Finds the most probable path of a given text, by Viterbi.

    Args:
        log_probabilities: (frames, symbols) of one item.
        symbols: the text, without blanks.

    Raises:
        ValueError: the text needs more frames than there are.

    Example:

    >>> import numpy as np
    >>> from zoo.applications._ctc import align
    >>> found = align(np.log([[0.6, 0.4], [0.1, 0.9], [0.7, 0.3]]), [1])
    >>> found.path.tolist(), found.starts.tolist(), found.ends.tolist()
    ([0, 1, 0], [1], [2])
    """
    symbols = np.asarray(symbols, int)
    frames = len(log_probabilities)
    if frames < frames_needed(symbols):
        raise ValueError(
            f"A text of {len(symbols)} symbols needs {frames_needed(symbols)} frames. "
            f"Received: {frames}."
        )
    # Blanks around every symbol: state 2 i + 1 is symbol i.
    states = np.zeros(2 * len(symbols) + 1, int)
    states[1::2] = symbols
    may_skip = np.zeros(len(states), bool)
    may_skip[3::2] = symbols[1:] != symbols[:-1]
    emitted = np.asarray(log_probabilities, "float64")[:, states]
    scores = np.full(len(states), -np.inf)
    scores[:2] = 0
    came = np.zeros((frames, len(states)), int)
    for frame in range(frames):
        if frame:
            options = np.full((3, len(states)), -np.inf)
            options[0] = scores
            options[1, 1:] = scores[:-1]
            options[2, 2:] = np.where(may_skip[2:], scores[:-2], -np.inf)
            came[frame] = options.argmax(axis=0)
            scores = options.max(axis=0)
        scores = scores + emitted[frame]
    last = len(states) - 1
    state = last if not last or scores[last] >= scores[last - 1] else last - 1
    score, way = float(scores[state]), np.zeros(frames, int)
    for frame in range(frames - 1, -1, -1):
        way[frame] = state
        state -= came[frame, state]
    numbers = np.arange(len(symbols)) * 2 + 1
    starts = np.searchsorted(way, numbers)
    return Alignment(states[way], starts, np.searchsorted(way, numbers + 1), score)
