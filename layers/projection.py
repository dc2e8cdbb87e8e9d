"""The LSTM whose output is smaller than its memory."""

from __future__ import annotations

from typing import Any

import keras

from ._arguments import positive_integer
from ._sequence import SequenceLayer
from .lstm import LSTMCell


@keras.saving.register_keras_serializable(package="zoo")
class ProjectedLSTMCell(LSTMCell):
    """One step of a projected LSTM: `zoo.layers.LSTMCell` that must have `projection_units`.

    Example:

    >>> import numpy as np
    >>> from zoo.layers import ProjectedLSTMCell
    >>> cell = ProjectedLSTMCell(8, 4)
    >>> h, states = cell(np.ones((2, 3), "float32"), cell.get_initial_state(2))
    >>> [state.shape for state in states]
    [TensorShape([2, 4]), TensorShape([2, 8])]
    """

    def __init__(self, units: int, projection_units: int, *args: Any, **kwargs: Any) -> None:
        projection_units = positive_integer("projection_units", projection_units)
        super().__init__(units, *args, projection_units=projection_units, **kwargs)


@keras.saving.register_keras_serializable(package="zoo")
class ProjectedLSTM(SequenceLayer):
    """An LSTM with a small output: `ProjectedLSTM(units, projection_units)`.

        h_t = (o_t * tanh(c_t)) R

    with R of shape (units, projection_units), and the rest as in `zoo.layers.LSTM`, whose other
    arguments, shapes and errors are this layer's too. The recurrent weights shrink with the
    output, so a large memory costs less.

    Example:

    >>> import numpy as np
    >>> from zoo.layers import ProjectedLSTM
    >>> layer = ProjectedLSTM(8, 4)
    >>> layer(np.ones((2, 5, 3), "float32")).shape
    TensorShape([2, 4])
    >>> layer.cell.recurrent_kernel.shape
    TensorShape([4, 32])

    Reference:
        Sak, Senior and Beaufays 2014, "Long short-term memory recurrent neural network
        architectures for large scale acoustic modeling".
    """

    cell_class = ProjectedLSTMCell
