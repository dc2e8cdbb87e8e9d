"""A stack computes what its layers do one after the other, and what the equations say."""

import json
from typing import Any

import keras
import numpy as np
import pytest
from keras.src.backend import get_keras_mask as mask_of

import zoo.layers
from tests.cases import MASK
from tests.layers import oracle
from tests.layers.engine import DTYPES, arrays, assert_close, compiled, randomize

BATCH, TIME, FEATURES = 5, 4, 6
TOLERANCE = {"float32": 1e-5, "float64": 1e-10}
VALID = MASK[:4]  # rows with at least one step
STACKS: list[dict[str, Any]] = [
    {"units": [3]},
    {"units": [3, 4], "peepholes": True},
    {"units": [3, 4], "projection_units": [None, 2]},
    {"units": [6, 4, 6], "residual": True},
    {"units": [3, 3], "bidirectional": True},
    {"units": [3, 5], "bidirectional": True, "residual": True, "projection_units": [None, 3]},
    {"units": [6, 6], "recurrent": "gru", "residual": True},
    {"units": [3, 3], "recurrent": "odyssey_fgr", "bidirectional": True},
]
stacks = pytest.mark.parametrize("options", STACKS, ids=str)


def _stack(options: dict[str, Any], **more: Any) -> zoo.layers.DeepLSTM:
    layer = zoo.layers.DeepLSTM(
        **{"return_sequences": True, "return_state": True, **options, **more}
    )
    layer.build((BATCH, None, FEATURES))
    randomize(layer)
    return layer


def _inputs(dtype: str = "float32") -> np.ndarray:
    return np.random.default_rng(5).normal(size=(BATCH, TIME, FEATURES)).astype(dtype)


def _states(layer: zoo.layers.DeepLSTM, dtype: str = "float32") -> list[np.ndarray]:
    generator = np.random.default_rng(6)
    return [generator.normal(size=(BATCH, size)).astype(dtype) for size in layer.state_size]


