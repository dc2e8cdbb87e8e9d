"""States of recurrent layers that are carried from one batch to the next."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


class CarriedStates(keras.layers.Layer):
    """The last states of a batch, from which the next batch goes on.

    They belong to the text that is being read, so they are no weights: nothing saves them.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # Past Keras's tracking, which would count them among the weights.
        self.__dict__["held"] = []
        self.built = True

    def expect(self, rows: int, sizes: list[int]) -> bool:
        """Makes room for the states of so many rows; says whether there was none."""
        shapes = [(rows, size) for size in sizes]
        if [tuple(variable.shape) for variable in self.held] == shapes:
            return False
        self.__dict__["held"] = [
            keras.Variable(ops.zeros(shape, "float32"), dtype="float32", trainable=False)
            for shape in shapes
        ]
        return True

    def fits(self, rows: int | None) -> bool:
        """Whether there is room for so many rows; None is a number known later only.

        Keras traces a network with batches that are not those of `expect`.
        """
        return bool(self.held) and rows in (None, self.held[0].shape[0])

    def start(self, fresh: Any, initial: list[Any]) -> list[Any]:
        """Returns the states that a batch starts from: `initial` in the rows that are `fresh`."""
        fresh = ops.expand_dims(fresh, 1) > 0
        return [
            ops.where(fresh, start, ops.cast(variable, start.dtype))
            for start, variable in zip(initial, self.held, strict=True)
        ]

    def keep(self, states: list[Any]) -> None:
        """Keeps the states in which a batch ended."""
        for variable, state in zip(self.held, states, strict=True):
            variable.assign(ops.cast(ops.stop_gradient(state), "float32"))

    @property
    def variables(self) -> list[Any]:
        return [*super().variables, *self.held]
