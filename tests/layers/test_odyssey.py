"""The nine variants of Greff et al.: what each one leaves out, and under which names."""

import copy
import pickle
from typing import Any

import keras
import numpy as np
import pytest

import zoo.layers
from tests.layers.engine import assert_close, randomize
from zoo.layers.odyssey import VARIANTS

D, N = 3, 4
GATE = D * N + N * N + N
PEEPHOLE = N

# What the equations of each variant need, gates first.
PARAMETERS = {
    "V": 4 * GATE + 3 * PEEPHOLE,
    "NIG": 3 * GATE + 2 * PEEPHOLE,
    "NFG": 3 * GATE + 2 * PEEPHOLE,
    "NOG": 3 * GATE + 2 * PEEPHOLE,
    "NIAF": 4 * GATE + 3 * PEEPHOLE,
    "NOAF": 4 * GATE + 3 * PEEPHOLE,
    "CIFG": 3 * GATE + 2 * PEEPHOLE,
    "NP": 4 * GATE,
    "FGR": 4 * GATE + 3 * PEEPHOLE + 9 * N * N,
}
AS_OPTIONS: dict[str, dict[str, Any]] = {
    "V": {"peepholes": True},
    "NIG": {"peepholes": True, "omit": ["input_gate"]},
    "NFG": {"peepholes": True, "omit": ["forget_gate"]},
    "NOG": {"peepholes": True, "omit": ["output_gate"]},
    "NIAF": {"peepholes": True, "omit": ["input_activation"]},
    "NOAF": {"peepholes": True, "omit": ["output_activation"]},
    "CIFG": {"peepholes": True, "coupled_gates": True},
    "NP": {},
    "FGR": {"peepholes": True, "full_gate_recurrence": True},
}
variants = pytest.mark.parametrize("name", VARIANTS)


def _inputs() -> np.ndarray:
    return np.random.default_rng(3).normal(size=(2, 5, D)).astype("float32")


@variants
def test_number_of_parameters(name: str) -> None:
    layer = zoo.layers.odyssey(name, N)
    layer.build((None, None, D))
    assert layer.count_params() == PARAMETERS[name]


@variants
def test_a_variant_is_an_lstm_with_options(name: str) -> None:
    layer = zoo.layers.odyssey(name.lower(), N, return_sequences=True, return_state=True)
    plain = zoo.layers.LSTM(N, return_sequences=True, return_state=True, **AS_OPTIONS[name])
    for one in (layer, plain):
        one.build((None, None, D))
    assert [w.name for w in layer.weights] == [w.name for w in plain.weights]
    randomize(layer)
    plain.set_weights(layer.get_weights())
    assert_close(layer(_inputs()), plain(_inputs()), 1e-6)


def test_all_variants_differ() -> None:
    outputs = []
    for name in VARIANTS:
        layer = zoo.layers.odyssey(name, N)
        layer.build((None, None, D))
        randomize(layer)
        outputs.append(keras.ops.convert_to_numpy(layer(_inputs())))
    for number, one in enumerate(outputs):
        assert all(np.abs(one - other).max() > 1e-3 for other in outputs[:number])


@variants
def test_each_is_a_registered_cell(name: str) -> None:
    cell = f"odyssey_{name.lower()}"
    assert cell in zoo.layers.list_cells("odyssey_*")
    layer = zoo.layers.recurrent(cell, N, zoneout_h=0.1)
    assert type(layer) is type(zoo.layers.odyssey(name, N))
    assert type(layer).__name__ == f"Odyssey{name}"
    assert layer.zoneout_h == 0.1
    whole = keras.saving.serialize_keras_object(layer)
    assert whole["registered_name"] == f"zoo>Odyssey{name}"
    assert type(pickle.loads(pickle.dumps(type(layer)))) is type(type(layer))
    assert copy.deepcopy(type(layer.cell)) is pickle.loads(pickle.dumps(type(layer.cell)))


def test_there_are_nine() -> None:
    assert zoo.layers.list_cells("odyssey_*") == sorted(f"odyssey_{n.lower()}" for n in AS_OPTIONS)
    assert list(VARIANTS) == list(AS_OPTIONS)


@variants
@pytest.mark.parametrize("option", ["peepholes", "coupled_gates", "omit", "full_gate_recurrence"])
def test_what_a_variant_fixes_is_no_argument(name: str, option: str) -> None:
    assert option not in zoo.layers.odyssey(name, N).get_config()
    with pytest.raises((TypeError, ValueError), match=option):
        zoo.layers.odyssey(name, N, **{option: False})
    with pytest.raises(TypeError, match=f"has no option `{option}`"):
        zoo.layers.recurrent(f"odyssey_{name.lower()}", N, **{option: False})


def test_other_options_join() -> None:
    layer = zoo.layers.odyssey("CIFG", N, projection_units=2, layer_norm=True, cell_clip=1.0)
    assert layer(_inputs()).shape == (2, 2)
    with pytest.raises(ValueError, match="may name forget, output"):
        zoo.layers.odyssey("CIFG", N, gate_biases={"input": 1.0})


def test_unknown_variants() -> None:
    with pytest.raises(ValueError, match="Unknown variant 'NIGG'; did you mean 'NIG'"):
        zoo.layers.odyssey("NIGG", N)
    with pytest.raises(ValueError, match="Unknown variant 'xyz'. Known are V, NIG, NFG, "):
        zoo.layers.odyssey("xyz", N)
    with pytest.raises(TypeError, match="A variant is named by a string"):
        zoo.layers.odyssey(3, N)
    with pytest.raises(ValueError, match="`units` must be a positive integer"):
        zoo.layers.odyssey("V", 0)
    with pytest.raises(ValueError, match="Unknown cell 'odyssey_ng'; did you mean 'odyssey_n"):
        zoo.layers.recurrent("odyssey_ng", N)
