"""Pen strokes as the input of a recogniser."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from ._data import Example, Item
from ._ink import as_ink, is_one_ink
from ._ink_features import (
    POINT_FEATURES,
    count_points,
    letter_height,
    normalise,
    point_features,
    resample,
    scaled,
)
from ._ink_variation import vary
from ._inputs import Input

_FEATURES = ("points",)


class InkInput(Input):
    """Ink, of one size and slant, with its points at equal distances: one frame a point.

    A recogniser that reads forwards only cannot measure what is not written yet; there the size is
    that of the ink that it was trained on, or the user's `height`.
    """

    kind = "ink"

    def __init__(self, choices: Mapping[str, Any]) -> None:
        super().__init__(choices)
        if choices["features"] not in _FEATURES:
            raise ValueError(
                f"`features` must be {' or '.join(map(repr, _FEATURES))}. "
                f"Received: features={choices['features']!r}."
            )
        spacing = choices["spacing"]
        if not isinstance(spacing, int | float) or not 0.01 <= spacing <= 10:
            raise ValueError(
                f"`spacing` must be a number from 0.01 to 10. Received: spacing={spacing!r}."
            )
        self.spacing = spacing
        self.measures = bool(choices["bidirectional"])
        self.height = 1.0

    @property
    def frame_size(self) -> int:
        return POINT_FEATURES

    def learn(self, items: list[Any]) -> None:
        if self.measures:
            return
        inks = (as_ink(item, f"ink {number}") for number, item in enumerate(items))
        heights = [height for height in map(letter_height, inks) if height]
        self.height = float(np.median(heights)) if heights else 1.0

    def assets(self) -> dict[str, str]:
        return {} if self.measures else {"ink.json": json.dumps({"height": self.height})}

    def restore(self, assets: Mapping[str, str]) -> None:
        if self.measures:
            return
        height = json.loads(assets["ink.json"])["height"]
        if not isinstance(height, float) or not 0 < height < float("inf"):
            raise ValueError(
                f"`height` in ink.json must be a positive number. Received: {height!r}."
            )
        self.height = height

    def is_one(self, value: Any) -> bool:
        return is_one_ink(value)

    def check_height(self, height: float | None) -> None:
        if height is None:
            return
        if self.measures:
            raise ValueError(
                "`height` must be None for a recognizer that reads in both directions; it finds "
                f"the height itself. Received: height={height!r}."
            )
        if not isinstance(height, int | float) or not 0 < height < float("inf"):
            raise ValueError(f"`height` must be a positive number. Received: height={height!r}.")

    def example(self, item: Any, number: int, height: float | None = None) -> Example:
        ink = as_ink(item, f"ink {number}")
        ink = normalise(ink) if self.measures else scaled(ink, height or self.height)
        points, most = count_points(ink, self.spacing), self.choices["max_length"]
        if points > most:
            raise ValueError(
                f"Ink {number} has {points:.0f} points at equal distances, but this recognizer "
                f"takes at most {most} (`max_length`); split it into lines or words."
            )
        return self._features(ink)

    def _features(self, ink: np.ndarray) -> Example:
        frames = point_features(resample(ink, self.spacing), self.spacing)
        return Item({"frames": frames, "length": np.array(len(frames), "int32")}, ink)

    def varied(self, example: Any, generator: np.random.Generator) -> Example:
        return self._features(vary(example.raw, generator, self.choices["augmentation"]))

    def seen(self, example: Any) -> np.ndarray:
        """Packed ink, (points, 3)."""
        return resample(example.raw, self.spacing)
