"""Texts read by a language model with its states carried over all of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from ._data import bucket_edge

if TYPE_CHECKING:
    from ._language_network import LanguageNetwork

# Steps of one compiled call, and how many items a call has at most.
_WINDOW = 512
_ROWS = 32


def next_log_probabilities(network: LanguageNetwork, features: dict[str, Any]) -> dict[str, Any]:
    """Reads `previous` (rows, time) from `states`: log-probabilities of `target`, new states."""
    mask = ops.not_equal(features["previous"], 0)
    outputs, states = network.read(features["previous"], features["states"], mask=mask)
    logits = ops.cast(network.logits(outputs), "float32")
    target = ops.expand_dims(features["target"], -1)
    chosen = ops.squeeze(ops.take_along_axis(logits, target, axis=-1), -1)
    return {"gains": chosen - ops.logsumexp(logits, axis=-1), "states": states}


def walk(
    run: Callable[[dict[str, Any]], dict[str, Any]],
    texts: Sequence[np.ndarray],
    start: Callable[[int], list[np.ndarray]],
    verbose: int = 0,
) -> tuple[list[np.ndarray], list[list[np.ndarray]]]:
    """Reads texts of any length: the log-probability of each unit after the first, last states.

    Args:
        run: `next_log_probabilities`, compiled.
        texts: units, of which the first one is read only.
        start: from a number of rows to the states before a text.
        verbose: 1 shows a progress bar.

    Returns:
        For each text an array that is one shorter than it, and its states, a list of vectors.
    """
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    gains: list[np.ndarray] = [np.zeros(max(0, len(text) - 1), "float32") for text in texts]
    finals: list[list[np.ndarray]] = [[] for _ in texts]
    bar = keras.utils.Progbar(sum(map(len, gains)) or 1, verbose=verbose)
    done = 0
    for first in range(0, len(order), _ROWS):
        chosen = order[first : first + _ROWS]
        rows = 1 << (len(chosen) - 1).bit_length()
        longest = max(len(gains[number]) for number in chosen)
        states = start(rows)
        for begin in range(0, longest, _WINDOW):
            steps = min(_WINDOW, bucket_edge(longest - begin))
            batch = np.zeros((2, rows, steps), "int32")
            for row, number in enumerate(chosen):
                piece = texts[number][begin : begin + steps + 1]
                if len(piece) > 1:
                    batch[0, row, : len(piece) - 1] = piece[:-1]
                    batch[1, row, : len(piece) - 1] = piece[1:]
            found = run({"previous": batch[0], "target": batch[1], "states": states})
            states = found["states"]
            for row, number in enumerate(chosen):
                place = gains[number][begin : begin + steps]
                place[:] = found["gains"][row, : len(place)]
                done += len(place)
            bar.update(done)
        for row, number in enumerate(chosen):
            finals[number] = [np.asarray(state)[row] for state in states]
    return gains, finals
