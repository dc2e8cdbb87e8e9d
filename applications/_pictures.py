"""Raw pictures in the data of applications."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from ._data import raw_items, unwrapped
from ._features import digest


def picture(value: Any) -> Any:
    """Returns a raw picture as Python has it: bytes that are the text of a path become one.

    Example:

    >>> picture(b"photos/cat.jpg"), picture(b"GIF89a\\x01\\x00")
    ('photos/cat.jpg', b'GIF89a\\x01\\x00')
    """
    value = unwrapped(value)
    if isinstance(value, bytes) and b"\0" not in value:
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value
    return value


def one_or_many_pictures(images: Any) -> tuple[list[Any], bool]:
    """Returns raw pictures as a list, and whether it was a single one."""
    images = unwrapped(images)
    one = isinstance(images, str | bytes | os.PathLike)
    # A picture of Pillow's is no sequence; an array of pictures has an axis more than one.
    one = one or hasattr(images, "getbands") or (isinstance(images, np.ndarray) and images.ndim < 4)
    if one and not (isinstance(images, np.ndarray) and images.dtype.kind in "OSU"):
        return [picture(images)], True
    return raw_items(images, picture), False


def grouped(images: Sequence[Any]) -> list[list[int]]:
    """The numbers of the pictures that have equal bytes, group by group."""
    groups: dict[str, list[int]] = {}
    known: dict[str, str] = {}
    for number, image in enumerate(images):
        # A path is read once, however many captions there are.
        name = os.fspath(image) if isinstance(image, str | os.PathLike) else None
        key = known.get(name) if name is not None else None
        if key is None:
            key = digest(image, f"Picture {number}")
            if name is not None:
                known[name] = key
        groups.setdefault(key, []).append(number)
    return list(groups.values())
