"""One layer in the place of another: arguments, weights gate by gate, sizes, cells of one's own."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

import zoo
import zoo.layers
from tests.layers.engine import assert_close, randomize
from tests.layers.swaps import X, run, swapped
from zoo.layers._swapped_layers import cells_of

REGULAR = {
    f"{kind}_{what}": value
    for kind in ("kernel", "recurrent", "bias")
    for what, value in (
        ("initializer", keras.initializers.RandomUniform(seed=3)),
        ("regularizer", keras.regularizers.L2(0.1)),
        ("constraint", keras.constraints.MaxNorm(2.0)),
    )
}


def test_arguments_are_carried_over() -> None:
    given: dict[str, Any] = {
        **REGULAR,
        "activation": "relu",
        "recurrent_activation": "hard_sigmoid",
        "unit_forget_bias": False,
        "activity_regularizer": keras.regularizers.L1(0.1),
        "dropout": 0.1,
        "recurrent_dropout": 0.2,
        "seed": 5,
        "return_sequences": True,
        "unroll": True,
        "zero_output_for_mask": True,
        "dtype": "mixed_bfloat16",
        "trainable": False,
    }
    old = layers.LSTM(3, **given)
    new = swapped(keras.Sequential([old]), "peephole_lstm", zoneout_h=0.1).layers[0]
    assert isinstance(new, zoo.layers.PeepholeLSTM)
    config, expected = new.get_config(), old.get_config()
    assert {name: config[name] for name in expected} == expected
    assert config["zoneout_h"] == 0.1
    assert new.kernel_initializer is not old.kernel_initializer
    one = keras.initializers.RandomNormal()
    model = keras.Sequential([keras.Input((None, 3)), layers.GRU(3, return_sequences=True)])
    model.add(layers.GRU(3))
    first, second = swapped(
        model, "lstm", kernel_initializer=one, keep_weights=False
    ).layers  # not the same values twice
    assert np.any(np.array(first.cell.kernel) != np.array(second.cell.kernel))


def test_arguments_that_the_new_cell_lacks_are_named() -> None:
    model = keras.Sequential([layers.GRU(3, reset_after=False, dropout=0.1, name="mine")])
    new = swapped(model, "lstm", "'lstm' does not know are left out: 'mine' (reset_after=False)")
    assert new.layers[0].dropout == 0.1
    swapped(keras.Sequential([layers.LSTM(3, use_cudnn=True)]), "lstm", "use_cudnn=True")
    assert (
        swapped(keras.Sequential([layers.GRU(3, use_cudnn=False)]), "gru").layers[0].use_cudnn
        is False
    )
    # What the new cell does by its nature is not missing.
    model = keras.Sequential([zoo.layers.LSTM(3, peepholes=True)])
    swapped(model, "odyssey_v")
    swapped(model, "odyssey_np", "peepholes=True")
    deep = zoo.layers.DeepLSTM([3, 3], [2, 2], dropout=0.2, peepholes=True, seed=1)
    new = swapped(keras.Sequential([deep]), "gru", "(projection_units=[2, 2], peepholes=True)")
    assert (new.layers[0].recurrent, new.layers[0].dropout) == ("gru", 0.2)
    new = swapped(keras.Sequential([deep]), "lstm", units=5, projection_units=4).layers[0]
    assert (new.units, new.projection_units) == ([5, 5], [4, 4])


def gate(weight: Any, number: int, of: int) -> np.ndarray:
    return np.split(ops.convert_to_numpy(weight), of, axis=-1)[number]


def test_gates_keep_their_weights() -> None:
    model = keras.Sequential([keras.Input((None, 3)), layers.LSTM(2, name="mine")])
    randomize(model)
    old = model.layers[0].cell
    coupled_model = swapped(model, "coupled_gate_lstm")
    coupled = coupled_model.layers[0].cell
    for name in ("kernel", "recurrent_kernel", "bias"):
        for number in range(3):  # f, g and o
            kept = gate(getattr(coupled, name), number, 3)
            assert_close(kept, gate(getattr(old, name), number + 1, 4), 0)
    back = swapped(coupled_model, "lstm", "'mine' (kernel of the input gate, recurrent").layers[0]
    assert_close(gate(back.cell.kernel, 3, 4), gate(old.kernel, 3, 4), 0)
    assert np.any(gate(back.cell.kernel, 0, 4) != gate(old.kernel, 0, 4))
    assert_close(gate(back.cell.bias, 0, 4), np.zeros(2), 0)


def test_every_weight_of_an_lstm_is_kept_gate_by_gate() -> None:
    options = {"full_gate_recurrence": True, "peepholes": True, "layer_norm": True}
    layer = zoo.layers.LSTM(2, projection_units=2, **options)
    model = keras.Sequential([keras.Input((None, 3)), layer])
    randomize(model)
    old, new = layer.cell, swapped(model, "lstm", coupled_gates=True).layers[0].cell
    assert_close(new.peephole_kernel, np.array(old.peephole_kernel)[1:], 0)
    assert_close(new.gate_recurrent_kernel, np.array(old.gate_recurrent_kernel)[2:, 2:], 0)
    assert_close(new.kernel_norm_scale, np.array(old.kernel_norm_scale)[2:], 0)
    for name in ("projection_kernel", "cell_norm_scale", "cell_norm_offset"):
        assert_close(getattr(new, name), getattr(old, name), 0)


def test_nothing_is_kept_between_families() -> None:
    # A GRU has three gates too, so that all shapes are those of coupled gates.
    model = keras.Sequential([keras.Input((None, 3)), layers.GRU(2, reset_after=False)])
    randomize(model)
    old = model.layers[0].get_weights()
    message = "(kernel, recurrent_kernel, bias)"
    new = swapped(model, "coupled_gate_lstm", "reset_after=False", message).layers[0]
    assert [w.shape for w in new.get_weights()] == [w.shape for w in old]
    assert all(np.any(a != b) for a, b in zip(old, new.get_weights(), strict=True))


def test_a_gru_keeps_what_means_the_same() -> None:
    model = keras.Sequential([keras.Input((None, 3)), layers.GRU(2, name="mine")])
    randomize(model)
    assert_close(run(swapped(model, "gru"), X), run(model, X), 1e-6)
    old = model.layers[0].cell
    new = swapped(model, "gru", "kernel of the turned update gate", update_convention="chung")
    assert np.all(gate(new.layers[0].cell.kernel, 0, 3) != gate(old.kernel, 0, 3))
    assert_close(gate(new.layers[0].cell.kernel, 1, 3), gate(old.kernel, 1, 3), 0)
    new = swapped(model, "gru", "'mine' (bias)", reset_after=False)
    assert_close(new.layers[0].cell.kernel, old.kernel, 0)


def test_other_sizes() -> None:
    inner = layers.LSTM(3, return_sequences=True, name="mine")
    model = keras.Sequential([keras.Input((None, 3)), layers.Dense(3), layers.Bidirectional(inner)])
    model.add(layers.LSTM(3, name="last"))
    model.add(layers.Dense(2, bias_initializer="ones", name="scores"))
    lost = "'forward_mine' (kernel, recurrent_kernel, bias), 'backward_mine' (kernel, recurrent_"
    lost += "kernel, bias), 'last' (kernel, recurrent_kernel, bias), 'scores' (kernel)."
    new = swapped(model, "peephole_lstm", lost, units=5)
    assert_close(new.layers[0].get_weights(), model.layers[0].get_weights(), 0)
    assert_close(new.layers[-1].bias, np.ones(2), 0)
    assert {cell.units for layer in new.layers for cell in cells_of(layer)} == {5}
    assert run(new, X).shape == (2, 2)
    lost = "'last' (kernel, recurrent_kernel), 'scores' (kernel)"
    new = swapped(model, "projected_lstm", lost, projection_units=2)
    assert new.layers[2].output.shape == (None, 2)


def test_keep_weights_false_starts_anew() -> None:
    scale = layers.Normalization()
    scale.adapt(10 * X)
    model = keras.Sequential([keras.Input((None, 3)), scale, layers.GRU(3), layers.Dense(2)])
    new = swapped(model, "peephole_lstm", keep_weights=False)
    assert_close(new.layers[0](X), scale(X), 1e-6)
    assert np.any(np.array(new.layers[2].kernel) != np.array(model.layers[2].kernel))
    new = swapped(model, "gru", keep_weights=True)
    assert_close(run(new, X), run(model, X), 1e-6)


def test_cells_of_the_users_own() -> None:
    @zoo.register_cell("own")
    class Own(layers.Layer):
        def __init__(self, units: int, leak: float = 0.5) -> None:
            super().__init__()
            self.units = self.state_size = units
            self.leak = leak

        def build(self, input_shape: Any) -> None:
            self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")

        def call(self, inputs: Any, states: Any) -> Any:
            h = self.leak * states[0] + ops.matmul(inputs, self.kernel)
            return h, [h]

        def get_config(self) -> dict[str, Any]:
            return {"units": self.units, "leak": self.leak}

    model = keras.Sequential([keras.Input((None, 3)), layers.SimpleRNN(2, name="mine")])
    own = swapped(model, "own", "'mine' (kernel)", leak=0.9)
    assert isinstance(own.layers[0].cell, Own)
    again = swapped(own, "own")
    assert again.layers[0].cell.leak == 0.9
    assert_close(run(again, X), run(own, X), 1e-6)
    back = swapped(own, "simple_rnn", "leak=0.9", "'mine' (kernel, recurrent_kernel, bias)")
    assert back.layers[0].name == "mine"
