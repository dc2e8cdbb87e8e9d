"""Language models that are asked about one text at a time, as many are asked side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class OneTextScorer:
    """What `Fusion` needs, made of a model that knows nothing of rows.

    All characters are asked about behind each text, so the model should be a fast one, such as a
    table of n-grams.

    Args:
        model: has `start()`, which gives the state before any text, and `score(state, tokens)`,
            which gives the log-probability (natural) of a character that follows, a string, and
            the state behind it. States may be anything.
        characters: what it is asked about.

    Example:

    >>> from zoo.applications._one_text import OneTextScorer
    >>> class Uniform:
    ...     def start(self):
    ...         return None
    ...     def score(self, state, tokens):
    ...         return -len(tokens), None
    >>> scorer = OneTextScorer(Uniform(), "ab")
    >>> scorer.score(scorer.start(2), [1, 0])[0].tolist()
    [[-1.0, -1.0], [-1.0, -1.0]]
    """

    end_id = None

    def __init__(self, model: Any, characters: Sequence[str]) -> None:
        self._model = model
        self.vocabulary = list(characters)

    def start(self, rows: int = 1) -> dict[str, np.ndarray]:
        """Returns the state before a text, in so many rows."""
        return self._asked([self._model.start()] * rows)

    def score(
        self, state: dict[str, np.ndarray], tokens: Any
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Reads a character a row; see `Scorer.score`."""
        after = self._asked(state["after"][np.arange(len(state["after"])), tokens])
        return after["log_probabilities"], after

    def _asked(self, states: Sequence[Any]) -> dict[str, np.ndarray]:
        shape = (len(states), len(self.vocabulary))
        said, after = np.zeros(shape), np.empty(shape, object)
        for row, state in enumerate(states):
            for unit, character in enumerate(self.vocabulary):
                said[row, unit], after[row, unit] = self._model.score(state, character)
        return {"log_probabilities": said, "after": after}
