"""Pictures of words and lines as the input of a recogniser."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.layers._arguments import positive_integer

from ._convolution import ConvolutionalFront
from ._data import Example, Item, unwrapped
from ._image_line import as_line
from ._image_variation import vary
from ._inputs import Input

_LONGEST_PATH = 4096


class ImageInput(Input):
    """A picture of one line, dark on light or light on dark, at one height: a frame a column."""

    kind = "image"

    def __init__(self, choices: Mapping[str, Any]) -> None:
        super().__init__(choices)
        self.height = positive_integer("image_height", choices["image_height"])
        if self.height < 8:
            raise ValueError(
                f"`image_height` must be at least 8. Received: image_height={self.height}."
            )
        filters = choices["filters"]
        if not isinstance(filters, list | tuple) or not filters:
            raise ValueError(
                f"`filters` must be a list of positive integers. Received: filters={filters!r}."
            )
        for count in filters:
            positive_integer("filters", count)

    @property
    def frame_size(self) -> int:
        return self.height

    def front(self) -> ConvolutionalFront:
        return ConvolutionalFront(self.choices["filters"], self.choices["reduction"])

    def plain(self, value: Any) -> Any:
        value = unwrapped(value)
        # tf.data gives paths as bytes; picture files hold zeros early on.
        if isinstance(value, bytes) and len(value) < _LONGEST_PATH and b"\0" not in value:
            return value.decode("utf-8", "replace")
        return value

    def is_one(self, value: Any) -> bool:
        value = unwrapped(value)
        if isinstance(value, np.ndarray):
            return value.ndim == 2 or (value.ndim == 3 and value.shape[2] in (1, 3, 4))
        one = isinstance(value, str | os.PathLike | bytes | bytearray)
        return one or hasattr(value, "__array_interface__")

    def example(self, item: Any, number: int, height: float | None = None) -> Example:
        line = as_line(self.plain(item), f"image {number}", self.height, self.choices["max_length"])
        return _features(line)

    def varied(self, example: Any, generator: np.random.Generator) -> Example:
        return _features(vary(example.raw, generator, self.choices["augmentation"]))

    def seen(self, example: Any) -> np.ndarray:
        """(columns, height) from 0, paper, to 1, ink."""
        return example["frames"]


def _features(line: np.ndarray) -> Example:
    return Item({"frames": line.T, "length": np.array(line.shape[1], "int32")}, line)
