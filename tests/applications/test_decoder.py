"""The decoder says the same step by step as over time, for any cell, and looks where it may."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from zoo.applications._decoder import AttentionDecoder
from zoo.layers import list_cells, register_cell
from zoo.layers._plugins import cells

BATCH, TIME, MEMORY, FEATURES, WIDTH, UNITS = 3, 4, 5, 6, 7, 8
OPTIONS: dict[str, dict[str, Any]] = {"projected_lstm": {"projection_units": 5}}
MASK = np.arange(MEMORY) < np.array([[5], [3], [1]])


@pytest.fixture(scope="module", autouse=True)
def own_cell() -> Iterator[None]:
    """A cell of the user's own, with three states of several sizes and a smaller output."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells, "_entries", dict(cells._entries))

        @register_cell("odd_one")
        class OddOne(keras.layers.Layer):
            def __init__(self, units: int, **kwargs: Any) -> None:
                super().__init__(**kwargs)
                self.units = units
                self.state_size = [units, [2, units + 1]]
                self.output_size = units - 1
                self.parts = [keras.layers.Dense(size) for size in (units, 2, units + 1, units - 1)]

            def build(self, input_shape: Any) -> None:
                for part in self.parts:
                    part.build((None, input_shape[-1] + 2 * self.units + 3))
                self.built = True

            def call(self, inputs: Any, states: Any) -> tuple[Any, Any]:
                flat = ops.concatenate([inputs, *keras.tree.flatten(states)], axis=-1)
                first, second, third, output = (ops.tanh(part(flat)) for part in self.parts)
                return output, [first, [second, third]]

        yield


