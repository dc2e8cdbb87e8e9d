"""Pen strokes: every form in which they come, as one array of points."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

Strokes = list[np.ndarray]

UP = 2
"""The column of packed ink that marks the last point of each stroke."""


def pack(strokes: Iterable[Any]) -> np.ndarray:
    """Returns strokes as one array, float64 (points, 3): x, y, and 1 at the last point of each.

    y grows downwards, as on a screen.

    Args:
        strokes: arrays (points, 2 or more), of which x and y are read; empty ones are left out.

    Example:

    >>> import numpy as np
    >>> from zoo.applications._ink import pack
    >>> pack([np.array([[0, 0], [3, 4]]), np.array([[5, 5]])]).tolist()
    [[0.0, 0.0, 0.0], [3.0, 4.0, 1.0], [5.0, 5.0, 1.0]]
    """
    parts = [np.asarray(stroke, "float64")[:, :2] for stroke in strokes if len(stroke)]
    if not parts:
        return np.zeros((0, 3))
    ends = np.cumsum([len(part) for part in parts]) - 1
    packed = np.zeros((ends[-1] + 1, 3))
    packed[:, :2] = np.concatenate(parts)
    packed[ends, UP] = 1
    return packed


def unpack(ink: np.ndarray) -> Strokes:
    """Returns the strokes of packed ink, arrays (points, 2)."""
    return np.split(ink[:, :2], np.flatnonzero(ink[:-1, UP]) + 1) if len(ink) else []


def as_ink(item: Any, name: str = "ink") -> np.ndarray:
    """Returns one ink, in any of the forms that users have it in, packed.

    Args:
        item: a list of strokes; a stroke is an array (points, 2 or 3) of x, y and perhaps t, or
            the lists `[[x ...], [y ...]]` or `[[x ...], [y ...], [t ...]]`. Or an array (points, 3)
            of x, y and a 1 at the last point of each stroke. Or the path of an InkML file, or of an
            npz file with one ink, or a text with such lists as JSON. When something was drawn is
            not looked at.
        name: what to call it in messages.

    Raises:
        TypeError: it is something else.
        ValueError: a coordinate is not finite, lists differ in length, or a file is damaged.
    """
    if isinstance(item, str | os.PathLike):
        from ._ink_reading import read_ink

        return _checked(read_ink(item), name)
    if isinstance(item, np.ndarray) and item.ndim == 2:
        return _checked(_packed(item, name), name)
    if isinstance(item, np.ndarray) and item.ndim == 1 and not item.size:
        item = []
    if not isinstance(item, Sequence | np.ndarray):
        raise TypeError(f"{_wanted(name)} Received: {type(item).__name__}.")
    return _checked(pack(_stroke(stroke, name, n) for n, stroke in enumerate(item)), name)


def is_one_ink(value: Any) -> bool:
    """Whether a value is surely one ink, and no list of several."""
    if isinstance(value, str | os.PathLike):
        return True
    if isinstance(value, np.ndarray):
        return value.ndim == 2
    if isinstance(value, list | tuple) and value:
        if all(isinstance(part, np.ndarray) and part.ndim == 2 for part in value):
            return all(part.shape[1] == 2 for part in value)  # strokes; packed ink has 3 columns
    depth = 0
    while isinstance(value, list | tuple) and value:
        value, depth = value[0], depth + 1
    return depth == 3 and not isinstance(value, np.ndarray)


def _stroke(stroke: Any, name: str, number: int) -> np.ndarray:
    where = f"stroke {number} of {name}"
    if isinstance(stroke, np.ndarray):
        if stroke.ndim != 2 or stroke.shape[1] not in (2, 3) or stroke.dtype.kind not in "iuf":
            raise ValueError(
                f"{where.capitalize()} must be an array of numbers (points, 2 or 3): x, y and "
                f"perhaps t. Received: shape {stroke.shape}, {stroke.dtype}."
            )
        return stroke
    if not isinstance(stroke, Sequence) or isinstance(stroke, str) or len(stroke) not in (2, 3):
        if isinstance(stroke, Sequence) and not len(stroke):
            return np.zeros((0, 2))
        raise TypeError(f"{_wanted(name)} Received as stroke {number}: {_short(stroke)}.")
    if any(not isinstance(channel, Sequence | np.ndarray) for channel in stroke):
        raise TypeError(f"{_wanted(name)} Received as stroke {number}: {_short(stroke)}.")
    if len({len(channel) for channel in stroke}) > 1:
        raise ValueError(
            f"The lists of {where} must be equally long. "
            f"Received: {' and '.join(str(len(channel)) for channel in stroke)} numbers."
        )
    try:
        return np.array([np.asarray(channel, "float64") for channel in stroke[:2]]).T
    except (TypeError, ValueError):
        raise ValueError(
            f"{where.capitalize()} must hold numbers. Received: {_short(stroke)}."
        ) from None


def _packed(item: np.ndarray, name: str) -> np.ndarray:
    if item.shape[1] != 3 or item.dtype.kind not in "iuf":
        raise ValueError(
            f"{name.capitalize()}, given as one array, must have the shape (points, 3): x, y, and "
            f"1 at the last point of each stroke. Received: shape {item.shape}, {item.dtype}."
        )
    if not np.isin(item[:, UP], (0, 1)).all():
        raise ValueError(
            f"The third column of {name} must be 1 at the last point of each stroke and 0 at the "
            "others; give strokes with times as a list of strokes, [[stroke, ...], ...]."
        )
    item = item.astype("float64")
    if len(item):
        item[-1, UP] = 1
    return item


def _checked(ink: np.ndarray, name: str) -> np.ndarray:
    finite = np.isfinite(ink[:, :2])
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise ValueError(
            f"The coordinates of {name} must be finite. "
            f"Received: {'xy'[column]}={ink[row, column]} at point {row}."
        )
    if len(ink) and np.abs(ink[:, :2]).max() > 1e9:
        raise ValueError(
            f"The coordinates of {name} must be between -1e9 and 1e9. "
            f"Received: {np.abs(ink[:, :2]).max():.3g}."
        )
    return ink


def _wanted(name: str) -> str:
    return (
        f"{name.capitalize()} must be a list of strokes (arrays of x and y, or lists "
        "[[x ...], [y ...]]), an array (points, 3), or the path of an InkML or npz file."
    )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
