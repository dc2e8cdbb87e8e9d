"""Prefix beam search for CTC: the most probable texts, not the most probable paths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from zoo.layers._arguments import positive_integer

from ._ctc import BLANK
from ._lexicon import Lexicon

# Of a 64-bit linear congruence: a text's number is that of all but its last symbol, times this.
_FACTOR = np.uint64(6364136223846793005)
_LOWEST = -np.inf


class Hypothesis(NamedTuple):
    """A text that a search has found.

    Attributes:
        symbols: the text.
        score: what it was ranked by, see `prefix_beam_search`.
    """

    symbols: tuple[int, ...]
    score: float


class Fusion(NamedTuple):
    """A language model that joins in.

    Attributes:
        model: has `start()`, which gives the state before any text, and `score(state, tokens)`,
            which gives the log-probability (natural) of a few more characters, and the state
            behind them: `(log_probability, state)`. States may be anything.
        decode: turns a symbol into its character.
        weight: what the model's log-probabilities are multiplied by.
        bonus: what each character adds to the score, against the model's taste for short texts.
    """

    model: Any
    decode: Callable[[int], str]
    weight: float = 0.5
    bonus: float = 0.0


def prefix_beam_search(
    log_probabilities: np.ndarray,
    beams: int = 16,
    *,
    fusion: Fusion | None = None,
    lexicon: Lexicon | None = None,
    n_best: int = 1,
) -> list[Hypothesis]:
    """Finds the texts with the highest scores.

        score(y) = log p(y | x) + weight * log p_lm(y) + bonus * |y|

    `p(y | x)` sums over all paths of a text that pass through texts that were kept: with beams
    enough, it is exact. At each frame the `beams` best texts are kept.

    Args:
        log_probabilities: (frames, symbols) of one item; symbol 0 is the blank.
        beams: how many texts are kept.
        fusion: a language model that joins in.
        lexicon: only these words, separated by its separator if it has one.
        n_best: how many texts to return; there may be fewer.

    Returns:
        Hypotheses, the best first. With a lexicon of whose words none is left, the list is empty.

    Example:

    >>> import numpy as np
    >>> from zoo.applications._ctc_beam import prefix_beam_search
    >>> # The best path is two blanks, of probability 0.36; but "1" has three paths.
    >>> prefix_beam_search(np.log([[0.6, 0.4], [0.6, 0.4]]))[0].symbols
    (1,)

    References:
        Graves 2012, "Supervised sequence labelling with recurrent neural networks" (7.5.3); Hannun
        et al. 2014, "First-pass large vocabulary continuous speech recognition using bi-directional
        recurrent DNNs".
    """
    beams = positive_integer("beams", beams)
    frames = np.asarray(log_probabilities, "float64")
    beam = _Beam(frames.shape[1], fusion, lexicon)
    for emitted in frames:
        beam.advance(emitted, beams)
    return beam.finished(n_best)


class _Beam:
    """The texts that are kept, as arrays with an entry for each."""

    def __init__(self, symbols: int, fusion: Fusion | None, lexicon: Lexicon | None) -> None:
        self.symbols = symbols
        self.fusion, self.lexicon = fusion, lexicon
        self.texts: list[tuple[int, ...]] = [()]
        self.numbers = np.zeros(1, np.uint64)
        self.last = np.full(1, -1)
        self.with_blank = np.zeros(1)  # log-probabilities of the paths that end in a blank,
        self.without = np.full(1, _LOWEST)  # and of those that end in the last symbol
        self.extra = np.zeros(1)  # what the language model and the bonus say
        self.nodes = np.zeros(1, int)
        self.states: list[Any] = [fusion.model.start() if fusion else None]
        self._known: dict[int, tuple[float, Any]] = {}
        self._steps = np.arange(1, symbols + 1, dtype=np.uint64)

    def advance(self, emitted: np.ndarray, beams: int) -> None:
        kept = np.arange(len(self.last))
        total = np.logaddexp(self.with_blank, self.without)
        stay_blank = total + emitted[BLANK]
        repeats = np.where(self.last >= 0, emitted[self.last], _LOWEST)
        stay = self.without + repeats
        # A symbol that is the last one again needs a blank before it.
        grown = total[:, None] + emitted[None, :]
        seen = self.last >= 0
        grown[kept[seen], self.last[seen]] = self.with_blank[seen] + repeats[seen]
        grown[:, BLANK] = _LOWEST
        nodes = None
        if self.lexicon is not None:
            nodes = self.lexicon.next_nodes(self.nodes)
            grown = np.where(nodes >= 0, grown, _LOWEST)
        # A text that grows into one that is kept already adds its paths to it.
        with np.errstate(over="ignore"):
            numbers = self.numbers[:, None] * _FACTOR + self._steps[None, :]
        children = kept[seen]
        parents, places = np.nonzero(numbers[:, self.last[children]] == self.numbers[children])
        if len(parents):
            children = children[places]  # each once: a text has one parent
            symbols = self.last[children]
            stay[children] = np.logaddexp(stay[children], grown[parents, symbols])
            grown[parents, symbols] = _LOWEST
        self._choose(stay_blank, stay, grown, numbers, nodes, beams)

    def _choose(
        self,
        stay_blank: np.ndarray,
        stay: np.ndarray,
        grown: np.ndarray,
        numbers: np.ndarray,
        nodes: np.ndarray | None,
        beams: int,
    ) -> None:
        old = len(stay)
        flat = grown.reshape(-1)
        ranked = flat + np.repeat(self.extra, self.symbols)
        if self.fusion is None:
            gains = None
        else:
            gains = np.full(flat.size, _LOWEST)
            # The model is asked about those alone that may be kept.
            count = min(2 * beams, flat.size)
            likely = np.argpartition(-ranked, count - 1)[:count]
            for place in likely[ranked[likely] > _LOWEST]:
                gains[place] = self._gain(int(place), int(numbers.reshape(-1)[place]))
            ranked = ranked + gains
        scores = np.concatenate([np.logaddexp(stay_blank, stay) + self.extra, ranked])
        count = min(beams, len(scores))
        best = np.argpartition(-scores, count - 1)[:count]
        best = best[scores[best] > _LOWEST]
        new = best >= old
        places = np.where(new, best - old, 0)
        parents = np.where(new, places // self.symbols, best)
        last = np.where(new, places % self.symbols, self.last[parents])
        texts, states = [], []
        for parent, symbol, is_new, place in zip(
            parents.tolist(), last.tolist(), new.tolist(), places.tolist(), strict=True
        ):
            text = self.texts[parent]
            texts.append((*text, symbol) if is_new else text)
            states.append(
                self._known[int(numbers.reshape(-1)[place])][1]
                if is_new and self.fusion
                else self.states[parent]
            )
        self.texts, self.states = texts, states
        self.with_blank = np.where(new, _LOWEST, stay_blank[parents])
        self.without = np.where(new, flat[places], stay[parents])
        self.extra = self.extra[parents]
        if gains is not None:
            self.extra = self.extra + np.where(new, gains[places], 0)
        if nodes is not None:
            self.nodes = np.where(new, nodes.reshape(-1)[places], self.nodes[parents])
        self.numbers = np.where(new, numbers.reshape(-1)[places], self.numbers[parents])
        self.last = last

    def _gain(self, place: int, number: int) -> float:
        """What the language model says of a text's last symbol; asked once for each text."""
        assert self.fusion is not None
        if number not in self._known:
            parent, symbol = divmod(place, self.symbols)
            value, state = self.fusion.model.score(self.states[parent], self.fusion.decode(symbol))
            self._known[number] = self.fusion.weight * float(value) + self.fusion.bonus, state
        return self._known[number][0]

    def finished(self, n_best: int) -> list[Hypothesis]:
        scores = np.logaddexp(self.with_blank, self.without) + self.extra
        if self.lexicon is not None:
            scores = np.where(self.lexicon.may_end(self.nodes), scores, _LOWEST)
        order = [place for place in np.argsort(-scores, kind="stable") if scores[place] > _LOWEST]
        return [Hypothesis(self.texts[place], float(scores[place])) for place in order[:n_best]]
