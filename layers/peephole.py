"""The LSTM whose gates see the cell state."""

from __future__ import annotations

from typing import Any

import keras

from ._sequence import SequenceLayer
from .lstm import LSTMCell


@keras.saving.register_keras_serializable(package="zoo")
class PeepholeLSTMCell(LSTMCell):
    """One step of a peephole LSTM: `zoo.layers.LSTMCell` with `peepholes=True`.

    Example:

    >>> import numpy as np
    >>> from zoo.layers import PeepholeLSTMCell
    >>> cell = PeepholeLSTMCell(4)
    >>> h, states = cell(np.ones((2, 3), "float32"), cell.get_initial_state(2))
    >>> [state.shape for state in states]
    [TensorShape([2, 4]), TensorShape([2, 4])]
    """

    fixed = frozenset({"peepholes"})

    def __init__(self, units: int, *args: Any, **kwargs: Any) -> None:
        super().__init__(units, *args, peepholes=True, **kwargs)


@keras.saving.register_keras_serializable(package="zoo")
class PeepholeLSTM(SequenceLayer):
    """An LSTM whose gates see the cell state: `zoo.layers.LSTM` with `peepholes=True`.

        i_t = sigma(x_t W_i + h_{t-1} U_i + p_i * c_{t-1} + b_i)
        f_t = sigma(x_t W_f + h_{t-1} U_f + p_f * c_{t-1} + b_f)
        o_t = sigma(x_t W_o + h_{t-1} U_o + p_o * c_t + b_o)

    and `g_t`, `c_t`, `h_t` as in `zoo.layers.LSTM`, whose other arguments, shapes and errors are
    this layer's too. The peepholes start at zero, so that a new layer computes what a plain LSTM
    with the same weights does.

    Example:

    >>> import numpy as np
    >>> from zoo.layers import PeepholeLSTM
    >>> layer = PeepholeLSTM(8)
    >>> layer(np.ones((2, 5, 3), "float32")).shape
    TensorShape([2, 8])
    >>> layer.cell.peephole_kernel.shape
    TensorShape([3, 8])

    Reference:
        Gers, Schraudolph and Schmidhuber 2002, "Learning precise timing with LSTM recurrent
        networks".
    """

    cell_class = PeepholeLSTMCell
