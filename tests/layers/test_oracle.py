"""Every layer computes what the equations say, and so do its gradients."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo.layers
from tests.cases import MASK
from tests.layers import oracle
from tests.layers.engine import (
    BACKEND,
    DTYPES,
    PRECISE,
    assert_close,
    call_with,
    differences,
    gradients,
    named_weights,
    randomize,
)

TOLERANCE = {"float32": 1e-5, "float64": 1e-10}
SLOPE_TOLERANCE = {"float32": 1e-4, "float64": 1e-6}[PRECISE]


@dataclass(frozen=True)
class Spec:
    """A sequence layer, what fixes its equations, and the oracle of those."""

    layer: str
    options: dict[str, Any]
    oracle: Callable[..., oracle.Result]
    implied: dict[str, Any]

    def __str__(self) -> str:
        return "-".join([self.layer, *(f"{k}={v}" for k, v in self.options.items())])

    def build(self, **options: Any) -> keras.layers.RNN:
        return getattr(zoo.layers, self.layer)(**{**self.options, **options})

    def cell(self, **options: Any) -> keras.layers.Layer:
        return getattr(zoo.layers, f"{self.layer}Cell")(**{**self.options, **options})

    def expected(self, x: np.ndarray, weights: oracle.Weights, *args: Any, **options: Any) -> Any:
        return self.oracle(x, weights, *args, **{**self.options, **self.implied, **options})


def _lstm(name: str = "LSTM", implied: dict[str, Any] | None = None, **options: Any) -> Spec:
    return Spec(name, {"units": 3, **options}, oracle.lstm, implied or {})


SPECS = [
    *(
        _lstm(peepholes=peepholes, coupled_gates=coupled, projection_units=projection)
        for peepholes, coupled, projection in product([False, True], [False, True], [None, 2])
    ),
    _lstm("PeepholeLSTM", {"peepholes": True}),
    _lstm("CoupledGateLSTM", {"coupled_gates": True}),
    _lstm("ProjectedLSTM", projection_units=2),
    *(
        Spec(
            "GRU",
            {"units": 3, "reset_after": after, "update_convention": convention},
            oracle.gru,
            {},
        )
        for after, convention in product([True, False], ["keras", "chung"])
    ),
    Spec("SimpleRNN", {"units": 3}, oracle.simple_rnn, {}),
]


def _data(spec: Spec, dtype: str = "float64", **shape: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Inputs and initial states."""
    batch, time, features = (shape.get(k, d) for k, d in (("batch", 5), ("time", 4), ("size", 2)))
    generator = np.random.default_rng(7)
    sizes = np.atleast_1d(spec.cell().state_size)
    x = generator.normal(size=(batch, time, features)).astype(dtype)
    return x, [generator.normal(size=(batch, size)).astype(dtype) for size in sizes]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_layer_equals_oracle(spec: Spec, dtype: str) -> None:
    x, states = _data(spec, dtype)
    layer = spec.build(return_sequences=True, return_state=True, dtype=dtype)
    layer.build(x.shape)
    randomize(layer)
    weights = named_weights(layer)
    calls = (
        (None, None, False, False),
        (states, MASK, False, False),
        (states, MASK, True, True),
        (states, None, True, False),
    )
    for initial, mask, go_backwards, zero_output_for_mask in calls:
        layer.go_backwards = go_backwards
        layer.zero_output_for_mask = zero_output_for_mask
        outputs, *finals = layer(x, initial_state=initial, mask=mask)
        expected = spec.expected(
            x.astype("float64"),
            weights,
            initial,
            mask=mask,
            go_backwards=go_backwards,
            zero_output_for_mask=zero_output_for_mask,
        )
        assert outputs.dtype == dtype
        assert_close([outputs, finals], expected, TOLERANCE[dtype])

    layer.return_sequences = layer.return_state = False
    last = layer(x, initial_state=states, mask=MASK)
    expected, _ = spec.expected(x, weights, states, mask=MASK, go_backwards=True)
    assert_close(last, expected[:, -1], TOLERANCE[dtype])


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_gradients_equal_finite_differences_of_oracle(spec: Spec) -> None:
    x, states = _data(spec)
    layer = spec.build(return_sequences=True, return_state=True, dtype=PRECISE)
    layer.build(x.shape)
    randomize(layer)
    weights = named_weights(layer)
    outputs, finals = spec.expected(x, weights, states)
    generator = np.random.default_rng(3)
    slopes = [generator.normal(size=value.shape) for value in (outputs, *finals)]

    def objective(values: list[Any]) -> Any:
        return sum((value * slope).sum() for value, slope in zip(values, slopes, strict=True))

    def of_oracle(x: np.ndarray, *rest: np.ndarray) -> float:
        states, values = rest[: len(finals)], rest[len(finals) :]
        named = dict(zip(weights, values, strict=True))
        outputs, ends = spec.expected(x, named, states, mask=MASK)
        return objective([outputs, *ends])

    def of_layer(x: Any, *rest: Any) -> Any:
        states, values = list(rest[: len(finals)]), rest[len(finals) :]
        outputs = call_with(layer, values, x, initial_state=states, mask=MASK)
        return sum(
            keras.ops.sum(value * slope) for value, slope in zip(outputs, slopes, strict=True)
        )

    arguments = [x, *states, *weights.values()]
    assert_close(gradients(of_layer, arguments), differences(of_oracle, arguments), SLOPE_TOLERANCE)


