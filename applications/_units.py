"""The units of a language model: text to whole numbers and back."""

from __future__ import annotations

import codecs
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from ._word_level import SPECIALS, read_vocabulary, require_same, word_level

PIECE = 1 << 18


class Units(ABC):
    """What a language model reads and writes one at a time, each with a number.

    The numbers 0, 1 and 2 are padding, the start and the end of what the model takes as a whole; 3
    is the unknown unit where there is one.
    """

    pad_id: ClassVar[int] = 0
    start_id: ClassVar[int] = 1
    end_id: ClassVar[int] = 2
    unknown_id: ClassVar[int | None] = None

    @property
    def first_id(self) -> int:
        """The number of the first unit that is no special one."""
        return 3 if self.unknown_id is None else 4

    @property
    def size(self) -> int:
        """How many units there are, special ones included."""
        return len(self.names)

    names: Sequence[str]
    """Each unit as people read it."""

    pieces: Sequence[str]
    """The text that each unit stands for amid others, that of special ones empty."""

    @abstractmethod
    def encode(self, text: Any) -> np.ndarray:
        """Turns a text into its units, without special ones."""

    @abstractmethod
    def writer(self, before: str = "") -> Writer:
        """Returns what turns units into text as they come, where a text stands before them."""

    @abstractmethod
    def to_json(self) -> str:
        """Returns the vocabulary in the format of the `tokenizers` library."""

    def decode(self, ids: Iterable[int], before: str = "") -> str:
        """Turns units into the text that they add to another."""
        writer = self.writer(before)
        return "".join([*(writer.add(int(unit)) for unit in ids), writer.finish()])

    def grown(self, texts: Sequence[Any], size: int) -> tuple[Units, list[list[int]]]:
        """Returns units with more of them, up to `size`, and of which old ones each is made."""
        raise ValueError(
            f"`vocabulary_size` cannot grow: the units of this model are all there are. "
            f"Received: vocabulary_size={size}."
        )

    def count(self, text: Any) -> int:
        """Returns how many units a text has."""
        return len(self.encode(text))

    def count_unknown(self, text: Any) -> int:
        """Returns how many characters of a text no unit holds."""
        return 0

    @staticmethod
    def count_characters(text: Any) -> int:
        """Returns how many characters a text has; of bytes, those that do not continue one."""
        if isinstance(text, str):
            return len(text)
        codes = np.frombuffer(text, "uint8")
        return int(np.count_nonzero((codes & 0xC0) != 0x80))


class Writer:
    """Units to text, one after another."""

    def __init__(self, pieces: Sequence[str]) -> None:
        self.pieces = pieces

    def add(self, unit: int) -> str:
        """Returns the text that a unit adds."""
        return self.pieces[unit]

    def finish(self) -> str:
        """Returns what was held back."""
        return ""


class ByteWriter(Writer):
    """Units made of bytes; those of an unfinished character are held back."""

    def __init__(self, values: Sequence[bytes], drop_space: bool = False) -> None:
        self.values = values
        self.drop_space = drop_space
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def add(self, unit: int) -> str:
        value = self.values[unit]
        if self.drop_space and value:
            value, self.drop_space = value.removeprefix(b" "), False
        return self.decoder.decode(value)

    def finish(self) -> str:
        return self.decoder.decode(b"", final=True)


