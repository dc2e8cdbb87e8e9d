"""Cells by name: ours, Keras's and the user's own."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import zoo.layers
from tests.layers.engine import assert_close
from zoo.layers import list_cells, recurrent, register_cell

X = np.random.default_rng(3).normal(size=(2, 4, 3)).astype("float32")
BUILT_IN = {
    "simple_rnn": "SimpleRNN",
    "lstm": "LSTM",
    "peephole_lstm": "PeepholeLSTM",
    "coupled_gate_lstm": "CoupledGateLSTM",
    "projected_lstm": "ProjectedLSTM",
    "gru": "GRU",
}


class LeakyCell(keras.layers.Layer):
    """A cell of a user's own."""

    def __init__(self, units: int, leak: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = self.state_size = units
        self.leak = leak

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")

    def call(self, inputs: Any, states: Any) -> Any:
        h = self.leak * states[0] + keras.ops.tanh(keras.ops.matmul(inputs, self.kernel))
        return h, [h]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "leak": self.leak}


def test_built_in_cells() -> None:
    assert set(list_cells()) >= set(BUILT_IN)
    assert list_cells("p*_lstm") == ["peephole_lstm", "projected_lstm"]
    for name, layer in BUILT_IN.items():
        options = {"projection_units": 2} if name == "projected_lstm" else {}
        built = recurrent(name, 4, return_sequences=True, name="mine", **options)
        assert type(built) is getattr(zoo.layers, layer)
        assert (built.units, built.return_sequences, built.name) == (4, True, "mine")


def test_a_cell_of_ones_own(tmp_path: Path) -> None:
    register_cell("leaky")(LeakyCell)
    layer = recurrent("leaky", 5, leak=0.25, return_sequences=True, name="mine", dtype="float32")
    assert type(layer) is keras.layers.RNN
    assert (layer.name, layer.cell.units, layer.cell.leak) == ("mine", 5, 0.25)
    assert layer.return_sequences
    model = keras.Sequential([keras.Input((None, 3)), layer])
    h, expected = np.zeros((2, 5)), []
    for t in range(4):
        h = 0.25 * h + np.tanh(X[:, t] @ keras.ops.convert_to_numpy(layer.cell.kernel))
        expected.append(h)
    assert_close(model(X), np.stack(expected, axis=1), 1e-5)

    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.layers[0].cell) is LeakyCell
    assert_close(loaded(X), model(X), 1e-6)


def test_a_registered_cell_does_not_hide_one_of_ours(tmp_path: Path) -> None:
    class LSTMCell(LeakyCell):
        """Named as one of ours is."""

    register_cell("leaky")(LSTMCell)
    ours = keras.layers.RNN(zoo.layers.LSTMCell(3))
    model = keras.Sequential([keras.Input((None, 3)), ours, keras.layers.RepeatVector(2)])
    model.add(recurrent("leaky", 2))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.layers[0].cell) is zoo.layers.LSTMCell
    assert type(loaded.layers[2].cell) is LSTMCell


def test_a_cell_that_keras_knows_keeps_its_name() -> None:
    class Known(LeakyCell):
        pass

    keras.saving.register_keras_serializable(package="theirs")(Known)
    register_cell("known")(Known)
    assert keras.saving.get_registered_name(Known) == "theirs>Known"


def test_a_subclass_of_one_of_our_cells() -> None:
    @register_cell("doubled")
    class DoubledCell(zoo.layers.SimpleRNNCell):
        """Twice what a plain cell says."""

        def __init__(self, units: int, factor: float = 2.0, **kwargs: Any) -> None:
            super().__init__(units, **kwargs)
            self.factor = factor

        def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
            output, states = super().call(inputs, states, training)
            return self.factor * output, states

    layer = recurrent("doubled", 4, factor=3.0, use_bias=False, return_sequences=True)
    assert type(layer.cell) is DoubledCell
    plain = zoo.layers.SimpleRNN(4, use_bias=False, return_sequences=True)
    plain.build(X.shape)
    layer.build(X.shape)
    layer.set_weights(plain.get_weights())
    assert_close(layer(X), 3 * plain(X), 1e-5)
    config = layer.cell.get_config()
    assert (config["factor"], config["use_bias"]) == (3.0, False)
    assert DoubledCell.from_config(config).get_config() == config
    with pytest.raises(TypeError, match="no option `use_bas`; did you mean `use_bias`"):
        recurrent("doubled", 4, use_bas=False)


def test_a_subclass_without_a_constructor_or_without_more_arguments() -> None:
    class Same(zoo.layers.GRUCell):
        pass

    class Bare(zoo.layers.GRUCell):
        def __init__(self, units: int) -> None:
            super().__init__(units, reset_after=False)

    assert Same.argument_names() == zoo.layers.GRUCell.argument_names()
    assert Same(3, reset_after=False).get_config()["reset_after"] is False
    assert Bare.argument_names() == ["units"]
    register_cell("bare")(Bare)
    assert recurrent("bare", 3)(X).shape == (2, 3)
    with pytest.raises(TypeError, match="no option `use_bias`"):
        recurrent("bare", 3, use_bias=True)


def test_a_cell_of_keras() -> None:
    register_cell("keras_gru")(keras.layers.GRUCell)
    layer = recurrent("keras_gru", 4, recurrent_dropout=0.5, go_backwards=True, trainable=False)
    assert layer(X).shape == (2, 4)
    assert layer.cell.recurrent_dropout == 0.5
    assert layer.go_backwards
    assert not layer.trainable_weights


@pytest.mark.parametrize(
    ("name", "option", "hint"),
    [
        ("lstm", "peephole", "`peepholes`"),
        ("peephole_lstm", "peepholes", ""),
        ("gru", "reset_afte", "`reset_after`"),
        ("leaky", "leek", "`leak`"),
        ("lstm", "zzz", None),
    ],
)
def test_an_unknown_option_is_named(name: str, option: str, hint: str | None) -> None:
    register_cell("leaky")(LeakyCell)
    with pytest.raises(TypeError, match=f"The cell '{name}' has no option `{option}`") as error:
        recurrent(name, 4, **{option: True})
    assert (hint or "") in str(error.value)
    assert ("did you mean" in str(error.value)) == (hint is not None)


def test_an_unknown_cell_answers_with_the_closest() -> None:
    with pytest.raises(ValueError, match="Unknown cell 'peephole_lst'; did you mean 'peephole_lst"):
        recurrent("peephole_lst", 4)
    with pytest.raises(ValueError, match="`units` must be a positive integer"):
        recurrent("lstm", 0)


def test_a_taken_name() -> None:
    with pytest.raises(ValueError, match="'lstm' is already taken by zoo.layers.lstm.LSTMCell"):
        register_cell("lstm")(LeakyCell)


@pytest.mark.parametrize("value", [3, int, keras.layers.Dense(3)])
def test_what_is_no_layer_class_is_no_cell(value: Any) -> None:
    with pytest.raises(TypeError, match="A cell must be a class that derives from"):
        register_cell("wrong")(value)


@pytest.mark.parametrize("value", [keras.layers.LSTM, zoo.layers.LSTM, keras.layers.Dense])
def test_a_layer_that_computes_no_step_is_no_cell(value: type) -> None:
    with pytest.raises(TypeError, match="A cell computes one step"):
        register_cell("wrong")(value)


def test_the_states_may_have_another_name() -> None:
    class Other(LeakyCell):
        def call(self, x: Any, state: Any) -> Any:
            return super().call(x, state)

    register_cell("other")(Other)
    assert recurrent("other", 3)(X).shape == (2, 3)
