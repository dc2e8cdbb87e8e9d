"""Every combination of the LSTM's options that makes sense, against its equations in NumPy."""

import json
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import zoo.layers
from tests.cases import MASK
from tests.layers import oracle
from tests.layers.engine import (
    BACKEND,
    PRECISE,
    assert_close,
    call_with,
    differences,
    gradients,
    named_weights,
    randomize,
)
from zoo.layers._lstm_cell import OMISSIONS

UNITS, FEATURES = 3, 2
TOLERANCE = {"float32": 1e-5, "float64": 1e-10}
SLOPE_TOLERANCE = {"float32": 2e-4, "float64": 1e-6}[PRECISE]
# The first failing example is small enough; to look for a smaller one takes minutes.
FEW = {"deadline": None, "derandomize": True, "database": None, "phases": [Phase.generate]}
NOT_IN_THE_ORACLE = ("use_bias", "gate_biases")
SIGMOID_GATES = ("input", "forget", "output")


@st.composite
def lstm_options(draw: st.DrawFn) -> dict[str, Any]:
    """Options of an LSTM that go together."""
    omit = draw(st.lists(st.sampled_from(OMISSIONS), unique=True, max_size=4))
    coupled = not {"input_gate", "forget_gate"} & set(omit) and draw(st.booleans())
    gates = [gate for gate in SIGMOID_GATES if f"{gate}_gate" not in omit]
    gates = gates[1:] if coupled else gates
    projection = draw(st.sampled_from([None, 1, 2, 4]))
    use_bias = draw(st.booleans())
    options = {
        "omit": omit,
        "coupled_gates": coupled,
        "peepholes": bool(gates) and draw(st.booleans()),
        "full_gate_recurrence": bool(gates) and draw(st.booleans()),
        "projection_units": projection,
        "projection_clip": projection and draw(st.sampled_from([None, 0.3])),
        "cell_clip": draw(st.sampled_from([None, 0.5])),
        "layer_norm": draw(st.booleans()),
        "zoneout_h": draw(st.sampled_from([0.0, 0.3])),
        "zoneout_c": draw(st.sampled_from([0.0, 0.2])),
        "use_bias": use_bias,
    }
    if use_bias and gates:
        options["gate_biases"] = draw(
            st.dictionaries(st.sampled_from(gates), st.sampled_from([1.5, "ones"]))
        )
    return options


def _layer(options: dict[str, Any], dtype: str, **more: Any) -> keras.layers.RNN:
    layer = zoo.layers.LSTM(
        UNITS, return_sequences=True, return_state=True, dtype=dtype, **{**options, **more}
    )
    layer.build((None, None, FEATURES))
    randomize(layer)
    return layer


def _data(layer: keras.layers.RNN, dtype: str) -> tuple[np.ndarray, list[np.ndarray]]:
    generator = np.random.default_rng(7)
    shapes = [(5, 4, FEATURES), *((5, size) for size in layer.state_size)]
    x, *states = (generator.normal(size=shape).astype(dtype) for shape in shapes)
    return x, states


def _expected(options: dict[str, Any], *arguments: Any, **more: Any) -> oracle.Result:
    known = {name: v for name, v in options.items() if name not in NOT_IN_THE_ORACLE}
    return oracle.lstm(*arguments, units=UNITS, **known, **more)


@settings(max_examples=50 if BACKEND == "tensorflow" else 15, **FEW)
@given(options=lstm_options(), dtype=st.sampled_from(sorted({"float32", PRECISE})), data=st.data())
def test_any_options_equal_oracle(options: dict[str, Any], dtype: str, data: st.DataObject) -> None:
    reading = {
        "go_backwards": data.draw(st.booleans()),
        "zero_output_for_mask": data.draw(st.booleans()),
    }
    layer = _layer(options, dtype, **reading)
    x, states = _data(layer, dtype)
    outputs, *finals = layer(x, initial_state=states, mask=MASK)
    expected = _expected(
        options, x.astype("float64"), named_weights(layer), states, mask=MASK, **reading
    )
    assert_close([outputs, finals], expected, TOLERANCE[dtype])


