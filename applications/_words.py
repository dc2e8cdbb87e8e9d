"""Units that are words, several words, or parts of words."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from ._bpe import count_units, more_units
from ._text import _BYTE_OF, Tokenizer
from ._units import PIECE, ByteWriter, Units, Writer, _unseen
from ._word_level import SPECIALS, read_vocabulary, require_same, word_level

# A word is what white space separates; the end of a line is one too.
_PATTERN = r"\n|[^\s]+"
_WORD = re.compile(_PATTERN)
# Between two words, where byte-pair units never reach across.
_GAP = re.compile(r"(?<=\S) (?=\S)")
_LEAST_COUNT = 2


class Words(Units):
    """The most frequent words of the training texts; all others are one unknown unit."""

    unknown_id = 3
    what = "words"

    def __init__(self, words: Sequence[str], replace: bool = True) -> None:
        self.words = list(words)
        self.replace = replace
        self.names = [*SPECIALS, *self.words]
        spaced = (word if word == "\n" else f" {word}" for word in self.words)
        self.pieces = [*("" for _ in SPECIALS), *spaced]
        self._numbers = {word: self.first_id + number for number, word in enumerate(self.words)}

    @classmethod
    def learn(
        cls,
        texts: Iterable[str],
        size: int,
        replace: bool,
        order: int = 1,
        min_count: int = 1,
    ) -> Words:
        return cls(_frequent(texts, order, min_count)[: size - len(SPECIALS)], replace)

    def encode(self, text: str) -> np.ndarray:
        parts = [self._numbered(words) for words in _words(text)]
        units = np.concatenate([np.zeros(0, "int32"), *parts])
        if not self.replace:
            (places,) = np.nonzero(units == self.unknown_id)
            if len(places):
                unseen = [word for words in _words(text) for word in words if not self.knows(word)]
                raise ValueError(_unseen(self.what, unseen, places[0]))
        return units

    def knows(self, word: str) -> bool:
        """Whether a word has a number of its own."""
        return word in self._numbers

    def _numbered(self, words: list[str]) -> np.ndarray:
        return np.array([self._numbers.get(word, self.unknown_id) for word in words], "int32")

    def count(self, text: str) -> int:
        return sum(len(self._numbered(words)) for words in _words(text))

    def count_unknown(self, text: str) -> int:
        return sum(len(word) for words in _words(text) for word in words if not self.knows(word))

    def writer(self, before: str = "") -> Writer:
        return _WordWriter(self.names, not before or before[-1].isspace())

    def grown(self, texts: Sequence[str], size: int) -> tuple[Units, list[list[int]]]:
        new = [word for word in _frequent(texts, 1) if not self.knows(word)][: size - self.size]
        return type(self)([*self.words, *new], self.replace), [[] for _ in new]

    def to_json(self) -> str:
        return word_level(self.names, _PATTERN, "removed").to_str()

    @classmethod
    def from_json(cls, text: str, replace: bool) -> Words:
        units = cls(read_vocabulary(text)[len(SPECIALS) :], replace)
        require_same(text, units.to_json())
        return units


class WordGroups(Words):
    """Words and frequent groups of words; at each place the longest group is taken."""

    what = "words"

    def __init__(self, words: Sequence[str], replace: bool = True) -> None:
        super().__init__(words, replace)
        self._order = max([1, *(word.count(" ") + 1 for word in self.words)])

    def _numbered(self, words: list[str]) -> np.ndarray:
        numbers, found, place = self._numbers, [], 0
        while place < len(words):
            for length in range(min(self._order, len(words) - place), 0, -1):
                number = numbers.get(" ".join(words[place : place + length]))
                if number is not None or length == 1:
                    found.append(self.unknown_id if number is None else number)
                    place += length
                    break
        return np.array(found, "int32")


class _WordWriter(Writer):
    def __init__(self, names: Sequence[str], bare: bool) -> None:
        super().__init__(names)
        self.bare = bare

    def add(self, unit: int) -> str:
        text = "" if unit < len(SPECIALS) else self.pieces[unit]
        if not text:
            return ""
        bare, self.bare = self.bare or text == "\n", text == "\n"
        return text if bare else f" {text}"


class Subwords(Units):
    """Byte-pair units: whole words where they are frequent, parts of words where not."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.names = tokenizer.tokens(range(tokenizer.vocabulary_size))
        engine = tokenizer._tokenizer
        specials = [b""] * self.first_id
        letters = (engine.id_to_token(unit) or "" for unit in range(self.first_id, self.size))
        self._values = [*specials, *(bytes(_BYTE_OF[one] for one in word) for word in letters)]
        self.pieces = [value.decode("utf-8", "replace") for value in self._values]

    @classmethod
    def learn(cls, texts: Iterable[str], size: int) -> Subwords:
        parts = (part.removeprefix(" ") for text in texts for part in _parts(text))
        return cls(Tokenizer.train(parts, size))

    def encode(self, text: str) -> np.ndarray:
        found: list[np.ndarray] = [np.zeros(0, "int32")]
        rest = _parts(text) if text else iter(())
        while parts := list(itertools.islice(rest, 16)):
            # The tokenizer gives every part the space before it; but to an empty one.
            whole = [part[:1] == " " != part for part in parts]
            given = [part[1:] if has else part for part, has in zip(parts, whole, strict=True)]
            encoded = self.tokenizer.encode(given)
            for has, units in zip(whole, encoded, strict=True):
                found.append(units if has else self._without_space(units))
        return np.concatenate(found)

    def _without_space(self, units: np.ndarray) -> np.ndarray:
        """The units of the rest of a word that was too long for one part."""
        rest = self._values[units[0]].removeprefix(b" ")
        letters = {self._values[unit]: unit for unit in range(self.first_id, self.size)}
        split = [letters[rest]] if rest in letters else [letters[bytes([b])] for b in rest]
        return np.concatenate([np.array(split if rest else [], "int32"), units[1:]])

    def writer(self, before: str = "") -> Writer:
        return ByteWriter(self._values, drop_space=not before)

    def grown(self, texts: Sequence[str], size: int) -> tuple[Units, list[list[int]]]:
        tokenizer, parts = more_units(self.tokenizer, texts, size)
        return Subwords(tokenizer), parts

    def count_unknown(self, text: str) -> int:
        return count_units(self.tokenizer, [text])["unknown"]

    def to_json(self) -> str:
        return self.tokenizer.to_json()

    @classmethod
    def from_json(cls, text: str, replace: bool) -> Subwords:
        return cls(Tokenizer.from_json(text))


