"""The loss and the metric of symbols, against NumPy and Keras."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo.applications._losses import SmoothedCrossentropy, SymbolAccuracy

SYMBOLS = 6


def example(time: int = 5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Symbols without padding, and logits that are not small."""
    generator = np.random.default_rng(seed)
    symbols = generator.integers(1, SYMBOLS, (3, time)).astype("int32")
    return symbols, generator.normal(0, 3, (3, time, SYMBOLS)).astype("float32")


def by_hand(symbols: np.ndarray, logits: np.ndarray, smoothing: float) -> float:
    total, count = 0.0, 0
    for row in np.ndindex(*symbols.shape):
        if symbols[row] == 0:
            continue
        shifted = logits[row].astype("float64") - logits[row].max()
        log_probabilities = shifted - np.log(np.exp(shifted).sum())
        target = np.full(SYMBOLS, smoothing / SYMBOLS)
        target[symbols[row]] += 1 - smoothing
        total -= (target * log_probabilities).sum()
        count += 1
    return total / count


def padded(symbols: np.ndarray, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two more steps, padding, with other logits."""
    more = np.random.default_rng(9).normal(0, 9, (3, 2, SYMBOLS)).astype("float32")
    return np.pad(symbols, ((0, 0), (0, 2))), np.concatenate([logits, more], axis=1)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_by_hand(smoothing: float) -> None:
    symbols, logits = example()
    symbols[0, 3:] = 0
    symbols[2] = 0
    found = SmoothedCrossentropy(smoothing)(symbols, logits)
    assert float(found) == pytest.approx(by_hand(symbols, logits, smoothing), rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_equals_keras_where_there_is_no_padding(smoothing: float) -> None:
    symbols, logits = example()
    theirs = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    expected = theirs(np.eye(SYMBOLS, dtype="float32")[symbols], logits)
    found = SmoothedCrossentropy(smoothing)(symbols, logits)
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_padding_does_not_count(smoothing: float) -> None:
    loss = SmoothedCrossentropy(smoothing)
    assert float(loss(*padded(*example()))) == pytest.approx(float(loss(*example())), rel=1e-6)


def test_nothing_but_padding_costs_nothing() -> None:
    assert float(SmoothedCrossentropy(0.1)(np.zeros((2, 3), "int32"), example(3)[1][:2])) == 0.0


def test_float16_logits_and_float_symbols() -> None:
    symbols, logits = example()
    found = SmoothedCrossentropy(0.1)(symbols.astype("float32"), logits.astype("float16") * 100)
    expected = by_hand(symbols, np.float32(logits.astype("float16") * 100), 0.1)
    assert float(found) == pytest.approx(expected, rel=1e-4)


def test_config() -> None:
    loss = SmoothedCrossentropy(0.3, name="l")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert (type(again), again.label_smoothing, again.name) == (SmoothedCrossentropy, 0.3, "l")
    assert float(again(*example())) == float(loss(*example()))


def test_accuracy() -> None:
    metric = SymbolAccuracy()
    logits = np.eye(4, dtype="float32")[[[1, 2, 3, 0], [1, 1, 1, 1]]]
    metric.update_state(np.array([[1, 2, 1, 0], [1, 0, 0, 0]]), logits)  # 3 of 4
    assert float(metric.result()) == pytest.approx(3 / 4)
    metric.update_state(np.array([[2, 2, 2, 2], [0, 0, 0, 0]]), logits)  # 1 of 4
    assert float(metric.result()) == pytest.approx(4 / 8)
    metric.reset_state()
    metric.update_state(*padded(*example()))
    padded_once = float(metric.result())
    metric.reset_state()
    metric.update_state(*example())
    assert float(metric.result()) == pytest.approx(padded_once)