@settings(max_examples=12 if BACKEND == "tensorflow" else 3, **FEW)
@given(options=lstm_options())
def test_gradients_equal_finite_differences_of_oracle(options: dict[str, Any]) -> None:
    layer = _layer(options, PRECISE)
    x, states = _data(layer, "float64")
    x, states = x[:, :3], states
    weights = named_weights(layer)
    outputs, finals = _expected(options, x, weights, states)
    generator = np.random.default_rng(3)
    slopes = [generator.normal(size=value.shape) for value in (outputs, *finals)]
    mask = MASK[:, :3]

    def of_oracle(x: np.ndarray, *rest: np.ndarray) -> float:
        values = rest[len(finals) :]
        outputs, ends = _expected(
            options, x, dict(zip(weights, values, strict=True)), rest[: len(finals)], mask=mask
        )
        return sum((v * s).sum() for v, s in zip([outputs, *ends], slopes, strict=True))

    def of_layer(x: Any, *rest: Any) -> Any:
        states, values = list(rest[: len(finals)]), rest[len(finals) :]
        found = call_with(layer, values, x, initial_state=states, mask=mask)
        return sum(keras.ops.sum(v * s) for v, s in zip(found, slopes, strict=True))

    arguments = [x, *states, *weights.values()]
    assert_close(gradients(of_layer, arguments), differences(of_oracle, arguments), SLOPE_TOLERANCE)


@settings(max_examples=30, **FEW)
@given(options=lstm_options())
def test_the_weights_are_those_of_the_equations(options: dict[str, Any]) -> None:
    layer = _layer(options, "float32")
    omitted = {name for name in options["omit"] if name.endswith("_gate")}
    many = 4 - len(omitted) - options["coupled_gates"]
    out = options["projection_units"] or UNITS
    width, seen = many * UNITS, (many - 1) * UNITS
    shapes: dict[str, tuple[int, ...]] = {
        "kernel": (FEATURES, width),
        "recurrent_kernel": (out, width),
    }
    if options["use_bias"]:
        shapes["bias"] = (width,)
    if options["peepholes"]:
        shapes["peephole_kernel"] = (many - 1, UNITS)
    if options["projection_units"]:
        shapes["projection_kernel"] = (UNITS, out)
    if options["full_gate_recurrence"]:
        shapes["gate_recurrent_kernel"] = (seen, seen)
    if options["layer_norm"]:
        shapes |= {"kernel_norm_scale": (width,), "recurrent_norm_scale": (width,)}
        shapes |= {"cell_norm_scale": (UNITS,), "cell_norm_offset": (UNITS,)}
    assert [(w.name, tuple(w.shape)) for w in layer.weights] == list(shapes.items())
    gates = [seen] * options["full_gate_recurrence"]
    assert list(layer.state_size) == [out, UNITS, *gates]


def test_layer_norm_starts_as_a_plain_normalisation() -> None:
    layer = zoo.layers.LSTM(UNITS, layer_norm=True)
    layer.build((None, None, FEATURES))
    weights = named_weights(layer)
    for name in ("kernel_norm_scale", "recurrent_norm_scale", "cell_norm_scale"):
        assert (weights[name] == 1).all()
    assert not weights["cell_norm_offset"].any()


def test_gate_biases_start_the_gates() -> None:
    biases = {"input": keras.initializers.Constant(0.5), "output": -2, "forget": "small_normal"}
    layer = zoo.layers.LSTM(UNITS, gate_biases=biases, bias_initializer="ones")
    layer.build((None, None, FEATURES))
    i, f, g, o = np.split(named_weights(layer)["bias"], 4)
    assert (i == 0.5).all()
    assert (g == 1).all()
    assert (o == -2).all()
    assert 0 < np.abs(f).max() < 1
    config = json.loads(json.dumps(layer.get_config()))
    again = zoo.layers.LSTM.from_config(config)
    assert again.get_config() == layer.get_config()
    assert zoo.layers.LSTM(UNITS, gate_biases=None).get_config()["gate_biases"] is None

    layer = zoo.layers.LSTM(UNITS, coupled_gates=True, gate_biases={"forget": 3})
    layer.build((None, None, FEATURES))
    assert named_weights(layer)["bias"].tolist() == [3] * UNITS + [0] * 2 * UNITS


