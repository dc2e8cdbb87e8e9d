"""Ink as a picture."""

from __future__ import annotations

import numpy as np

from ._ink import unpack

_FINE = 4
"""Pictures are drawn so many times larger and then averaged, for lines without steps."""


def draw(ink: np.ndarray, height: int = 32, pen: float = 1.5, margin: int = 2) -> np.ndarray:
    """Draws ink, whatever its size, in black on white.

    Args:
        ink: packed ink with at least one point.
        height: of the picture, in pixels.
        pen: how wide the strokes are, in pixels.
        margin: pixels left free around what is written.

    Returns:
        uint8 (height, columns).

    Example:

    >>> import numpy as np
    >>> from zoo.applications._ink import pack
    >>> from zoo.applications._ink_drawing import draw
    >>> draw(pack([np.array([[0, 0], [0, 50], [25, 50]])])).shape
    (32, 19)
    """
    from PIL import Image, ImageDraw

    inside = height - 2 * margin - pen
    low, extent = ink[:, :2].min(axis=0), np.ptp(ink[:, :2], axis=0)
    # Neither a level line nor a dot has a height to go by.
    scale = inside / max(extent[1], extent[0] / 20, 1e-9)
    left_free = (inside - extent[1] * scale) / 2
    columns = max(1, round(extent[0] * scale + 2 * margin + pen))
    image = Image.new("L", (columns * _FINE, height * _FINE), 255)
    canvas, wide = ImageDraw.Draw(image), max(1, round(pen * _FINE))
    start = margin + pen / 2
    for stroke in unpack(ink):
        places = ((stroke - low) * scale + [start, start + left_free]) * _FINE
        points = [tuple(place) for place in places.tolist()]
        canvas.line(points, fill=0, width=wide, joint="curve")
        for x, y in (points[0], points[-1]):
            canvas.circle((x, y), wide / 2, fill=0)
    return np.asarray(image.reduce(_FINE))
