"""Applications whose inputs are pictures: what an encoder makes of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ._data import Batches, Example, Fixed
from ._encoders import OWN, Encoder, open_encoder
from ._features import Features, cache_folder
from ._generating import Generating
from ._image import resized, varied
from ._pictures import grouped

EYE = "encoder.json"


class Seen(list[Example]):
    """Features of pictures."""


class Sighted(Generating):
    """An application that sees pictures.

    The features are `grid`, (positions, depth), what the encoder makes of a picture; or `pixels`,
    (height, width, 3), where the encoder is trained too.

    A subclass has the choices `encoder`, `encoder_weights`, `image_size`, `train_encoder` and
    `variations`, as `Captioner` explains them.
    """

    encoder: Any
    encoder_weights: str | None
    image_size: int
    train_encoder: bool
    variations: int

    _notes: dict[str, Any]

    feature_cache: Path | None
    """The folder that keeps features of pictures; None keeps none."""

    def __init__(self, choices: Mapping[str, Any], encoder: Any, **kwargs: Any) -> None:
        own = isinstance(encoder, keras.Model)
        # A model of the user's is no part of the network, and is not kept with it.
        super().__init__({**choices, "encoder": OWN if own else encoder}, **kwargs)
        self._given_encoder = lambda: encoder
        self.feature_cache = cache_folder()
        self._shown = 1
        self._features: Features | None = None

    def _opened(self, weights: str | None) -> Encoder:
        return open_encoder(self._given_encoder(), weights, self.image_size)

    def open_eye(self) -> Encoder:
        """Makes the encoder, and notes what the rest of the network must know of it."""
        encoder = self._opened(self.encoder_weights)
        self._notes = {
            "size": list(encoder.size),
            "grid": list(encoder.grid_shape),
            "depth": encoder.depth,
            "weights": encoder.weights_digest(),
        }
        if self.train_encoder:
            self.eye = encoder.network
        else:
            self._features = Features(encoder, self.feature_cache)
        return encoder

    @property
    def grid_shape(self) -> tuple[int, int]:
        """How many rows and columns of positions the encoder sees."""
        rows, columns = self._notes["grid"]
        return rows, columns

    @property
    def features(self) -> Features:
        """The encoder with what it has computed."""
        if self._features is None:
            encoder = self._opened(self.encoder_weights)
            if encoder.weights_digest() != self._notes["weights"]:
                raise ValueError(
                    "The encoder has other weights than the one with which this "
                    f"{type(self).__name__} was trained; give it the same one."
                )
            self._features = Features(encoder, self.feature_cache)
        self._features.keep_in(self.feature_cache)
        return self._features

    def seen(self, images: list[Any], *, keep: bool = False, verbose: int = 0) -> Seen:
        """Features of raw pictures; `keep` writes new ones to the disk."""
        if not self.train_encoder:
            shown = self._shown if keep else verbose
            return Seen({"grid": grid} for grid in self.features.of(images, keep, verbose=shown))
        encoder = self.whole_eye()
        found = Seen({} for _ in images)
        for group in grouped(images):
            pixels = encoder.pixels(images[group[0]], f"Picture {group[0]}").view(Fixed)
            for number in group:
                found[number] = {"pixels": pixels}
        return found

    def preprocess(
        self,
        data: Any,
        targets: Any = None,
        *,
        batch_size: int = 64,
        shuffle: bool = False,
        seed: int = 0,
    ) -> Batches:
        batches = super().preprocess(
            data, targets, batch_size=batch_size, shuffle=shuffle, seed=seed
        )
        if shuffle and self.variations and batches is not data:
            if self.train_encoder:
                batches.vary = self._varied_pixels
            else:
                self._add_variations(batches.examples)
                batches.vary = self._one_of_all
        return batches

    def _add_variations(self, examples: list[Any]) -> None:
        """Puts the grids of all variations of a picture in the place of the raw picture."""
        images = [example.raw for example in examples]
        every = [
            self.features.of(images, variation=number, verbose=self._shown)
            for number in range(1, self.variations + 1)
        ]
        for example, *grids in zip(examples, *every, strict=True):
            example.raw = [example["grid"], *grids]

    @staticmethod
    def _one_of_all(example: Any, generator: np.random.Generator) -> Example:
        return {**example, "grid": example.raw[generator.integers(len(example.raw))]}

    @staticmethod
    def _varied_pixels(example: Example, generator: np.random.Generator) -> Example:
        height, width = example["pixels"].shape[:2]
        pixels = resized(varied(np.asarray(example["pixels"]), generator), height, width)
        return {**example, "pixels": pixels.view(Fixed)}

    def features_of(self, images: list[Any]) -> list[np.ndarray]:
        """What the encoder makes of raw pictures, (positions, depth) each, float16.

        They are kept on the disk, and come from there where they were computed before.
        """
        if not self.adapted and self._features is None:
            self.open_eye()
        return [np.asarray(example["grid"]) for example in self.seen(images, keep=True)]

    def whole_eye(self) -> Encoder:
        height, width = self._notes["size"]
        return Encoder(self.eye, (height, width))

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int = 64,
        epochs: int = 1,
        verbose: Any = "auto",
        *args: Any,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        self._shown = 1 if verbose else 0
        return super().fit(x, y, batch_size, epochs, verbose, *args, **kwargs)

    def notes(self) -> str:
        """What the rest of the network must know of the encoder, for `restore_eye`."""
        return json.dumps(self._notes)

    def restore_eye(self, text: str) -> None:
        """Takes back what `notes` gave."""
        self._notes = _checked_notes(text)
        if self.train_encoder:
            self.eye = self._opened(None).network

    @property
    def depth_seen(self) -> int:
        """How many features each position has."""
        return self._notes["depth"]


def _checked_notes(text: str) -> dict[str, Any]:
    notes = json.loads(text)
    sizes = [*notes["size"], *notes["grid"], notes["depth"]]
    if len(sizes) != 5 or not all(type(size) is int and 0 < size < 2**16 for size in sizes):
        raise ValueError(f"{EYE} must hold the sizes of an encoder. Received: {sizes}.")
    return notes