class Characters(Units):
    """The characters of the training texts, the most frequent first."""

    unknown_id = 3

    def __init__(self, characters: Sequence[str], replace: bool = False) -> None:
        self.characters = list(characters)
        self.replace = replace
        self.names = [*SPECIALS, *self.characters]
        self.pieces = [*("" for _ in SPECIALS), *self.characters]
        codes = np.array([ord(character) for character in self.characters], "int64")
        self._dtype = "uint8" if self.size <= 256 else "int32"
        # One entry more, for all that lies beyond.
        self._table = np.full(int(codes.max(initial=0)) + 2, self.unknown_id, self._dtype)
        self._table[codes] = np.arange(self.first_id, self.size)

    @classmethod
    def learn(cls, texts: Iterable[str], size: int | None, replace: bool) -> Characters:
        return cls(_frequent(texts)[: None if size is None else size - len(SPECIALS)], replace)

    def encode(self, text: str) -> np.ndarray:
        units = self._looked_up(text)
        if not self.replace and units.min(initial=self.first_id) == self.unknown_id:
            (places,) = np.nonzero(units == self.unknown_id)
            raise ValueError(_unseen("characters", [text[at] for at in places], places[0]))
        return units

    def _looked_up(self, text: str) -> np.ndarray:
        units = np.empty(len(text), self._dtype)
        last = len(self._table) - 1
        for number, codes in enumerate(code_points(text)):
            found = self._table[np.minimum(codes, last)]
            units[number * PIECE : number * PIECE + len(found)] = found
        return units

    def count(self, text: str) -> int:
        return len(text)

    def count_unknown(self, text: str) -> int:
        return int(np.count_nonzero(self._looked_up(text) == self.unknown_id))

    def writer(self, before: str = "") -> Writer:
        return Writer(self.pieces)

    def grown(self, texts: Sequence[str], size: int) -> tuple[Units, list[list[int]]]:
        known = set(self.characters)
        new = [character for character in _frequent(texts) if character not in known]
        new = new[: size - self.size]
        return Characters([*self.characters, *new], self.replace), [[] for _ in new]

    def to_json(self) -> str:
        return word_level(self.names, r"[\s\S]", "isolated").to_str()

    @classmethod
    def from_json(cls, text: str, replace: bool) -> Characters:
        units = cls(read_vocabulary(text)[len(SPECIALS) :], replace)
        require_same(text, units.to_json())
        return units


class Bytes(Units):
    """All 256 bytes, whatever they mean."""

    def __init__(self) -> None:
        self._values = [b""] * self.first_id + [bytes([byte]) for byte in range(256)]
        self.names = [*SPECIALS[: self.first_id], *(_byte_name(byte) for byte in range(256))]
        self.pieces = [value.decode("ascii", "replace") for value in self._values]

    def encode(self, text: str | bytes) -> np.ndarray:
        if isinstance(text, str):
            text = as_utf8(text)
        return np.frombuffer(text, "uint8").astype("uint16") + np.uint16(self.first_id)

    def writer(self, before: str = "") -> Writer:
        return ByteWriter(self._values)

    def to_json(self) -> str:
        from tokenizers import decoders, pre_tokenizers

        from ._text import _BYTE_OF

        letters = sorted(_BYTE_OF, key=lambda letter: _BYTE_OF[letter])
        engine = word_level([*SPECIALS[: self.first_id], *letters], r"[\s\S]", "isolated")
        as_letters = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        engine.pre_tokenizer = pre_tokenizers.Sequence([as_letters, engine.pre_tokenizer])
        engine.decoder = decoders.ByteLevel()
        return engine.to_str()

    @classmethod
    def from_json(cls, text: str, replace: bool) -> Bytes:
        require_same(text, cls().to_json())
        return cls()


def code_points(text: str) -> Iterator[np.ndarray]:
    """The numbers of a text's characters, a piece at a time."""
    for begin in range(0, len(text), PIECE):
        yield np.frombuffer(as_utf8(text[begin : begin + PIECE], "utf-32-le", begin), "<u4")


def as_utf8(text: str, encoding: str = "utf-8", begin: int = 0) -> bytes:
    """Encodes a text, or says where it is none."""
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        raise ValueError(
            "Texts must be valid Unicode, but one holds half of a surrogate pair at position "
            f"{begin + error.start}."
        ) from error


def _frequent(texts: Iterable[str]) -> list[str]:
    """The characters of texts, the most frequent first."""
    counts = np.zeros(0x110000, "int64")
    for text in texts:
        for codes in code_points(text):
            found = np.bincount(codes)
            counts[: len(found)] += found
    (codes,) = np.nonzero(counts)
    return [chr(code) for code in codes[np.lexsort((codes, -counts[codes]))]]


def _unseen(what: str, found: list[str], place: int) -> str:
    names = sorted(set(found))
    shown = ", ".join(map(repr, names[:10])) + (" and others" if len(names) > 10 else "")
    return (
        f"A text has {what} that this language model does not know: {shown} ({len(found)} in all, "
        f"the first as number {place}); leave them out, or make the model with "
        '`unknown="replace"`, which reads them as one unknown unit.'
    )


def _byte_name(byte: int) -> str:
    letter = chr(byte)
    return letter if byte < 128 and letter.isprintable() else f"<{byte:02X}>"
