"""Handwriting: pen strokes to text."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from zoo.layers import recurrent as recurrent_layer
from zoo.layers._arguments import arguments, positive_integer, rate

from ._ctc_application import CTCApplication
from ._data import TARGET, Example, Item, raw_items
from ._ink import as_ink, is_one_ink
from ._ink_features import (
    POINT_FEATURES,
    count_points,
    normalise,
    point_features,
    resample,
)
from ._ink_variation import vary


@keras.saving.register_keras_serializable(package="zoo")
class HandwritingRecognizer(CTCApplication):
    """Reads handwriting: recurrent layers over the strokes of a pen, trained by CTC.

    The alphabet is that of the first data given to `fit` or `adapt`. Ink is brought to one size
    and slant, and its points to equal distances, so that it does not matter which device it comes
    from; see `recognize` for the forms that it may have.

    Args:
        input: "ink".
        recurrent: any registered cell, by name; see `zoo.list_cells`.
        units: size of the layers, in each direction.
        depth: how many layers.
        bidirectional: whether the layers read in both directions.
        reduction: the outputs of the first layer are put together in groups of so many, and those
            above it see one frame a group.
        layer_norm: whether the cells normalise, where they can.
        dropout: rate between layers and before the softmax.
        features: "points".
        spacing: the distance between points, where small letters are about 1 high.
        augmentation: how much training ink is varied, 0 not at all; see the README.
        long_targets: "skip" leaves out training texts that their ink has too few frames for, with a
            warning; "refuse" makes them an error.
        max_length: the most points of an ink, once they are at equal distances.
        characters: what the alphabet has besides the characters of the data.
        recurrent_options: more arguments of the cells, e.g. `{"recurrent_dropout": 0.2}`.

    Example:

    >>> import numpy as np
    >>> from zoo import HandwritingRecognizer
    >>> dash = [np.array([[0, 0], [40, 0]])]
    >>> bars = [np.array([[0, 0], [0, 40]]), np.array([[20, 0], [20, 40]])]
    >>> recognizer = HandwritingRecognizer(units=8, depth=1)
    >>> history = recognizer.fit([(dash, "-"), (bars, "ll")], epochs=1, verbose=0)
    >>> len(recognizer.recognize([dash, bars, dash]))
    3

    References:
        Graves et al. 2009, "A novel connectionist system for unconstrained handwriting
        recognition"; Carbune et al. 2020, "Fast multi-language LSTM-based online handwriting
        recognition".
    """

    def __init__(
        self,
        input: str = "ink",
        recurrent: str = "lstm",
        units: int = 128,
        depth: int = 3,
        bidirectional: bool = True,
        reduction: int = 2,
        layer_norm: bool = False,
        dropout: float = 0.2,
        features: str = "points",
        spacing: float = 0.2,
        augmentation: float = 1.0,
        long_targets: str = "skip",
        max_length: int = 4000,
        characters: str = "",
        recurrent_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(arguments(locals()), **kwargs)
        for name in ("units", "depth", "reduction", "max_length"):
            positive_integer(name, getattr(self, name))
        rate("dropout", dropout)
        for name, known in {
            "input": ("ink",),
            "features": ("points",),
            "long_targets": ("skip", "refuse"),
        }.items():
            if self.choices[name] not in known:
                raise ValueError(
                    f"`{name}` must be {' or '.join(map(repr, known))}. "
                    f"Received: {name}={self.choices[name]!r}."
                )
        for name, most in {"spacing": 10.0, "augmentation": 3.0}.items():
            value = getattr(self, name)
            lowest = 0 if name == "augmentation" else 0.01
            if not isinstance(value, int | float) or not lowest <= value <= most:
                raise ValueError(
                    f"`{name}` must be a number from {lowest} to {most:g}. "
                    f"Received: {name}={value!r}."
                )
        # An unknown cell or option is named now, not after `adapt`.
        options = {**(recurrent_options or {}), **({"layer_norm": True} if layer_norm else {})}
        recurrent_layer(recurrent, units, **options)

    def feature_size(self) -> int:
        return POINT_FEATURES

    def example(self, item: Any, number: int) -> Example:
        ink = normalise(as_ink(item, f"ink {number}"))
        points = count_points(ink, self.spacing)
        if points > self.max_length:
            raise ValueError(
                f"Ink {number} has {points:.0f} points at equal distances, but this recognizer "
                f"takes at most {self.max_length} (`max_length`); split it into lines or words."
            )
        return self._features(ink)

    def _features(self, ink: np.ndarray) -> Example:
        frames = point_features(resample(ink, self.spacing), self.spacing)
        return Item({"frames": frames, "length": np.int32(len(frames))}, ink)

    def varied(self, example: Any, generator: np.random.Generator) -> Example:
        changed = self._features(vary(example.raw, generator, self.augmentation))
        return {**changed, TARGET: example[TARGET]}

    def infer(self, inputs: Any, **decoding: Any) -> list[Any]:
        return self.recognize(inputs, **decoding)

    def recognize(self, inks: Any, *, batch_size: int = 32, verbose: int = 0) -> Any:
        """Reads ink.

        Args:
            inks: a list, tf.data.Dataset or generator of inks; or one ink. An ink is a list of
                strokes, each an array (points, 2 or 3) of x, y and perhaps t, or the lists
                `[[x ...], [y ...], [t ...]]` that web canvases give; an array (points, 3) of x, y
                and a 1 at the end of each stroke; or the path of an InkML file. y grows downwards.
            batch_size: inks at a time.
            verbose: 1 shows a progress bar.

        Returns:
            A list of strings, one string for one ink. An empty ink gives an empty text.

        Raises:
            ValueError: an ink is damaged or too long.
            TypeError: an ink is something else.
        """
        self._require_adapted()
        single = is_one_ink(inks)
        examples = self.featurize(raw_items([inks] if single else inks))
        full = [number for number, example in enumerate(examples) if example["length"]]
        chosen = [examples[number] for number in full]
        results = [""] * len(examples)
        for number, text in zip(full, self.read_greedily(chosen, batch_size, verbose), strict=True):
            results[number] = text
        return results[0] if single else results