def inputs(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Embedded symbols, memory and summary."""
    generator = np.random.default_rng(seed)
    shapes = [(BATCH, TIME, FEATURES), (BATCH, MEMORY, WIDTH), (BATCH, WIDTH - 1)]
    return tuple(generator.normal(0, 1, shape).astype("float32") for shape in shapes)


def decoder(cell: str = "gru", depth: int = 2, **options: Any) -> AttentionDecoder:
    options = {"recurrent_options": OPTIONS.get(cell), **options}
    layer = AttentionDecoder(cell, UNITS, depth, output_units=9, **options)
    layer.build(*(value.shape for value in inputs()))
    return layer


def steps(layer: AttentionDecoder, mask: Any) -> tuple[np.ndarray, list[Any]]:
    """The outputs and the attention's weights, one step after another."""
    embedded, memory, summary = inputs()
    states, constants = layer.start(memory, summary, mask)
    outputs, weights = [], []
    for time in range(TIME):
        fed, states, looked = layer.step(embedded[:, time], states, constants)
        outputs.append(ops.convert_to_numpy(fed))
        weights.append(looked)
    return np.stack(outputs, axis=1), weights


@pytest.mark.parametrize("attention", ["additive", None])
@pytest.mark.parametrize("cell", [*list_cells(), "odd_one"])
def test_step_by_step_equals_over_time(cell: str, attention: str | None) -> None:
    layer = decoder(cell, attention=attention)
    expected, weights = steps(layer, MASK)
    outputs = layer(*inputs(), mask=MASK, return_weights=True)
    if attention is not None:
        outputs, looked = outputs
        assert looked.shape == (BATCH, TIME, MEMORY)
        np.testing.assert_allclose(looked, ops.stack(weights, axis=1), atol=1e-6)
    assert tuple(outputs.shape) == (BATCH, TIME, 9)
    assert layer.compute_output_shape((BATCH, TIME, FEATURES)) == (BATCH, TIME, 9)
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    assert np.abs(expected[:, 0] - expected[:, -1]).max() > 1e-3


def test_the_equations() -> None:
    """A plain RNN, written down in NumPy."""
    layer = decoder("simple_rnn", depth=1)
    kernel, recurrent_kernel, bias = (ops.convert_to_numpy(w) for w in layer.cells[0].weights)
    query, key, score = (ops.convert_to_numpy(w) for w in layer.attention.weights)
    (bridge, bridge_bias), (combine, combine_bias) = (
        [ops.convert_to_numpy(w) for w in dense.weights]
        for dense in (layer.bridges[0], layer.combine)
    )
    embedded, memory, summary = inputs()
    state, fed = np.tanh(summary @ bridge + bridge_bias), np.zeros((BATCH, 9))
    outputs = layer(embedded, memory, summary, mask=MASK)
    for time in range(TIME):
        seen = np.concatenate([embedded[:, time], fed], axis=-1)
        state = np.tanh(seen @ kernel + state @ recurrent_kernel + bias)
        scores = (np.tanh((state @ query)[:, None] + memory @ key) @ score)[..., 0]
        weights = np.exp(scores) * MASK
        weights /= weights.sum(-1, keepdims=True)
        context = np.einsum("bm,bmw->bw", weights, memory)
        fed = np.tanh(np.concatenate([context, state], axis=-1) @ combine + combine_bias)
        np.testing.assert_allclose(outputs[:, time], fed, atol=1e-5)


def test_without_attention_it_sees_the_summary_alone() -> None:
    layer = decoder(attention=None)
    embedded, memory, summary = inputs()
    outputs = layer(embedded, memory, summary)
    np.testing.assert_array_equal(layer(embedded, memory + 1, summary), outputs)
    assert np.abs(layer(embedded, memory, summary + 1) - outputs).max() > 1e-3
    assert layer.attention is None
    assert layer.step(embedded[:, 0], *layer.start(memory, summary))[2] is None


@pytest.mark.parametrize(
    "options",
    [
        {"attention": "additive", "gated": True},
        {"attention": "additive", "bridged": False},
        {"attention": None, "context": False},
        {"attention": None, "context": False, "bridged": False},
    ],
)
def test_what_it_sees_of_a_picture(options: dict[str, Any]) -> None:
    layer = decoder("lstm", **options)
    expected, _ = steps(layer, MASK)
    embedded, memory, summary = inputs()
    outputs = layer(embedded, memory, summary, mask=MASK)
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    states, constants = layer.start(memory, summary, MASK)
    assert bool(layer.bridges) == options.get("bridged", True)
    if not layer.bridges:
        assert all((ops.convert_to_numpy(state) == 0).all() for state in states)
    if not options.get("context", True):
        assert constants == []
        changed = layer(embedded, memory, summary + 1)
        differs = np.abs(ops.convert_to_numpy(changed) - expected).max()
        assert (differs > 1e-3) == options.get("bridged", True)


def test_the_gate() -> None:
    """Closed, nothing of the memory is seen; open, all of it, as without a gate."""
    layer, plain = decoder("lstm", gated=True), decoder("lstm")
    for name in ("cells", "attention", "combine", "bridges"):
        parts = (keras.tree.flatten(getattr(each, name)) for each in (layer, plain))
        for part, other in zip(*parts, strict=True):
            other.set_weights(part.get_weights())
    embedded, memory, summary = inputs()
    kernel, bias = layer.gate.get_weights()
    layer.gate.set_weights([kernel * 0, bias + 30])
    np.testing.assert_allclose(layer(*inputs(), mask=MASK), plain(*inputs(), mask=MASK), atol=1e-5)
    layer.gate.set_weights([kernel * 0, bias - 60])
    np.testing.assert_allclose(
        layer(embedded, memory, summary), layer(embedded, memory * 2, summary), atol=1e-5
    )


def test_padded_memory_equals_truncated_memory() -> None:
    layer = decoder("lstm")
    embedded, memory, summary = inputs()
    memory[1, 3:] = np.nan
    memory[2, 1:] = 1e9
    outputs, weights = layer(embedded, memory, summary, mask=MASK, return_weights=True)
    for row, length in enumerate(MASK.sum(-1)):
        alone, looked = layer(
            embedded[row : row + 1],
            # One more masked step: Keras warns of a softmax over one.
            np.pad(memory[row : row + 1, :length], ((0, 0), (0, 1), (0, 0))),
            summary[row : row + 1],
            mask=np.arange(length + 1)[None] < length,
            return_weights=True,
        )
        np.testing.assert_allclose(outputs[row], alone[0], atol=1e-6)
        np.testing.assert_allclose(weights[row, :, :length], looked[0, :, :length], atol=1e-6)
        assert (ops.convert_to_numpy(weights[row, :, length:]) == 0).all()
    np.testing.assert_allclose(ops.sum(weights, axis=-1), np.ones((BATCH, TIME)), atol=1e-6)
    whole = layer(*inputs(), mask=np.ones_like(MASK))
    np.testing.assert_allclose(layer(*inputs()), whole, atol=1e-6)


def test_later_symbols_do_not_matter() -> None:
    layer = decoder("gru")
    embedded, memory, summary = inputs()
    outputs = ops.convert_to_numpy(layer(embedded, memory, summary))
    embedded[:, 2:] += 1
    changed = ops.convert_to_numpy(layer(embedded, memory, summary))
    np.testing.assert_array_equal(outputs[:, :2], changed[:, :2])
    assert (np.abs(outputs[:, 2:] - changed[:, 2:]).max(axis=(0, 2)) > 1e-3).all()


@pytest.mark.parametrize("cell", ["lstm", "gru", "simple_rnn"])
def test_dropouts_of_the_cells(cell: str) -> None:
    options = {"dropout": 0.5, "recurrent_dropout": 0.5, "seed": 1}
    layer = decoder(cell, recurrent_options=options)
    np.testing.assert_array_equal(layer(*inputs()), layer(*inputs(), training=False))
    first = layer(*inputs(), training=True)
    second = layer(*inputs(), training=True)
    assert np.abs(first - layer(*inputs())).max() > 1e-3
    assert np.abs(first - second).max() > 1e-3  # new masks at each call


def test_a_cell_s_mask_is_the_same_at_all_steps() -> None:
    """All inputs but the dropped ones are equal from step to step, and so are the outputs."""
    layer = AttentionDecoder(
        "simple_rnn",
        UNITS,
        depth=1,
        output_units=9,
        attention=None,
        recurrent_options={"dropout": 0.5, "recurrent_initializer": "zeros"},
    )
    embedded, memory, summary = inputs()
    embedded[:] = embedded[:, :1]
    layer.build(embedded.shape, memory.shape, summary.shape)
    kernel = ops.convert_to_numpy(layer.cells[0].kernel)
    kernel[FEATURES:] = 0  # what is fed back changes from step to step
    layer.cells[0].kernel.assign(kernel)
    outputs = ops.convert_to_numpy(layer(embedded, memory, summary, training=True))
    np.testing.assert_allclose(outputs, np.repeat(outputs[:, :1], TIME, axis=1), atol=1e-6)
    assert np.abs(outputs - layer(embedded, memory, summary)).max() > 1e-3


def test_dropout_of_the_outputs_is_not_fed_back() -> None:
    layer = decoder(dropout=0.5)
    plain = ops.convert_to_numpy(layer(*inputs()))
    dropped = ops.convert_to_numpy(layer(*inputs(), training=True))
    kept = dropped != 0
    assert 0.2 < kept.mean() < 0.8
    np.testing.assert_allclose(dropped[kept], 2 * plain[kept], rtol=1e-4)


def test_mixed_precision() -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        half = decoder("lstm")
    finally:
        keras.config.set_dtype_policy(before)
    whole = decoder("lstm")
    whole.set_weights(half.get_weights())
    embedded, memory, summary = (value.astype("float16") for value in inputs())
    outputs, weights = half(embedded, memory, summary, mask=MASK, return_weights=True)
    assert outputs.dtype == weights.dtype == "float16"
    expected, _ = whole(*inputs(), mask=MASK, return_weights=True)
    np.testing.assert_allclose(outputs, expected, atol=5e-3)


def test_config() -> None:
    layer = decoder("projected_lstm", dropout=0.1, name="d")
    config = layer.get_config()
    again = AttentionDecoder.from_config(config)
    assert again.get_config() == config
    again.build(*(value.shape for value in inputs()))
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(*inputs()), layer(*inputs()))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"attention": "dto"}, r"`attention` must be None or one of \['additive', 'concat', 'dot'"),
        ({"units": 0}, "`units` must be a positive integer"),
        ({"depth": 0}, "`depth` must be a positive integer"),
        ({"output_units": -1}, "`output_units` must be a positive integer"),
        ({"gated": True, "attention": None}, "`gated=True` needs an `attention`"),
        ({"dropout": 1.0}, r"`dropout` must be a number in \[0, 1\)"),
        ({"recurrent": "ltsm"}, "Unknown cell 'ltsm'; did you mean 'lstm'"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AttentionDecoder(
            **{"recurrent": "gru", "units": 4, "depth": 1, "output_units": 3, **arguments}
        )


def test_an_unknown_option_of_a_cell() -> None:
    with pytest.raises(TypeError, match="The cell 'gru' has no option `peepholes`"):
        decoder("gru", recurrent_options={"peepholes": True})
