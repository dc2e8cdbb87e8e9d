"""Luong's three attentions against their equations in NumPy."""

from typing import Any

import keras
import numpy as np
import pytest

import zoo.layers
from tests.cases import MASK
from tests.layers import oracle
from tests.layers.engine import (
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
SCORES: list[dict[str, Any]] = [
    {"score": "dot"},
    {"score": "general"},
    {"score": "concat", "units": 4},
]
scores = pytest.mark.parametrize("options", SCORES, ids=lambda options: options["score"])


def _data(options: dict[str, Any], dtype: str = "float64") -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(5)
    size = 3 if options["score"] == "dot" else 2
    return tuple(generator.normal(size=(5, *s)).astype(dtype) for s in ((2, size), (4, 3)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mask", [None, MASK], ids=["unmasked", "masked"])
@scores
def test_attention_equals_oracle(
    options: dict[str, Any], mask: np.ndarray | None, dtype: str
) -> None:
    query, memory = _data(options, dtype)
    layer = zoo.layers.MultiplicativeAttention(**options, dtype=dtype)
    layer.build(query.shape, memory.shape)
    randomize(layer)
    weights, score = named_weights(layer), options["score"]
    expected = oracle.multiplicative_attention(query, memory, weights, mask, score=score)
    assert_close(layer(query, memory, mask=mask), expected, TOLERANCE[dtype])
    keys = layer.project_memory(keras.ops.convert_to_tensor(memory), mask)
    assert_close(layer(query, memory, mask=mask, keys=keys), expected, TOLERANCE[dtype])
    first = [value[:, 0] for value in expected]
    assert_close(layer(query[:, 0], memory, mask=mask), first, TOLERANCE[dtype])


@scores
def test_gradients_equal_finite_differences_of_oracle(options: dict[str, Any]) -> None:
    query, memory = _data(options)
    generator = np.random.default_rng(6)
    slopes = [generator.normal(size=(5, 2, 3)), generator.normal(size=(5, 2, 4))]
    layer = zoo.layers.MultiplicativeAttention(**options, dtype=PRECISE)
    layer.build(query.shape, memory.shape)
    randomize(layer)
    weights, score = named_weights(layer), options["score"]

    def of_oracle(query: np.ndarray, memory: np.ndarray, *values: np.ndarray) -> float:
        named = dict(zip(weights, values, strict=True))
        found = oracle.multiplicative_attention(query, memory, named, MASK, score=score)
        return sum((value * slope).sum() for value, slope in zip(found, slopes, strict=True))

    def of_layer(query: Any, memory: Any, *values: Any) -> Any:
        found = call_with(layer, values, query, memory, mask=MASK)
        return sum(keras.ops.sum(value * slope) for value, slope in zip(found, slopes, strict=True))

    arguments = [query, memory, *weights.values()]
    assert_close(gradients(of_layer, arguments), differences(of_oracle, arguments), SLOPE_TOLERANCE)


def test_weights() -> None:
    shapes = {
        "dot": [],
        "general": [("kernel", (3, 2))],
        "concat": [("kernel", (5, 4)), ("score_kernel", (4, 1))],
    }
    for options in SCORES:
        query, memory = _data(options)
        layer = zoo.layers.MultiplicativeAttention(**options)
        layer.build(query.shape, memory.shape)
        found = [(weight.name, tuple(weight.shape)) for weight in layer.weights]
        assert found == shapes[options["score"]]


def test_concat_is_additive_attention_with_one_kernel() -> None:
    query, memory = _data({"score": "concat"}, "float32")
    additive, concat = (
        zoo.layers.AdditiveAttention(4),
        zoo.layers.MultiplicativeAttention("concat", 4),
    )
    for layer in (additive, concat):
        layer.build(query.shape, memory.shape)
    randomize(additive)
    queries, keys, score = additive.get_weights()
    concat.set_weights([np.concatenate([queries, keys]), score])
    assert_close(concat(query, memory, mask=MASK), additive(query, memory, mask=MASK), 1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"score": "dots"}, "`score` must be 'dot', 'general' or 'concat'. Received: score='dots'"),
        ({"score": "concat"}, "`units` must be a positive integer. Received: units=None"),
        ({"score": "concat", "units": 0}, "`units` must be a positive integer. Received: units=0"),
        ({"score": "dot", "units": 3}, "`units` is for `score='concat'` only"),
        ({"score": "general", "units": 3}, "`units` is for `score='concat'` only"),
    ],
)
def test_bad_arguments(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        zoo.layers.MultiplicativeAttention(**options)


def test_dot_needs_equal_sizes() -> None:
    with pytest.raises(ValueError, match="the same size.*query size 2, memory size 3"):
        zoo.layers.MultiplicativeAttention("dot")(np.ones((1, 2)), np.ones((1, 4, 3)))


@pytest.mark.parametrize("masked", [False, True])
def test_a_memory_of_one_step_is_seen_whole(masked: bool) -> None:
    query, memory = np.ones((2, 3), "float32"), np.ones((2, 1, 3), "float32")
    mask = np.array([[True], [not masked]])
    context, weights = zoo.layers.MultiplicativeAttention("dot")(query, memory, mask=mask)
    np.testing.assert_array_equal(weights, mask.astype("float32"))
    np.testing.assert_array_equal(context, np.where(mask, memory[:, 0], 0))
