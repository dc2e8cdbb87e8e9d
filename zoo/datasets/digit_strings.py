"""Numbers as pictures, put together from the handwritten digits that come with scikit-learn."""

from __future__ import annotations

import functools

import numpy as np

from ._base import PairDataset, package_file

_SIZES = {"train": 4000, "validation": 500, "test": 500}
_SHARES = {"train": (0.0, 0.8), "validation": (0.8, 0.9), "test": (0.9, 1.0)}
_HEIGHT = 32
_LONGEST = 6


class DigitStrings(PairDataset):
    """`digit_strings`: pictures of numbers, made of digits that people wrote, and the numbers.

    5,000 pairs: 4,000 in `train`, 500 in `validation`, 500 in `test`. An input is an array (32,
    columns), uint8, black on white; a target has one to six digits.

    The digits are the 1,797 of `sklearn.datasets.load_digits`, 8 by 8 pixels, from Alpaydin and
    Kaynak 1998, "Optical recognition of handwritten digits" (UCI, CC BY 4.0). Each of them belongs
    to one split. They vary in size, place and distance, all of which follows from the number of the
    item.

    Args:
        config: not used.
        data_dir: not used.

    Raises:
        FileNotFoundError: scikit-learn is not installed.

    Example:

    >>> from zoo import datasets
    >>> image, text = datasets.DigitStrings().pairs("test")[0]
    >>> image.shape[0], text.isdigit()
    (32, True)
    """

    def pairs(self, split: str) -> list[tuple[np.ndarray, str]]:
        images, labels = digits_of(split)
        return [
            _number(images, labels, np.random.default_rng([list(_SIZES).index(split), item]))
            for item in range(_SIZES[split])
        ]


def digits_of(split: str) -> tuple[np.ndarray, np.ndarray]:
    """The digits of a split: how dark their pixels are, (digits, 8, 8) from 0 to 1; and which."""
    images, labels = _digits()
    order = np.random.default_rng(0).permutation(len(labels))
    first, end = (round(share * len(order)) for share in _SHARES[split])
    return images[order[first:end]], labels[order[first:end]]


@functools.cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    path = package_file("digit_strings", "scikit-learn", "sklearn", "datasets/data/digits.csv.gz")
    table = np.loadtxt(path, delimiter=",", dtype="uint8")
    return table[:, :-1].reshape(-1, 8, 8) / 16, table[:, -1]


def _number(
    images: np.ndarray, labels: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, str]:
    from PIL import Image

    chosen = generator.integers(len(labels), size=generator.integers(1, _LONGEST + 1))
    parts = []
    for digit in images[chosen]:
        digit = digit[:, digit.any(axis=0)]
        height = int(generator.integers(22, 29))
        width = max(2, round(digit.shape[1] * generator.uniform(2.4, 3.4)))
        large = Image.fromarray(digit.astype("float32")).resize(
            (width, height), Image.Resampling.BICUBIC
        )
        above = int(generator.integers(1, _HEIGHT - height))
        gap = int(generator.integers(1, 5))
        below = _HEIGHT - height - above
        parts.append(np.pad(np.asarray(large), [(above, below), (gap, 0)]))
    dark = np.pad(np.concatenate(parts, axis=1), [(0, 0), (0, 2)])
    pixels = np.round(255 * (1 - np.clip(dark, 0, 1))).astype("uint8")
    return pixels, "".join(map(str, labels[chosen]))
