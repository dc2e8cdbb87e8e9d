"""Pictures of writing as others would have made it: another slant, another pen, another camera."""

from __future__ import annotations

import numpy as np


def vary(line: np.ndarray, generator: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """Changes a picture of a line at random.

    Width and height by up to about 20 %, a slant of up to 20 degrees, a turn of up to 3, a place
    within the height; waves that bend letters by up to about a pixel; thicker or thinner strokes,
    blur, darkness and noise.

    Args:
        line: (height, columns) from 0, paper, to 1, ink; see `as_line`.
        generator: decides all of it: equal generators make equal pictures.
        strength: 0 changes nothing, 1 as much as said above.

    Returns:
        float32 (height, other columns).
    """
    if not strength or not line.shape[1]:
        return line
    line = _bent(line, generator, strength)
    line = _drawn(line, generator, strength)
    line = line ** np.exp(generator.normal(0, 0.25) * strength)
    line = line * (1 - generator.uniform(0, 0.25) * strength)
    noise = generator.uniform(0, 0.06) * strength
    line = line + noise * generator.standard_normal(line.shape, dtype="float32")
    return np.clip(line, 0, 1, dtype="float32")


def _bent(line: np.ndarray, generator: np.random.Generator, strength: float) -> np.ndarray:
    from scipy.ndimage import map_coordinates

    height, width = line.shape
    across = np.exp(generator.uniform(-0.2, 0.2) * strength)
    down = np.exp(generator.uniform(-0.25, 0.05) * strength)
    slant = np.tan(np.radians(generator.uniform(-20, 20) * strength))
    # Long lines are turned less, so that their ends stay within the height.
    most = min(np.radians(3) * strength, 3 / width)
    turn = np.tan(generator.uniform(-most, most))
    room = max(0.0, height * (1 - down)) / 2
    shift = generator.uniform(-room, room) + generator.normal(0, 0.4) * strength
    columns = max(4, round(width * across + abs(slant) * height * down))
    x = (np.arange(columns, dtype="float32") - (columns - 1) / 2)[None, :]
    y = (np.arange(height, dtype="float32") - (height - 1) / 2)[:, None] - shift
    y = y - turn * x
    x = x + slant * y
    places = [y / down + (height - 1) / 2, x / across + (width - 1) / 2]
    for axis in (0, 1):
        for _ in range(2):
            along, upright = 1 / generator.uniform(12, 60), generator.uniform(-1, 1) / height
            phase = 2 * np.pi * (along * x + upright * y + generator.random())
            places[axis] = places[axis] + generator.normal(0, 0.45) * strength * np.sin(phase)
    return map_coordinates(line, places, order=1, output="float32")


def _drawn(line: np.ndarray, generator: np.random.Generator, strength: float) -> np.ndarray:
    """Thicker or thinner strokes: mixed with the dilated or the eroded picture; and blurred."""
    amount = np.clip(generator.uniform(-0.6, 0.9) * strength, -1, 1)
    padded = np.pad(line, 1)
    parts = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    furthest = line
    for part in parts:
        furthest = (np.maximum if amount > 0 else np.minimum)(furthest, part)
    line = line + np.float32(abs(amount)) * (furthest - line)
    blur = np.float32(max(0.0, generator.uniform(-0.5, 0.5)) * strength)
    for axis in (0, 1):
        padded = np.pad(line, [(1, 1), (0, 0)] if axis == 0 else [(0, 0), (1, 1)])
        sides = padded[:-2] + padded[2:] if axis == 0 else padded[:, :-2] + padded[:, 2:]
        line = line + min(blur, np.float32(1)) * (sides / 4 - line / 2)
    peak = line.max()
    return line / peak if peak > 0 else line
