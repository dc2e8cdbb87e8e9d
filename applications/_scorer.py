"""A language model as a partner of other decoders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

if TYPE_CHECKING:
    from .language_model import LanguageModel


class Scorer:
    """The log-probabilities of the next unit in any number of texts that grow side by side.

    A state is `{"log_probabilities": (rows, units), "states": [(rows, size), ...]}`, NumPy arrays:
    the natural logarithms of what may come next, and the network's states. Rows can be chosen,
    repeated and put in another order: `keras.tree.map_structure(lambda x: x[parents], state)`.

    Made by `LanguageModel.scorer`.

    Attributes:
        vocabulary: the text of each unit, by its number; special ones as "[END]".
        end_id: the number of the end symbol; None where texts have no end (`context="stream"`).

    Example:

    >>> from zoo import LanguageModel
    >>> model = LanguageModel(units=8, context="sentence")
    >>> model.adapt(["the cat sat", "the dog sat"])
    >>> scorer = model.scorer()
    >>> state = scorer.start(rows=2)
    >>> state["log_probabilities"].shape == (2, len(scorer.vocabulary))
    True
    >>> log_probabilities, state = scorer.score(state, scorer.encode("td"))  # "t", and "d"
    >>> log_probabilities.shape == (2, len(scorer.vocabulary))
    True
    """

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self.vocabulary = list(model.symbols.names)
        self.end_id = None if model.context == "stream" else model.symbols.end_id

    def encode(self, text: str) -> np.ndarray:
        """Turns a text into the numbers of its units."""
        return self._model.symbols.encode(text).astype("int32")

    def start(self, rows: int = 1) -> dict[str, Any]:
        """Returns the state before a text, in so many rows."""
        states = [ops.convert_to_numpy(state) for state in self._model.initial_states(rows)]
        symbols = np.full(rows, self._model.symbols.start_id, "int32")
        return self.score({"states": states}, symbols)[1]

    def score(self, state: dict[str, Any], tokens: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Reads units: the log-probabilities of those that may come next, and the new state.

        Args:
            state: what `start` or `score` gave.
            tokens: integers (rows,), one unit for each row; or (rows, time), several.

        Returns:
            (rows, units), natural logarithms, and the state, which holds them too.
        """
        tokens = np.asarray(tokens, "int32")
        tokens = tokens[:, None] if tokens.ndim == 1 else tokens
        rows = len(state["states"][0])
        if tokens.ndim != 2 or len(tokens) != rows or not tokens.size:
            raise ValueError(
                f"`tokens` must be integers ({rows},) or ({rows}, time), for the state has {rows} "
                f"rows. Received: shape {tokens.shape}."
            )
        if tokens.min() < 0 or tokens.max() >= len(self.vocabulary):
            raise ValueError(
                f"`tokens` must be from 0 to {len(self.vocabulary) - 1}. "
                f"Received: {tokens.min()} to {tokens.max()}."
            )
        model = self._model

        def advance(features: dict[str, Any]) -> dict[str, Any]:
            outputs, states = model.read(features["tokens"], features["states"])
            logits = ops.cast(model.logits(outputs[:, -1:])[:, 0], "float32")
            return {"log_probabilities": ops.log_softmax(logits, axis=-1), "states": states}

        run = model._kept.compiled(model, "scorer", advance)
        found = run({"tokens": tokens, "states": list(state["states"])})
        return found["log_probabilities"], found

    def one_text(self) -> OneText:
        """Returns the same for decoders that ask about one text at a time."""
        return OneText(self)


class OneText:
    """The log-probability of texts that grow by a few characters, one text at a time.

    A state is read when something is asked of what comes behind it, so that a character which a
    decoder gives up at once costs no step of the network. Made by `Scorer.one_text`.

    Example:

    >>> from zoo import LanguageModel
    >>> model = LanguageModel(units=8)
    >>> model.adapt("the cat sat")
    >>> one_text = model.scorer().one_text()
    >>> log_probability, state = one_text.score(one_text.start(), "the ")
    >>> log_probability < 0
    True
    """

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    def start(self) -> _Place:
        """Returns the state before a text."""
        return _Place(self._scorer.start())

    def score(self, state: _Place, text: str) -> tuple[float, _Place]:
        """Returns the log-probability of a few more characters, and the state behind them."""
        total = 0.0
        for unit in self._scorer.encode(text):
            total += float(state.read(self._scorer)["log_probabilities"][0, unit])
            state = _Place(state.read(self._scorer), int(unit))
        return total, state


class _Place:
    """A state, and a unit behind it that may not have been read."""

    def __init__(self, state: dict[str, Any], unit: int | None = None) -> None:
        self.state = state
        self.unit = unit

    def read(self, scorer: Scorer) -> dict[str, Any]:
        if self.unit is not None:
            self.state = scorer.score(self.state, [self.unit])[1]
            self.unit = None
        return self.state
