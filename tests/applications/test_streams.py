"""Windows of long texts: every unit once, each after those that stand before it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.applications._streams import Windows


def text(length: int, number: int = 0, end: bool = True) -> np.ndarray:
    """A start symbol and units that no other text has."""
    units = 10 + 1000 * number + np.arange(length)
    return np.concatenate([[1], units, [2] * end]).astype("int32")


def read(windows: Windows) -> list[list[tuple[int, int]]]:
    """The (previous, target) pairs that each row sees from one fresh start to the next."""
    rows: list[list[Any]] = [[] for _ in range(windows.rows)]
    found: list[list[Any]] = []
    for features, target in windows:
        assert features["previous"].shape == target.shape and len(target) == windows.rows
        assert features["previous"].dtype == target.dtype == np.dtype("int32")
        assert target.shape[1] <= windows.window
        for row, fresh in enumerate(features["fresh"]):
            if fresh:
                found.append(rows[row])
                rows[row] = []
            pairs = zip(features["previous"][row], target[row], strict=True)
            rows[row] += [(int(a), int(b)) for a, b in pairs if a]
    return [row for row in [*found, *rows] if row]


@given(
    length=st.integers(1, 60),
    batch_size=st.integers(1, 5),
    window=st.integers(1, 9),
    shuffle=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_one_text_is_read_once_side_by_side(
    length: int, batch_size: int, window: int, shuffle: bool
) -> None:
    units = text(length, end=False)
    windows = Windows([{"units": units}], batch_size, window=window, shuffle=shuffle, seed=3)
    rows = read(windows)
    assert len(rows) <= batch_size
    after = dict(zip(units, [*units[1:], 0], strict=True))
    seen = [pair for row in rows for pair in row]
    assert sorted(seen) == sorted((int(a), int(b)) for a, b in after.items())
    for row in rows:  # each goes on where it was
        for (_, target), (previous, _) in zip(row, row[1:], strict=False):
            assert target in (previous, 0)


@given(
    lengths=st.lists(st.integers(1, 30), min_size=2, max_size=9),
    batch_size=st.integers(1, 4),
    window=st.integers(1, 9),
    shuffle=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_many_texts_are_read_once_each_from_its_start(
    lengths: list[int], batch_size: int, window: int, shuffle: bool
) -> None:
    texts = [text(length, number) for number, length in enumerate(lengths)]
    windows = Windows([{"units": u} for u in texts], batch_size, window=window, shuffle=shuffle)
    expected = [list(zip(u[:-1].tolist(), u[1:].tolist(), strict=True)) for u in texts]
    assert sorted(read(windows)) == sorted(expected)


def test_a_very_long_text_among_others_is_cut() -> None:
    texts = [text(200, 0), text(3, 1)]
    windows = Windows([{"units": u} for u in texts], 8, window=2)
    rows = read(windows)
    assert max(map(len, rows)) == 128
    assert sum(map(len, rows)) == 201 + 4


def test_shuffling_changes_with_the_epoch_and_repeats_with_the_seed() -> None:
    def epochs(seed: int) -> list[Any]:
        found = []
        windows = Windows([{"units": text(40)}], 2, window=5, shuffle=True, seed=seed)
        for _ in range(3):
            found.append([features["previous"].tolist() for features, _ in windows])
            windows.on_epoch_end()
        return found

    first = epochs(1)
    assert first == epochs(1) and first != epochs(2)
    assert first[0] != first[1] != first[2]


def test_nothing_starts_afresh_but_the_first_window() -> None:
    windows = Windows([{"units": text(100, end=False)}], 3, window=10)
    fresh = [features["fresh"].tolist() for features, _ in windows]
    assert len(windows) == 4
    assert fresh == [[1.0] * 3] + [[0.0] * 3] * 3


def test_the_target_may_be_a_feature() -> None:
    windows = Windows([{"units": text(9)}], 1, window=4, with_target=True)
    features, target = windows[0]
    np.testing.assert_array_equal(features["target"], target)
    assert set(windows.whole()) == {"previous"}


@pytest.mark.parametrize("units", [text(5, end=False)])
def test_a_text_shorter_than_a_window(units: np.ndarray) -> None:
    windows = Windows([{"units": units}], 64, window=100)
    (batch,) = list(windows)
    assert batch[0]["previous"].tolist() == [[1, 10, 11, 12, 13, 14, 0, 0]]
    assert batch[1].tolist() == [[10, 11, 12, 13, 14, 0, 0, 0]]
