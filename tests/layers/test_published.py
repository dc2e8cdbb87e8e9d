"""The layers agree with what others have published: papers, Keras, PyTorch and TensorFlow."""

import inspect
from typing import Any

import keras
import numpy as np
import pytest

import zoo.layers
from tests.cases import MASK
from tests.layers.engine import BACKEND, assert_close, randomize

BATCH, TIME, FEATURES, UNITS = 5, 4, 3, 6
tensorflow_only = pytest.mark.skipif(BACKEND != "tensorflow", reason="needs TensorFlow")


def _inputs(dtype: str = "float32") -> np.ndarray:
    return np.random.default_rng(11).normal(size=(BATCH, TIME, FEATURES)).astype(dtype)


def _built(layer: keras.layers.RNN) -> keras.layers.RNN:
    layer.build((BATCH, TIME, FEATURES))
    randomize(layer)
    return layer


@tensorflow_only
def test_chung_gru_is_its_four_equations() -> None:
    x = _inputs("float64")
    layer = zoo.layers.GRU(
        UNITS,
        update_convention="chung",
        reset_after=False,
        use_bias=False,
        return_sequences=True,
        dtype="float64",
    )
    kernel, recurrent_kernel = (weight.numpy() for weight in _built(layer).weights)
    W_z, W_r, W = np.split(kernel, 3, axis=1)
    U_z, U_r, U = np.split(recurrent_kernel, 3, axis=1)

    def sigma(value: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-value))

    h, outputs = np.zeros((BATCH, UNITS)), []
    for t in range(TIME):
        r = sigma(x[:, t] @ W_r + h @ U_r)
        n = np.tanh(x[:, t] @ W + (r * h) @ U)
        z = sigma(x[:, t] @ W_z + h @ U_z)
        h = (1 - z) * h + z * n
        outputs.append(h)
    assert_close(layer(x), np.stack(outputs, axis=1), 1e-12)


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("projection_units", [None, 2])
def test_lstm_equals_torch(projection_units: int | None) -> None:
    torch = pytest.importorskip("torch")
    layer = _built(
        zoo.layers.LSTM(
            UNITS, projection_units=projection_units, return_sequences=True, return_state=True
        )
    )
    kernel, recurrent_kernel, bias, *projection = (
        torch.tensor(keras.ops.convert_to_numpy(weight)) for weight in layer.weights
    )
    theirs = torch.nn.LSTM(FEATURES, UNITS, batch_first=True, proj_size=projection_units or 0)
    weights = {
        "weight_ih_l0": kernel.T,
        "weight_hh_l0": recurrent_kernel.T,
        "bias_ih_l0": bias,
        "bias_hh_l0": torch.zeros_like(bias),
    }
    if projection:
        weights["weight_hr_l0"] = projection[0].T
    theirs.load_state_dict(weights)

    generator = np.random.default_rng(12)
    sizes = (projection_units or UNITS, UNITS)
    states = [generator.normal(size=(BATCH, size)).astype("float32") for size in sizes]
    with torch.no_grad():
        outputs, (h, c) = theirs(
            torch.tensor(_inputs()), tuple(torch.tensor(state)[None] for state in states)
        )
    expected = [outputs.numpy(), h[0].numpy(), c[0].numpy()]
    assert_close(layer(_inputs(), initial_state=states), expected, 1e-5)


@tensorflow_only
def test_peephole_lstm_equals_tensorflow_block_lstm() -> None:
    import tensorflow as tf

    x = _inputs()
    layer = _built(zoo.layers.PeepholeLSTM(UNITS, return_sequences=True, return_state=True))
    kernel, recurrent_kernel, bias, peepholes = (weight.numpy() for weight in layer.weights)

    generator = np.random.default_rng(12)
    h, c = (generator.normal(size=(BATCH, UNITS)).astype("float32") for _ in range(2))
    result = tf.raw_ops.BlockLSTMV2(
        seq_len_max=tf.constant(TIME, tf.int64),
        x=x.transpose(1, 0, 2),
        cs_prev=c,
        h_prev=h,
        w=np.concatenate([kernel, recurrent_kernel]),
        wci=peepholes[0],
        wcf=peepholes[1],
        wco=peepholes[2],
        b=bias,
        cell_clip=0.0,
        use_peephole=True,
    )
    outputs = result.h.numpy().transpose(1, 0, 2)
    expected = [outputs, outputs[:, -1], result.cs[-1].numpy()]
    assert_close(layer(x, initial_state=[h, c]), expected, 1e-5)


