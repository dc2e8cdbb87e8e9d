"""Ink in all its forms becomes the same points; what cannot be ink is refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.applications._ink import as_ink, is_one_ink, pack, unpack
from zoo.applications._ink_features import normalise, point_features, resample
from zoo.applications._ink_reading import read_archive, read_ink, read_inkml
from zoo.applications._ink_variation import vary

STROKES = [np.array([[0, 0], [3, 10], [6, 0]]), np.array([[8, 2]]), np.array([[9, 0], [9, 10]])]
PACKED = np.array(
    [[0, 0, 0], [3, 10, 0], [6, 0, 1], [8, 2, 1], [9, 0, 0], [9, 10, 1]], dtype="float64"
)
BOMB = '<!DOCTYPE ink [<!ENTITY a "0 0, "><!ENTITY b "&a;&a;&a;&a;">]><ink><trace>&b;</trace></ink>'


def test_forms_of_ink(tmp_path: Path) -> None:
    canvas = [[stroke[:, 0].tolist(), stroke[:, 1].tolist()] for stroke in STROKES]
    timed = [[*lists, [0.5] * len(lists[0])] for lists in canvas]
    inkml = tmp_path / "ink.inkml"
    traces = "".join(
        f"<trace>{', '.join(f'{x} {y} 7' for x, y in stroke)}</trace>" for stroke in STROKES
    )
    channels = (
        '<traceFormat><channel name="X"/><channel name="Y"/><channel name="F"/></traceFormat>'
    )
    inkml.write_text(f'<ink xmlns="http://www.w3.org/2003/InkML">{channels}{traces}</ink>')
    listed = tmp_path / "ink.json"
    listed.write_text(json.dumps(timed))
    rows = [np.concatenate([stroke, stroke[:, :1]], axis=1) for stroke in STROKES]
    for form in (
        STROKES,
        canvas,
        timed,
        rows,
        PACKED,
        inkml,
        str(inkml),
        listed,
        json.dumps(canvas),
    ):
        np.testing.assert_array_equal(as_ink(form), PACKED)
    for form, same in zip(unpack(PACKED), STROKES, strict=True):
        np.testing.assert_array_equal(form, same)


def test_npz_files(tmp_path: Path) -> None:
    one, words = tmp_path / "one.npz", tmp_path / "words.npz"
    np.savez(one, PACKED)
    arrays = {"xy": PACKED[:, :2], "pen_up": PACKED[:, 2], "offsets": [0, 4, 4, 6]}
    np.savez(words, **arrays, label=["so", "", "l"])
    np.testing.assert_array_equal(as_ink(one), PACKED)
    for ink, expected in zip(read_archive(words), np.split(PACKED, [4, 4]), strict=True):
        np.testing.assert_array_equal(ink, expected)
    for wrong, message in (
        ({"a": PACKED, "b": PACKED}, "must hold one array \\(points, 3\\).*It holds a, b"),
        ({**arrays, "offsets": [0, 7]}, "`offsets` that rise from 0 to the number of points"),
        ({**arrays, "pen_up": [0, 1]}, r"It holds shapes \(6, 2\), \(2,\), \(4,\)"),
        ({"a": PACKED[:, :2]}, "must have the shape"),
        ({**arrays, "pen_up": np.full(6, 3)}, "third column of ink 0 of"),
        ({"a": np.array([{}])}, "one.npz is no npz file of plain arrays"),
    ):
        np.savez(one, **wrong)
        with pytest.raises(ValueError, match=message):
            as_ink(one)
    for content in (b"", b"PK no archive", words.read_bytes()[:-60]):
        one.write_bytes(content)
        with pytest.raises(ValueError, match="one.npz"):
            as_ink(one)
    with pytest.raises(ValueError, match="words.npz holds 3 inks, where one is needed"):
        as_ink(str(words))


def test_one_ink_or_several() -> None:
    canvas = [[[0, 1], [0, 1]]]
    assert all(map(is_one_ink, (canvas, PACKED, STROKES, "x.inkml", Path("x"))))
    assert not any(map(is_one_ink, ([canvas], [PACKED], [STROKES], [], ["x.inkml"])))


def test_inkml_with_differences_and_a_label(tmp_path: Path) -> None:
    path = tmp_path / "ink.inkml"
    path.write_text(
        '<ink><traceGroup><annotationXML type="Ground truth"><label>so  it</label></annotationXML>'
        "<trace>10 20, '1'-2, 1 -2, \"1\"0, 0 0</trace></traceGroup></ink>"
    )
    ink, label = read_inkml(path)
    assert label == "so it"
    # Differences of 1, 1, then differences that grow by 1 and 0.
    assert ink[:, 0].tolist() == [10, 11, 12, 14, 16]
    assert ink[:, 1].tolist() == [20, 18, 16, 14, 12]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "declares entities"),
        ("<ink><trace>0 0</trace>", "is not well-formed XML"),
        ("", r"is not well-formed XML \(.*\); ink is read from InkML, npz and JSON files"),
        ("<svg/>", "is no InkML: its root is 'svg'"),
        (
            "<ink><trace>0 0, 5</trace></ink>",
            "trace 0: point 1 must have a number for each",
        ),
        ("<ink><trace>0 0, a b</trace></ink>", "trace 0: point 1 must hold numbers"),
        ("<ink><traceFormat><channel name='F'/></traceFormat></ink>", "has no channels X and Y"),
        ("<ink><trace>0 nan</trace></ink>", "must be finite. Received: y=nan at point 0"),
    ],
)
def test_damaged_inkml(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "ink.inkml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        as_ink(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ([np.array([[0, np.nan]])], "ink 3 must be finite. Received: y=nan at point 0"),
        ([np.array([[0, np.inf]])], "must be finite"),
        ([np.array([[0, 1e12]])], "between -1e9 and 1e9"),
        ([[[1, 2], [1]]], "The lists of stroke 0 of ink 3 must be equally long. Received: 2 and 1"),
        ([[["a"], [1]]], "must hold numbers"),
        ([np.zeros((2, 5))], r"Received: shape \(2, 5\)"),
        (np.zeros((2, 2)), r"must have the shape \(points, 3\)"),
        (np.full((2, 3), 0.5), "third column of ink 3 must be 1 at the last point"),
        (7, "must be a list of strokes.*Received: int"),
        ([7], "Received as stroke 0: 7"),
        ("no such file", "no such file cannot be read as ink: No such file"),
        ("[1, 2", "The text is not JSON"),
    ],
)
def test_what_is_no_ink(item: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        as_ink(item, "ink 3")
    assert "\n" not in str(caught.value)


def test_normalising_undoes_size_place_and_slant() -> None:
    generator = np.random.default_rng(0)
    strokes = [np.cumsum(generator.normal(0, 5, (40, 2)), axis=0) + [30 * n, 0] for n in range(3)]
    ink = pack(strokes)
    expected = normalise(ink)
    moved = ink.copy()
    moved[:, :2] = ink[:, :2] * 37.5 + [1000, -400]
    np.testing.assert_allclose(normalise(moved), expected, atol=1e-9)
    upright = pack([np.array([[0, 0], [0, 10], [5, 0], [5, 10], [10, 0], [10, 10.0]])])
    leaning = upright.copy()
    leaning[:, 0] -= 0.3 * leaning[:, 1]
    np.testing.assert_allclose(normalise(leaning)[:, 1], normalise(upright)[:, 1], atol=1e-9)
    downs = np.diff(normalise(leaning)[:, 0])[::2]
    np.testing.assert_allclose(downs, 0, atol=1e-9)
    # A mouse gives fewer points of the same lines.
    dense = pack(resample(pack([stroke]), 0.3)[:, :2] for stroke in strokes)
    np.testing.assert_allclose(
        np.ptp(normalise(dense), axis=0), np.ptp(expected, axis=0), rtol=0.05
    )


@pytest.mark.parametrize("strokes", [[], [[[4, 4]]], [[[4, 4], [4, 4]]], [[[0, 3], [9, 3]]]])
def test_ink_without_a_size(strokes: list[Any]) -> None:
    ink = normalise(pack(map(np.array, strokes)))
    features = point_features(resample(ink, 0.2), 0.2)
    assert np.isfinite(features).all() and len(features) <= 501
    assert bool(len(features)) == bool(strokes)


def test_few_points_make_the_same_line() -> None:
    """A bar of two points is as high as one of a hundred."""
    for bar in ([[0, 0.0], [0, 10]], [[0, 0.0], [1, 10], [2, 0]]):
        few = pack([np.array(bar)])
        many = resample(few, 0.1)
        assert np.ptp(normalise(few)[:, 1]) == pytest.approx(
            np.ptp(normalise(many)[:, 1]), rel=0.02
        )


def test_a_stroke_of_many_points() -> None:
    angle = np.linspace(0, 40, 100_000)
    ink = pack([np.stack([3 * angle + 10 * np.sin(angle), 10 * np.cos(angle)], axis=1)])
    assert len(resample(normalise(ink), 0.2)) < 1000


def test_resampled_points_lie_at_equal_distances() -> None:
    ink = pack([np.cumsum(np.random.default_rng(1).normal(0, 1, (50, 2)), axis=0), [[5.0, 5.0]]])
    points = resample(ink, 0.01)
    first = points[points[:, 2].cumsum() - points[:, 2] == 0]
    distances = np.hypot(*np.diff(first[:, :2], axis=0).T)
    assert distances.max() <= 0.01 + 1e-9 and np.median(distances) > 0.0099
    np.testing.assert_allclose(first[[0, -1], :2], ink[[0, 49], :2])
    assert points[:, 2].sum() == 2


def test_features_by_hand() -> None:
    points = pack([np.array([[0, 1.0], [2, 1], [2, 3]]), np.array([[5, 7.0]])])
    features = point_features(points, 2.0)
    jump = np.arcsinh([3.0, 4.0])
    expected = [
        [0, 0, 0, 0, 0, 0, 1, 1, 0],
        [1, 0, 0, 0, 0, 0, 1, 0, 0],
        [0, 1, 0, 1, 0, 0, 3, 0, 1],  # a right angle
        [0, 0, 0, 0, *jump, 7, 1, 1],
    ]
    np.testing.assert_allclose(features, expected, atol=1e-6)


def test_features_know_nothing_of_what_follows() -> None:
    points = resample(pack([np.random.default_rng(2).normal(0, 2, (9, 2)) for _ in range(3)]), 0.5)
    whole = point_features(points, 0.5)
    for cut in range(1, len(points)):
        np.testing.assert_array_equal(point_features(points[:cut], 0.5), whole[:cut])


def test_variation_follows_from_the_generator() -> None:
    ink = normalise(pack([np.random.default_rng(n).normal(0, 5, (30, 2)) for n in range(3)]))
    one, same, other = (vary(ink, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert one.shape != other.shape or np.abs(one - other).max() > 0.01
    assert one[:, 2].sum() == ink[:, 2].sum()
    np.testing.assert_array_equal(vary(ink, np.random.default_rng(1), 0.0), ink)
    sizes = [
        np.ptp(vary(ink, np.random.default_rng(seed))[:, 1]) / np.ptp(ink[:, 1])
        for seed in range(60)
    ]
    assert 0.4 < min(sizes) < 0.9 and 1.1 < max(sizes) < 1.8


def test_reading_follows_no_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("1 1")
    path = tmp_path / "ink.inkml"
    path.write_text(
        f'<!DOCTYPE ink [<!ENTITY x SYSTEM "file://{secret}">]><ink><trace>&x;</trace></ink>'
    )
    with pytest.raises(ValueError, match="declares entities or refers to other files"):
        read_ink(path)
