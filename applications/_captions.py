"""Captions: cleaned texts, and the vocabulary that writes them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from ._text import Tokenizer
from ._units import Units
from ._words import Subwords, Words

UNITS = ("word", "bpe")

# A hyphen or an apostrophe between two letters belongs to the word.
_INSIDE = re.compile(r"(?<=\w)[-'\u2019](?=\w)")


def clean(caption: str) -> str:
    """A caption in small letters, without punctuation, one space between two words.

    Example:

    >>> clean('  A man\u2019s T-shirt, red -- and "new". ')
    "a man's t-shirt red and new"
    """
    text = unicodedata.normalize("NFC", caption).lower().replace("\u2019", "'")
    inside = {found.start() for found in _INSIDE.finditer(text)}
    return " ".join(
        "".join(
            letter if place in inside or unicodedata.category(letter)[0] not in "PCZ" else " "
            for place, letter in enumerate(text)
        ).split()
    )


def learned(captions: Iterable[str], unit: str, size: int, min_count: int) -> Units:
    """The vocabulary of clean captions."""
    captions = [caption for caption in captions if caption]
    if not captions:
        raise ValueError("`data` must hold at least one caption that is not empty.")
    if unit == "bpe":
        return Subwords(Tokenizer.train(captions, size))
    found = Words.learn(captions, size, True, min_count=min_count)
    if not found.words:
        raise ValueError(
            f"No word of the captions is there as often as `min_count` asks. "
            f"Received: min_count={min_count}."
        )
    return found


def restored(text: str, unit: str) -> Units:
    """The vocabulary that `Units.to_json` wrote."""
    return (Subwords if unit == "bpe" else Words).from_json(text, True)


def checked(captions: Iterable[Any]) -> list[str]:
    """Captions, or an error that says which is none."""
    found = list(captions)
    for number, caption in enumerate(found):
        if not isinstance(caption, str):
            raise TypeError(
                f"Captions must be strings. Received as number {number}: {caption!r} "
                f"({type(caption).__name__})."
            )
    return found
