"""A language model as a partner of other decoders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

if TYPE_CHECKING:
    from .language_model import LanguageModel

_FEWEST = 16


class Scorer:
    """The log-probabilities of the next unit in any number of texts that grow side by side.

    A state is `{"log_probabilities": (rows, units), "states": [(rows, size), ...]}`, NumPy arrays:
    the natural logarithms of what may come next, and the network's states. Rows can be chosen,
    repeated and put in another order: `keras.tree.map_structure(lambda x: x[parents], state)`.

    Made by `LanguageModel.scorer`.

    Attributes:
        unit: what the units are, see `LanguageModel`.
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
        self.unit = model.unit
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

        # Rows are filled up to powers of two, so that few shapes are compiled.
        filled = np.minimum(np.arange(max(_FEWEST, 1 << (rows - 1).bit_length())), rows - 1)
        run = model._kept.compiled(model, "scorer", advance)
        states = [np.asarray(value)[filled] for value in state["states"]]
        found = run({"tokens": tokens[filled], "states": states})
        found = keras.tree.map_structure(lambda value: value[:rows], found)
        return found["log_probabilities"], found
