"""Texts read by a language model with its states carried over all of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from ._data import bucket_edge

if TYPE_CHECKING:
    from ._language_network import LanguageNetwork

_ROWS = 32
# The most steps of one compiled call, the most units in it, and the most scores.
_STEPS, _UNITS, _SCORES = 512, 1 << 12, 1 << 24


def next_log_probabilities(network: LanguageNetwork, features: dict[str, Any]) -> dict[str, Any]:
    """Reads `previous` (rows, time) from `states`: log-probabilities of `target`, new states."""
    mask = ops.not_equal(features["previous"], 0)
    outputs, states = network.read(features["previous"], features["states"], mask=mask)
    logits = ops.cast(network.logits(outputs), "float32")
    target = ops.expand_dims(features["target"], -1)
    chosen = ops.squeeze(ops.take_along_axis(logits, target, axis=-1), -1)
    return {"gains": chosen - ops.logsumexp(logits, axis=-1), "states": states}


def walk(
    network: LanguageNetwork, texts: Sequence[np.ndarray], verbose: int = 0
) -> tuple[list[np.ndarray], list[list[np.ndarray]]]:
    """Reads texts of any length: the log-probability of each unit after the first, last states.

    Args:
        network: the network.
        texts: the units of each, of which the first one is read only.
        verbose: 1 shows a progress bar.

    Returns:
        For each text an array that is one shorter than it, and the states before its last unit, a
        list of vectors.
    """
    run = network._kept.compiled(
        network, "read", lambda features: next_log_probabilities(network, features)
    )
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    gains = [np.zeros(len(text) - 1, "float32") for text in texts]
    finals: list[list[np.ndarray]] = [[] for _ in texts]
    bar = keras.utils.Progbar(sum(map(len, gains)), verbose=verbose)
    done = 0
    for first in range(0, len(order), _ROWS):
        chosen = order[first : first + _ROWS]
        rows = 1 << (len(chosen) - 1).bit_length()
        longest = max(len(gains[number]) for number in chosen)
        most = min(_STEPS, _UNITS // rows, max(4, _SCORES // (rows * network.symbols.size)))
        states = [ops.convert_to_numpy(state) for state in network.initial_states(rows)]
        for begin in range(0, longest, most):
            steps = min(most, bucket_edge(longest - begin))
            previous, target = np.zeros((2, rows, steps), "int32")
            for row, number in enumerate(chosen):
                piece = texts[number][begin : begin + steps + 1]
                previous[row, : max(0, len(piece) - 1)] = piece[:-1]
                target[row, : max(0, len(piece) - 1)] = piece[1:]
            found = run({"previous": previous, "target": target, "states": states})
            states = found["states"]
            for row, number in enumerate(chosen):
                place = gains[number][begin : begin + steps]
                place[:] = found["gains"][row, : len(place)]
                done += len(place)
            if verbose:
                bar.update(done)
        for row, number in enumerate(chosen):
            finals[number] = [np.asarray(state)[row] for state in states]
    return gains, finals
