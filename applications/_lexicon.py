"""A list of words as a tree of their symbols."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


class Lexicon:
    """Which symbols may follow, if only words of a list may be written.

    Node 0 is the root; `next_nodes` gives -1 where there is no way.

    Args:
        words: the words as symbols above 0; empty ones are left out.
        symbols: how many symbols there are.
        separator: the symbol between words, after which the next one begins; None where a text is
            one word.

    Example:

    >>> import numpy as np
    >>> from zoo.applications._lexicon import Lexicon
    >>> lexicon = Lexicon([[1, 2], [1]], symbols=3)
    >>> lexicon.next_nodes(np.array([0])).tolist()
    [[-1, 1, -1]]
    """

    def __init__(
        self, words: Iterable[Iterable[int]], symbols: int, separator: int | None = None
    ) -> None:
        rows = [[-1] * symbols]
        ends = [False]
        for word in words:
            node = 0
            for symbol in word:
                if rows[node][symbol] < 0:
                    rows[node][symbol] = len(rows)
                    rows.append([-1] * symbols)
                    ends.append(False)
                node = rows[node][symbol]
            ends[node] = node > 0
        if len(rows) == 1:
            raise ValueError("`lexicon` must hold at least one word.")
        self._next = np.array(rows)
        self._ends = np.array(ends)
        if separator is not None:
            self._next[self._ends, separator] = 0

    def next_nodes(self, nodes: np.ndarray) -> np.ndarray:
        """Where each symbol leads from each node, (nodes, symbols)."""
        return self._next[nodes]

    def may_end(self, nodes: np.ndarray) -> np.ndarray:
        """Whether a word ends at each node."""
        return self._ends[nodes]