@settings(
    max_examples=20 if BACKEND == "tensorflow" else 8,
    deadline=None,
    derandomize=True,
    database=None,
)
@given(
    spec=st.sampled_from(SPECS),
    batch=st.integers(1, 3),
    time=st.integers(1, 5),
    size=st.integers(1, 3),
    use_bias=st.booleans(),
    go_backwards=st.booleans(),
    zero_output_for_mask=st.booleans(),
    data=st.data(),
)
def test_any_shape_and_mask_equals_oracle(
    spec: Spec,
    batch: int,
    time: int,
    size: int,
    use_bias: bool,
    go_backwards: bool,
    zero_output_for_mask: bool,
    data: st.DataObject,
) -> None:
    steps = st.lists(st.booleans(), min_size=time, max_size=time)
    mask = np.array(data.draw(st.lists(steps, min_size=batch, max_size=batch)))
    x, states = _data(spec, batch=batch, time=time, size=size)
    options = {"go_backwards": go_backwards, "zero_output_for_mask": zero_output_for_mask}
    layer = spec.build(
        return_sequences=True, return_state=True, dtype=PRECISE, use_bias=use_bias, **options
    )
    layer.build(x.shape)
    randomize(layer)
    outputs, *finals = layer(x, initial_state=states, mask=mask)
    expected = spec.expected(x, named_weights(layer), states, mask=mask, **options)
    assert_close([outputs, finals], expected, TOLERANCE[PRECISE])


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_cell_step_by_step_equals_layer(spec: Spec) -> None:
    x, states = _data(spec, "float32")
    layer = spec.build(return_sequences=True, return_state=True)
    layer.build(x.shape)
    randomize(layer)
    expected = layer(x, initial_state=states)

    cell = spec.cell()
    cell.build(x[:, 0].shape)
    cell.set_weights(layer.get_weights())
    current, outputs = states, []
    for t in range(x.shape[1]):
        output, current = cell(x[:, t], current)
        outputs.append(output)
    assert_close([keras.ops.stack(outputs, axis=1), *current], expected, 1e-5)

    wrapped = keras.layers.RNN(cell, return_sequences=True, return_state=True)
    assert_close(wrapped(x, initial_state=states), expected, 1e-5)
    assert_close(wrapped(x, mask=MASK), layer(x, mask=MASK), 1e-5)


def test_every_weight_gets_a_gradient_in_one_fit_step() -> None:
    x, _ = _data(SPECS[0], "float32")
    layers = [spec.build(name=f"layer_{number}") for number, spec in enumerate(SPECS)]
    attention = zoo.layers.AdditiveAttention(3)
    inputs = keras.Input(x.shape[1:])
    context, _ = attention(inputs, inputs)
    joined = keras.layers.Concatenate()([*(layer(inputs) for layer in layers), context[:, 0]])
    model = keras.Model(inputs, keras.layers.Dense(1)(joined))
    before = [keras.ops.convert_to_numpy(weight) for weight in model.weights]
    model.compile("sgd", "mse", jit_compile=BACKEND == "jax")
    model.fit(x, np.ones((len(x), 1)), batch_size=len(x), epochs=1, verbose=0)
    owners = {id(w): str(s) for s, layer in zip(SPECS, layers, strict=True) for w in layer.weights}
    still = [
        (owners.get(id(weight)), weight.name)
        for weight, old in zip(model.weights, before, strict=True)
        if np.array_equal(keras.ops.convert_to_numpy(weight), old)
    ]
    assert not still


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mask", [None, MASK], ids=["unmasked", "masked"])
def test_attention_equals_oracle(dtype: str, mask: np.ndarray | None) -> None:
    generator = np.random.default_rng(5)
    query, memory = (generator.normal(size=(5, t, f)).astype(dtype) for t, f in ((3, 2), (4, 3)))
    layer = zoo.layers.AdditiveAttention(4, dtype=dtype)
    layer.build(query.shape, memory.shape)
    randomize(layer)
    weights = named_weights(layer)
    expected = oracle.additive_attention(query, memory, weights, mask)
    assert_close(layer(query, memory, mask=mask), expected, TOLERANCE[dtype])

    keys = layer.project_memory(keras.ops.convert_to_tensor(memory))
    assert_close(layer(query, memory, mask=mask, keys=keys), expected, TOLERANCE[dtype])

    single = oracle.additive_attention(query[:, :1], memory, weights, mask)
    expected = [value[:, 0] for value in single]
    assert_close(layer(query[:, 0], memory, mask=mask), expected, TOLERANCE[dtype])


def test_attention_gradients_equal_finite_differences_of_oracle() -> None:
    generator = np.random.default_rng(5)
    query, memory = (generator.normal(size=(5, t, f)) for t, f in ((2, 2), (4, 3)))
    slopes = [generator.normal(size=(5, 2, 3)), generator.normal(size=(5, 2, 4))]
    layer = zoo.layers.AdditiveAttention(3, dtype=PRECISE)
    layer.build(query.shape, memory.shape)
    randomize(layer)
    weights = named_weights(layer)

    def of_oracle(query: np.ndarray, memory: np.ndarray, *values: np.ndarray) -> float:
        named = dict(zip(weights, values, strict=True))
        found = oracle.additive_attention(query, memory, named, MASK)
        return sum((value * slope).sum() for value, slope in zip(found, slopes, strict=True))

    def of_layer(query: Any, memory: Any, *values: Any) -> Any:
        found = call_with(layer, values, query, memory, mask=MASK)
        return sum(keras.ops.sum(value * slope) for value, slope in zip(found, slopes, strict=True))

    arguments = [query, memory, *weights.values()]
    assert_close(gradients(of_layer, arguments), differences(of_oracle, arguments), SLOPE_TOLERANCE)
