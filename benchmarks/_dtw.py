"""Dynamic time warping of one sequence against many, in NumPy."""

from __future__ import annotations

import numpy as np

_AT_ONCE = 500


def distances(query: np.ndarray, templates: np.ndarray, band: int) -> np.ndarray:
    """The least cost of warping a sequence onto each of many of the same length.

        D[i, j] = |q_i - t_j|^2 + min(D[i - 1, j], D[i, j - 1], D[i - 1, j - 1])

    Args:
        query: (length, features).
        templates: (count, length, features).
        band: how far i and j may be apart (Sakoe and Chiba 1978).

    Returns:
        (count,), D at the last places.
    """
    parts = [
        _some(query, templates[first : first + _AT_ONCE], band)
        for first in range(0, len(templates), _AT_ONCE)
    ]
    return np.concatenate(parts)


def _some(query: np.ndarray, templates: np.ndarray, band: int) -> np.ndarray:
    length = len(query)
    products = np.einsum("if,njf->ijn", query, templates)
    sizes = (query**2).sum(1)[:, None, None] + (templates**2).sum(2).T[None]
    costs = np.maximum(sizes - 2 * products, 0)
    # Row i at diagonal k holds D[i, k - i], for all templates; one row of infinities before.
    shape = (length + 1, len(templates))
    before, last = (np.full(shape, np.inf, costs.dtype) for _ in range(2))
    for diagonal in range(2 * length - 1):
        now = np.full(shape, np.inf, costs.dtype)
        # |i - (k - i)| is at most the band.
        low = max(0, diagonal - length + 1, -((band - diagonal) // 2))
        high = min(diagonal, length - 1, (diagonal + band) // 2)
        rows = np.arange(low, high + 1)
        here = costs[rows, diagonal - rows]
        if diagonal == 0:
            now[1] = here[0]
        else:
            way = np.minimum(np.minimum(last[rows], last[rows + 1]), before[rows])
            now[rows + 1] = here + way
        before, last = last, now
    return last[length]
