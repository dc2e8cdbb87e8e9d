"""A character language model in a search for texts: what it says of each, asked once."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np

from ._one_text import OneTextScorer

_MOST_BYTES = 1 << 27  # of what is remembered, before texts that no search keeps are forgotten
_WANTED = (
    "`language_model` must be a `LanguageModel` of characters, its scorer, the name or folder of a "
    "preset of one, or an object with `start()` and `score(state, tokens)`."
)


class Fusion:
    """A language model that joins in.

    It adds `weight * log p_lm(y) + bonus * |y|` to the score of a text y; where texts of the model
    have an end, `p_lm` has the probability that y ends, too.

    The alphabet's characters need not be the model's: one that the model lacks is read as the same
    letter in the other case, or else without its accent. One that it lacks even so counts as one of
    all its units, equally probable, and the model passes over it.

    Args:
        scorer: has `vocabulary`, the text of each unit by its number; `start(rows)`, the state
            before any text in so many rows; and `score(state, tokens)`, which reads one unit a row
            and gives the log-probabilities of those that may come next, (rows, units), and the new
            state. A state is a dictionary with these `log_probabilities`, and whatever else it
            needs, in arrays of which each row belongs to a text: rows are chosen, repeated, and
            put in another order. `end_id` is the number of the unit that ends a text, if there is
            one; see `Scorer`.
        characters: the text of each symbol but the blank.
        weight: what the model's log-probabilities (natural) are multiplied by.
        bonus: what each character adds to the score, against the model's taste for short texts.
    """

    def __init__(
        self, scorer: Any, characters: Sequence[str], weight: float = 0.5, bonus: float = 0.0
    ) -> None:
        self.scorer = scorer
        self.weight, self.bonus = float(weight), float(bonus)
        numbers = {text: number for number, text in enumerate(scorer.vocabulary)}
        found = [_number(numbers, character) for character in characters]
        if all(number is None for number in found):
            raise ValueError(
                "`language_model` must know at least one character of the alphabet. "
                f"It knows {', '.join(map(repr, list(numbers)[:8]))}..."
            )
        # The blank's entry is never asked for.
        self.units = np.array([-1, *(-1 if number is None else number for number in found)])
        self.unknown = -np.log(sum(len(text) == 1 for text in numbers) or 1)
        self.end_id: int | None = getattr(scorer, "end_id", None)

    def gains(self, log_probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What each symbol adds behind each of some texts, and what the end of the text does."""
        said = np.asarray(log_probabilities, "float64")
        symbols = np.where(self.units < 0, self.unknown, said[:, self.units])
        ends = np.zeros(len(said)) if self.end_id is None else said[:, self.end_id]
        return self.weight * symbols + self.bonus, self.weight * ends


class Memory:
    """What a model says of the texts of a search, in rows; row 0 is that of the empty text.

    Searches for several items share one, so that the model reads the texts of all of them side by
    side, and those that several have in common once.

    Args:
        fusion: the model.
    """

    def __init__(self, fusion: Fusion) -> None:
        self.fusion = fusion
        self._rows: dict[tuple[int, int], int] = {}
        self._states = keras.tree.map_structure(np.asarray, fusion.scorer.start(1))
        self.gains, self.ends = fusion.gains(self._states["log_probabilities"])
        self._used = 1

    def children(self, parents: np.ndarray, symbols: np.ndarray) -> np.ndarray:
        """The rows of some texts that go on with one symbol each."""
        units = self.fusion.units[symbols].tolist()
        keys = list(zip(np.asarray(parents).tolist(), units, strict=True))
        new = dict.fromkeys(key for key in keys if key[1] >= 0 and key not in self._rows)
        if new:
            self._read(list(new))
        return np.array([row if unit < 0 else self._rows[row, unit] for row, unit in keys], int)

    def _read(self, keys: list[tuple[int, int]]) -> None:
        rows, units = np.array(keys).T
        before = keras.tree.map_structure(lambda value: value[rows], self._states)
        said, after = self.fusion.scorer.score(before, units.astype("int32"))
        first, self._used = self._used, self._used + len(keys)
        self._states = keras.tree.map_structure(
            lambda kept, new: self._appended(kept, new, first), self._states, after
        )
        gains, ends = self.fusion.gains(said)
        self.gains = self._appended(self.gains, gains, first)
        self.ends = self._appended(self.ends, ends, first)
        self._rows.update(zip(keys, range(first, self._used), strict=True))

    def _appended(self, kept: np.ndarray, new: Any, first: int) -> np.ndarray:
        if self._used > len(kept):
            room = max(self._used, 2 * len(kept)) - len(kept)
            kept = np.concatenate([kept, np.zeros((room, *kept.shape[1:]), kept.dtype)])
        kept[first : self._used] = new
        return kept

    @property
    def full(self) -> bool:
        """Whether it is time to `forget`."""
        held = [*keras.tree.flatten(self._states), self.gains]
        return self._used * sum(value[:1].nbytes for value in held) > _MOST_BYTES

    def forget(self, kept: Iterable[np.ndarray]) -> list[np.ndarray]:
        """Forgets all rows but those that are kept, and returns the numbers that these have now."""
        parts = list(kept)
        rows, places = np.unique(np.concatenate(parts), return_inverse=True)
        self._states = keras.tree.map_structure(lambda value: value[rows], self._states)
        self.gains, self.ends = self.gains[rows], self.ends[rows]
        now = dict(zip(rows.tolist(), range(len(rows)), strict=True))
        self._rows = {
            (now[parent], unit): now[row]
            for (parent, unit), row in self._rows.items()
            if parent in now and row in now
        }
        self._used = len(rows)
        return np.split(places, np.cumsum([len(part) for part in parts])[:-1])


def as_scorer(model: Any, characters: Sequence[str]) -> Any:
    """What joins a search, of anything that users name as a language model.

    Args:
        model: what users have.
        characters: those of the alphabet, for a model without a `vocabulary`.

    Raises:
        TypeError: it lacks a part.
        ValueError: its units are no characters.
    """
    if isinstance(model, str) or hasattr(model, "__fspath__"):
        from .language_model import LanguageModel

        model = LanguageModel.from_preset(model)
    scorer = model.scorer() if callable(getattr(model, "scorer", None)) else model
    lacking = [name for name in ("start", "score") if not callable(getattr(scorer, name, None))]
    if lacking:
        raise TypeError(f"{_WANTED} Received: {type(model).__name__}, without `{lacking[0]}`.")
    unit = getattr(scorer, "unit", "char")
    if unit != "char":
        raise ValueError(
            "`language_model` must be one of characters, which are what is read here: make it with "
            f'`unit="char"`. Received: a model of unit={unit!r}.'
        )
    return scorer if hasattr(scorer, "vocabulary") else OneTextScorer(scorer, characters)


def _number(numbers: dict[str, int], character: str) -> int | None:
    plain = unicodedata.normalize("NFD", character)[0]
    for known in (character, plain):
        for form in (known, known.lower(), known.upper()):
            if form in numbers:
                return numbers[form]
    return None
