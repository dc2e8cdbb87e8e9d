"""Ink as cubic Bezier curves: a few frames a letter, whatever the density of the points."""

from __future__ import annotations

import numpy as np

from ._ink import UP, unpack
from ._ink_features import resample

CURVE_FEATURES = 7

_BOUND = 0.06
_ROUNDS = 3


def curve_features(curves: np.ndarray) -> np.ndarray:
    """What each curve says.

    The vector from its start to its end (2); the distances of its inner control points from the end
    next to them, divided by that between its ends (2); the angles at its ends between the line that
    joins them and those to the control points (2), in radians, positive where that turn is from x
    towards y; whether the pen is up (1).

    Args:
        curves: from `curves_of`.

    Returns:
        float32 (curves, 7).
    """
    features = np.zeros((len(curves), CURVE_FEATURES), "float32")
    start, first, second, end = np.moveaxis(curves[:, :, :2], 1, 0)
    chord = end - start
    length = np.maximum(np.hypot(*chord.T), _BOUND)  # of a closed curve there is none
    features[:, 0:2] = chord
    for column, (arm, line) in enumerate(((first - start, chord), (second - end, -chord))):
        features[:, 2 + column] = np.hypot(*arm.T) / length
        features[:, 4 + column] = np.arctan2(
            line[:, 0] * arm[:, 1] - line[:, 1] * arm[:, 0], (line * arm).sum(axis=1)
        )
    features[:, 6] = curves[:, 0, UP]
    return features


def curves_of(ink: np.ndarray, spacing: float) -> np.ndarray:
    """Fits curves to strokes, so that no point is farther than 0.06 from its curve.

    A stroke is cut at the point that is farthest from its curve until all are near. Between strokes
    there is a straight one for the way of the pen through the air.

    Args:
        ink: packed ink, where small letters are about 1 high.
        spacing: points are put at this distance first, so that their density does not matter.

    Returns:
        (curves, 4, 3): the control points, x and y, and 1 in the third column where the pen is up.
        A dot is a curve with four equal ones.
    """
    strokes = unpack(resample(ink, spacing))
    found = fit(strokes, _BOUND)
    parts = []
    for number, curves in enumerate(found):
        if number:
            way = np.linspace(found[number - 1][-1, 3], curves[0, 0], 4)
            parts.append(np.concatenate([way, np.ones((4, 1))], axis=1)[None])
        parts.append(np.concatenate([curves, np.zeros((len(curves), 4, 1))], axis=2))
    return np.concatenate(parts) if parts else np.zeros((0, 4, 3))


def ends(curves: np.ndarray) -> np.ndarray:
    """The last point of each curve as packed ink; a way through the air ends where it leads."""
    points = curves[:, 3].copy()
    points[:-1, UP] = curves[1:, 0, UP]
    points[-1:, UP] = 1
    return points


def polylines(curves: np.ndarray, points: int = 12) -> list[np.ndarray]:
    """The curves as lines of a few points each, (points, 2)."""
    steps = np.linspace(0, 1, points)
    return list(np.einsum("pk,nkx->npx", _basis(steps), curves[:, :, :2]))


def fit(strokes: list[np.ndarray], bound: float, rounds: int = _ROUNDS) -> list[np.ndarray]:
    """Fits curves to each of some strokes; see `curves_of`.

    The curves of a stroke begin and end in its points, one where the one before it ends. The inner
    control points minimise the squared distances from the points to the curve, by Gauss-Newton
    steps along the curve's normals (Wang et al. 2006); all pieces of all strokes take each step
    together.

    Args:
        strokes: arrays (points, 2).
        bound: the largest distance of a point.
        rounds: how many steps are taken.

    Returns:
        For each stroke its curves, (curves, 4, 2).

    References:
        Carbune et al. 2020, "Fast multi-language LSTM-based online handwriting recognition"; Wang,
        Pottmann and Liu 2006, "Fitting B-spline curves to point clouds by curvature-based squared
        distance minimization".
    """
    open_pieces = [(number, 0, len(stroke) - 1) for number, stroke in enumerate(strokes)]
    done: list[tuple[int, int, np.ndarray]] = []
    while open_pieces:
        pieces = [strokes[number][first : last + 1] for number, first, last in open_pieces]
        controls, distances = _fit_pieces(pieces, rounds)
        left = []
        for (number, first, last), control, apart in zip(
            open_pieces, controls, distances, strict=True
        ):
            if last - first < 2 or apart.max() <= bound:
                done.append((number, first, control))
                continue
            cut = first + int(np.clip(apart[: last - first].argmax(), 1, last - first - 1))
            left += [(number, first, cut), (number, cut, last)]
        open_pieces = left
    done.sort(key=lambda piece: piece[:2])
    return [
        np.array([control for stroke, _, control in done if stroke == number])
        for number in range(len(strokes))
    ]


