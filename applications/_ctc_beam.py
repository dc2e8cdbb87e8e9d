"""Prefix beam search for CTC: the most probable texts, not the most probable paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from zoo.layers._arguments import positive_integer

from ._ctc import BLANK
from ._fusion import Fusion, Memory
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
    return search_all([log_probabilities], beams, fusion=fusion, lexicon=lexicon, n_best=n_best)[0]


def search_all(
    tables: Sequence[np.ndarray],
    beams: int = 16,
    *,
    fusion: Fusion | None = None,
    lexicon: Lexicon | None = None,
    n_best: int = 1,
) -> list[list[Hypothesis]]:
    """`prefix_beam_search` of several items, frame by frame side by side.

    At each frame a language model reads what is new in all items in one call.
    """
    beams = positive_integer("beams", beams)
    frames = [np.asarray(table, "float64") for table in tables]
    memory = Memory(fusion) if fusion else None
    searches = [_Beam(table.shape[1], memory, lexicon) for table in frames]
    for frame in range(max(map(len, frames), default=0)):
        going = [one for one, table in zip(searches, frames, strict=True) if frame < len(table)]
        emitted = [table[frame] for table in frames if frame < len(table)]
        for one, row in zip(going, emitted, strict=True):
            one.advance(row, beams)
        if memory is not None:
            _read(memory, going)
            if memory.full:
                for one, rows in zip(
                    searches, memory.forget([s.rows for s in searches]), strict=True
                ):
                    one.rows = rows
    return [one.finished(n_best) for one in searches]


def _read(memory: Memory, searches: list[_Beam]) -> None:
    """Lets the language model read the last symbols of the texts that are new."""
    parts = [(one.rows[one.fresh], one.last[one.fresh]) for one in searches]
    rows = memory.children(*map(np.concatenate, zip(*parts, strict=True)))
    ends = np.cumsum([len(part[0]) for part in parts])[:-1]
    for one, own in zip(searches, np.split(rows, ends), strict=True):
        one.rows[one.fresh] = own


class _Beam:
    """The texts that are kept, as arrays with an entry for each."""

    def __init__(self, symbols: int, memory: Memory | None, lexicon: Lexicon | None) -> None:
        self.symbols = symbols
        self.memory, self.lexicon = memory, lexicon
        self.texts: list[tuple[int, ...]] = [()]
        self.numbers = np.zeros(1, np.uint64)
        self.last = np.full(1, -1)
        self.with_blank = np.zeros(1)  # log-probabilities of the paths that end in a blank,
        self.without = np.full(1, _LOWEST)  # and of those that end in the last symbol
        self.extra = np.zeros(1)  # what the language model and the bonus say
        self.rows = np.zeros(1, int)  # where the language model's memory of each text is;
        self.fresh = np.zeros(
            1, bool
        )  # or, of one that it has not read, of all but its last symbol
        self.nodes = np.zeros(1, int)
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
        ranked = grown + self.extra[:, None]
        if self.memory is not None:
            ranked = ranked + self.memory.gains[self.rows]
        scores = np.concatenate([np.logaddexp(stay_blank, stay) + self.extra, ranked.reshape(-1)])
        count = min(beams, len(scores))
        best = np.argpartition(-scores, count - 1)[:count]
        best = best[scores[best] > _LOWEST]
        new = best >= old
        places = np.where(new, best - old, 0)
        parents = np.where(new, places // self.symbols, best)
        last = np.where(new, places % self.symbols, self.last[parents])
        self.texts = [
            (*self.texts[parent], symbol) if is_new else self.texts[parent]
            for parent, symbol, is_new in zip(
                parents.tolist(), last.tolist(), new.tolist(), strict=True
            )
        ]
        self.with_blank = np.where(new, _LOWEST, stay_blank[parents])
        self.without = np.where(new, grown.reshape(-1)[places], stay[parents])
        self.extra = self.extra[parents]
        if self.memory is not None:
            gained = self.memory.gains[self.rows[parents], np.where(new, last, 0)]
            self.extra = self.extra + np.where(new, gained, 0)
        if nodes is not None:
            self.nodes = np.where(new, nodes.reshape(-1)[places], self.nodes[parents])
        self.numbers = np.where(new, numbers.reshape(-1)[places], self.numbers[parents])
        self.rows, self.fresh = self.rows[parents], new
        self.last = last

    def finished(self, n_best: int) -> list[Hypothesis]:
        scores = np.logaddexp(self.with_blank, self.without) + self.extra
        if self.memory is not None:
            scores = scores + self.memory.ends[self.rows]
        if self.lexicon is not None:
            scores = np.where(self.lexicon.may_end(self.nodes), scores, _LOWEST)
        order = [place for place in np.argsort(-scores, kind="stable") if scores[place] > _LOWEST]
        return [Hypothesis(self.texts[place], float(scores[place])) for place in order[:n_best]]
