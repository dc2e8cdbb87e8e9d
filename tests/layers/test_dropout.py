"""Dropout: one mask for all steps, nothing at inference, the same again from the same seed."""

from typing import Any

import keras
import numpy as np
import pytest

import zoo.layers
from tests.cases import Case, cases
from tests.layers import oracle
from tests.layers.engine import assert_close, named_weights, randomize

RATE, SEED = 0.5, 42
STRUCTURE = ("peepholes", "coupled_gates", "projection_units", "omit", "full_gate_recurrence")
# Those whose other noise is off; for that, see tests/layers/test_regularisers.py.
QUIET = [case for case in cases("sequence") if "zoneout_h" not in case.arguments]
sequences = pytest.mark.parametrize("case", QUIET, ids=str)


def _built(case: Case, **options: Any) -> keras.layers.RNN:
    layer = case.build(seed=SEED, **options)
    layer.build(case.shapes[0])
    randomize(layer)
    return layer


def _mask(shape: tuple[int, ...]) -> np.ndarray:
    """The first mask that a layer with this seed draws."""
    generator = keras.random.SeedGenerator(SEED)
    ones = keras.ops.ones(shape, "float32")
    mask = keras.ops.convert_to_numpy(keras.random.dropout(ones, RATE, seed=generator))
    assert set(np.unique(mask)) == {0, 2}
    return mask


def _expected(case: Case, layer: keras.layers.RNN, x: np.ndarray, **options: Any) -> np.ndarray:
    equations = {"GRU": oracle.gru, "SimpleRNN": oracle.simple_rnn}.get(case.layer, oracle.lstm)
    names = {
        "GRU": ("reset_after", "update_convention"),
        "SimpleRNN": (),
    }.get(case.layer, STRUCTURE)
    chosen = {name: getattr(layer.cell, name) for name in ("units", *names)}
    return equations(x, named_weights(layer), **chosen, **options)[0]


@sequences
def test_inputs_drop_out_alike_at_all_steps(case: Case) -> None:
    layer = _built(case, dropout=RATE)
    (x,) = case.inputs()
    mask = _mask(x[:, 0].shape)
    assert_close(layer(x, training=True), _expected(case, layer, x * mask[:, None]), 1e-5)


@sequences
def test_states_drop_out_alike_at_all_steps(case: Case) -> None:
    layer = _built(case, recurrent_dropout=RATE)
    (x,) = case.inputs()
    mask = _mask((len(x), layer.cell.output_size))
    expected = _expected(case, layer, x, recurrent_mask=mask)
    assert_close(layer(x, training=True), expected, 1e-5)


@sequences
def test_dropout_acts_in_training_only_and_follows_its_seed(case: Case) -> None:
    rates = {"dropout": 0.3, "recurrent_dropout": 0.3}
    plain, layer, twin = _built(case), _built(case, **rates), _built(case, **rates)
    (x,) = case.inputs()
    trained = layer(x, training=True)
    assert not np.allclose(trained, plain(x))
    assert_close(twin(x, training=True), trained, 1e-6)
    assert not np.allclose(layer(x, training=True), trained)
    assert_close(layer(x), plain(x), 0)
    assert_close(layer(x, training=False), plain(x), 0)


@sequences
def test_a_cell_in_keras_rnn_drops_out_as_its_layer(case: Case) -> None:
    layer = _built(case, dropout=0.3, recurrent_dropout=0.3)
    cell = layer.cell_class.from_config(layer.cell.get_config())
    (x,) = case.inputs()
    wrapped = keras.layers.RNN(cell, return_sequences=True)
    wrapped.build(x.shape)
    wrapped.set_weights(layer.get_weights())
    assert_close(wrapped(x, training=True), layer(x, training=True), 1e-5)
    assert_close(wrapped(x), layer(x), 1e-5)


def test_dropout_masks_change_from_batch_to_batch_in_fit() -> None:
    layer = zoo.layers.LSTM(4, dropout=0.5, recurrent_dropout=0.5, seed=1)
    model = keras.Sequential([keras.Input((3, 2)), layer])
    model.compile("sgd", "mse")
    before = keras.ops.convert_to_numpy(layer.cell.seed_generator.state.value)
    model.fit(np.ones((4, 3, 2)), np.ones((4, 4)), batch_size=2, verbose=0)
    assert not np.array_equal(
        keras.ops.convert_to_numpy(layer.cell.seed_generator.state.value), before
    )
