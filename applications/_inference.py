"""The network applied to items of any length, in compiled batches."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import keras
import numpy as np

from zoo.layers._arguments import positive_integer

from ._data import Example, collate, lengths, raw_items
from ._decoding import Compiled


class Kept:
    """What an application keeps out of Keras's sight.

    Its compiled functions, for they hold the application itself, and the validation batches of the
    `fit` that is under way.
    """

    def __init__(self) -> None:
        self.functions: dict[Hashable, Compiled] = {}
        self.validation: Any = None

    def compiled(
        self, network: keras.Model, key: Hashable, function: Callable[[dict[str, Any]], Any]
    ) -> Callable[[dict[str, Any]], Any]:
        """Returns the function of a batch of features that is kept under `key`, compiled."""
        if key not in self.functions:
            self.functions[key] = Compiled(network, function)
        return self.functions[key].predict_on_batch

    def run(
        self,
        network: keras.Model,
        key: Hashable,
        function: Callable[[dict[str, Any]], Any],
        examples: list[Example],
        batch_size: int,
        verbose: int,
    ) -> list[Any]:
        """See `Application.run`.

        Items of about the same length share a batch, and batches are filled up to powers of two, so
        that few shapes are compiled.
        """
        batch_size = positive_integer("batch_size", batch_size)
        compiled = self.compiled(network, key, function)
        order = sorted(range(len(examples)), key=lambda item: sum(lengths(examples[item])))
        results: list[Any] = [None] * len(examples)
        bar = keras.utils.Progbar(len(examples), verbose=verbose)
        for begin in range(0, len(order), batch_size):
            chosen = order[begin : begin + batch_size]
            rows = 1 << (len(chosen) - 1).bit_length()
            filled = [*chosen, *chosen[:1] * (rows - len(chosen))]
            batch = collate([examples[item] for item in filled])
            outputs = compiled(batch)
            for row, item in enumerate(chosen):
                results[item] = keras.tree.map_structure(lambda value, at=row: value[at], outputs)
            bar.update(begin + len(chosen))
        return results


def one_or_many(inputs: Any) -> tuple[list[Any], bool]:
    """Returns raw inputs as a list, and whether it was a single one."""
    single = isinstance(inputs, str | bytes | np.generic)
    return raw_items([inputs] if single else inputs), single
