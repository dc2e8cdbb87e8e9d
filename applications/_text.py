"""Byte-pair vocabularies: text to whole numbers and back, without losing a byte."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import tokenizers

SPECIALS = ("[PAD]", "[START]", "[END]")
MINIMUM_SIZE = 256 + len(SPECIALS)


class Tokenizer:
    """A byte-level byte-pair encoding: common words are one unit, rare ones several.

    Text is brought to Unicode's NFC, given one leading space (so that a word is the same unit at
    the start of a text and inside it), cut into words, and each word into the units that training
    merged from its bytes. All 256 bytes are units themselves, so nothing is ever unknown, and
    `decode(encode(texts))` gives every NFC text back exactly, spaces and line ends included.

    The units 0, 1 and 2 are `[PAD]`, `[START]` and `[END]`. They are never found in a text: a
    user who types "[END]" gets the units of its letters.

    Make one with `Tokenizer.train`, `Tokenizer.from_json` or `Tokenizer.load`.

    Example:

    >>> tokenizer = Tokenizer.train(["one fish", "two fish"], vocabulary_size=300)
    >>> ids = tokenizer.encode(["two fish"])
    >>> tokenizer.tokens(ids[0])
    ['▁two', '▁fish']
    >>> tokenizer.decode(ids)
    ['two fish']

    Reference:
        - [Sennrich et al., 2016](https://arxiv.org/abs/1508.07909)
    """

    pad_id = 0
    start_id = 1
    end_id = 2

    def __init__(self, tokenizer: tokenizers.Tokenizer) -> None:
        # Without this, the library finds special units in what users type.
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        self._size: int = tokenizer.get_vocab_size()

    @classmethod
    def train(
        cls, texts: Iterable[str], vocabulary_size: int = 8000, unit: str = "bpe"
    ) -> Tokenizer:
        """Learns the units from text; the same texts give the same units.

        Args:
            texts: strings, read once.
            vocabulary_size: the most units to make, the 3 special ones and the 256 bytes among
                them; small data give fewer.
            unit: "bpe", the only kind there is.

        Raises:
            ValueError: `vocabulary_size` is below 259, `unit` is unknown, or there is no text.
            TypeError: a text is not a string.
        """
        from tokenizers import trainers

        if unit != "bpe":
            raise ValueError(f'`unit` must be "bpe". Received: unit={unit!r}.')
        if isinstance(vocabulary_size, bool) or not isinstance(vocabulary_size, (int, np.integer)):
            raise TypeError(
                "`vocabulary_size` must be a whole number. "
                f"Received: vocabulary_size={vocabulary_size!r}."
            )
        if vocabulary_size < MINIMUM_SIZE:
            raise ValueError(
                f"`vocabulary_size` must be at least {MINIMUM_SIZE} (256 bytes and "
                f"{len(SPECIALS)} special units). Received: vocabulary_size={vocabulary_size}."
            )
        engine = _engine()
        trainer = trainers.BpeTrainer(
            vocab_size=int(vocabulary_size),
            special_tokens=list(SPECIALS),
            initial_alphabet=sorted(_BYTE_OF),
            show_progress=False,
        )
        seen = _Seen()
        engine.train_from_iterator(seen.strings(texts), trainer)
        if not seen.letters:
            raise ValueError("`texts` must hold at least one text that is not empty.")
        return cls(engine)

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Turns texts into arrays of int32 units, without special ones.

        Args:
            texts: a list of strings; an empty one gives an empty array.

        Raises:
            TypeError: a text is not a string.
            ValueError: a text holds half of a surrogate pair, which no encoding can write.
        """
        batch = list(_Seen().strings(texts))
        encodings = self._tokenizer.encode_batch(batch, add_special_tokens=False)
        return [np.array(encoding.ids, np.int32) for encoding in encodings]

    def decode(self, ids_batch: Iterable[Any]) -> list[str]:
        """Turns rows of units back into texts.

        Special units are left out; bytes that are not UTF-8 (a model may emit any) become U+FFFD.

        Args:
            ids_batch: rows of whole numbers: lists or arrays, of one length or of several.

        Raises:
            ValueError: a unit is not in the vocabulary.
        """
        rows = [self._row(ids) for ids in ids_batch]
        texts = self._tokenizer.decode_batch(rows, skip_special_tokens=True)
        return [text.removeprefix(" ") for text in texts]

    def tokens(self, ids: Any) -> list[str]:
        """Returns the units as people read them: "▁" is a space, `<E2>` a lone byte."""
        return [self._readable(unit) for unit in self._row(ids)]

    @property
    def vocabulary_size(self) -> int:
        """How many units there are, special ones included."""
        return self._size

    def to_json(self) -> str:
        """Returns the tokenizer in the format of the `tokenizers` library."""
        return self._tokenizer.to_str()

    @classmethod
    def from_json(cls, text: str) -> Tokenizer:
        """Reads what `to_json` wrote; anything else is a `ValueError`."""
        from tokenizers import Tokenizer as Engine

        try:
            engine = Engine.from_str(text)
            _check(engine)
        except Exception as error:  # the library raises bare Exceptions
            raise ValueError(f"This is not a tokenizer that we wrote: {error}.") from error
        return cls(engine)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the tokenizer as JSON, by custom to a file called `tokenizer.json`."""
        Path(path).write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Tokenizer:
        """Reads a file that `save` wrote; a damaged or missing one is a `ValueError`."""
        try:
            return cls.from_json(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise ValueError(f"{path} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise ValueError(f"{path} is damaged: {error}") from error

    def _row(self, ids: Any) -> list[int]:
        row = np.asarray(ids)
        if row.size == 0:
            return []
        if row.ndim != 1 or row.dtype.kind not in "iu":
            raise ValueError(
                "A row of units must be a list of whole numbers. "
                f"Received: shape {row.shape}, dtype {row.dtype}."
            )
        if row.min() < 0 or row.max() >= self._size:
            unit = row.min() if row.min() < 0 else row.max()
            raise ValueError(f"Units must be between 0 and {self._size - 1}. Received: {unit}.")
        return row.tolist()

    def _readable(self, unit: int) -> str:
        if unit < len(SPECIALS):
            return SPECIALS[unit]
        token = self._tokenizer.id_to_token(unit) or ""
        raw = bytes(_BYTE_OF[letter] for letter in token)
        # Bytes that are not UTF-8 come out as the code points U+DC80 to U+DCFF.
        return "".join(map(_visible, raw.decode("utf-8", "surrogateescape")))


class _Seen:
    """Checks strings as they pass and counts their letters."""

    def __init__(self) -> None:
        self.letters = 0

    def strings(self, texts: Iterable[str]) -> Iterator[str]:
        if isinstance(texts, (str, bytes)):
            raise TypeError(
                f"`texts` must be a list of strings, not one {type(texts).__name__}: write [text]."
            )
        for index, text in enumerate(texts):
            if not isinstance(text, str):
                raise TypeError(
                    f"`texts` must hold strings. Received: texts[{index}] of type "
                    f"{type(text).__name__}."
                )
            try:
                text.encode("utf-8")
            except UnicodeEncodeError as error:
                raise ValueError(
                    f"`texts` must be valid Unicode, but texts[{index}] holds half of a surrogate "
                    f"pair at position {error.start}."
                ) from error
            self.letters += len(text)
            yield text


def _engine() -> tokenizers.Tokenizer:
    """The tokenizer before it has learned anything."""
    from tokenizers import Tokenizer as Engine
    from tokenizers import decoders, models, normalizers, pre_tokenizers

    engine = Engine(models.BPE())
    # ByteLevel's own prefix space is left off a text that starts with one, which would be lost.
    engine.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Prepend(" ")])
    engine.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    engine.decoder = decoders.ByteLevel()
    engine.add_special_tokens(list(SPECIALS))
    return engine


def _check(engine: tokenizers.Tokenizer) -> None:
    """Refuses a tokenizer that differs from ours in anything but the learned units."""
    content, ours = json.loads(engine.to_str()), json.loads(_engine().to_str())
    vocabulary = content["model"].pop("vocab")
    for learned in (content["model"], ours["model"]):
        learned.pop("vocab", None)
        learned.pop("merges", None)
    for part in ours:
        if content.get(part) != ours[part]:
            raise ValueError(f"its {part} is another")
    if sorted(vocabulary.values()) != list(range(len(vocabulary))):
        raise ValueError("its units are not numbered from 0 without gaps")
    if [vocabulary.get(token) for token in SPECIALS] != list(range(len(SPECIALS))):
        raise ValueError(f"its first units are not {', '.join(SPECIALS)}")
    if not set(_BYTE_OF) <= set(vocabulary):
        raise ValueError("it lacks a unit for some byte")
    if not set("".join(set(vocabulary) - set(SPECIALS))) <= set(_BYTE_OF):
        raise ValueError("some unit is not made of bytes")


def _visible(letter: str) -> str:
    if letter == " ":
        return "▁"
    if "\udc80" <= letter <= "\udcff":
        return f"<{ord(letter) - 0xDC00:02X}>"
    return letter if letter.isprintable() else ascii(letter)[1:-1]


def _byte_letters() -> dict[str, int]:
    """The letter that byte-level BPE writes for each byte: printable ones stand for themselves."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    letters = {chr(byte): byte for byte in plain}
    letters.update({chr(256 + index): byte for index, byte in enumerate(others)})
    return letters


_BYTE_OF = _byte_letters()
