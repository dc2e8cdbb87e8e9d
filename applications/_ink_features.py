"""From ink to what the network reads: size and slant made equal, points at equal distances."""

from __future__ import annotations

import numpy as np

from ._ink import UP

_STEEP = 0.5
_FLAT_LINE = 6.0


def segments(ink: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the drawn pieces between neighbouring points: their starts and their vectors."""
    drawn = ink[:-1, UP] == 0
    return ink[:-1, :2][drawn], np.diff(ink[:, :2], axis=0)[drawn]


def normalise(ink: np.ndarray) -> np.ndarray:
    """Brings ink to the same size, slant and place, whoever wrote it on whatever device.

    Lines of writing that climb or fall are made level, letters that lean are made upright, and the
    small letters get a height of about 1, with their middle at y = 0.

    Args:
        ink: packed ink.

    Returns:
        Packed ink. A dot, which has no size, becomes a point at (0, 0).

    Example:

    >>> import numpy as np
    >>> from zoo.applications._ink import pack
    >>> from zoo.applications._ink_features import normalise
    >>> zigzag = pack([np.array([[0, 0], [1, 40], [2, 0], [3, 40], [4, 0]])])
    >>> normalise(zigzag)[:, 1].round(2).tolist()
    [-0.79, 0.79, -0.79, 0.79, -0.79]
    """
    if not len(ink):
        return ink
    ink = ink.copy()
    ink[:, :2] -= ink[0, :2]
    extent = np.ptp(ink[:, :2], axis=0)
    if not extent.any():
        return ink
    ink[:, :2] /= extent.max()
    starts, vectors = segments(ink)
    lengths = np.hypot(*vectors.T)
    if extent[0] > _FLAT_LINE * extent[1] and lengths.any():
        ink[:, 1] -= _slope(starts + vectors / 2, lengths) * ink[:, 0]
        starts, vectors = segments(ink)
    ink[:, 0] -= _slant(vectors) * ink[:, 1]
    starts, vectors = segments(ink)
    lengths = np.hypot(*vectors.T)
    if not lengths.any():  # dots alone
        ink[:, :2] -= ink[:, :2].mean(axis=0)
        ink[:, :2] /= max(np.abs(ink[:, :2]).max(), 1e-9)
        return ink
    heights = (starts + vectors / 2)[:, 1]
    middle = np.average(heights, weights=lengths)
    unit = letter_height(ink)
    ink[:, 1] -= middle
    ink[:, 0] -= ink[:, 0].min()
    # A dash has a length and no height.
    ink[:, :2] /= max(unit, np.ptp(ink[:, 0]) / 100, 1e-9)
    return ink


def letter_height(ink: np.ndarray) -> float:
    """About the height of the small letters of packed ink; 0 of a dot or a level dash."""
    starts, vectors = segments(ink)
    lengths = np.hypot(*vectors.T)
    if not lengths.any():
        return 0.0
    heights = (starts + vectors / 2)[:, 1]
    middle = np.average(heights, weights=lengths)
    # Of all points on the pieces: however few points there are, the spread is that of the line.
    around = (heights - middle) ** 2 + vectors[:, 1] ** 2 / 12
    spread = np.sqrt(np.average(around, weights=lengths))
    # Two measures that err independently: how far the ink spreads, and how high its strokes are.
    return float(np.sqrt(1.4 * spread * _stroke_height(ink)))


def scaled(ink: np.ndarray, unit: float) -> np.ndarray:
    """Ink measured in `unit`, from its first point; all that can be known while it is written."""
    if not len(ink):
        return ink
    ink = ink.copy()
    ink[:, :2] = (ink[:, :2] - ink[0, :2]) / unit
    return ink


def _slope(middles: np.ndarray, lengths: np.ndarray) -> float:
    x, y = (middles - np.average(middles, axis=0, weights=lengths)).T
    square = (lengths * x * x).sum()
    return float(np.clip((lengths * x * y).sum() / square, -0.5, 0.5)) if square else 0.0


def _slant(vectors: np.ndarray) -> float:
    """How far the steep strokes drawn downwards lean; upward ones often only lead on."""
    steep = vectors[vectors[:, 1] > _STEEP * np.abs(vectors[:, 0])]
    square = (steep[:, 1] ** 2).sum()
    return float(np.clip((steep[:, 0] * steep[:, 1]).sum() / square, -1, 1)) if square else 0.0


def _stroke_height(ink: np.ndarray) -> float:
    """The median height between turns up and down, but for those under 15 % of the whole."""
    whole = np.ptp(ink[:, 1])
    dy = np.diff(ink[:, 1])
    moving = dy != 0
    up = (ink[:-1, UP] > 0)[moving]
    dy = dy[moving]
    turn = np.ones(len(dy), bool)
    turn[1:] = (np.sign(dy[1:]) != np.sign(dy[:-1])) | up[1:] | up[:-1]
    if not len(dy):
        return whole
    sums = np.abs(np.add.reduceat(dy, np.flatnonzero(turn)))
    jumps = up[np.flatnonzero(turn)]
    high = sums[~jumps & (sums > 0.15 * whole)]
    return float(np.median(high)) if len(high) else whole


def resample(ink: np.ndarray, spacing: float) -> np.ndarray:
    """Puts points at equal distances along each stroke.

    A stroke of length s gets its first point, one every `spacing`, and its last one.

    Args:
        ink: packed ink.
        spacing: the distance.

    Example:

    >>> import numpy as np
    >>> from zoo.applications._ink import pack
    >>> from zoo.applications._ink_features import resample
    >>> resample(pack([np.array([[0, 0], [0, 5]])]), 2.0)[:, 1].tolist()
    [0.0, 2.0, 4.0, 5.0]
    """
    if not len(ink):
        return ink
    steps = np.zeros(len(ink))
    starts = np.concatenate([[0], np.flatnonzero(ink[:-1, UP]) + 1])
    steps[1:] = np.hypot(*np.diff(ink[:, :2], axis=0).T)
    parts = []
    for first, end in zip(starts, [*starts[1:], len(ink)], strict=True):
        along = steps[first:end].copy()
        along[0] = 0
        along = np.cumsum(along)
        # What rounding leaves over is no step. The end comes last, so that all points but it are
        # known before the pen is lifted.
        count = max(0, int(np.ceil(along[-1] / spacing - 1e-6)))
        wanted = np.append(np.arange(count) * spacing, along[-1])
        part = np.zeros((len(wanted), 3))
        part[:, 0] = np.interp(wanted, along, ink[first:end, 0])
        part[:, 1] = np.interp(wanted, along, ink[first:end, 1])
        part[-1, UP] = 1
        parts.append(part)
    return np.concatenate(parts)


def count_points(ink: np.ndarray, spacing: float) -> float:
    """About how many points `resample` makes."""
    return float(np.hypot(*segments(ink)[1].T).sum()) / spacing + ink[:, UP].sum()


POINT_FEATURES = 9


def point_features(points: np.ndarray, spacing: float) -> np.ndarray:
    """What each point says, in view of those before it.

    The step from the point before it within a stroke, divided by `spacing` (2); cosine and sine of
    the angle by which the direction has turned (2); between strokes, the jump (2) through
    `asinh`; the height (1); whether a stroke begins (1), whether it ends (1).

    Args:
        points: packed ink, resampled.
        spacing: the distance between the points.

    Returns:
        float32 (points, 9).
    """
    features = np.zeros((len(points), POINT_FEATURES), "float32")
    if not len(points):
        return features
    begins = np.ones(len(points), bool)
    begins[1:] = points[:-1, UP] > 0
    steps = np.zeros((len(points), 2))
    steps[1:] = np.diff(points[:, :2], axis=0)
    inside = ~begins
    features[inside, 0:2] = steps[inside] / spacing
    features[:, 2:4] = _turns(steps, inside)
    features[begins, 4:6] = np.arcsinh(steps[begins])
    features[:, 6] = points[:, 1]
    features[:, 7] = begins
    features[:, 8] = points[:, UP]
    return features


def _turns(steps: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Cosine and sine of the angle between each step and the one before it; 0 where one lacks."""
    turns = np.zeros((len(steps), 2))
    lengths = np.hypot(*steps.T)
    both = inside[1:] & inside[:-1] & (lengths[1:] > 0) & (lengths[:-1] > 0)
    before, after = steps[:-1][both], steps[1:][both]
    scale = lengths[:-1][both] * lengths[1:][both]
    turns[1:][both, 0] = (before * after).sum(axis=1) / scale
    turns[1:][both, 1] = (before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) / scale
    return turns
