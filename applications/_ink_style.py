"""Ink as other hands would have formed it: the same letters in another style."""

from __future__ import annotations

import numpy as np

from ._ink import UP

_STEP = 0.1
_ZONE = 0.5
"""How far the small letters reach from y = 0."""


def restyle(ink: np.ndarray, generator: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """Changes how letters of normalised ink are formed, at random.

    What reaches above and below the small letters gets up to 40 % longer or 30 % shorter; letters
    get narrower here and wider there, and lean differently; corners and loops get rounder or
    sharper; here and there the pen is lifted within a stroke, or not lifted between two.

    Args:
        ink: packed ink, see `normalise`; its size and slant may be others afterwards.
        generator: decides all of it: equal generators make equal ink.
        strength: 0 changes nothing, 1 as much as said above.

    Returns:
        Packed ink with the same points, or somewhat moved ones.
    """
    if not len(ink) or not strength:
        return ink
    ink = ink.copy()
    _round(ink, generator, strength)
    x, y = ink[:, 0].copy(), ink[:, 1].copy()
    for side in (-1, 1):
        beyond = np.maximum(side * y - _ZONE, 0)
        ink[:, 1] += side * beyond * (np.exp(generator.uniform(-0.35, 0.35) * strength) - 1)
    length = generator.uniform(1.5, 5)
    # Below one, so that no two places change sides.
    share = min(generator.uniform(0, 0.35) * strength, 0.8)
    ink[:, 0] += share * _wave(x, length, generator) * length / (2 * np.pi)
    lean = np.tan(np.radians(generator.normal(0, 7) * strength))
    ink[:, 0] -= lean * _wave(x, generator.uniform(3, 9), generator) * y
    _lift(ink, generator, strength)
    return ink


def _wave(x: np.ndarray, length: float, generator: np.random.Generator) -> np.ndarray:
    return np.sin(x / length * 2 * np.pi + generator.uniform(0, 2 * np.pi))


def _round(ink: np.ndarray, generator: np.random.Generator, strength: float) -> None:
    """Moves points towards the mean of the stroke around them, or away from it."""
    share = generator.uniform(-0.4, 0.6) * strength
    half = int(round(generator.uniform(0.1, 0.35) / _STEP))
    if not half:
        return
    kernel = np.full(2 * half + 1, 1 / (2 * half + 1))
    for first, end in _strokes(ink):
        stroke = ink[first:end, :2]
        along = np.append(0, np.cumsum(np.hypot(*np.diff(stroke, axis=0).T)))
        if along[-1] < 2 * _STEP:
            continue
        wanted = np.linspace(0, along[-1], int(along[-1] / _STEP) + 1)
        for axis in (0, 1):
            values = np.interp(wanted, along, stroke[:, axis])
            mean = np.convolve(np.pad(values, half, mode="edge"), kernel, mode="valid")
            stroke[:, axis] += share * np.interp(along, wanted, mean - values)


def _lift(ink: np.ndarray, generator: np.random.Generator, strength: float) -> None:
    """Lifts the pen within long strokes, and leaves it down between near ones."""
    for first, end in _strokes(ink):
        drawn = np.hypot(*np.diff(ink[first:end, :2], axis=0).T).sum()
        if end - first > 3 and drawn > 3 and generator.random() < 0.2 * strength:
            ink[generator.integers(first + 1, end - 1), UP] = 1
        if end < len(ink) and generator.random() < 0.15 * strength:
            ink[end - 1, UP] = float(np.hypot(*(ink[end, :2] - ink[end - 1, :2])) > 1)


def _strokes(ink: np.ndarray) -> list[tuple[int, int]]:
    """Where strokes begin, and end."""
    ends = np.flatnonzero(ink[:, UP]) + 1
    return list(zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True))
