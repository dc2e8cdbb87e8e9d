"""The LSTM that forgets exactly as much as it takes in."""

from __future__ import annotations

from typing import Any

import keras

from ._sequence import SequenceLayer
from .lstm import LSTMCell


@keras.saving.register_keras_serializable(package="zoo")
class CoupledGateLSTMCell(LSTMCell):
    """One step of a coupled-gate LSTM: `zoo.layers.LSTMCell` with `coupled_gates=True`.

    Example:

    >>> import numpy as np
    >>> from zoo.layers import CoupledGateLSTMCell
    >>> cell = CoupledGateLSTMCell(4)
    >>> h, states = cell(np.ones((2, 3), "float32"), cell.get_initial_state(2))
    >>> cell.kernel.shape
    TensorShape([3, 12])
    """

    fixed = frozenset({"coupled_gates"})

    def __init__(self, units: int, *args: Any, **kwargs: Any) -> None:
        super().__init__(units, *args, coupled_gates=True, **kwargs)


@keras.saving.register_keras_serializable(package="zoo")
class CoupledGateLSTM(SequenceLayer):
    """An LSTM without an input gate of its own: `zoo.layers.LSTM` with `coupled_gates=True`.

        c_t = f_t * c_{t-1} + (1 - f_t) * g_t

    and the rest as in `zoo.layers.LSTM`, whose other arguments, shapes and errors are this layer's
    too. It has three quarters of the weights, in the order f, g, o. (Greff et al. call it CIFG and
    write f = 1 - i; this is the same up to the sign of the coupled gate's weights.)

    Example:

    >>> import numpy as np
    >>> from zoo.layers import CoupledGateLSTM
    >>> layer = CoupledGateLSTM(8)
    >>> layer(np.ones((2, 5, 3), "float32")).shape
    TensorShape([2, 8])
    >>> layer.cell.kernel.shape
    TensorShape([3, 24])

    Reference:
        Greff et al. 2015, "LSTM: a search space odyssey".
    """

    cell_class = CoupledGateLSTMCell
