"""Pen strokes as the input of a recogniser."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from ._data import Example, Item
from ._ink import UP, as_ink, is_one_ink
from ._ink_curves import CURVE_FEATURES, curve_features, curves_of, ends, polylines
from ._ink_features import (
    POINT_FEATURES,
    count_points,
    letter_height,
    normalise,
    point_features,
    resample,
    scaled,
)
from ._ink_reading import is_archive, read_archive
from ._ink_style import restyle
from ._ink_variation import vary
from ._ink_vicinity import VICINITY_FEATURES, vicinity_features
from ._inputs import Input

_FRAME_SIZES = {
    "points": POINT_FEATURES,
    "vicinity": VICINITY_FEATURES,
    "curves": CURVE_FEATURES,
}


class InkInput(Input):
    """Ink, of one size and slant, with its points at equal distances: a frame a point, or a curve.

    A recogniser that reads forwards only cannot measure what is not written yet; there the size is
    that of the ink that it was trained on, or the user's `height`.
    """

    kind = "ink"

    def __init__(self, choices: Mapping[str, Any]) -> None:
        super().__init__(choices)
        if choices["features"] not in _FRAME_SIZES:
            raise ValueError(
                f"`features` must be {' or '.join(map(repr, _FRAME_SIZES))}. "
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
        return _FRAME_SIZES[self.choices["features"]]

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

    def opened(self, value: Any) -> Any:
        if is_archive(value):
            inks = read_archive(value)
            return inks[0] if len(inks) == 1 else inks
        return value

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
        frames = self._encoded(ink)[1]
        return Item({"frames": frames, "length": np.array(len(frames), "int32")}, ink)

    def _encoded(self, ink: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Packed ink with a row for each frame, and the frames."""
        if self.choices["features"] == "vicinity":
            return vicinity_features(ink, self.spacing)
        if self.choices["features"] == "curves":
            curves = curves_of(ink, self.spacing)
            return ends(curves), curve_features(curves)
        points = resample(ink, self.spacing)
        return points, point_features(points, self.spacing)

    def check_stream(self) -> None:
        if self.choices["features"] == "vicinity":
            raise ValueError(
                "`stream` needs features that do not change with what is written later, 'points' "
                "or 'curves'. Received: features='vicinity'."
            )

    def unsettled(self, example: Any) -> int:
        if self.choices["features"] != "curves":
            return 1  # the end of the stroke will move
        up = self.seen(example)[:-1, UP]
        begun = int(np.flatnonzero(up)[-1]) + 2 if up.any() else 0  # behind the way to the stroke
        return int(example["length"]) - begun

    def varied(self, example: Any, generator: np.random.Generator) -> Example:
        strength = self.choices["augmentation"]
        ink = restyle(example.raw, generator, strength)
        if self.measures and len(ink):
            ink = normalise(ink)  # as that hand would have been seen
        return self._features(vary(ink, generator, strength))

    def draw(self, ax: Any, example: Any, colours: Any, widths: Any) -> None:
        from matplotlib.collections import LineCollection

        points = self.seen(example)
        colours = np.full((len(points), 3), 0.1) if colours is None else colours
        widths = np.broadcast_to(widths, len(points))
        if self.choices["features"] == "curves":
            curves = curves_of(example.raw, self.spacing)
            lines = polylines(curves)
            dots = (curves == curves[:, :1]).all(axis=(1, 2))
            drawn = ~dots & (curves[:, 0, UP] == 0)
        else:
            begins = np.append(True, points[:-1, UP] > 0)
            dots = begins & (points[:, UP] > 0)
            lines = list(np.stack([np.roll(points[:, :2], 1, axis=0), points[:, :2]], axis=1))
            drawn = ~begins
        ax.add_collection(
            LineCollection(
                [lines[place] for place in np.flatnonzero(drawn)],
                colors=colours[drawn],
                linewidths=widths[drawn],
                capstyle="round",
            )
        )
        ax.scatter(*points[dots, :2].T, c=colours[dots], s=(2 * widths[dots]) ** 2, linewidths=0)
        ax.autoscale_view()
        ax.margins(0.02)
        ax.set_aspect("equal")
        ax.invert_yaxis()
        ax.axis("off")

    def across(self, example: Any) -> np.ndarray:
        return self.seen(example)[:, 0]

    def seen(self, example: Any) -> np.ndarray:
        """Packed ink, (points, 3)."""
        return self._encoded(example.raw)[0]