def _equations(
    layer: zoo.layers.DeepLSTM, x: np.ndarray, states: list[np.ndarray], mask: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The outputs at the valid steps (zeros at the others), and the states, in NumPy."""
    finals, rest = [], iter(states)
    equations = oracle.gru if layer.recurrent == "gru" else oracle.lstm
    for pair in layer.stacked:
        halves = []
        for one in pair:
            cell = one.cell
            weights = {w.name: arrays(w).astype("float64") for w in cell.weights}
            names = ["units"]
            if equations is oracle.lstm:
                names += ["peepholes", "projection_units", "full_gate_recurrence"]
            starts = [next(rest) for _ in one.state_size]
            y, ends = equations(
                x,
                weights,
                starts,
                mask=mask,
                go_backwards=one.go_backwards,
                **{name: getattr(cell, name) for name in names},
            )
            finals += ends
            halves.append(y[:, ::-1] if one.go_backwards else y)
        y = np.concatenate(halves, axis=-1)
        x = x + y if layer.residual and x.shape == y.shape else y
    return np.where(mask[..., None], x, 0), finals


@pytest.mark.parametrize("dtype", DTYPES)
@stacks
def test_a_stack_equals_its_equations(options: dict[str, Any], dtype: str) -> None:
    layer = _stack(options, dtype=dtype)
    x, states = _inputs(dtype), _states(layer, dtype)
    for mask in (np.ones_like(MASK), MASK):
        given = None if mask.all() else mask
        y, *finals = arrays(layer(x, initial_state=states, mask=given))
        expected, ends = _equations(layer, x.astype("float64"), states, mask)
        assert_close(np.where(mask[..., None], y, 0), expected, TOLERANCE[dtype])
        assert_close(finals, ends, TOLERANCE[dtype])


@stacks
def test_a_stack_is_its_layers_by_hand(options: dict[str, Any]) -> None:
    layer = _stack(options)
    x = values = _inputs()
    for pair in layer.stacked:
        below, parts = values, [one(values)[0] for one in pair]
        if len(parts) == 2:
            parts[1] = keras.ops.flip(parts[1], axis=1)
        values = keras.ops.concatenate(parts, axis=-1)
        if layer.residual and below.shape == values.shape:
            values = values + below
    assert_close(layer(x)[0], values, 1e-6)


@stacks
def test_the_last_output_is_the_one_that_has_read_everything(options: dict[str, Any]) -> None:
    whole = _stack(options)
    last = _stack(options, return_sequences=False, return_state=False)
    last.set_weights(whole.get_weights())
    x = _inputs()
    size = whole.output_size // (2 if whole.bidirectional else 1)
    for row, mask in enumerate(VALID):
        truncated = arrays(whole(x[row : row + 1, mask])[0])
        expected = [truncated[:, -1, :size], truncated[:, 0, size:]]
        found = last(x[row : row + 1], mask=mask[None])
        assert_close(found, np.concatenate(expected, axis=-1), 1e-5)
    assert last.compute_output_shape(x.shape) == (BATCH, whole.output_size)


@stacks
def test_padded_equals_truncated(options: dict[str, Any]) -> None:
    layer = _stack(options)
    x = np.where(MASK[..., None], _inputs(), np.nan)
    y, *states = arrays(layer(x, mask=MASK))
    assert np.isfinite(y).all()
    for row, mask in enumerate(VALID):
        truncated, *finals = layer(x[row : row + 1, mask])
        assert_close(y[row : row + 1, mask], truncated, 1e-5)
        assert_close([state[row : row + 1] for state in states], finals, 1e-5)


@stacks
def test_shapes_and_states(options: dict[str, Any]) -> None:
    layer = _stack(options)
    x = _inputs()
    found = layer(x, initial_state=_states(layer))
    shapes = [tuple(value.shape) for value in found]
    assert [tuple(shape) for shape in layer.compute_output_shape(x.shape)] == shapes
    assert shapes[0] == (BATCH, TIME, layer.output_size)
    assert [shape[-1] for shape in shapes[1:]] == layer.state_size
    assert not hasattr(layer, "cell")
    symbolic = layer(keras.Input((None, FEATURES)))
    assert [value.shape[-1] for value in symbolic] == [shape[-1] for shape in shapes]
    with pytest.raises(ValueError, match=f"must be a list of {len(shapes) - 1} states"):
        layer(x, initial_state=_states(layer)[:-1])


def test_states_continue_a_sequence() -> None:
    layer = _stack({"units": [6, 4], "projection_units": [None, 3], "residual": True})
    x = _inputs()
    whole, *finals = layer(x)
    first, *states = layer(x[:, :2])
    second, *ends = layer(x[:, 2:], initial_state=states)
    assert_close([keras.ops.concatenate([first, second], axis=1), *ends], [whole, *finals], 1e-5)


def test_a_stateful_stack_remembers() -> None:
    layer, stateful = _stack({"units": [6, 4]}), _stack({"units": [6, 4]}, stateful=True)
    x = _inputs()
    whole, *_ = layer(x)
    for _ in range(2):
        halves = [stateful(x[:, :2])[0], stateful(x[:, 2:])[0]]
        assert_close(keras.ops.concatenate(halves, axis=1), whole, 1e-5)
        stateful.reset_state()


def test_masks_come_and_go() -> None:
    layer = _stack({"units": [3, 3], "bidirectional": True})
    inputs = keras.Input((None, FEATURES))
    starts = [keras.Input((size,)) for size in layer.state_size]
    masked = keras.layers.Masking()(inputs)
    outputs, *_ = layer(masked, initial_state=starts)
    assert mask_of(layer(masked)[0]) is not None
    assert all(mask_of(state) is None for state in layer(masked)[1:])
    x, states = np.where(MASK[..., None], _inputs(), 0), _states(layer)
    expected = layer(x, initial_state=states, mask=MASK)[0]
    model = keras.Model([inputs, *starts], outputs)
    assert_close(compiled(lambda *v: model(list(v)), [x, *states]), expected, 1e-5)
    last = zoo.layers.DeepLSTM([3])
    assert mask_of(last(masked)) is None


def test_masked_steps_of_a_residual_stack() -> None:
    options = {"units": [3, 3], "bidirectional": True, "residual": True}
    layer = _stack(options, zero_output_for_mask=True)
    x = np.where(MASK[..., None], _inputs(), np.nan)
    y, *_ = arrays(layer(x, mask=MASK))
    assert not y[~MASK].any()
    assert y[MASK].all()


def test_dropout_lies_between_the_layers() -> None:
    x = _inputs()

    def rates(dropout: Any) -> list[float]:
        return [one.dropout for one in _stack({"units": [3, 4, 5]}, dropout=dropout).layers]

    assert rates(0.0) == [0, 0, 0]
    assert rates(0.3) == [0, 0.3, 0.3]
    assert rates([0.1, 0, 0.2]) == [0.1, 0, 0.2]
    single = _stack({"units": [3]}, dropout=0.5)
    assert_close(single(x, training=True), single(x), 0)
    layer = _stack({"units": [3, 3]}, dropout=0.5, seed=3)
    twin = _stack({"units": [3, 3]}, dropout=0.5, seed=3)
    trained = layer(x, training=True)[0]
    assert_close(twin(x, training=True)[0], trained, 1e-6)
    assert not np.allclose(layer(x, training=True)[0], trained)
    assert_close(layer(x), twin(x, training=False), 0)


def test_each_layer_has_a_seed_of_its_own() -> None:
    layer = _stack({"units": [3, 3], "bidirectional": True}, recurrent_dropout=0.5, seed=10)
    assert [one.cell.seed for one in layer.layers] == [10, 11, 12, 13]
    assert [one.cell.seed for one in _stack({"units": [3, 3]}).layers] == [None, None]


def test_one_initializer_starts_each_layer_anew() -> None:
    layer = zoo.layers.DeepLSTM([6, 6], kernel_initializer=keras.initializers.RandomNormal())
    layer.build((None, None, 6))
    first, second = (one.cell.kernel for one in layer.layers)
    assert not np.allclose(first, second)


def test_config() -> None:
    layer = _stack(
        {"units": (3, 3), "projection_units": (2, None), "dropout": (0.1, 0.2)},
        omit=("input_gate",),
        kernel_regularizer=keras.regularizers.L2(0.1),
        gate_biases={"forget": zoo.layers.Chrono(9, seed=1)},
        activation=keras.activations.relu,
        name="deep",
    )
    config = json.loads(json.dumps(layer.get_config()))
    again = zoo.layers.DeepLSTM.from_config(config)
    assert json.loads(json.dumps(again.get_config())) == config
    again.build((None, None, FEATURES))
    again.set_weights(layer.get_weights())
    assert_close(again(_inputs()), layer(_inputs()), 1e-6)
    assert len(again.losses) == 2


def test_training_reaches_every_weight() -> None:
    layer = zoo.layers.DeepLSTM([4, 4], [3, None], bidirectional=True, dropout=0.2, layer_norm=True)
    model = keras.Sequential([keras.Input((TIME, FEATURES)), layer, keras.layers.Dense(1)])
    before = [arrays(weight) for weight in layer.trainable_weights]
    model.compile("sgd", "mse")
    model.fit(_inputs(), np.ones((BATCH, 1)), epochs=1, verbose=0)
    still = [
        weight.path
        for weight, old in zip(layer.trainable_weights, before, strict=True)
        if np.array_equal(arrays(weight), old)
    ]
    assert not still


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(policy: str) -> None:
    options = {"units": [6, 6], "residual": True}
    layer, mixed = _stack(options), _stack(options, dtype=policy)
    assert {weight.dtype for weight in mixed.weights} == {"float32"}
    found = mixed(_inputs(), mask=MASK)
    assert {keras.backend.standardize_dtype(value.dtype) for value in found} == {policy[6:]}
    rounded = [keras.ops.cast(value, "float32") for value in found]
    assert_close(rounded, layer(_inputs(), mask=MASK), 0.03 if policy == "mixed_float16" else 0.2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": 3}, "`units` must be a list with an entry for each layer.*units=3"),
        ({"units": []}, "`units` must name at least one layer"),
        ({"units": [3, 0]}, "`units` must be a positive integer. Received: units=0"),
        (
            {"units": [3, 4], "projection_units": [2]},
            r"`projection_units` must have an entry for each of the 2 layers.*\[2\]",
        ),
        ({"units": [3], "projection_units": 2}, "`projection_units` must be a list"),
        ({"units": [3], "projection_units": [0]}, "`projection_units` must be a positive integer"),
        ({"units": [3, 4], "dropout": [0.1]}, "`dropout` must have an entry for each of the 2"),
        ({"units": [3, 4], "dropout": [0.1, 1.0]}, r"`dropout` must be a number in \[0, 1\)"),
        ({"units": [3, 4], "dropout": -0.1}, r"`dropout` must be a number in \[0, 1\)"),
        ({"units": [3], "recurrent": "ltsm"}, "Unknown cell 'ltsm'; did you mean 'lstm'"),
    ],
)
def test_bad_arguments(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        zoo.layers.DeepLSTM(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": [3], "recurrent": "gru", "peepholes": True}, "'gru' has no option `peepholes`"),
        ({"units": [3], "peephole": True}, "'lstm' has no option `peephole`; did you mean `peep"),
        ({"units": [3], "go_backwards": True}, "has no option `go_backwards`; use `bidirectional"),
    ],
)
def test_unknown_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        zoo.layers.DeepLSTM(**options)
