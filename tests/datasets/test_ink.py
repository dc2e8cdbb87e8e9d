"""Datasets of ink: the published folders, made up and small, and the stroke fonts."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from zoo import datasets
from zoo.datasets.hershey_ink import split_of

WORD = (
    '<traceGroup><annotationXML type="Ground truth"><type>Word</type><label>{}</label>'
    "</annotationXML><trace>{}</trace></traceGroup>"
)
SENTENCE = (
    '<ink><definitions><inkSource><traceFormat><channel name="X"/><channel name="Y"/>'
    '</traceFormat></inkSource></definitions><traceGroup><annotationXML type="Ground truth">'
    "<type>Sentence</type><label>{}</label></annotationXML>{}</traceGroup></ink>"
)
needs_data = pytest.mark.skipif("ZOO_DATA_DIR" not in os.environ, reason="no real data")


@pytest.fixture
def imadocsen(tmp_path: Path) -> Path:
    folder = tmp_path / "imadocsen_ondb"
    for session in ("writer3", "writer1d", "writer33"):
        (folder / "data" / "words" / session).mkdir(parents=True)
        for number in (1, 2):
            words = WORD.format(f"so{number}", "0 0, 4 5") + WORD.format(session, "9 0, 9 5, 8 7")
            text = SENTENCE.format(f"so{number} {session}", words)
            path = folder / "data" / "words" / session / f"sentence{number}.inkml"
            path.write_text(text, encoding="utf-8")
    task = "intro\n\n## training set ##\n\nwriter3\n\n## test set ##\n\nwriter1d\n"
    (folder / "task1.txt").write_text(task, encoding="utf-8")
    return tmp_path


def test_imadocsen_as_published(imadocsen: Path) -> None:
    sessions = {"train": "writer3", "test": "writer1d", "validation": "writer33"}
    for split, session in sessions.items():
        pairs = datasets.ImadocSenOnDB("words", imadocsen).pairs(split)
        assert [text for _, text in pairs] == ["so1", session, "so2", session]
        assert pairs[1][0].tolist() == [[9, 0, 0], [9, 5, 0], [8, 7, 1]]
        whole = datasets.ImadocSenOnDB("sentences", imadocsen).pairs(split)
        assert [text for _, text in whole] == [f"so1 {session}", f"so2 {session}"]
        assert whole[0][0].tolist() == [[0, 0, 0], [4, 5, 1], [9, 0, 0], [9, 5, 0], [8, 7, 1]]


def test_imadocsen_as_arrays(imadocsen: Path) -> None:
    expected = datasets.ImadocSenOnDB("words", imadocsen).pairs("train")
    points = np.concatenate([ink for ink, _ in expected])
    offsets = np.cumsum([0, *(len(ink) for ink, _ in expected)])
    np.savez(
        imadocsen / "imadocsen_ondb" / "words.npz",
        xy=points[:, :2].astype("int16"),
        pen_up=points[:, 2].astype("uint8"),
        offsets=offsets,
        label=np.array([text for _, text in expected]),
        writer=np.array(["writer3"] * len(expected)),
        train_writers=np.array(["writer3"]),
        test_writers=np.array(["writer1d"]),
    )
    found = datasets.ImadocSenOnDB("words", imadocsen).pairs("train")
    for (ink, text), (other, same) in zip(found, expected, strict=True):
        assert text == same and ink.dtype == "float32"
        np.testing.assert_array_equal(ink, other)
    # One writer's own words, through TensorFlow.
    loaded = datasets.load("imadocsen_ondb/writer3", "train[:2]", imadocsen)
    assert int(loaded.cardinality()) == 2
    assert [text for _, text in loaded.as_numpy_iterator()] == [b"so1", b"writer3"]


def test_imadocsen_that_is_damaged(imadocsen: Path) -> None:
    path = imadocsen / "imadocsen_ondb" / "words.npz"
    path.write_bytes(b"PK nonsense")
    with pytest.raises(ValueError, match=r"words\.npz is damaged"):
        datasets.load("imadocsen_ondb", "train", imadocsen)
    path.unlink()
    (imadocsen / "imadocsen_ondb" / "task1.txt").write_text("nothing", encoding="utf-8")
    with pytest.raises(ValueError, match=r"task1\.txt names no writers"):
        datasets.load("imadocsen_ondb", "train", imadocsen)
    with pytest.raises(FileNotFoundError, match=r"lacks sentences\.npz|lacks task1\.txt"):
        (imadocsen / "imadocsen_ondb" / "task1.txt").unlink()
        datasets.load("imadocsen_ondb/sentences", "train", imadocsen)
    with pytest.raises(ValueError, match="has words, sentences, and sessions such as"):
        datasets.load("imadocsen_ondb/nobody", "train", imadocsen)


@needs_data
def test_imadocsen_as_it_is() -> None:
    sizes = {"train": 8446, "validation": 1291, "test": 6686}
    found = {split: datasets.ImadocSenOnDB("words").pairs(split) for split in sizes}
    assert {split: len(pairs) for split, pairs in found.items()} == sizes
    ink, text = found["train"][0]
    assert ink[-1, 2] == 1 and text
    assert len(datasets.ImadocSenOnDB("writer1d").pairs("train")) == 100


def iam(folder: Path) -> Path:
    points = '<Stroke><Point x="{}" y="2" time="1.5"/><Point x="7" y="3" time="2"/></Stroke>'
    for form, lines in (("a01-000u", 2), ("a01-000x", 1), ("b02-013z", 1)):
        place = Path(form[:3]) / form[:7]
        (folder / "lineStrokes" / place).mkdir(parents=True, exist_ok=True)
        (folder / "ascii" / place).mkdir(parents=True, exist_ok=True)
        for line in range(1, lines + 1):
            path = folder / "lineStrokes" / place / f"{form}-0{line}.xml"
            strokes = f"<StrokeSet>{points.format(line) * 2}</StrokeSet>"
            path.write_text(f"<WhiteboardCaptureSession>{strokes}</WhiteboardCaptureSession>")
        texts = "".join(f"{form} line {line}.\n" for line in range(1, lines + 1))
        (folder / "ascii" / place / f"{form}.txt").write_text(f"OCR:\n\nold\n\nCSR:\n\n{texts}")
    (folder / "task1").mkdir()
    (folder / "task1" / "trainset.txt").write_text("a01-000u\na01-000x\n")
    (folder / "task1" / "testset_v.txt").write_text("b02-013z\n")
    (folder / "task1" / "testset_f.txt").write_text("zzz\n")
    return folder


def test_iam(tmp_path: Path) -> None:
    folder = iam(tmp_path / "iam_ondb")
    found = list(datasets.load("iam_ondb", "train", tmp_path).as_numpy_iterator())
    texts = [text.decode() for _, text in found]
    assert texts == ["a01-000u line 1.", "a01-000u line 2.", "a01-000x line 1."]
    assert found[1][0].tolist() == [[2, 2, 0], [7, 3, 1], [2, 2, 0], [7, 3, 1]]
    assert len(datasets.load("iam_ondb", "validation", folder)) == 1
    with pytest.raises(ValueError, match="must name forms such as a01-000u. It has 'zzz'"):
        datasets.load("iam_ondb", "test", folder)
    with pytest.raises(FileNotFoundError, match=r"lacks testset_t\.txt"):
        datasets.load("iam_ondb", "validation2", folder)
    extra = folder / "lineStrokes" / "b02" / "b02-013" / "b02-013z-02.xml"
    extra.write_text("<StrokeSet/>")
    with pytest.raises(ValueError, match="is line 2 of a text of 1 lines"):
        datasets.load("iam_ondb", "validation", folder)


@pytest.mark.parametrize("config", datasets.HersheyInk.configs())
def test_stroke_fonts(config: str) -> None:
    pairs = datasets.HersheyInk(config).pairs("test")
    assert len(pairs) == 500
    again = datasets.HersheyInk(config).pairs("test")
    for (ink, text), (other, same) in zip(pairs, again, strict=True):
        np.testing.assert_array_equal(ink, other)
        assert text == same and split_of(text) == "test"
        assert ink.dtype == "float32" and np.isfinite(ink).all() and ink[-1, 2] == 1
    assert all(text.isdigit() for _, text in pairs) == (config == "digits")
    words = {text.lower() for _, text in datasets.HersheyInk(config).pairs("validation")}
    assert not words & {text.lower() for _, text in pairs}


def test_letters_stand_upright_and_in_order() -> None:
    """In "il", the dot is above the strokes, and l is right of i and higher."""
    from zoo.applications._ink import unpack
    from zoo.datasets.hershey_ink import write

    for seed in range(8):
        strokes = unpack(write("il", np.random.default_rng(seed)).astype("float64"))
        last = strokes[-1]
        assert last[:, 0].mean() > strokes[0][:, 0].mean()
        assert np.ptp(last[:, 1]) > np.ptp(strokes[0][:, 1]) or len(strokes) == 1
