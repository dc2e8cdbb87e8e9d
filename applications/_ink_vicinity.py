"""Ink as points that know their surroundings: the 25 features of Graves et al. 2009."""

from __future__ import annotations

import numpy as np

from ._ink import UP, pack, unpack
from ._ink_features import resample

VICINITY_FEATURES = 25

_AROUND = 3
_SLOW = 10
_CELL = 1.0
_BLOCK = 512


def vicinity_features(ink: np.ndarray, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """What each point says, in view of those around it in time and on paper.

    In this order: whether the pen leaves the paper (1); whether a delayed stroke was removed above
    the point, such as the dot of an i (1); the speed of the pen before resampling, in parts of its
    mean, taking pens to report their place at a constant rate (1); x less its moving average (1);
    y (1); cosine and sine of the direction in which it goes on (2); of the angle between the lines
    to the points before and after it (2); of the trajectory around it (three points before and
    three behind), with dx and dy the sides of its box, the aspect `(dy - dx) / (dy + dx)` (1), the
    slope, cosine and sine of the direction from its first to its last point (2), the curliness, its
    length by the longer side (1), and the linearity, the mean squared distance from the line
    between its ends (1); how much ink there is above the small letters and below the baseline, one
    letter height to the left and to the right (2); and how much there is in each of the nine
    squares around the point, row by row (9). Amounts of ink are lengths.

    Args:
        ink: packed ink, normalised.
        spacing: points are put at this distance.

    Returns:
        The points that are left, packed, and their features, float32 (points, 25).

    References:
        Graves et al. 2009, "A novel connectionist system for unconstrained handwriting
        recognition"; Liwicki and Bunke 2006, "HMM-based on-line recognition of handwritten
        whiteboard notes".
    """
    strokes = unpack(ink)
    delayed = _delayed(strokes)
    kept = [stroke for stroke, late in zip(strokes, delayed, strict=True) if not late]
    points = resample(pack(kept), spacing)
    features = np.zeros((len(points), VICINITY_FEATURES), "float32")
    if not len(points):
        return points, features
    places = points[:, :2]
    features[:, 0] = points[:, UP]
    for stroke, late in zip(strokes, delayed, strict=True):
        if late:
            low, high = stroke[:, 0].min() - spacing, stroke[:, 0].max() + spacing
            features[(places[:, 0] >= low) & (places[:, 0] <= high), 1] = 1
    features[:, 2] = _speeds(kept, spacing)
    features[:, 3] = places[:, 0] - _moving_average(places[:, 0])
    features[:, 4] = places[:, 1]
    _along(features, points)
    _on_paper(features, places, spacing)
    return points, features


def _delayed(strokes: list[np.ndarray]) -> list[bool]:
    """Which strokes come late: written above ink that is there, with the pen going on rightwards.

    At the end of the ink, nothing needs to follow.
    """
    late = []
    for number, stroke in enumerate(strokes):
        low, high = stroke[:, 0].min(), stroke[:, 0].max()
        before = np.concatenate([np.zeros((0, 2)), *strokes[:number]])
        near = before[(before[:, 0] >= low - 0.5) & (before[:, 0] <= high + 0.5)]
        above = len(near) > 0 and stroke[:, 1].mean() < near[:, 1].mean() - 0.25
        covered = len(before) > 0 and high <= before[:, 0].max() + 0.5
        following = strokes[number + 1] if number + 1 < len(strokes) else None
        goes_on = following is None or following[0, 0] > low
        late.append(bool(above and covered and goes_on and np.ptp(stroke[:, 1]) < 1))
    return late


def _speeds(strokes: list[np.ndarray], spacing: float) -> np.ndarray:
    """How far the points of the device lie from each other around each point, by their mean."""
    parts = []
    for stroke in strokes:
        steps = np.hypot(*np.diff(stroke, axis=0).T)
        along = np.append(0, np.cumsum(steps))
        count = max(0, int(np.ceil(along[-1] / spacing - 1e-6)))
        wanted = np.append(np.arange(count) * spacing, along[-1])
        middles = (along[1:] + along[:-1]) / 2
        parts.append(np.interp(wanted, middles, steps) if len(steps) else np.zeros(1))
    speeds = np.concatenate(parts)
    return speeds / max(float(speeds.mean()), 1e-9)


def _moving_average(values: np.ndarray) -> np.ndarray:
    sums = np.cumsum(np.insert(values, 0, 0.0))
    here = np.arange(len(values))
    first, end = np.maximum(here - _SLOW, 0), np.minimum(here + _SLOW + 1, len(values))
    return (sums[end] - sums[first]) / (end - first)


def _along(features: np.ndarray, points: np.ndarray) -> None:
    """What the trajectory says, within its stroke."""
    places, here = points[:, :2], np.arange(len(points))
    number = np.append(0, np.cumsum(points[:-1, UP])).astype(int)
    firsts = np.searchsorted(number, number)
    lasts = np.searchsorted(number, number, side="right") - 1
    before = places[np.maximum(here - 1, firsts)] - places
    after = places[np.minimum(here + 1, lasts)] - places
    onward = np.where((here == lasts)[:, None], -before, after)
    features[:, 5:7] = _unit(onward)
    scale = np.hypot(*before.T) * np.hypot(*after.T)
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    both = np.stack([(before * after).sum(axis=1), cross], axis=1)
    features[:, 7:9] = both / np.maximum(scale, 1e-9)[:, None]
    # (points, 7): the places around each point, those at the stroke's ends repeated.
    window = np.clip(
        here[:, None] + np.arange(-_AROUND, _AROUND + 1), firsts[:, None], lasts[:, None]
    )
    around = places[window]
    dx, dy = np.moveaxis(np.ptp(around, axis=1), 1, 0)
    features[:, 9] = (dy - dx) / np.maximum(dx + dy, 1e-9)
    line = around[:, -1] - around[:, 0]
    slope = _unit(line)
    features[:, 10:12] = slope
    length = np.linalg.norm(np.diff(around, axis=1), axis=2).sum(axis=1)
    features[:, 12] = length / np.maximum(np.maximum(dx, dy), 1e-9)
    off = around - around[:, :1]
    across = off[..., 0] * slope[:, None, 1] - off[..., 1] * slope[:, None, 0]
    features[:, 13] = (across**2).mean(axis=1)


def _on_paper(features: np.ndarray, places: np.ndarray, spacing: float) -> None:
    """What the ink around each point says, whenever it was written."""
    order = np.argsort(places[:, 0], kind="stable")
    ordered = places[order]
    reach = 1.5 * _CELL
    for begin in range(0, len(order), _BLOCK):
        chosen = order[begin : begin + _BLOCK]
        first = np.searchsorted(ordered[:, 0], places[chosen[0], 0] - reach)
        end = np.searchsorted(ordered[:, 0], places[chosen[-1], 0] + reach, side="right")
        near = ordered[first:end]
        dx = near[None, :, 0] - places[chosen, None, 0]
        dy = near[None, :, 1] - places[chosen, None, 1]
        beside = np.abs(dx) <= 1
        features[chosen, 14] = spacing * (beside & (near[:, 1] < -0.75)).sum(axis=1)
        features[chosen, 15] = spacing * (beside & (near[:, 1] > 0.75)).sum(axis=1)
        column = np.floor(dx / _CELL + 1.5).astype(int)
        row = np.floor(dy / _CELL + 1.5).astype(int)
        inside = (column >= 0) & (column < 3) & (row >= 0) & (row < 3)
        cell = np.where(inside, 3 * row + column, 9)
        for number in range(9):
            features[chosen, 16 + number] = spacing * (cell == number).sum(axis=1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.hypot(*vectors.T), 1e-9)[:, None]
