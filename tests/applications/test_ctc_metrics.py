"""The error rate during training against jiwer's."""

from __future__ import annotations

import numpy as np
import pytest

from tests.applications.scribbles import pairs, tiny
from zoo import metrics
from zoo.applications._ctc import greedy
from zoo.applications._ctc_metrics import CTCErrorRate, edit_distances


def as_texts(rows: np.ndarray) -> list[str]:
    return ["".join(" abcdef"[symbol] for symbol in row if symbol) for row in rows]


def test_edits_are_jiwers() -> None:
    generator = np.random.default_rng(0)
    found = generator.integers(0, 5, (60, 11)) * generator.integers(0, 2, (60, 11))
    lengths = generator.integers(1, 8, (60, 1))
    wanted = np.where(np.arange(7) < lengths, generator.integers(1, 5, (60, 7)), 0)
    edits = np.asarray(edit_distances(found, wanted))
    expected = [
        round(metrics.cer([one], [other]) * len(other))
        for one, other in zip(as_texts(found), as_texts(wanted), strict=True)
    ]
    np.testing.assert_array_equal(edits, expected)
    assert len(set(expected)) > 5


def test_the_rate_of_several_batches_is_that_of_all() -> None:
    generator = np.random.default_rng(1)
    metric, found, wanted = CTCErrorRate(), [], []
    for symbols, frames in ((3, 9), (6, 4)):
        logits = generator.normal(0, 1, (5, frames, 7)).astype("float32")
        targets = generator.integers(1, 7, (5, symbols))
        metric.update_state(targets, logits)
        found += as_texts(np.asarray(greedy(logits)))
        wanted += as_texts(targets)
    assert float(metric.result()) == pytest.approx(metrics.cer(found, wanted))
    metric.reset_state()
    assert float(metric.result()) == 0


def test_it_is_seen_in_training() -> None:
    recognizer, data = tiny(units=4, depth=1), pairs(4)
    history = recognizer.fit(data, validation_data=data, epochs=1, verbose=0).history
    assert set(history) == {"loss", "cer", "val_loss", "val_cer", "val_wer"}
    measured = recognizer.evaluate(data, verbose=0, return_dict=True)
    assert history["val_cer"][0] == pytest.approx(measured["cer"]) == recognizer.score(data)["cer"]