def test_peephole_cell_meets_the_value_of_tensorflow_addons() -> None:
    cell = zoo.layers.PeepholeLSTMCell(
        4,
        kernel_initializer="ones",
        recurrent_initializer="ones",
        peephole_initializer="ones",
        unit_forget_bias=True,
    )
    one_hot = np.array([[0, 1, 0, 0]], dtype="float32")
    h, _ = cell(one_hot, [np.zeros((1, 4), "float32")] * 2)
    assert_close(h, np.full((1, 4), 0.417551), 1e-6)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("LSTM", {}),
        ("LSTM", {"use_bias": False, "activation": "relu", "recurrent_activation": "hard_sigmoid"}),
        ("GRU", {}),
        ("GRU", {"reset_after": False}),
        ("GRU", {"reset_after": False, "use_bias": False}),
        ("SimpleRNN", {}),
        ("SimpleRNN", {"activation": "relu", "use_bias": False}),
    ],
)
def test_plain_layer_equals_keras(name: str, options: dict[str, Any]) -> None:
    shared = {"units": UNITS, "return_sequences": True, "return_state": True, **options}
    # Padding on the right, and none: where Keras's own backends agree with each other.
    mask = MASK[:2]
    x = _inputs()
    ours = _built(getattr(zoo.layers, name)(**shared))
    theirs = getattr(keras.layers, name)(**shared)
    theirs.build(x.shape)
    theirs.set_weights(ours.get_weights())
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    generator = np.random.default_rng(12)
    states = [
        generator.normal(size=(BATCH, UNITS)).astype("float32") for _ in range(len(ours.state_size))
    ]
    assert_close(ours(x), theirs(x), 1e-5)
    assert_close(ours(x, training=True), theirs(x, training=True), 1e-5)
    assert_close(ours(x, initial_state=states), theirs(x, initial_state=states), 1e-5)
    assert_close(ours(x[:2], mask=mask), theirs(x[:2], mask=mask), 1e-5)
    ours.go_backwards = theirs.go_backwards = True
    assert_close(ours(x), theirs(x), 1e-5)


@pytest.mark.parametrize("name", ["LSTM", "GRU", "SimpleRNN"])
def test_a_plain_layer_starts_as_keras_does(name: str) -> None:
    def initializers() -> dict[str, Any]:
        return {
            "kernel_initializer": keras.initializers.GlorotUniform(seed=1),
            "recurrent_initializer": keras.initializers.Orthogonal(seed=2),
        }

    ours = getattr(zoo.layers, name)(UNITS, **initializers())
    theirs = getattr(keras.layers, name)(UNITS, **initializers())
    for layer in (ours, theirs):
        layer.build((None, None, FEATURES))
    assert_close(ours.get_weights(), theirs.get_weights(), 1e-6)


@pytest.mark.parametrize("name", ["LSTM", "GRU", "SimpleRNN"])
def test_a_plain_layer_takes_the_arguments_of_keras_in_their_order(name: str) -> None:
    def positional(layer_class: type) -> list[tuple[str, Any]]:
        return [
            (p.name, p.default)
            for p in inspect.signature(layer_class).parameters.values()
            if p.kind is p.POSITIONAL_OR_KEYWORD
        ]

    ours = positional(getattr(zoo.layers, name))
    theirs = positional(getattr(keras.layers, name))
    assert ours[: len(theirs)] == theirs
