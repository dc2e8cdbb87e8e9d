"""Raw data are read whatever they come in, and every item is in one batch an epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.applications._data import Batches, Example, bucket_edge, collate, raw_items, raw_pairs

INPUTS, TARGETS = ["a", "bé", "c d"], ["x", "ý", ""]
PAIRS = list(zip(INPUTS, TARGETS, strict=True))


def dataset(value: Any) -> Any:
    return pytest.importorskip("tensorflow").data.Dataset.from_tensor_slices(value)


# Raw data.


@pytest.mark.parametrize(
    "data",
    [
        PAIRS,
        [list(pair) for pair in PAIRS],
        (pair for pair in PAIRS),
        iter(PAIRS),
        tuple(PAIRS),
        (INPUTS, TARGETS),
        (np.array(INPUTS), np.array(TARGETS)),
        (INPUTS, (target for target in TARGETS)),
        np.array(PAIRS),
        np.array(PAIRS, object),
        [(a.encode(), b.encode()) for a, b in PAIRS],
        zip(INPUTS, TARGETS, strict=True),
    ],
)
def test_pairs(data: Any) -> None:
    found = raw_pairs(data)
    assert found == (INPUTS, TARGETS)
    assert {type(item) for items in found for item in items} == {str}


def test_inputs_and_targets_apart() -> None:
    assert raw_pairs(INPUTS, TARGETS) == (INPUTS, TARGETS)
    assert raw_pairs(np.array(INPUTS), iter(TARGETS)) == (INPUTS, TARGETS)
    assert raw_pairs(("a", "b"), ("x", "y")) == (["a", "b"], ["x", "y"])
    assert raw_pairs([("a", "b")]) == (["a"], ["b"])


def test_datasets() -> None:
    assert raw_pairs(dataset((INPUTS, TARGETS))) == (INPUTS, TARGETS)
    assert raw_pairs(dataset(PAIRS)) == (INPUTS, TARGETS)
    assert raw_pairs(dataset(INPUTS), dataset(TARGETS)) == (INPUTS, TARGETS)
    assert raw_items(dataset(INPUTS)) == INPUTS
    assert [type(item) for item in raw_items(dataset(INPUTS))] == [str] * 3


def test_items() -> None:
    assert raw_items(INPUTS) == raw_items(np.array(INPUTS)) == raw_items(iter(INPUTS)) == INPUTS
    assert raw_items([b"b\xc3\xa9", np.bytes_(b"x"), np.str_("y")]) == ["bé", "x", "y"]
    assert raw_items([]) == []
    assert raw_items([keras.ops.convert_to_tensor(3), np.float32(1.5)]) == [3, 1.5]
    strokes = [np.ones((2, 3)), np.zeros((4, 3))]
    for found, expected in zip(raw_items(strokes), strokes, strict=True):
        assert found is expected
    inputs, labels = raw_pairs([(strokes[0], 1), (strokes[1], np.int64(2))])
    assert inputs[1] is strokes[1] and labels == [1, 2]


@pytest.mark.parametrize("data", ["a text", b"bytes", 3, None])
def test_what_is_no_collection(data: Any) -> None:
    with pytest.raises(TypeError, match=r"`inputs` must be a list.*Received: "):
        raw_items(data)
    with pytest.raises(TypeError, match="must be a list"):
        raw_pairs(data)
    with pytest.raises(TypeError, match="must be a list"):
        raw_pairs(INPUTS, data if data is not None else 0)


@pytest.mark.parametrize("bad", ["xy", b"xy", ("a",), ("a", "b", "c"), 3, None, []])
def test_what_is_no_pair(bad: Any) -> None:
    with pytest.raises(ValueError, match=r"must be a pair \(input, target\).* as item 1: "):
        raw_pairs([("a", "b"), bad])


def test_counts() -> None:
    with pytest.raises(ValueError, match="Received: 3 inputs and 2 targets"):
        raw_pairs(INPUTS, TARGETS[:2])
    with pytest.raises(ValueError, match="3 inputs and 0 targets"):
        raw_pairs((INPUTS, []))
    for nothing in ([], iter([]), ([], [])):
        with pytest.raises(ValueError, match="at least one pair"):
            raw_pairs(nothing)


# Buckets.


@given(st.integers(1, 10**6))
def test_an_edge_is_never_short_and_wastes_little(length: int) -> None:
    edge = bucket_edge(length)
    assert length <= edge <= max(length + 3, 1.25 * length)
    assert bucket_edge(edge) == edge


def test_edges_are_few_and_rise() -> None:
    edges = [bucket_edge(length) for length in range(1, 1025)]
    assert edges == sorted(edges)
    assert len(set(edges)) <= 30
    assert bucket_edge(0) == bucket_edge(1) == 4


# Batches.


def examples(lengths: list[int]) -> list[Example]:
    """Items that tell their number: a sequence, a matrix over time, and a target."""
    return [
        {
            "numbers": np.full(length, number + 1, "int32"),
            "points": np.full((2 * length, 2), number + 1, "float32"),
            "number": np.int64(number),
            "target": np.arange(1, length + 1),
        }
        for number, length in enumerate(lengths)
    ]


def numbers(batches: Any) -> list[list[int]]:
    return [np.asarray(batch[0]["number"]).tolist() for batch in batches]


def every(batches: Any) -> list[int]:
    return sorted(number for batch in numbers(batches) for number in batch)


lengths_of_items = st.lists(st.integers(0, 70), min_size=1, max_size=40)


@settings(max_examples=25)
@given(lengths_of_items, st.integers(1, 9), st.booleans(), st.integers(0, 2**31 - 1))
def test_every_item_is_there_once_an_epoch(
    lengths: list[int], batch_size: int, shuffle: bool, seed: int
) -> None:
    batches = Batches(examples(lengths), batch_size, shuffle=shuffle, seed=seed)
    assert len(batches) == -(-len(lengths) // batch_size)
    for _ in range(3):
        found = numbers(batches)
        assert every(batches) == list(range(len(lengths)))
        assert sorted(map(len, found), reverse=True)[:-1] == [batch_size] * (len(batches) - 1)
        if not shuffle:
            assert [number for batch in found for number in batch] == list(range(len(lengths)))
        batches.on_epoch_end()


@settings(max_examples=25)
@given(lengths_of_items, st.integers(1, 9))
def test_padding(lengths: list[int], batch_size: int) -> None:
    items = examples(lengths)
    for features, target in Batches(items, batch_size):
        longest = max(lengths[number] for number in features["number"])
        assert features["numbers"].shape[1] == target.shape[1] == bucket_edge(longest)
        assert features["points"].shape[1:] == (bucket_edge(2 * longest), 2)
        assert features["points"].dtype == "float32" and features["numbers"].dtype == "int32"
        for row, number in enumerate(features["number"]):
            length = lengths[number]
            for found, expected in (
                (features["numbers"][row], items[number]["numbers"]),
                (features["points"][row], items[number]["points"]),
                (target[row], items[number]["target"]),
            ):
                np.testing.assert_array_equal(found[: len(expected)], expected)
                assert (found[len(expected) :] == 0).all()
            assert (features["numbers"][row] != 0).sum() == length


def test_the_order_differs_by_epoch_and_is_the_seed_s() -> None:
    lengths = np.random.default_rng(0).integers(1, 40, 60).tolist()

    def epochs(seed: int) -> list[list[list[int]]]:
        batches = Batches(examples(lengths), 4, shuffle=True, seed=seed)
        found = []
        for _ in range(3):
            found.append(numbers(batches))
            batches.on_epoch_end()
        return found

    first = epochs(1)
    assert first == epochs(1)
    assert first != epochs(2)
    assert first[0] != first[1] != first[2] != first[0]
    # Not only the batches change places, but also what shares a batch.
    assert {frozenset(batch) for batch in first[0]} != {frozenset(batch) for batch in first[1]}


def test_items_of_a_batch_are_of_about_one_length() -> None:
    lengths = np.random.default_rng(1).integers(1, 100, 400).tolist()
    batches = Batches(examples(lengths), 16, shuffle=True)
    wasted = shown = 0
    seen = []
    for features, _ in batches:
        real = [lengths[number] for number in features["number"]]
        seen.append(max(real))
        wasted += features["numbers"].size - sum(real)
        shown += features["numbers"].size
    assert wasted / shown < 0.15
    assert seen != sorted(seen)


def test_items_without_time_or_target() -> None:
    items = [{"value": np.float32(number)} for number in range(5)]
    batches = Batches(items, 2, shuffle=True)
    assert sorted(value for (batch,) in batches for value in batch["value"]) == [0, 1, 2, 3, 4]
    assert collate(examples([2, 3]), length=7)["numbers"].shape == (2, 7)


@pytest.mark.parametrize("count", [1, 2, 5, 30])
def test_what_keras_is_given_is_the_same(count: int) -> None:
    """However far tf.data reads ahead, each epoch holds every item once, in the seed's order."""
    lengths = np.random.default_rng(2).integers(1, 20, count).tolist()
    expected = Batches(examples(lengths), 3, shuffle=True, seed=5)
    batches = Batches(examples(lengths), 3, shuffle=True, seed=5)
    training = batches.for_training()
    assert len(training) == len(batches)
    if keras.backend.backend() != "tensorflow":
        assert training is batches
        return
    for _ in range(3):
        found = list(training)
        for ours, theirs in zip(expected, found, strict=True):
            keras.tree.map_structure(np.testing.assert_array_equal, ours, theirs)
        expected.on_epoch_end()
    features, target = training.element_spec
    assert features["numbers"].shape.as_list() == [None, None]
    assert features["points"].shape.as_list() == [None, None, 2]
    assert features["number"].shape.as_list() == [None]


def test_a_reader_that_stops_early_leaves_the_next_epoch_whole() -> None:
    lengths = [3] * 8
    training = Batches(examples(lengths), 2, shuffle=True).for_training()

    def peek(data: Any) -> Iterator[Any]:
        yield next(iter(data))

    for _ in range(5):
        assert len(list(peek(training))) == 1
        assert every(training) == list(range(8))
