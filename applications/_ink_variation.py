"""Ink as others would have written it: the same letters, larger, leaning, less steady."""

from __future__ import annotations

import numpy as np

from ._ink import UP


def vary(ink: np.ndarray, generator: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """Changes normalised ink at random.

    Height and width by up to about 20 % each, a slant of up to 20 degrees, a rotation of up to 4; a
    slow wave along the line; each stroke moved a little, as with dots that come late; points left
    out and moved, as mice do.

    Args:
        ink: packed ink, see `normalise`.
        generator: decides all of it: equal generators make equal ink.
        strength: 0 changes nothing, 1 as much as said above.

    Returns:
        Packed ink with the same strokes.
    """
    if not len(ink) or not strength:
        return ink
    ink = _thinned(ink, generator, strength)
    width, height = np.exp(generator.uniform(-0.18, 0.18, 2) * strength)
    slant = np.tan(np.radians(generator.uniform(-20, 20) * strength))
    angle = np.radians(generator.normal(0, 2) * strength)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    places = ink[:, :2] * [width, height]
    places[:, 0] -= slant * places[:, 1]
    places = places @ turn
    for axis in (0, 1):
        length, phase = generator.uniform(3, 9), generator.uniform(0, 2 * np.pi)
        wave = np.sin(places[:, 0] / length * 2 * np.pi + phase)
        places[:, axis] += generator.normal(0, 0.1) * strength * wave
    number = np.concatenate([[0], np.cumsum(ink[:-1, UP])]).astype(int)
    places += generator.normal(0, 0.06 * strength, (number[-1] + 1, 2))[number]
    places += generator.normal(0, 0.015 * strength, places.shape)
    return np.concatenate([places, ink[:, UP:]], axis=1)


def _thinned(ink: np.ndarray, generator: np.random.Generator, strength: float) -> np.ndarray:
    """Keeps every n-th point, and the ends of strokes, as devices that sample slowly do."""
    every = int(generator.integers(2, 7)) if generator.random() < 0.5 * strength else 1
    if every == 1:
        return ink
    kept = np.arange(len(ink)) % every == 0
    kept |= ink[:, UP] > 0
    kept[1:] |= ink[:-1, UP] > 0
    kept[0] = True
    return ink[kept]
