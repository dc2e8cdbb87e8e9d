"""The LSTM, with every option of its family."""

from __future__ import annotations

import keras

from ._lstm_cell import LSTMCell
from ._sequence import SequenceLayer

__all__ = ["LSTM", "LSTMCell"]


@keras.saving.register_keras_serializable(package="zoo")
class LSTM(SequenceLayer):
    """Long short-term memory, with peepholes, coupled gates and projection as options.

    A drop-in replacement of `keras.layers.LSTM`: the same arguments, weights and results; the
    arguments after the star are new. With everything on, and `*` elementwise:

        i_t = sigma(x_t W_i + h_{t-1} U_i + p_i * c_{t-1} + b_i)    or 1 - f_t, coupled
        f_t = sigma(x_t W_f + h_{t-1} U_f + p_f * c_{t-1} + b_f)
        g_t = tanh (x_t W_g + h_{t-1} U_g + b_g)
        c_t = f_t * c_{t-1} + i_t * g_t
        o_t = sigma(x_t W_o + h_{t-1} U_o + p_o * c_t + b_o)
        h_t = (o_t * tanh(c_t)) R                                   R only with a projection

    The weights, in this order; G is 4, or 3 (f, g, o) with coupled gates:

        kernel             (features, G * units)                      W
        recurrent_kernel   (projection_units or units, G * units)     U
        bias               (G * units,)                               b
        peephole_kernel    (G - 1, units)                             p, rows i, f, o
        projection_kernel  (units, projection_units)                  R

    Args:
        units: size of the cell state `c`.
        activation: `tanh` above, in both places.
        recurrent_activation: `sigma` above.
        use_bias: whether there is a `b`.
        kernel_initializer, recurrent_initializer, bias_initializer, peephole_initializer,
            projection_initializer: how the weights start.
        unit_forget_bias: start `b_f` at one (Jozefowicz et al. 2015).
        kernel_regularizer, recurrent_regularizer, bias_regularizer, peephole_regularizer,
            projection_regularizer: penalties on the weights.
        activity_regularizer: a penalty on the outputs.
        kernel_constraint, recurrent_constraint, bias_constraint, peephole_constraint,
            projection_constraint: constraints on the weights.
        dropout: rate of the inputs dropped in training, the same ones at all steps and gates.
        recurrent_dropout: the same for `h_{t-1}` (Gal and Ghahramani 2016).
        seed: seed of the dropouts.
        return_sequences: return the outputs of all steps instead of the last one.
        return_state: return the final `h` and `c` too.
        go_backwards: read the sequence from its end, and give the outputs in that order.
        stateful: start each batch from the final states of the batch before.
        unroll: a Python loop over the steps, for short sequences of known length.
        zero_output_for_mask: outputs of masked steps are zeros instead of the output before.
        use_cudnn: accepted for Keras's sake; "auto" or False.
        peepholes: let the gates see the cell state (Gers et al. 2002).
        coupled_gates: couple the input gate to the forget gate (Greff et al. 2015).
        projection_units: size of `h` if it is projected (Sak et al. 2014), else None.

    Call arguments:
        sequences: (batch, time, features).
        initial_state: `[h, c]`, of shapes (batch, projection_units or units) and (batch, units).
        mask: booleans (batch, time); a step that is false keeps the states and repeats the output
            before it (zeros before the first true one).
        training: whether the dropouts act.

    Returns:
        (batch, projection_units or units), or (batch, time, ...) with `return_sequences`; followed
        by the final `h` and `c` with `return_state`.

    Example:

    >>> import numpy as np
    >>> from zoo.layers import LSTM
    >>> layer = LSTM(8, peepholes=True, projection_units=4, return_sequences=True)
    >>> layer(np.ones((2, 5, 3), "float32")).shape
    TensorShape([2, 5, 4])

    References:
        Hochreiter and Schmidhuber 1997, "Long short-term memory"; Gers, Schraudolph and
        Schmidhuber 2002, "Learning precise timing with LSTM recurrent networks"; Sak, Senior and
        Beaufays 2014, "Long short-term memory recurrent neural network architectures for large
        scale acoustic modeling"; Greff et al. 2015, "LSTM: a search space odyssey".
    """

    cell_class = LSTMCell
