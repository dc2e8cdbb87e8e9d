"""Characters as symbols: a text is a list of whole numbers above 0, and back."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


class Alphabet:
    """The characters that a recogniser can write; symbol 0 is none of them.

    Texts are brought to Unicode's NFC, and a character is a code point.

    Args:
        characters: one string with each of them once, in the order of their symbols from 1 on.

    Example:

    >>> from zoo.applications._alphabet import Alphabet
    >>> alphabet = Alphabet.of(["bad", "cab"])
    >>> alphabet.encode("dab").tolist(), alphabet.decode([0, 3, 0, 1])
    ([4, 1, 2], 'ca')
    """

    def __init__(self, characters: str) -> None:
        self.characters = characters
        self._symbols = {letter: place for place, letter in enumerate(characters, start=1)}
        if not characters or len(self._symbols) < len(characters):
            raise ValueError("An alphabet must have characters, each of them once.")

    @classmethod
    def of(cls, texts: Iterable[str]) -> Alphabet:
        """The characters of some texts, in the order of their code points."""
        letters = {letter for text in texts for letter in composed(text)}
        if not letters:
            raise ValueError("`targets` must hold at least one text that is not empty.")
        return cls("".join(sorted(letters)))

    def __repr__(self) -> str:
        return repr(self.characters)

    def __len__(self) -> int:
        """How many symbols there are, 0 included."""
        return len(self.characters) + 1

    def encode(self, text: str) -> np.ndarray:
        """Turns a text into int32 symbols; a `ValueError` names characters that are not here."""
        text = composed(text)
        if self.unknown([text]):
            raise ValueError(self.refusal(text))
        return np.array([self._symbols[letter] for letter in text], "int32")

    def refusal(self, text: str) -> str:
        """What to say of a text with unknown characters."""
        lacking = named(self.unknown([text]))
        return f"The alphabet lacks {lacking}, found in {composed(text)!r}; it has {self!r}."

    def decode(self, symbols: Iterable[Any]) -> str:
        """Turns symbols into a text; 0 is left out."""
        return "".join(self.characters[int(symbol) - 1] for symbol in symbols if symbol)

    def unknown(self, texts: Iterable[str]) -> list[str]:
        """The characters of some texts that are not in it, sorted."""
        return sorted({letter for text in texts for letter in composed(text)} - set(self._symbols))

    def to_json(self) -> str:
        """Returns it as JSON."""
        return json.dumps({"characters": self.characters}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Alphabet:
        """Reads what `to_json` wrote; anything else is a `ValueError`."""
        try:
            characters = json.loads(text)["characters"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"This is not an alphabet that we wrote: {error}.") from error
        if not isinstance(characters, str):
            raise ValueError("This is not an alphabet that we wrote: `characters` is no text.")
        return cls(characters)


def composed(text: str) -> str:
    """A text in Unicode's NFC, so that an accented letter is one character wherever it can be."""
    return unicodedata.normalize("NFC", text)


def named(letters: Sequence[str], most: int = 8) -> str:
    """Characters for a message."""
    shown = ", ".join(map(repr, letters[:most]))
    more = f" and {len(letters) - most} more" if len(letters) > most else ""
    return f"the character{'s' * (len(letters) > 1)} {shown}{more}"


def checked_texts(texts: Iterable[Any]) -> list[str]:
    """Texts as a list, or a `TypeError` about the first that is none."""
    texts = list(texts)
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(
                f"Targets must be strings. Received as number {number}: {text!r} "
                f"({type(text).__name__})."
            )
    return texts