def _fit_pieces(pieces: list[np.ndarray], rounds: int) -> tuple[np.ndarray, np.ndarray]:
    """A curve for each piece, (pieces, 4, 2), and how far each point is from it."""
    lengths = np.array([len(piece) for piece in pieces])
    places = np.minimum(np.arange(lengths.max()), lengths[:, None] - 1)  # the last one repeated
    points = np.stack([piece[place] for piece, place in zip(pieces, places, strict=True)])
    weights = (np.arange(lengths.max()) < lengths[:, None]).astype("float64")
    along = np.cumsum(
        np.hypot(*np.moveaxis(np.diff(points, axis=1, prepend=points[:, :1]), 2, 0)), 1
    )
    steps = along / np.maximum(along[:, -1:], 1e-9)
    ends = points[:, [0, -1]]
    thirds = np.array([[2 / 3, 1 / 3], [1 / 3, 2 / 3]])
    controls = np.concatenate([ends[:, :1], thirds @ ends, ends[:, 1:]], axis=1)
    controls = _improved(points, weights, steps, controls, tangential=1.0)
    best, apart = controls, _apart(points, controls, steps)
    for number in range(rounds):
        steps = _nearest(points, controls, steps)
        controls = _improved(points, weights, steps, controls, max(10.0 ** -(number + 1), 1e-4))
        steps = _nearest(points, controls, steps)
        now = _apart(points, controls, steps)
        better = (now * weights).max(1) < (apart * weights).max(1)
        best = np.where(better[:, None, None], controls, best)
        apart = np.where(better[:, None], now, apart)
    return best, apart * weights


def _improved(
    points: np.ndarray,
    weights: np.ndarray,
    steps: np.ndarray,
    controls: np.ndarray,
    tangential: float,
) -> np.ndarray:
    """One Gauss-Newton step of the inner control points.

    Distances along the curve count as `tangential` says. The fewer, the faster it comes to rest;
    but far from there, they keep it from running away.
    """
    basis = _basis(steps)
    slope = np.einsum("npk,nkx->npx", _slopes(steps), controls)
    slope /= np.maximum(np.linalg.norm(slope, axis=2, keepdims=True), 1e-9)
    # Of each direction, how much of it counts: all across the curve, little along it.
    metric = np.eye(2) - (1 - tangential) * slope[..., :, None] * slope[..., None, :]
    metric = metric * weights[..., None, None]
    lacking = points - np.einsum("npk,nkx->npx", basis, controls)
    inner = basis[..., 1:3]
    square = np.einsum("npa,npb,npxy->naxby", inner, inner, metric, optimize=True)
    right = np.einsum("npa,npxy,npy->nax", inner, metric, lacking, optimize=True)
    count = len(points)
    damped = square.reshape(count, 4, 4) + 1e-6 * np.eye(4)
    change = np.linalg.solve(damped, right.reshape(count, 4, 1)).reshape(count, 2, 2)
    moved = controls.copy()
    moved[:, 1:3] += change
    return moved


def _nearest(points: np.ndarray, controls: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """One Newton step of each point's place on its curve; the ends stay."""
    apart = np.einsum("npk,nkx->npx", _basis(steps), controls) - points
    first = np.einsum("npk,nkx->npx", _slopes(steps), controls)
    second = np.einsum("npk,nkx->npx", _bends(steps), controls)
    square = (first * first).sum(2)
    # Where the distance curves the other way, Newton's step would lead away.
    scale = np.maximum(square + (apart * second).sum(2), 0.5 * square)
    moved = np.clip(steps - (apart * first).sum(2) / np.maximum(scale, 1e-9), 0, 1)
    moved[:, 0] = steps[:, 0]
    return np.where(steps == 1, 1.0, moved)


def _apart(points: np.ndarray, controls: np.ndarray, steps: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.einsum("npk,nkx->npx", _basis(steps), controls) - points, axis=2)


def _basis(steps: np.ndarray) -> np.ndarray:
    back = 1 - steps
    return np.stack([back**3, 3 * steps * back**2, 3 * steps**2 * back, steps**3], axis=-1)


def _slopes(steps: np.ndarray) -> np.ndarray:
    back = 1 - steps
    outer, inner = 3 * back**2, 6 * steps * back
    return np.stack([-outer, outer - inner, inner - 3 * steps**2, 3 * steps**2], axis=-1)


def _bends(steps: np.ndarray) -> np.ndarray:
    back = 1 - steps
    return 6 * np.stack([back, steps - 2 * back, back - 2 * steps, steps], axis=-1)