def _words(text: str) -> Iterator[list[str]]:
    """The words of a text, those of a piece at a time."""
    begin = 0
    while begin < len(text):
        end = begin + PIECE
        if end < len(text):
            last = max(text.rfind(" ", begin + 1, end), text.rfind("\n", begin + 1, end))
            end = last if last > begin else end
        yield _WORD.findall(text, begin, end)
        begin = end


def _parts(text: str) -> Iterator[str]:
    """A text with a space before it, in parts that begin where a word does."""
    text = " " + unicodedata.normalize("NFC", text)
    begin = 0
    while begin < len(text):
        gap = _GAP.search(text, begin + PIECE, begin + 2 * PIECE)
        end = gap.start() if gap else begin + 2 * PIECE
        yield text[begin:end]
        begin = end


def _frequent(texts: Iterable[str], order: int, min_count: int = 1) -> list[str]:
    """Words that are found `min_count` times, and groups of up to `order` words that are found
    twice, the most frequent first."""
    counts: Counter[str] = Counter()
    for text in texts:
        for words in _words(text):
            counts.update(words)
            for length in range(2, order + 1):
                counts.update(
                    " ".join(group)
                    for group in zip(*(words[i:] for i in range(length)), strict=False)
                    if "\n" not in group
                )
    for name in SPECIALS:
        counts.pop(name, None)
    least = {False: min_count, True: _LEAST_COUNT}
    found = [name for name, count in counts.items() if count >= least[" " in name]]
    return sorted(found, key=lambda name: (-counts[name], name))
