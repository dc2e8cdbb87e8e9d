"""Configs and saved models give every layer back, in a new process and under the other backend."""

import importlib.util
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import zoo.layers
from tests.cases import CASES, Case, cases
from tests.layers.engine import BACKEND, arrays, assert_close, randomize

ROOT = Path(__file__).resolve().parents[2]
BACKENDS = ("tensorflow", "jax", "torch")
RELOAD = """
import sys, keras, numpy, zoo.layers
from pathlib import Path
for path in Path(sys.argv[1]).glob("*.keras"):
    inputs = numpy.load(path.with_suffix(".npz"))
    model = keras.saving.load_model(path)
    outputs = keras.tree.flatten(model([inputs[name] for name in sorted(inputs)]))
    outputs = [keras.ops.convert_to_numpy(output) for output in outputs]
    numpy.savez(path.with_suffix(f".{sys.argv[2]}.npz"), *outputs)
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every row saved here, and what other processes make of it."""
    folder = tmp_path_factory.mktemp("saved")
    for case in CASES:
        model, inputs = case.model(), case.model_inputs()
        randomize(model)
        model.save(folder / f"{case}.keras")
        np.savez(folder / f"{case}.npz", *inputs)
        outputs = arrays(keras.tree.flatten(model(inputs)))
        np.savez(folder / f"{case}.here.npz", *outputs)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RELOAD, str(folder), backend],
            cwd=ROOT,
            env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
            stderr=subprocess.PIPE,
            text=True,
        )
        for backend in BACKENDS
        if importlib.util.find_spec(backend)
    ]
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == 0, errors
    return folder


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_saved_model_loads_in_another_process(case: Case, backend: str, saved: Path) -> None:
    if not importlib.util.find_spec(backend):
        pytest.skip(f"{backend} is not installed")
    here, there = (np.load(saved / f"{case}.{place}.npz") for place in ("here", backend))
    tolerance = 1e-6 if backend == BACKEND else 1e-5
    assert here.files
    assert_close(dict(there), dict(here), tolerance)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_config_round_trip(case: Case) -> None:
    layer = case.build(name="mine", dtype="mixed_bfloat16", trainable=False)
    config = json.loads(json.dumps(layer.get_config()))
    assert config["name"] == "mine"
    assert {name: config[name] for name in case.arguments if "initializer" not in name} == {
        name: value for name, value in case.arguments.items() if "initializer" not in name
    }
    again = case.layer_class.from_config(config)
    assert again.get_config() == layer.get_config()
    assert again.dtype_policy.name == "mixed_bfloat16"
    assert not again.trainable
    whole = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    assert whole["registered_name"] == f"zoo>{case.layer}"
    assert keras.saving.deserialize_keras_object(whole).get_config() == layer.get_config()


# Every argument that some layer takes, at another value than it has by default.
UNUSUAL: dict[str, Any] = {
    "units": 7,
    "projection_units": 3,
    "activation": "relu",
    "recurrent_activation": "hard_sigmoid",
    "use_bias": False,
    "unit_forget_bias": False,
    "reset_after": False,
    "update_convention": "chung",
    "peepholes": True,
    "coupled_gates": True,
    "omit": ("output_activation",),
    "full_gate_recurrence": True,
    "recurrent_dropout_per_step": True,
    "recurrent_weight_dropout": 0.3,
    "zoneout_h": 0.1,
    "zoneout_c": 0.2,
    "layer_norm": True,
    "cell_clip": 3.0,
    "projection_clip": 2.0,
    "dropout": 0.1,
    "recurrent_dropout": 0.2,
    "seed": 5,
    "return_sequences": True,
    "return_state": True,
    "go_backwards": True,
    "stateful": True,
    "unroll": True,
    "zero_output_for_mask": True,
    "memory": "recompute",
    "activity_regularizer": keras.regularizers.L1(0.1),
}
OF_A_KIND = {
    "initializer": keras.initializers.RandomUniform(seed=3),
    "regularizer": keras.regularizers.L2(0.3),
    "constraint": keras.constraints.MaxNorm(2.0),
}
REQUIRED = {case.layer: {"units"} for case in CASES}
for _name in ("ProjectedLSTM", "ProjectedLSTMCell"):
    REQUIRED[_name] = {"units", "projection_units"}
NOT_KEPT = {"use_cudnn", "kwargs"}


@pytest.mark.parametrize("case", cases("sequence", "cell"), ids=str)
def test_every_argument_survives_a_config(case: Case) -> None:
    names = set(inspect.signature(case.layer_class).parameters) - NOT_KEPT - {"args"}
    if case.kind == "cell":
        names |= set(case.layer_class.argument_names())
    names.discard("gate_biases")  # it needs a bias; see tests/layers/test_options.py
    arguments = {
        name: UNUSUAL[name] if name in UNUSUAL else OF_A_KIND[name.rsplit("_", 1)[-1]]
        for name in names
    }
    config = case.layer_class(**arguments).get_config()
    again = case.layer_class.from_config(json.loads(json.dumps(config)))
    assert again.get_config() == config
    assert names <= set(config)
    required = {name: value for name, value in arguments.items() if name in REQUIRED[case.layer]}
    default = case.layer_class(**required).get_config()
    assert {name for name in names if config[name] == default.get(name)} == set(required)


@pytest.mark.parametrize("case", cases("sequence"), ids=str)
def test_weights_are_regularized_and_constrained(case: Case) -> None:
    kinds = [
        name.removesuffix("_regularizer")
        for name in case.layer_class.cell_class.argument_names()
        if name.endswith("_regularizer")
    ]
    rules = {f"{kind}_regularizer": keras.regularizers.L1(0.1) for kind in kinds}
    rules |= {f"{kind}_constraint": "non_neg" for kind in kinds}
    layer = case.build(**rules)
    layer.build(case.shapes[0])
    weights = [weight for weight in layer.weights if "_norm_" not in weight.name]
    assert len(layer.losses) == len(weights)
    assert all(weight.constraint is not None for weight in weights)


def test_an_option_that_a_class_fixes_is_not_an_argument() -> None:
    for layer, option in (("PeepholeLSTM", "peepholes"), ("CoupledGateLSTM", "coupled_gates")):
        layer_class = getattr(zoo.layers, layer)
        assert option not in layer_class(3).get_config()
        with pytest.raises((TypeError, ValueError), match=option):
            layer_class(3, **{option: False})
