"""The units of a language model: text to whole numbers and back."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    import tokenizers

PAD, START, END, UNKNOWN = "[PAD]", "[START]", "[END]", "[UNK]"
SPECIALS = (PAD, START, END, UNKNOWN)
_PIECE = 1 << 20


class Units(ABC):
    """What a language model reads and writes one at a time, each with a number.

    The numbers 0, 1 and 2 are padding, the start and the end of what the model takes as one; 3 is
    the unknown unit where there is one.
    """

    pad_id: ClassVar[int] = 0
    start_id: ClassVar[int] = 1
    end_id: ClassVar[int] = 2
    unknown_id: ClassVar[int | None] = None

    @property
    @abstractmethod
    def size(self) -> int:
        """How many units there are, special ones included."""

    @abstractmethod
    def encode(self, text: Any) -> np.ndarray:
        """Turns a text into its units, without special ones."""

    @abstractmethod
    def texts(self, ids: Iterable[int]) -> list[str]:
        """Returns each unit as people read it."""

    @abstractmethod
    def writer(self, before: Sequence[int] = ()) -> Writer:
        """Returns what turns units into text as they come, after those that were `before`."""

    @abstractmethod
    def to_json(self) -> str:
        """Returns the vocabulary in the format of the `tokenizers` library."""

    def decode(self, ids: Iterable[int]) -> str:
        """Turns units into a text."""
        writer = self.writer()
        return "".join([*(writer.add(unit) for unit in ids), writer.finish()])


class Writer:
    """Units to text, one after another."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts

    def add(self, unit: int) -> str:
        """Returns the text that a unit adds."""
        return self.texts[unit]

    def finish(self) -> str:
        """Returns what was held back."""
        return ""


class Characters(Units):
    """The characters of the training texts, the most frequent first."""

    unknown_id = 3

    def __init__(self, characters: Sequence[str], replace: bool = False) -> None:
        self.characters = list(characters)
        self.replace = replace
        codes = np.array([ord(character) for character in self.characters], "int64")
        self._table = np.full(int(codes.max(initial=0)) + 2, self.unknown_id, self.dtype)
        self._table[codes] = np.arange(len(SPECIALS), self.size)
        self._texts = [*SPECIALS, *self.characters]

    @classmethod
    def learn(cls, texts: Iterable[str], vocabulary_size: int | None, replace: bool) -> Characters:
        counts = np.zeros(0x110000, "int64")
        for text in texts:
            for codes in code_points(text):
                counts += np.bincount(codes, minlength=len(counts))
        (found,) = np.nonzero(counts)
        ranked = found[np.lexsort((found, -counts[found]))]
        if vocabulary_size is not None:
            ranked = ranked[: vocabulary_size - len(SPECIALS)]
        return cls([chr(code) for code in ranked], replace)

    @property
    def dtype(self) -> str:
        return "uint8" if self.size <= 256 else "int32"

    @property
    def size(self) -> int:
        return len(SPECIALS) + len(self.characters)

    def encode(self, text: str) -> np.ndarray:
        units = np.empty(len(text), self.dtype)
        last = len(self._table) - 1
        for number, codes in enumerate(code_points(text)):
            piece = self._table[np.minimum(codes, last)]
            units[number * _PIECE : number * _PIECE + len(piece)] = piece
        if not self.replace:
            self._refuse_unknown(text, units)
        return units

    def _refuse_unknown(self, text: str, units: np.ndarray) -> None:
        (places,) = np.nonzero(units == self.unknown_id)
        if not len(places):
            return
        unseen = sorted({text[place] for place in places})
        shown = ", ".join(map(repr, unseen[:10])) + (" and others" if len(unseen) > 10 else "")
        raise ValueError(
            f"The text has characters that this language model has never seen: {shown} "
            f"({len(places)} in all, the first at position {places[0]}); leave them out, or make "
            'the model with `unknown="replace"`.'
        )

    def texts(self, ids: Iterable[int]) -> list[str]:
        return [self._texts[unit] for unit in ids]

    def writer(self, before: Sequence[int] = ()) -> Writer:
        return Writer(self._texts)

    def to_json(self) -> str:
        return _word_level([*SPECIALS, *self.characters], r"[\s\S]", "isolated").to_str()

    @classmethod
    def from_json(cls, text: str, replace: bool) -> Characters:
        units = cls(_vocabulary(text)[len(SPECIALS) :], replace)
        _require_same(text, units.to_json())
        return units


def _word_level(names: Sequence[str], pattern: str, behaviour: str) -> tokenizers.Tokenizer:
    """A tokenizer of the `tokenizers` library whose units are what a pattern finds."""
    from tokenizers import Regex, decoders, models, pre_tokenizers
    from tokenizers import Tokenizer as Engine

    vocabulary = {name: number for number, name in enumerate(names)}
    engine = Engine(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    engine.pre_tokenizer = pre_tokenizers.Split(
        Regex(pattern), behaviour, invert=behaviour == "removed"
    )
    engine.decoder = decoders.Fuse()
    return engine


def _vocabulary(text: str) -> list[str]:
    """The units in a tokenizer's JSON in the order of their numbers; a damaged one is refused."""
    try:
        numbers = json.loads(text)["model"]["vocab"]
        if sorted(numbers.values()) != list(range(len(numbers))):
            raise ValueError("its units are not numbered from 0 without gaps")
        return sorted(numbers, key=lambda name: numbers[name])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"This is not a tokenizer that we wrote: {error}.") from error


def _require_same(text: str, ours: str) -> None:
    if json.loads(text) != json.loads(ours):
        raise ValueError("This is not a tokenizer that we wrote: more than its units is another.")


def code_points(text: str) -> Iterator[np.ndarray]:
    """The numbers of a text's characters, a piece at a time."""
    for begin in range(0, len(text), _PIECE):
        piece = text[begin : begin + _PIECE]
        try:
            yield np.frombuffer(piece.encode("utf-32-le"), "<u4")
        except UnicodeEncodeError as error:
            raise ValueError(
                "Texts must be valid Unicode, but one holds half of a surrogate pair at position "
                f"{begin + error.start}."
            ) from error


def learn(unit: str, texts: Sequence[Any], options: Mapping[str, Any]) -> Units:
    """Makes the units of texts."""
    return Characters.learn(texts, options["vocabulary_size"], options["replace"])