def test_a_random_bias_differs_from_gate_to_gate() -> None:
    random = keras.initializers.RandomNormal(seed=1)
    layer = zoo.layers.LSTM(UNITS, bias_initializer=random, unit_forget_bias=False)
    layer.build((None, None, FEATURES))
    assert len(set(named_weights(layer)["bias"])) == 4 * UNITS


def test_without_full_gate_recurrence_weights_it_is_the_plain_layer() -> None:
    plain = zoo.layers.LSTM(UNITS)
    layer = zoo.layers.LSTM(
        UNITS, full_gate_recurrence=True, peepholes=True, gate_recurrent_initializer="zeros"
    )
    x = np.random.default_rng(1).normal(size=(2, 3, FEATURES)).astype("float32")
    plain.build(x.shape)
    layer.build(x.shape)
    layer.set_weights([*plain.get_weights(), *layer.get_weights()[3:]])
    assert_close(layer(x), plain(x), 1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"omit": ["input"]}, "`omit` takes any of input_gate, .*Received: 'input'"),
        (
            {"coupled_gates": True, "omit": ["forget_gate"]},
            "`coupled_gates=True` needs both the input and the forget gate",
        ),
        ({"coupled_gates": True, "omit": "input_gate"}, "`coupled_gates=True` needs both"),
        (
            {"omit": ["input_gate", "forget_gate", "output_gate"], "peepholes": True},
            "`peepholes=True` needs a gate",
        ),
        (
            {"omit": ["input_gate", "forget_gate", "output_gate"], "full_gate_recurrence": True},
            "`full_gate_recurrence=True` needs a gate",
        ),
        ({"cell_clip": 0}, "`cell_clip` must be None or a positive number"),
        ({"cell_clip": "1"}, "`cell_clip` must be None or a positive number"),
        (
            {"projection_clip": -1.0, "projection_units": 2},
            "`projection_clip` must be None or a positive number",
        ),
        ({"projection_clip": 1.0}, "`projection_clip` needs `projection_units`"),
        ({"gate_biases": {"candidate": 1.0}}, "may name input, forget, output.*'candidate'"),
        ({"gate_biases": {"input": 1.0}, "coupled_gates": True}, "may name forget, output"),
        ({"gate_biases": {"output": 1.0}, "omit": ["output_gate"]}, "may name input, forget"),
        ({"gate_biases": {"input": 1.0}, "use_bias": False}, "needs `use_bias=True`"),
        ({"zoneout_h": 1.0}, r"`zoneout_h` must be a number in \[0, 1\)"),
        ({"zoneout_c": -0.1}, r"`zoneout_c` must be a number in \[0, 1\)"),
        ({"recurrent_weight_dropout": 2}, "`recurrent_weight_dropout` must be a number"),
    ],
)
@pytest.mark.parametrize("layer", ["LSTM", "LSTMCell"])
def test_what_does_not_go_together(layer: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(zoo.layers, layer)(UNITS, **options)


def test_gate_biases_are_a_dictionary() -> None:
    with pytest.raises(TypeError, match="`gate_biases` must be a dictionary"):
        zoo.layers.LSTM(UNITS, gate_biases=1.0)


@pytest.mark.parametrize("omit", [None, (), "input_gate", ["output_gate", "input_gate"]])
def test_omissions_may_be_written_as_one_or_many(omit: Any) -> None:
    layer = zoo.layers.LSTM(UNITS, omit=omit)
    names = [omit] if isinstance(omit, str) else sorted(omit or ())
    assert list(layer.omit) == names
    assert json.loads(json.dumps(layer.get_config()))["omit"] == names
