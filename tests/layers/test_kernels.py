"""The compiled kernels against the portable one, which the oracles check."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import zoo.layers
from tests.layers.engine import (
    BACKEND,
    PRECISE,
    assert_close,
    call_with,
    compiled,
    gradients,
    randomize,
)

TOLERANCE = {"float32": 1e-5, "float64": 1e-10}
UNITS, FEATURES = 4, 3
LSTM_OPTIONS: list[dict[str, Any]] = [
    {},
    {"peepholes": True, "coupled_gates": True, "cell_clip": 0.6},
    {"peepholes": True, "projection_units": 2, "projection_clip": 0.4, "use_bias": False},
    {"full_gate_recurrence": True, "peepholes": True, "zoneout_h": 0.2, "zoneout_c": 0.3},
    {"layer_norm": True, "coupled_gates": True, "peepholes": True},
    {"omit": ("input_gate", "output_activation"), "peepholes": True},
    {"omit": ("forget_gate", "output_gate", "input_activation"), "layer_norm": True},
    {"activation": "softsign", "recurrent_activation": "hard_sigmoid", "peepholes": True},
    {"activation": "relu", "projection_units": UNITS, "recurrent_dropout": 0.3},
    {"recurrent_dropout": 0.3, "recurrent_dropout_per_step": True, "peepholes": True},
]
GRU_OPTIONS: list[dict[str, Any]] = [
    {},
    {"reset_after": False, "update_convention": "chung", "recurrent_dropout": 0.3},
    {"use_bias": False, "zoneout_h": 0.2, "recurrent_weight_dropout": 0.3},
    {"reset_after": False, "activation": "softsign", "use_bias": False},
]
RNN_OPTIONS: list[dict[str, Any]] = [{}, {"activation": "softsign", "zoneout_h": 0.3}]
ARGUMENTS = [
    *(("LSTM", options) for options in LSTM_OPTIONS),
    *(("GRU", options) for options in GRU_OPTIONS),
    *(("SimpleRNN", options) for options in RNN_OPTIONS),
]
MASKS = {
    "none": lambda batch, time: None,
    "right": lambda batch, time: np.arange(time) < np.arange(1, batch + 1)[:, None],
    "left": lambda batch, time: np.arange(time) >= np.arange(batch)[:, None],
    "holes, an empty row": lambda batch, time: (
        (np.arange(time) + np.arange(batch)[:, None]) % 3 * (np.arange(batch)[:, None] > 0) > 0
    ),
}


@pytest.fixture(autouse=True)
def _kernel_as_it_was() -> Any:
    yield
    zoo.layers.set_kernel("auto")


def _run(kernel: str, layer: Any, x: Any, mask: Any, training: bool) -> Any:
    """Outputs, final states, and the gradients of a function of them all."""
    zoo.layers.set_kernel(kernel)
    assert layer.active_kernel == (BACKEND if kernel == "auto" else "portable")
    layer.cell.seed_generator.state.assign(np.array([7, 7], "uint32"))
    weights = [variable.value for variable in layer.trainable_variables]
    starts = [np.full((len(x), size), 0.1 * n + 0.1) for n, size in enumerate(layer.state_size)]

    def results(x: Any, *rest: Any) -> Any:
        states, weights = rest[: len(starts)], rest[len(starts) :]
        return call_with(
            layer, weights, x, initial_state=list(states), mask=mask, training=training
        )

    def score(*arguments: Any) -> Any:
        total = 0.0
        for n, values in enumerate(results(*arguments)):
            slope = np.cos(np.arange(np.prod(values.shape)) + n).reshape(values.shape)
            total = total + keras.ops.sum(values * slope.astype(layer.compute_dtype))
        return total

    arrays = [x, *starts, *weights]
    tensors = [keras.ops.convert_to_tensor(array, layer.compute_dtype) for array in arrays]
    return results(*tensors), gradients(score, tensors)


@settings(deadline=None, derandomize=True, max_examples=14, phases=[Phase.generate])
@given(
    arguments=st.sampled_from(ARGUMENTS),
    mask=st.sampled_from(sorted(MASKS)),
    time=st.sampled_from([1, 7, 30]),
    training=st.booleans(),
    memory=st.sampled_from(["keep", "recompute"]),
    wiring=st.sampled_from(
        [{"return_sequences": True}, {"return_sequences": True, "go_backwards": True}, {}]
    ),
    zero=st.booleans(),
)
def test_it_computes_what_the_portable_kernel_does(
    arguments: Any, mask: str, time: int, training: bool, memory: str, wiring: Any, zero: bool
) -> None:
    _compare(arguments, mask, time, training, memory, {**wiring, "zero_output_for_mask": zero})


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=str)
def test_every_option_gives_the_gradients_of_the_portable_kernel(arguments: Any) -> None:
    _compare(arguments, "holes, an empty row", 7, True, "keep", {"return_sequences": True})


def _compare(
    arguments: Any, mask: str, time: int, training: bool, memory: str, wiring: dict[str, Any]
) -> None:
    name, options = arguments
    layer = getattr(zoo.layers, name)(
        UNITS, return_state=True, memory=memory, dtype=PRECISE, seed=1, **options, **wiring
    )
    layer.build((None, None, FEATURES))
    randomize(layer)
    x = np.random.default_rng(2).normal(size=(3, time, FEATURES))
    valid = MASKS[mask](3, time)
    expected = _run("portable", layer, x, valid, training)
    assert_close(_run("auto", layer, x, valid, training), expected, TOLERANCE[PRECISE])


@pytest.mark.skipif(BACKEND != "tensorflow", reason="JAX compiles each length of its own")
@pytest.mark.parametrize(("batch", "time"), [(37, 230), (16, 1700)])
def test_parts_of_a_batch_and_chunks_of_time_of_unknown_number(batch: int, time: int) -> None:
    layer = zoo.layers.PeepholeLSTM(3, return_sequences=True)
    layer.build((None, None, 2))
    randomize(layer)
    x = np.random.default_rng(3).normal(size=(batch, time, 2)).astype("float32")

    def slopes(x: Any) -> Any:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = layer(x)
            score = tf.reduce_sum(outputs**2)
        sources = [x, *(variable.value for variable in layer.trainable_variables)]
        return [outputs, *tape.gradient(score, sources)]

    zoo.layers.set_kernel("portable")
    expected = slopes(keras.ops.convert_to_tensor(x))
    zoo.layers.set_kernel("auto")
    results = compiled(slopes, [x])
    _assert_close_in_scale(results, expected)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="JAX has no chunks")
def test_chunks_wait_so_that_not_all_are_in_memory_at_once() -> None:
    import tensorflow as tf

    layer = zoo.layers.LSTM(UNITS, return_sequences=True, memory="recompute")

    @tf.function
    def gradient(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(layer(x, training=True) ** 2)
        return tape.gradient(total, x)

    graph = gradient.get_concrete_function(tf.TensorSpec([2, 500, FEATURES])).graph
    chunks = [op for op in graph.get_operations() if op.type.endswith("PartitionedCall")]
    assert len(chunks) == 10  # five forward, five backward

    def chunks_before(op: Any) -> int:
        found, rest = {op.name}, [op]
        while rest:
            last = rest.pop()
            needs = [*(tensor.op for tensor in last.inputs), *last.control_inputs]
            rest += [need for need in needs if need.name not in found]
            found |= {need.name for need in needs}
        return sum(chunk.name in found for chunk in chunks)

    turned = [op for op in graph.get_operations() if op.type == "Transpose"]
    inputs = [op for op in turned if op.inputs[0].op.type == "StridedSlice"]
    waits = sorted(chunks_before(op) for op in inputs)
    assert waits == [0, 0, 1, 2, 3, 5, 5, 6, 7, 8]


def _layer(**options: Any) -> Any:
    layer = zoo.layers.LSTM(
        UNITS, return_sequences=True, return_state=True, dtype=PRECISE, **options
    )
    layer.build((None, None, FEATURES))
    randomize(layer)
    return layer


def test_large_numbers_and_what_is_behind_a_mask_do_no_harm() -> None:
    layer = _layer(peepholes=True)
    x = 1e4 * np.random.default_rng(4).normal(size=(3, 12, FEATURES))
    mask = MASKS["holes, an empty row"](3, 12)
    clean, *dirty = (
        _run("auto", layer, np.where(mask[..., None], x, dirt), mask, True)
        for dirt in (0, np.nan, np.inf)
    )
    for results in dirty:
        assert_close(results, clean, 0)
    assert all(np.isfinite(values).all() for values in keras.tree.flatten(clean))
    # Where a gate is all but shut, single precision has no digits left to compare.
    both = [_run(kernel, layer, 0.01 * x, mask, True) for kernel in ("auto", "portable")]
    _assert_close_in_scale(*both)


def _assert_close_in_scale(actual: Any, expected: Any) -> None:
    """Equal up to rounding: sums over many steps, or of large numbers, lose some digits."""
    pairs = zip(keras.tree.flatten(actual), keras.tree.flatten(expected), strict=True)
    for one, other in pairs:
        scale = max(1.0, np.abs(other).max())
        assert_close(one / scale, other / scale, 1e-5)


@pytest.mark.parametrize("kernel", ["auto", "portable"])
def test_empty_batches_have_shapes_and_empty_sequences_a_sentence(kernel: str) -> None:
    outputs, slopes = _run(kernel, _layer(), np.zeros((0, 4, FEATURES)), None, True)
    assert [tuple(values.shape) for values in outputs] == [(0, 4, UNITS), (0, UNITS), (0, UNITS)]
    assert all(not np.any(slope) for slope in slopes)
    with pytest.raises(ValueError, match="`sequences` must have at least one step. Received"):
        _layer()(np.zeros((2, 0, FEATURES), PRECISE))


def test_mixed_precision_stays_near_full_precision() -> None:
    x = np.random.default_rng(5).normal(size=(2, 9, FEATURES)).astype("float32")
    layers = [
        zoo.layers.ProjectedLSTM(UNITS, 2, dtype=dtype) for dtype in ("mixed_bfloat16", "float32")
    ]
    for layer in layers:
        layer.build((None, None, FEATURES))
        randomize(layer)
    half, full = (keras.ops.cast(layer(x), "float32") for layer in layers)
    assert_close(half, full, 0.03)
    assert layers[0](x).dtype == "bfloat16"


def test_second_derivatives_are_refused_with_the_way_out() -> None:
    layer = zoo.layers.LSTM(2)
    layer.build((None, None, 2))
    x = keras.ops.ones((1, 3, 2))

    def steepness(x: Any) -> Any:
        if BACKEND == "jax":
            import jax

            weights = [variable.value for variable in layer.trainable_variables]
            slope = jax.grad(lambda x: call_with(layer, weights, x).sum())(x)
        else:
            import tensorflow as tf

            with tf.GradientTape() as tape:
                tape.watch(x)
                total = tf.reduce_sum(layer(x))
            slope = tape.gradient(total, x)
        return keras.ops.sum(slope**2)

    with pytest.raises(NotImplementedError, match='set_kernel."portable".'):
        gradients(steepness, [x])
    zoo.layers.set_kernel("portable")
    assert np.abs(gradients(steepness, [x])[0]).max() > 0


def test_models_compiled_as_a_whole_train_too() -> None:
    keras.utils.set_random_seed(1)
    model = keras.Sequential([zoo.layers.LSTM(4, return_sequences=True), zoo.layers.GRU(1)])
    model.compile("adam", "mse", jit_compile=True)
    x = np.random.default_rng(6).normal(size=(8, 12, 2)).astype("float32")
    losses = model.fit(x, 0.5 * x[:, -1, :1], epochs=3, verbose=0).history["loss"]
    assert losses[2] < losses[0]


def test_set_kernel_and_unrolled_layers() -> None:
    assert zoo.layers.LSTM(2).active_kernel == BACKEND
    assert zoo.layers.LSTM(2, unroll=True).active_kernel == "portable"
    zoo.layers.set_kernel("portable")
    assert zoo.layers.LSTM(2).active_kernel == "portable"
    with pytest.raises(ValueError, match="`name` must be 'auto' or 'portable'. Received: name='x'"):
        zoo.layers.set_kernel("x")
    with pytest.raises(ValueError, match="`memory` must be 'keep' or 'recompute'. Received"):
        zoo.layers.LSTM(2, memory="none")


_LENGTHS = """
import sys
import keras, numpy as np, zoo
model = keras.Sequential([keras.Input((None, 2)), zoo.LSTM(3)])
model.compile("sgd", "mse")
for time in map(int, sys.argv[1:]):
    model.fit(np.ones((4, time, 2)), np.ones((4, 3)), batch_size=4, verbose=0)
"""


@pytest.mark.slow
@pytest.mark.skipif(BACKEND != "tensorflow", reason="JAX compiles each length of its own")
def test_no_length_is_compiled_of_its_own(tmp_path: Path) -> None:
    """XLA writes out each module that it compiles; the second set of lengths adds none."""
    modules = []
    for name, times in (("few", "110 9 20 40"), ("many", "110 9 20 40 149 223 7 35 190 71")):
        dump = tmp_path / name
        environment = {**os.environ, "XLA_FLAGS": f"--xla_dump_to={dump} --xla_dump_hlo_as_text"}
        subprocess.run(
            [sys.executable, "-c", _LENGTHS, *times.split()],
            env=environment,
            check=True,
            timeout=300,
        )
        found = {path.name.split(".")[0] for path in dump.glob("*.before_optimizations.txt")}
        modules.append(len(found))
    assert modules[0] == modules[1] > 0, modules
