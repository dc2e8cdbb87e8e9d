"""The LSTM and its three options: peepholes, coupled gates and projection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ._arguments import arguments, positive_integer
from ._cell import RecurrentCell, dropped, product
from ._sequence import SequenceLayer


@keras.saving.register_keras_serializable(package="zoo")
class LSTMCell(RecurrentCell):
    """One step of an LSTM; see `zoo.layers.LSTM` for the equations and the arguments.

    Call arguments:
        inputs: (batch, features).
        states: `[h, c]`, of shapes (batch, projection_units or units) and (batch, units).
        training: whether the dropouts act.

    Returns:
        `(h, [h, c])`, the new states.

    Example:

    >>> import numpy as np
    >>> from zoo.layers import LSTMCell
    >>> cell = LSTMCell(4, peepholes=True)
    >>> h, (h, c) = cell(np.ones((2, 3), "float32"), cell.get_initial_state(2))
    >>> h.shape
    TensorShape([2, 4])
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        *,
        peepholes: bool = False,
        coupled_gates: bool = False,
        projection_units: int | None = None,
        peephole_initializer: Any = "zeros",
        peephole_regularizer: Any = None,
        peephole_constraint: Any = None,
        projection_initializer: Any = "glorot_uniform",
        projection_regularizer: Any = None,
        projection_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(arguments(locals()), **kwargs)
        if projection_units is not None:
            self.projection_units = positive_integer("projection_units", projection_units)
        self.output_size = self.projection_units or self.units
        self.state_size = [self.output_size, self.units]

    @property
    def gates(self) -> tuple[str, ...]:
        """The gates that have weights, candidate included, in the order of the weights."""
        every = ("input", "forget", "candidate", "output")
        return every[1:] if self.coupled_gates else every

    @property
    def peephole_gates(self) -> tuple[str, ...]:
        """The gates that may look at the cell, in the order of the rows of `peephole_kernel`."""
        return tuple(gate for gate in self.gates if gate != "candidate")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        width = len(self.gates) * self.units
        self.kernel = self.add("kernel", (input_shape[-1], width), "kernel")
        self.recurrent_kernel = self.add("recurrent_kernel", (self.output_size, width), "recurrent")
        self.bias = self.peephole_kernel = self.projection_kernel = None
        if self.use_bias:
            self.bias = self.add("bias", (width,), "bias", self._initial_bias)
        if self.peepholes:
            shape = (len(self.peephole_gates), self.units)
            self.peephole_kernel = self.add("peephole_kernel", shape, "peephole")
        if self.projection_units:
            shape = (self.units, self.projection_units)
            self.projection_kernel = self.add("projection_kernel", shape, "projection")
        self.built = True

    def _initial_bias(self, shape: Any, dtype: Any = None) -> Any:
        if not self.unit_forget_bias:
            return self.bias_initializer(shape, dtype=dtype)
        parts = [
            ops.ones((self.units,), dtype=dtype)
            if gate == "forget"
            else self.bias_initializer((self.units,), dtype=dtype)
            for gate in self.gates
        ]
        return ops.concatenate(parts)

    def project(self, inputs: Any) -> Any:
        projected = product(inputs, self.kernel)
        return projected if self.bias is None else projected + self.bias

    def constants(self, states: Sequence[Any], training: bool | None) -> dict[str, Any]:
        read = ops.convert_to_tensor
        peepholes = dict.fromkeys(self.peephole_gates)
        if self.peepholes:
            rows = ops.unstack(read(self.peephole_kernel), len(self.peephole_gates))
            peepholes = dict(zip(self.peephole_gates, rows, strict=True))
        return {
            "recurrent_kernel": read(self.recurrent_kernel),
            "peepholes": peepholes,
            "projection_kernel": read(self.projection_kernel) if self.projection_units else None,
            "recurrent_mask": self.recurrent_mask(states[0], training),
        }

    def step(
        self, projected: Any, states: Sequence[Any], constants: dict[str, Any]
    ) -> tuple[Any, list[Any]]:
        h, c = states
        h = dropped(h, constants["recurrent_mask"])
        z = projected + ops.matmul(h, constants["recurrent_kernel"])
        z = dict(zip(self.gates, ops.split(z, len(self.gates), axis=-1), strict=True))
        peepholes = constants["peepholes"]

        def gate(name: str, cell_state: Any) -> Any:
            seen = 0 if peepholes[name] is None else peepholes[name] * cell_state
            return self.recurrent_activation(z[name] + seen)

        forget = gate("forget", c)
        enter = 1 - forget if self.coupled_gates else gate("input", c)
        c = forget * c + enter * self.activation(z["candidate"])
        h = gate("output", c) * self.activation(c)
        if constants["projection_kernel"] is not None:
            h = ops.matmul(h, constants["projection_kernel"])
        return h, [h, c]


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
