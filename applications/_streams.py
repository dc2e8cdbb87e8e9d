"""Batches of consecutive windows of long texts, over which a network carries its states."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._data import TARGET, Batches, Example, bucket_edge, collate

UNITS = "units"
PREVIOUS = "previous"
FRESH = "fresh"

_LONGEST = 64


class Windows(Batches):
    """Texts side by side in the rows of a batch, a window of units after the other.

    Each example has `units`: a text's start symbol, its units, and its end symbol if it has one. A
    batch is `previous` (rows, time), `fresh` (rows,), 1 where a row starts anew and 0 where it goes
    on where the batch before it ended, and the target (rows, time), the units after `previous`; 0
    is padding in both. All batches have equally many rows.

    A single text is cut into as many parts as there are rows, so that all of it is read side by
    side. Several texts are read as they are, those of about the same length together.

    Args:
        examples: the texts.
        batch_size: the most rows.
        window: the most steps of a batch.
        shuffle: read in another order each epoch; a single text is cut at other places.
        seed: of the order.
        with_target: put the target among the features too.
    """

    def __init__(
        self,
        examples: list[Example],
        batch_size: int,
        *,
        window: int,
        shuffle: bool = False,
        seed: int = 0,
        with_target: bool = False,
    ) -> None:
        self.with_target = with_target
        self.window = window
        if len(examples) == 1:
            steps = len(examples[0][UNITS]) - 1
            self.rows = max(1, min(batch_size, steps // window))
        else:
            self.rows = min(batch_size, len(examples))
        super().__init__(examples, batch_size, shuffle=shuffle, seed=seed)

    def _arranged(self) -> list[Any]:
        generator = np.random.default_rng([self.seed, self._epoch]) if self.shuffle else None
        groups = self._groups(generator)
        return [
            (group, begin)
            for group in groups
            for begin in range(0, max(length for _, _, length in group), self.window)
        ]

    def _groups(self, generator: np.random.Generator | None) -> list[list[tuple[int, int, int]]]:
        """Which parts of texts are read side by side: (text, first step, steps) of each row."""
        if len(self.examples) == 1:
            # A ring, so that it can be cut anywhere.
            steps = len(self.examples[0][UNITS])
            shift = int(generator.integers(steps)) if generator else 0
            length = -(-steps // self.rows)
            begins = range(0, steps, length)
            return [[(0, shift + begin, min(length, steps - begin)) for begin in begins]]
        longest = _LONGEST * self.window
        parts = [
            (text, begin, min(longest, len(example[UNITS]) - 1 - begin))
            for text, example in enumerate(self.examples)
            for begin in range(0, len(example[UNITS]) - 1, longest)
        ]
        order = np.arange(len(parts))
        if generator:
            generator.shuffle(order)
            edges = np.array([bucket_edge(length) for _, _, length in parts])
            order = order[np.argsort(edges[order], kind="stable")]
        starts = range(0, len(order), self.rows)
        groups = [[parts[i] for i in order[start : start + self.rows]] for start in starts]
        if generator:
            generator.shuffle(groups)
        return groups

    def _batch(self, items: Any, epoch: int = 0) -> tuple[Any, ...]:
        group, begin = items
        steps = min(self.window, max(length for _, _, length in group) - begin)
        edge = min(self.window, bucket_edge(steps))
        previous = np.zeros((self.rows, edge), "int32")
        target = np.zeros((self.rows, edge), "int32")
        for row, (text, first, length) in enumerate(group):
            units = self.examples[text][UNITS]
            count = min(steps, length - begin)
            if count > 0:
                places = np.arange(first + begin, first + begin + count + 1)
                taken = units.take(places, mode="wrap")
                previous[row, :count], target[row, :count] = taken[:-1], taken[1:]
        if len(self.examples) == 1:
            target[target == 1] = 0  # the ring's seam, where the text begins again
        features = {PREVIOUS: previous, FRESH: np.full(self.rows, begin == 0, "float32")}
        return ({**features, TARGET: target} if self.with_target else features), target

    def whole(self) -> dict[str, np.ndarray]:
        return collate([{PREVIOUS: example[UNITS][:-1]} for example in self.examples])
