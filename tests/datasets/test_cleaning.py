"""What `clean` leaves out, and that it returns what it was given."""

import logging
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo import datasets

PAIRS = [
    ("a dog runs", "ein Hund läuft"),
    ("", "leer"),
    ("  ", "weiß"),
    ("a  dog runs ", "ein Hund läuft"),
    ("a b c d e f", "eins zwei drei vier fünf sechs"),
    ("one", "eins zwei drei"),
    ("one", "один"),
    ("a dog runs", "ein Hund rennt"),
]
OPTIONS = {"max_length": 5, "max_ratio": 2.5, "characters": "a-zA-Zäöüß"}
KEPT = [PAIRS[0], PAIRS[7]]
COUNTS = {
    "seen": 8,
    "kept": 2,
    "too_short": 2,
    "too_long": 1,
    "ratio": 1,
    "duplicate": 1,
    "characters": 1,
}


def test_lists():
    assert datasets.clean(PAIRS, **OPTIONS) == KEPT
    assert datasets.clean(PAIRS, report=True, **OPTIONS) == (KEPT, COUNTS)
    assert len(PAIRS) == 8


def test_bytes_and_lists_as_pairs_stay_as_they_are():
    pairs = [[source.encode(), target.encode()] for source, target in PAIRS]
    assert datasets.clean(pairs, **OPTIONS) == [pairs[0], pairs[7]]


def test_generators_stay_lazy():
    read = []

    def stream():
        for pair in PAIRS:
            read.append(pair)
            yield pair

    kept, counts = datasets.clean(stream(), report=True, **OPTIONS)
    assert next(kept) == KEPT[0] and len(read) == 1 and counts["seen"] == 1
    assert list(kept) == KEPT[1:]
    assert counts == COUNTS


def test_parallel_lists():
    data = [source for source, _ in PAIRS], [target for _, target in PAIRS]
    kept = datasets.clean(data, **OPTIONS)
    assert kept == ([source for source, _ in KEPT], [target for _, target in KEPT])
    with pytest.raises(ValueError, match="lengths 1 and 2"):
        datasets.clean((["a"], ["b", "c"]))


def test_tf_data():
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices(tuple(map(list, zip(*PAIRS, strict=True))))
    kept, counts = datasets.clean(data, report=True, **OPTIONS)
    assert isinstance(kept, tf.data.Dataset) and kept.element_spec == data.element_spec
    decoded = [(a.decode(), b.decode()) for a, b in kept.as_numpy_iterator()]
    assert decoded == KEPT and counts == COUNTS
    assert int(kept.cardinality()) == 2
    assert list(datasets.clean(data, min_length=99).as_numpy_iterator()) == []
    with pytest.raises(ValueError, match="must be finite"):
        datasets.clean(data.repeat())


def test_the_counts_are_logged(caplog):
    with caplog.at_level(logging.INFO, logger="zoo.datasets"):
        datasets.clean(PAIRS, **OPTIONS)
    assert "Kept 2 of 8 pairs" in caplog.text and "'too_short': 2" in caplog.text


def test_lengths_of_either_side_count():
    pairs = [("a b", "c"), ("a", "b c"), ("a b", "c d")]
    assert datasets.clean(pairs, min_length=2) == pairs[2:]
    assert datasets.clean(pairs, max_length=1, min_length=1) == []
    assert datasets.clean(pairs, max_ratio=1.5) == pairs[2:]
    assert datasets.clean(pairs, max_ratio=2) == pairs


def test_lengths_in_characters():
    pairs = [("金メダル", "gold medal"), ("金", "gold")]
    assert datasets.clean(pairs, unit="character", max_ratio=3) == pairs[:1]
    assert datasets.clean(pairs, unit="character", min_length=2) == pairs[:1]


def test_empty_texts_can_be_kept():
    pairs = [("", ""), ("", "a")]
    assert datasets.clean(pairs, min_length=0) == pairs
    assert datasets.clean(pairs, min_length=0, max_ratio=9) == pairs[:1]


def test_duplicates():
    pairs = [("a b", "c"), ("a  b", "c "), ("a b", "d"), ("c", "a b")]
    assert datasets.clean(pairs) == [pairs[0], *pairs[2:]]
    assert datasets.clean(pairs, deduplicate=False) == pairs


@pytest.mark.parametrize(
    "characters",
    ["a-c-", "^x", {"a", "b", "c", "-"}, ["a", "b", "c", "-"], re.compile(r"[abc\s-]+")],
)
def test_characters(characters):
    pairs = [("a b-c", "c"), ("ax", "c"), ("c", "x")]
    assert datasets.clean(pairs, characters=characters) == pairs[:1]


def test_brackets_in_a_collection_are_themselves():
    pairs = [("[a]^", "a\\"), ("b", "a")]
    assert datasets.clean(pairs, characters=set("[a]^\\")) == pairs[:1]


def test_targets_may_have_characters_of_their_own():
    pairs = [("yes", "да"), ("да", "yes")]
    assert datasets.clean(pairs, characters="a-z", target_characters="а-я") == pairs[:1]


texts = st.text(alphabet="ab ", max_size=8)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(texts, texts)), st.integers(0, 3), st.integers(3, 5))
def test_what_is_kept_is_a_subsequence_that_passes_again(pairs, least, most):
    kept, counts = datasets.clean(pairs, least, most, max_ratio=2, report=True)
    rest = iter(pairs)
    assert all(pair in rest for pair in kept)
    assert datasets.clean(kept, least, most, max_ratio=2) == kept
    assert counts["seen"] == len(pairs) == sum(counts.values()) - counts["seen"]
    for source, target in kept:
        assert least <= min(len(source.split()), len(target.split()))
        assert most >= max(len(source.split()), len(target.split()))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"min_length": -1}, "`min_length` must be a non-negative integer"),
        ({"min_length": 1.5}, "`min_length` must be a non-negative integer"),
        ({"max_length": 0}, "`max_length` must be None or an integer of at least `min_length`"),
        ({"max_ratio": 0.5}, "`max_ratio` must be None or at least 1. Received: max_ratio=0.5"),
        ({"max_ratio": float("nan")}, "`max_ratio` must be None or at least 1"),
        ({"unit": "byte"}, "`unit` must be 'word' or 'character'"),
        ({"characters": "z-a"}, "`characters` must be as between the brackets"),
        ({"target_characters": "z-a"}, "`target_characters` must be as between the brackets"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        datasets.clean(PAIRS, **arguments)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("text", "`data` must be pairs: .*type str"),
        (3, "`data` must be pairs: .*type int"),
        ({"a": "b"}, "`data` must be pairs: .*type dict"),
        ([("a", "b"), "ab"], r"Element 1 of `data` is not an \(input, target\) pair"),
        ([("a", "b", "c")], "Element 0 of `data` is not an"),
        ([("a", 3)], "Element 0 of `data` must be a pair of texts. Received: int"),
        ([("a", b"\xff")], "Element 0 of `data` is not UTF-8"),
    ],
)
def test_bad_data(data, message):
    with pytest.raises(ValueError, match=message):
        datasets.clean(data)
