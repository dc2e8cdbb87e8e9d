"""A picture of writing as one line: dark on light or light on dark, at one height."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._image import read_image, resized

_FAINTEST = 8
"""Pictures whose lightest and darkest pixels are less apart than this, of 255, show nothing."""

_INK = 0.3
"""How dark, between paper and the darkest pixel, what belongs to the writing is."""


def as_line(item: Any, name: str, height: int, most: int | None = None) -> np.ndarray:
    """Reads one picture of a word or a line, and brings it to a height.

    Most of a picture is paper, so that the side on which its middle value lies, light or dark, is
    that of the paper. What is empty around the writing is cut off; the rest is scaled, with its
    proportions, to the height less a margin of a sixteenth on each side; the darkest parts are
    made fully dark.

    Args:
        item: what `read_image` takes.
        name: what to call it in messages.
        height: rows of the result.
        most: the most columns that are allowed.

    Returns:
        float32 (height, columns) from 0, paper, to 1, ink. Without anything to see, no columns.

    Raises:
        FileNotFoundError, TypeError: see `read_image`.
        ValueError: the picture cannot be read, or has too many columns.

    Example:

    >>> import numpy as np
    >>> from zoo.applications._image_line import as_line
    >>> paper = np.full((50, 80), 255, "uint8")
    >>> paper[10:38, 20:40] = 0
    >>> as_line(paper, "the picture", 32).shape
    (32, 24)
    """
    if isinstance(item, np.ndarray) and item.dtype.kind in "iu" and item.size and item.max() == 1:
        raise ValueError(
            f"{name.capitalize()} holds nothing but 0 and 1, which is next to no light where white "
            "is 255; give such pictures as booleans or fractions."
        )
    pixels = read_image(item, name.capitalize(), "L")
    if np.ptp(pixels) < _FAINTEST:  # white on nothing, perhaps
        pixels = read_image(item, name.capitalize(), "L", background=(0, 0, 0))
    dark = _darkness(pixels)
    margin = max(1, height // 16)
    if dark is None:
        return np.zeros((height, 0), "float32")
    rows, columns = _extent(dark.max(axis=1)), _extent(dark.max(axis=0))
    dark = dark[rows, columns]
    inside = height - 2 * margin
    width = max(1, round(dark.shape[1] * inside / dark.shape[0]))
    if most is not None and width + 2 * margin > most:
        raise ValueError(
            f"{name.capitalize()} has {width + 2 * margin:,} columns at a height of {height}, but "
            f"at most {most:,} are taken (`max_length`); split it into words or shorter lines."
        )
    line = resized(np.round(dark * 255).astype("uint8"), inside, width) / np.float32(255)
    # Strokes grow faint where many pixels become one.
    line = np.minimum(line / max(np.percentile(line, 99), 1e-3), 1)
    return np.pad(line, margin).astype("float32")


def _darkness(pixels: np.ndarray) -> np.ndarray | None:
    """How far each pixel is from paper to ink, from 0 to 1; None if all are about the same."""
    values = pixels.astype("float32")
    low, high = values.min(), values.max()
    if high - low < _FAINTEST:
        return None
    if np.median(values) < (low + high) / 2:
        values, low, high = -values, -high, -low
    paper = np.median(values[values > high - (high - low) / 4])
    return np.clip((paper - values) / (paper - low), 0, 1)


def _extent(darkest: np.ndarray) -> slice:
    found = np.flatnonzero(darkest > _INK)
    return slice(found[0], found[-1] + 1)
