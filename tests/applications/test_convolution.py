"""The convolutions in front of recurrent layers: equations, lengths, and items that stay apart."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.applications._convolution import ConvolutionalFront


def numpy_of(value: object) -> np.ndarray:
    return keras.ops.convert_to_numpy(value)


def made(filters: list[int], reduction: int, features: int = 9) -> ConvolutionalFront:
    """A front with weights and statistics at random, none of which is 0 or 1."""
    front = ConvolutionalFront(filters, reduction)
    front.build((None, None, features))
    generator = np.random.default_rng(1)
    for weight in front.weights:
        low, high = (0.5, 1.5) if "variance" in weight.path else (-1, 1)
        weight.assign(generator.uniform(low, high, weight.shape))
    return front


@pytest.fixture(scope="module")
def front() -> ConvolutionalFront:
    return made([3, 4, 5], 2)


def by_hand(front: ConvolutionalFront, frames: np.ndarray) -> np.ndarray:
    """One item without padding, by loops."""
    hidden = frames[:, :, None].astype("float64")
    for number, pool in enumerate(front.pools):
        kernel = numpy_of(front.convolutions[number].kernel).astype("float64")
        around = np.pad(hidden, [(1, 1), (1, 1), (0, 0)])
        time, features = hidden.shape[:2]
        made = np.zeros((time, features, kernel.shape[-1]))
        for i in range(3):
            for j in range(3):
                made += around[i : i + time, j : j + features] @ kernel[i, j]
        norm = front.norms[number]
        scale = numpy_of(norm.gamma) / np.sqrt(numpy_of(norm.moving_variance) + norm.epsilon)
        made = (made - numpy_of(norm.moving_mean)) * scale + numpy_of(norm.beta)
        made = np.maximum(made, 0)
        down = 1 if number == len(front.pools) - 1 else 2
        made = np.pad(made, [(0, -time % pool), (0, -features % down), (0, 0)])
        shape = (made.shape[0] // pool, pool, made.shape[1] // down, down, made.shape[2])
        hidden = made.reshape(shape).max(axis=(1, 3))
    return hidden.reshape(len(hidden), -1)


@given(lengths=st.lists(st.integers(1, 20), min_size=1, max_size=3))
@settings(max_examples=12, deadline=None)
def test_equations_and_padding(front: ConvolutionalFront, lengths: list[int]) -> None:
    """What an item gives in a padded batch, rubbish behind its end, is what it gives alone."""
    generator = np.random.default_rng(lengths)
    frames = generator.normal(size=(len(lengths), 20, 9)).astype("float32")
    for row, length in zip(frames, lengths, strict=True):
        row[length:] = 0
    found, counts = front(frames, np.array(lengths, "int32"))
    found, counts = numpy_of(found), numpy_of(counts)
    assert found.shape == (len(lengths), 10, front.size(9))
    for row, count, item, length in zip(found, counts, frames, lengths, strict=True):
        assert count == -(-length // 2)
        wanted = by_hand(front, item[:length])
        np.testing.assert_allclose(row[:count], wanted, rtol=1e-4, atol=1e-5)
        assert not row[count:].any()


def test_statistics_leave_padding_out() -> None:
    """In training, more padding changes neither the outputs nor what is remembered of them."""
    frames = np.random.default_rng(2).normal(size=(2, 8, 9)).astype("float32")
    frames[1, 5:] = 0
    lengths = np.array([8, 5], "int32")
    results = []
    for more in (0, 16):
        layer = made([3, 4], 2)
        padded = np.pad(frames, [(0, 0), (0, more), (0, 0)])
        outputs, _ = layer(padded, lengths, training=True)
        remembered = [numpy_of(weight) for weight in layer.non_trainable_variables]
        results.append((numpy_of(outputs)[:, :4], *remembered))
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("blocks", "reduction"), [(1, 1), (1, 12), (2, 3), (4, 6), (3, 8), (2, 8)])
def test_any_reduction(blocks: int, reduction: int) -> None:
    front = made([2] * blocks, reduction)
    outputs, lengths = front(np.ones((1, 25, 9), "float32"), np.array([25]))
    assert int(lengths[0]) == -(-25 // reduction) and outputs.shape[1] >= int(lengths[0])
    assert outputs.shape[-1] == front.size(9)
