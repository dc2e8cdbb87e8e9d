"""How weights start: chrono initialisation and the small weights."""

import json

import keras
import numpy as np
import pytest

import zoo.layers
from tests.layers.engine import named_weights
from zoo.layers._initializers import initializer

UNITS = 2000


def _biases(layer: keras.layers.RNN) -> list[np.ndarray]:
    layer.build((None, None, 1))
    return np.split(named_weights(layer)["bias"], len(layer.cell.gates))


def test_chrono_biases_are_logarithms_of_a_uniform_number() -> None:
    layer = zoo.layers.LSTM(
        UNITS, gate_biases=zoo.layers.chrono(50, seed=1), recurrent_initializer="zeros"
    )
    i, f, g, o = _biases(layer)
    np.testing.assert_array_equal(i, -f)
    assert not g.any()
    assert not o.any()
    u = np.sort(np.exp(f))
    assert 1 <= u[0]
    assert u[-1] <= 49 * (1 + 1e-5)
    # The distance of Kolmogorov and Smirnov, at one in ten thousand.
    expected = (u - 1) / 48
    assert np.abs(expected - (np.arange(UNITS) + 0.5) / UNITS).max() < 2.3 / UNITS**0.5


def test_chrono_follows_its_seed() -> None:
    def forget(seed: int | None) -> np.ndarray:
        options = {"gate_biases": zoo.layers.chrono(9, seed), "recurrent_initializer": "zeros"}
        return _biases(zoo.layers.LSTM(7, **options))[1]

    np.testing.assert_array_equal(forget(1), forget(1))
    assert not np.array_equal(forget(1), forget(2))
    assert not np.array_equal(forget(None), forget(None))
    keras.utils.set_random_seed(3)
    first = forget(None)
    keras.utils.set_random_seed(3)
    np.testing.assert_array_equal(forget(None), first)


def test_chrono_survives_a_config() -> None:
    layer = zoo.layers.LSTM(5, gate_biases=zoo.layers.chrono(20))
    again = zoo.layers.LSTM.from_config(json.loads(json.dumps(layer.get_config())))
    for one, other in zip(_biases(layer), _biases(again), strict=True):
        np.testing.assert_array_equal(one, other)


def test_chrono_of_coupled_gates() -> None:
    biases = {"forget": zoo.layers.Chrono(20, seed=4)}
    f, g, o = _biases(zoo.layers.CoupledGateLSTM(5, gate_biases=biases))
    assert (f >= 0).all()
    assert f.any()
    with pytest.raises(ValueError, match="may name forget, output"):
        zoo.layers.CoupledGateLSTM(5, gate_biases=zoo.layers.chrono(20))


@pytest.mark.parametrize("steps", [2, 1.5, -3, "10", None, True, float("inf"), float("nan")])
def test_bad_timescales(steps: object) -> None:
    with pytest.raises(ValueError, match="`max_timescale` must be a number of steps greater than"):
        zoo.layers.chrono(steps)


def test_bad_sign() -> None:
    with pytest.raises(ValueError, match="`sign` must be 1 or -1"):
        zoo.layers.Chrono(9, sign=0)


def test_small_weights() -> None:
    uniform = keras.ops.convert_to_numpy(initializer("small_uniform")((100, 100)))
    assert 0.079 < np.abs(uniform).max() <= 0.08
    assert abs(uniform.std() - 0.08 / 3**0.5) < 1e-3
    normal = keras.ops.convert_to_numpy(initializer("small_normal")((100, 100)))
    assert abs(normal.std() - 0.1) < 4e-3
    assert abs(normal.mean()) < 4e-3


def test_named_choices_in_a_layer() -> None:
    layer = zoo.layers.LSTM(
        8, kernel_initializer="small_uniform", recurrent_initializer="orthogonal"
    )
    layer.build((None, None, 50))
    weights = named_weights(layer)
    assert np.abs(weights["kernel"]).max() <= 0.08
    recurrent = weights["recurrent_kernel"]
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(8), atol=1e-5)
    # Saved under Keras's own name, so that any program can read it.
    assert layer.get_config()["kernel_initializer"]["class_name"] == "RandomUniform"
    with pytest.raises(ValueError, match="smal_uniform"):
        zoo.layers.LSTM(8, kernel_initializer="smal_uniform")
