"""Alphabets that grow after training."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import Any, Self

from ._alphabet import Alphabet, checked_texts, composed
from ._growing import GrowingVocabulary, Grown


class GrowingAlphabet(GrowingVocabulary):
    """An application that writes the characters of an alphabet, to which more can be added."""

    alphabet: Alphabet

    def grow_alphabet(self, data: Any, targets: Any = None) -> Self:
        """Returns a new application that knows all characters of some data, for fine-tuning.

        The old characters keep their symbols and their weights, bit by bit. A new one starts as the
        same letter in the other case, or else without its accent, or as the mean of all; greedy
        decoding gives the same texts as before until training goes on. This application stays as it
        is; the new one is not compiled.

        Args:
            data, targets: raw data, as in `fit`.

        Raises:
            ValueError: the data have no characters that are new.
            RuntimeError: the application has no alphabet yet.

        Example:

        >>> import numpy as np
        >>> from zoo import HandwritingRecognizer
        >>> ink = [np.array([[0, 0], [40, 0]]), np.array([[9, 9], [20, 40]])]
        >>> recognizer = HandwritingRecognizer(units=8, depth=1)
        >>> recognizer.adapt([(ink, "a")])
        >>> larger = recognizer.grow_alphabet([(ink, "A7")])
        >>> larger.alphabet.characters
        'a7A'
        """
        self._require_adapted()
        added = len(self._new_characters(data, targets))
        if not added:
            raise ValueError(
                "`data` must have characters that the alphabet lacks. It has "
                f"{self.alphabet.characters!r}."
            )
        return self.grow_vocabulary(data, targets, vocabulary_size=len(self.alphabet) + added)

    def grown(self, data: Any, targets: Any, vocabulary_size: int) -> Grown:
        if vocabulary_size <= len(self.alphabet):
            raise ValueError(
                f"`vocabulary_size` must be more than {len(self.alphabet)}, the symbols that this "
                f"{type(self).__name__} has. Received: vocabulary_size={vocabulary_size}."
            )
        room = vocabulary_size - len(self.alphabet)
        frequent = self._new_characters(data, targets).most_common(room)
        added = sorted(character for character, _ in frequent)
        larger = Alphabet(self.alphabet.characters + "".join(added))
        assets = {**self.assets(), "alphabet.json": larger.to_json()}
        return Grown({}, assets, [self._alike(character) for character in added])

    def count_symbols(self, data: Any, targets: Any = None) -> dict[str, int]:
        self._require_adapted()
        found = Counter(letter for text in self._texts(data, targets) for letter in composed(text))
        unknown = set(found) - set(self.alphabet.characters)
        return {
            "vocabulary_size": len(self.alphabet),
            "characters": len(found),
            "unknown": len(unknown),
            "units": sum(count for letter, count in found.items() if letter not in unknown),
        }

    def _texts(self, data: Any, targets: Any) -> list[str]:
        return checked_texts(self.raw(data, targets)[1] or [])

    def _new_characters(self, data: Any, targets: Any) -> Counter[str]:
        letters = Counter(
            letter for text in self._texts(data, targets) for letter in composed(text)
        )
        for known in self.alphabet.characters:
            del letters[known]
        return letters

    def _alike(self, character: str) -> list[int]:
        """The old symbols that a new character starts from."""
        plain = unicodedata.normalize("NFD", character)[0]
        for form in (character.swapcase(), plain, plain.swapcase()):
            if form in self.alphabet.characters:
                return self.alphabet.encode(form).tolist()
        return list(range(1, len(self.alphabet)))  # all but the blank
