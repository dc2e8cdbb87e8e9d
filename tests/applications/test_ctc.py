"""CTC: the loss against PyTorch and against all paths, greedy reading, alignments."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from zoo.applications._ctc import (
    CTCLoss,
    align,
    close,
    frame_lengths,
    frames_needed,
    greedy,
    item_losses,
)

SYMBOLS = 4


def collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    """The text of a path."""
    return tuple(symbol for symbol, _ in itertools.groupby(path) if symbol)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    logits = logits.astype("float64")
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def texts_of(logits: np.ndarray) -> dict[tuple[int, ...], float]:
    """The probability of every text, summed over all paths."""
    found: dict[tuple[int, ...], float] = {}
    probabilities = np.exp(log_softmax(logits))
    for path in itertools.product(range(logits.shape[-1]), repeat=len(logits)):
        value = np.prod([probabilities[frame, symbol] for frame, symbol in enumerate(path)])
        found[collapsed(path)] = found.get(collapsed(path), 0.0) + float(value)
    return found


def batch(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Targets, logits and numbers of frames; what lies behind those numbers is noise."""
    generator = np.random.default_rng(seed)
    targets = np.array([[1, 2, 3], [2, 2, 0], [3, 0, 0], [1, 2, 1]], "int32")
    logits = generator.normal(0, 2, (4, 6, SYMBOLS)).astype("float32")
    return targets, logits, np.array([6, 3, 1, 5], "int32")


def test_the_loss_of_each_item_sums_over_all_its_paths() -> None:
    targets, logits, lengths = batch()
    losses = np.asarray(item_losses(targets, close(ops.convert_to_tensor(logits), lengths)))
    for loss, target, item, length in zip(losses, targets, logits, lengths, strict=True):
        text = tuple(symbol for symbol in target.tolist() if symbol)
        assert loss == pytest.approx(-np.log(texts_of(item[:length])[text]), rel=1e-5)


def test_the_loss_is_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    targets, logits, lengths = batch(1)
    counts = (targets > 0).sum(1)
    expected = torch.nn.functional.ctc_loss(
        torch.log_softmax(torch.tensor(logits), -1).transpose(0, 1),
        torch.tensor(targets),
        torch.tensor(lengths),
        torch.tensor(counts),
        reduction="sum",
    )
    found = CTCLoss()(targets, close(ops.convert_to_tensor(logits), lengths))
    assert float(found) == pytest.approx(float(expected) / counts.sum(), rel=1e-5)


def test_padding_changes_no_loss() -> None:
    targets, logits, lengths = batch(2)
    together = np.asarray(item_losses(targets, close(ops.convert_to_tensor(logits), lengths)))
    wider = np.pad(logits, [(0, 0), (0, 5), (0, 0)], constant_values=7.0)
    more = np.pad(targets, [(0, 0), (0, 2)])
    padded = np.asarray(item_losses(more, close(ops.convert_to_tensor(wider), lengths)))
    np.testing.assert_allclose(padded, together, rtol=1e-5)
    for item, length in enumerate(lengths):
        count = int((targets[item] > 0).sum())
        alone = item_losses(
            targets[item : item + 1, :count],
            ops.convert_to_tensor(logits[item : item + 1, :length]),
        )
        assert float(alone[0]) == pytest.approx(float(together[item]), rel=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="GradientTape")
def test_padding_gets_no_gradient() -> None:
    import tensorflow as tf

    targets, logits, lengths = batch(3)
    inputs = tf.Variable(logits)
    with tf.GradientTape() as tape:
        loss = CTCLoss()(targets, close(inputs, lengths))
    gradient = tape.gradient(loss, inputs).numpy()
    assert np.isfinite(gradient).all()
    for item, length in enumerate(lengths):
        assert np.abs(gradient[item, length:]).max(initial=0) == 0
        assert np.abs(gradient[item, :length]).max() > 0


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_lengths_are_read_back(dtype: str) -> None:
    _, logits, _ = batch()
    lengths = np.array([6, 0, 1, 4], "int32")
    closed = close(ops.cast(logits, dtype), lengths)
    assert ops.convert_to_numpy(frame_lengths(closed)).tolist() == lengths.tolist()
    certain = log_softmax(ops.convert_to_numpy(ops.cast(closed, "float32"))[1, 2])
    assert certain[0] == 0 and (np.exp(certain[1:]) == 0).all()


def test_frames_needed() -> None:
    assert [frames_needed(text) for text in ([], [1], [1, 2], [1, 1], [2, 2, 2])] == [0, 1, 2, 3, 5]


def test_greedy_reads_the_best_path() -> None:
    paths = [[0, 1, 1, 0, 1, 2], [3, 3, 0, 0, 3, 3], [0, 0, 0, 0, 0, 0], [2, 1, 2, 0, 0, 0]]
    logits = np.eye(SYMBOLS, dtype="float32")[np.array(paths)]
    found = ops.convert_to_numpy(greedy(ops.convert_to_tensor(logits)))
    texts = [tuple(symbol for symbol in row.tolist() if symbol) for row in found]
    assert texts == [collapsed(tuple(path)) for path in paths]


@pytest.mark.parametrize("text", [(1, 2), (2, 2), (3,), (), (1, 2, 3), (1, 2, 1)])
def test_alignment_is_the_best_path_of_the_text(text: tuple[int, ...]) -> None:
    logits = np.random.default_rng(4).normal(0, 2, (6, SYMBOLS))
    logits[:, 2] += 9  # so that a path without a blank between equal symbols would be the best
    table = log_softmax(logits)
    paths = [
        path for path in itertools.product(range(SYMBOLS), repeat=6) if collapsed(path) == text
    ]
    best = max(paths, key=lambda path: sum(table[frame, s] for frame, s in enumerate(path)))
    found = align(table, text)
    assert tuple(found.path) == best
    assert found.score == pytest.approx(sum(table[frame, s] for frame, s in enumerate(best)))
    assert len(found.starts) == len(found.ends) == len(text)
    for symbol, start, end in zip(text, found.starts, found.ends, strict=True):
        assert start < end and (found.path[start:end] == symbol).all()
    assert sum(found.ends - found.starts) == (found.path > 0).sum()


def test_a_text_too_long_to_align() -> None:
    with pytest.raises(ValueError, match="A text of 2 symbols needs 3 frames. Received: 2"):
        align(np.zeros((2, 3)), [1, 1])
