"""Every attention and all the noise of the cells inside the decoder."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from keras import ops

from zoo.applications._decoder import ATTENTIONS, AttentionDecoder

BATCH, TIME, MEMORY, FEATURES, UNITS = 3, 4, 5, 6, 8
MASK = np.arange(MEMORY) < np.array([[5], [3], [1]])
NOISE = {
    "dropout": 0.2,
    "recurrent_dropout": 0.3,
    "recurrent_dropout_per_step": True,
    "recurrent_weight_dropout": 0.2,
    "zoneout_h": 0.4,
}


def _inputs() -> list[np.ndarray]:
    """Embedded symbols, a memory of the size of the cells, and its summary."""
    generator = np.random.default_rng(0)
    shapes = [(BATCH, TIME, FEATURES), (BATCH, MEMORY, UNITS), (BATCH, UNITS)]
    return [generator.normal(0, 1, shape).astype("float32") for shape in shapes]


def _decoder(cell: str = "lstm", depth: int = 2, **options: Any) -> AttentionDecoder:
    layer = AttentionDecoder(cell, UNITS, depth, output_units=9, **options)
    layer.build(*(value.shape for value in _inputs()))
    return layer


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_step_by_step_equals_over_time(attention: str) -> None:
    layer = _decoder(attention=attention)
    embedded, memory, summary = _inputs()
    memory = np.where(MASK[..., None], memory, np.nan)
    outputs, weights = layer(embedded, memory, summary, mask=MASK, return_weights=True)
    states, constants = layer.start(memory, summary, MASK)
    for time in range(TIME):
        fed, states, looked = layer.step(embedded[:, time], states, constants)
        np.testing.assert_allclose(outputs[:, time], fed, atol=1e-6)
        np.testing.assert_allclose(weights[:, time], looked, atol=1e-6)
        assert not ops.convert_to_numpy(looked)[~MASK].any()
    again = AttentionDecoder.from_config(layer.get_config())
    again.build(*(value.shape for value in _inputs()))
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(embedded, memory, summary, mask=MASK), outputs)


def test_the_attentions_differ() -> None:
    found = [ops.convert_to_numpy(_decoder(attention=name)(*_inputs())) for name in ATTENTIONS]
    assert len({array.tobytes() for array in found}) == len(ATTENTIONS)


def test_dot_needs_a_memory_of_the_size_of_the_output() -> None:
    with pytest.raises(ValueError, match="needs a query and a memory of the same size"):
        _decoder("projected_lstm", attention="dot", recurrent_options={"projection_units": 5})


@pytest.mark.parametrize("cell", ["lstm", "gru", "simple_rnn", "odyssey_fgr"])
def test_noise_of_the_cells_acts_in_training_alone(cell: str) -> None:
    options = {**NOISE, "seed": 1}
    layer, twin = (_decoder(cell, recurrent_options=options) for _ in range(2))
    twin.set_weights(layer.get_weights())
    first = ops.convert_to_numpy(layer(*_inputs(), training=True))
    np.testing.assert_allclose(twin(*_inputs(), training=True), first, atol=1e-6)
    assert np.abs(first - layer(*_inputs())).max() > 1e-3
    assert np.abs(first - layer(*_inputs(), training=True)).max() > 1e-3
    np.testing.assert_array_equal(layer(*_inputs()), layer(*_inputs(), training=False))


def test_zoneout_in_the_decoder_is_fresh_at_each_step() -> None:
    """The decoder's outputs are made its cell's states, so that a unit that is kept repeats."""
    options = {"zoneout_h": 0.5, "seed": 2}
    layer = AttentionDecoder(
        "simple_rnn", UNITS, 1, UNITS, attention=None, recurrent_options=options
    )
    layer.build(*(value.shape for value in _inputs()))
    layer.combine.kernel.assign(np.concatenate([np.zeros((UNITS, UNITS)), np.eye(UNITS)]))
    outputs = ops.convert_to_numpy(layer(*_inputs(), training=True))
    kept = outputs[:, 1:] == outputs[:, :-1]
    assert 0.25 < kept.mean() < 0.75
    assert (kept[:, 1:] != kept[:, :-1]).any(axis=(0, 2)).all()
    quiet = ops.convert_to_numpy(layer(*_inputs()))
    assert not (quiet[:, 1:] == quiet[:, :-1]).any()
