"""Words written with the stroke fonts of `Hershey-Fonts`, each time in another way."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from ._base import PairDataset

_FONTS = ("scripts", "cursive", "futural", "rowmans")
_SIZES = {"train": 8000, "validation": 500, "test": 500}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_JOINED = ("scripts", "cursive")
_WORDS_EACH = 0.6
"""The share of words of a language; the others are letters at random."""


class HersheyInk(PairDataset):
    """`hershey_ink/lower`, `/mixed` and `/digits`: words in four stroke fonts, varied.

    9,000 pairs in each: 8,000 in `train`, 500 in `validation`, 500 in `test`. An input is an array
    (points, 3), float32: x, y (downwards), and 1 at the last point of each stroke; a target is a
    word. Of the words, 60 % are those of the English names of emoji, the others letters at random,
    so that all are seen often; `mixed` has capitals and digits too, and `digits` numbers alone. A
    word belongs to one split, which a hash of it decides.

    Letters vary in size, place and slant; words in font, size, slant, rotation and steadiness, in
    how closely their points lie, and, in the fonts that imitate writing, in where the pen is
    lifted. All of it follows from the number of the item.

    Args:
        config: `lower`, `mixed` or `digits`.
        data_dir: not used.

    Example:

    >>> from zoo import datasets
    >>> ink, text = datasets.HersheyInk("lower").pairs("test")[0]
    >>> ink.shape[1], text.islower()
    (3, True)
    """

    @classmethod
    def configs(cls) -> tuple[str, ...]:
        return ("lower", "mixed", "digits")

    def pairs(self, split: str) -> list[tuple[np.ndarray, str]]:
        words = _words(self.config, split)
        return [
            (write(word, np.random.default_rng([_number(split), item])), word)
            for item, word in zip(range(_SIZES[split]), words, strict=False)
        ]


def write(text: str, generator: np.random.Generator) -> np.ndarray:
    """Writes a text, packed float32 (points, 3); equal generators write equally."""
    from zoo.applications._ink import UP, pack
    from zoo.applications._ink_variation import vary

    font = _FONTS[generator.integers(len(_FONTS))]
    joined = font in _JOINED and generator.random() < 0.8
    strokes: list[np.ndarray] = []
    x, tightness = 0.0, generator.uniform(0.85, 1.15)
    for letter in text:
        if letter == " ":
            x += 1.2
            continue
        width, glyph = _glyph(font, letter)
        size, lean = generator.normal(1, 0.06, 2), generator.normal(0, 0.05)
        lift = generator.normal(0, 0.04)
        for stroke in glyph:
            placed = stroke * size
            placed[:, 0] += x - lean * placed[:, 1]
            placed[:, 1] += lift
            if joined and strokes and np.hypot(*(placed[0] - strokes[-1][-1])) < 0.25:
                strokes[-1] = np.concatenate([strokes[-1], placed])
            else:
                strokes.append(placed)
        x += width * tightness * size[0]
    ink = pack(_rounded(stroke) for stroke in strokes)
    ink = vary(ink, generator, 0.8)
    ink[:, :2] *= np.exp(generator.uniform(np.log(8), np.log(400)))
    ink[:, :2] += generator.uniform(0, 500, 2)
    assert ink[-1, UP] == 1
    return ink.astype("float32")


def _rounded(stroke: np.ndarray) -> np.ndarray:
    """Cuts corners twice, for fonts are made of straight pieces; then points at equal distances."""
    for _ in range(2):
        if len(stroke) > 2:
            cut = np.empty((2 * len(stroke) - 2, 2))
            cut[0::2] = 0.75 * stroke[:-1] + 0.25 * stroke[1:]
            cut[1::2] = 0.25 * stroke[:-1] + 0.75 * stroke[1:]
            stroke = np.concatenate([stroke[:1], cut[1:-1], stroke[-1:]])
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
    wanted = np.linspace(0, along[-1], max(2, int(along[-1] / 0.05)))
    return np.stack([np.interp(wanted, along, stroke[:, axis]) for axis in (0, 1)], axis=1)


@functools.cache
def _glyph(font: str, letter: str) -> tuple[float, list[np.ndarray]]:
    """The advance and the strokes of a letter, y downwards from the base line, "x" 1 high."""
    height = np.concatenate(_strokes(font, "x"))[:, 1]
    base, unit = height.max(), np.ptp(height)
    strokes = [(stroke - [0, base]) / unit for stroke in _strokes(font, letter)]
    # Where the next letter begins: what "x" moves by when it comes after this one.
    pair = _strokes(font, f"{letter}x")[len(strokes) :]
    advance = min(stroke[:, 0].min() for stroke in pair) - min(
        stroke[:, 0].min() for stroke in _strokes(font, "x")
    )
    return float(advance / unit), strokes


def _strokes(font: str, text: str) -> list[np.ndarray]:
    return [
        np.array([tuple(point) for point in stroke], "float64")
        for stroke in _font(font).strokes_for_text(text)
    ]


@functools.cache
def _font(name: str) -> Any:
    from HersheyFonts import HersheyFonts

    font = HersheyFonts()
    font.load_default_font(name)
    return font


def _words(config: str, split: str) -> Iterator[str]:
    """Words of a split without end, from a generator of its own."""
    generator = np.random.default_rng([_number(config), _number(split)])
    known = [word for word in _vocabulary() if split_of(word) == split]
    letters = {"lower": _LETTERS, "mixed": _LETTERS + _LETTERS.upper() + "0123456789"}
    while True:
        if config == "digits":
            word = "".join(generator.choice(list("0123456789"), generator.integers(1, 7)))
        elif generator.random() < _WORDS_EACH:
            word = str(generator.choice(known))
            if config == "mixed":
                forms = (word, word.capitalize(), word.upper())
                word = forms[generator.choice(3, p=[0.5, 0.4, 0.1])]
        else:
            word = "".join(generator.choice(list(letters[config]), generator.integers(1, 9)))
        if split_of(word) == split:
            yield word


@functools.cache
def _vocabulary() -> tuple[str, ...]:
    """The words of the English names of emoji."""
    import emoji

    names = (entry["en"] for entry in emoji.EMOJI_DATA.values() if "en" in entry)
    words = {word for name in names for word in name.strip(":").lower().split("_")}
    return tuple(sorted(word for word in words if word and set(word) <= set(_LETTERS)))


def split_of(word: str) -> str:
    """The split to which a word belongs, in whatever case it is written."""
    place = _number(word.lower()) % 10
    return {0: "test", 1: "validation"}.get(place, "train")


def _number(text: str) -> int:
    digest = hashlib.sha256(f"hershey_ink{text}".encode()).digest()
    return int.from_bytes(digest[:6], "big")
