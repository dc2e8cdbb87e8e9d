"""The benchmarks of handwriting compare the same networks, and warp time as the equation says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import (
    _handwriting,
    handwriting,
    handwriting_baseline,
    handwriting_mouse,
    handwriting_writers,
)
from benchmarks._dtw import distances
from tests.applications.scribbles import pairs, tiny, write
from zoo.applications._ink import pack
from zoo.applications._ink_features import letter_height, resample


def by_hand(query: np.ndarray, template: np.ndarray, band: int) -> float:
    count = len(query)
    least = np.full((count + 1, count + 1), np.inf)
    least[0, 0] = 0
    for i in range(count):
        for j in range(count):
            if abs(i - j) <= band:
                before = min(least[i, j + 1], least[i + 1, j], least[i, j])
                least[i + 1, j + 1] = ((query[i] - template[j]) ** 2).sum() + before
    return float(least[count, count])


@pytest.mark.parametrize(("length", "band"), [(7, 2), (6, 3), (5, 9), (8, 0), (1, 1)])
def test_warping(length: int, band: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks._dtw._AT_ONCE", 4)
    generator = np.random.default_rng(length)
    query, templates = generator.normal(size=(length, 3)), generator.normal(size=(11, length, 3))
    expected = [by_hand(query, template, band) for template in templates]
    np.testing.assert_allclose(distances(query, templates, band), expected, rtol=1e-9)


def test_the_same_word_is_nearest() -> None:
    known = np.stack([handwriting_baseline.shape(pack(write(word))) for word in ("lo", "zv", "oo")])
    again = handwriting_baseline.shape(pack(write("zv", size=3.0, seed=4)))
    assert distances(again, known, 8).argmin() == 1
    assert np.isfinite(handwriting_baseline.shape(np.array([[1, 1, 1]]))).all()


def test_the_baseline_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert handwriting_baseline.main(["--quick", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["words"] == 20 and found["templates"] == 200 and found["quick"]
    assert 0 < found["metrics"]["cer"] < 1.5 and found["out_of_vocabulary"] > 0.5
    assert handwriting_baseline.main(["--words", "0"]) == 2
    assert handwriting_baseline.main(["--data", "no_such"]) == 2
    assert "`--words` must be a positive integer" in capsys.readouterr().err


def test_both_networks_are_the_same() -> None:
    ours, peer = _handwriting.ready(_handwriting.NETWORKS[0].shrunk())
    assert ours.points == peer.points > 0 and len(ours.inks) == 4
    for phase in _handwriting.PHASES:
        first, second = ours.function(phase)(), peer.function(phase)()
        if phase == "training":
            np.testing.assert_allclose(np.ravel(first)[0], np.ravel(second)[0], rtol=1e-5)


def test_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    network = _handwriting.NETWORKS[0]
    work = _handwriting.Work(*[None] * 4, points=640)  # type: ignore[arg-type]
    times = np.array([np.full((3, 2), 0.5), np.full((3, 2), 2.0)])
    monkeypatch.setattr(_handwriting, "ready", lambda *_: [work, work])
    monkeypatch.setattr("benchmarks._timing.seconds", lambda *_: times)
    (row,) = handwriting.compare(network, ["training"], rounds=3, calls=2)
    assert (row.ours_words, row.peer_words, row.ours_points) == (64, 16, 1280)
    assert row.ratio == 4
    found = {
        "rows": [row],
        "networks": [network],
        "preset": "x",
        "decoding": [("greedy", 9.0, 1e4)],
    }
    text = "\n".join(table.text() for table in handwriting.tables(found))
    assert "3 x 160, both directions, batch 32" in text and "1,280" in text and "10,000" in text


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A preset, and data of two writers who write the same words."""
    data = pairs(12)
    points = np.concatenate([pack(ink) for ink, _ in data] * 2)
    lengths = [len(pack(ink)) for ink, _ in data] * 2
    np.savez(
        tmp_path / "words.npz",
        xy=points[:, :2],
        pen_up=points[:, 2],
        offsets=np.cumsum([0, *lengths]),
        label=[text for _, text in data] * 2,
        writer=["writer1d"] * 12 + ["writer2c"] * 12,
        train_writers=[],
        test_writers=["writer1d", "writer2c"],
    )
    monkeypatch.setattr(
        "zoo.datasets.imadocsen_ondb.ImadocSenOnDB.pairs",
        lambda self, split: [(pack(ink), text) for ink, text in data][
            :: 1 if split == "train" else -1
        ],
    )
    preset = tmp_path / "preset"
    tiny(units=4, depth=1).save_to_preset(preset)
    return ["--preset", str(preset), "--data-dir", str(tmp_path), "--json", "-"]


def test_writers(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Two writers, each from the preset as it was."""
    options += ["--epochs", "1"]
    assert handwriting_writers.main(options) == 0
    found = json.loads(capsys.readouterr().out)
    first, second = found["rows"]
    assert [first["session"], second["session"]] == ["writer1d", "writer2c"]
    assert first["before"] == second["before"] and first["after"] == second["after"]
    assert found["all"]["words"] == 24
    assert found["all"]["before"]["cer"] == pytest.approx(first["before"]["cer"])
    assert handwriting_writers.main([*options, "--sessions", "writer3"]) == 2
    assert "`--sessions` must be of test: writer1d, writer2c" in capsys.readouterr().err
    assert handwriting_writers.main([*options, "--epochs", "0"]) == 2


def test_mice_draw_the_same(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    ink = resample(pack(write("zv", size=370.0)), 10.0)
    drawn = handwriting_mouse.by_mouse(ink, 40, 3)
    assert len(drawn) < len(ink) / 2 and drawn[:, 2].sum() == ink[:, 2].sum()
    np.testing.assert_array_equal(drawn, np.round(drawn))
    assert letter_height(drawn) == pytest.approx(40, rel=0.1)
    ink = pack([np.linspace([50 * n, 0], [50 * n, 100], 20) for n in range(4)])
    drawn = handwriting_mouse.by_mouse(ink, 40, 9)
    scale = np.ptp(drawn[:, :2], axis=0) / np.ptp(ink[:, :2], axis=0)
    for behind in (0, 1):  # the ends of strokes, and where they begin
        before, after = (np.roll(points[:, 2] > 0, behind) for points in (ink, drawn))
        np.testing.assert_allclose(drawn[after, :2], ink[before, :2] * scale, atol=2)
    assert handwriting_mouse.main(options) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["words"] == 12
    assert [row["height"] for row in found["rows"]] == [None, 60, 30, 15, 8]
    points = [row["points"] for row in found["rows"]]
    assert points == sorted(points, reverse=True) and points[-1] < points[0]
    assert handwriting_mouse.main([*options, "--preset", "no_such"]) == 2
