"""Mistakes counted and drawn."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_rgb

from tests.applications.scribbles import pairs, tiny, write
from zoo import metrics, training
from zoo.applications import HandwritingRecognizer, Translator
from zoo.applications._confusions import Confusion, Confusions
from zoo.applications._review import Review
from zoo.applications._review_plots import _COLOURS
from zoo.cli import main


@pytest.fixture(scope="module")
def recognizer() -> HandwritingRecognizer:
    return tiny(units=4, depth=1)


def test_confusions_by_hand() -> None:
    read, written = ["cat", "", "a b"], ["cut", "u", "ab"]
    confusions = Confusions(read, written)
    assert confusions.rows == [
        Confusion("u", "", 1, 1 / 2),
        Confusion("u", "a", 1, 1 / 2),
        Confusion("", " ", 1, 1 / 6),
    ]
    assert "u        ∅     1      50.0 %" in str(confusions) and "∅        ␣" in str(confusions)
    edits = sum(row.times for row in confusions.rows)
    assert metrics.cer(read, written) == edits / sum(confusions.characters.values())
    figure = confusions.plot()
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["␣", "a", "u", "∅"] and len(figure.axes[0].texts) == 3
    assert not Confusions(["a"], ["a"]).rows and Confusions(["a"], ["a"]).plot().axes
    pyplot.close("all")


def test_a_review(recognizer: HandwritingRecognizer, tmp_path: Path) -> None:
    items, written = [write("lo"), write("z"), [], write("vv")], ["lo", "z", "o", "vv"]
    review = Review(recognizer, items, ["lo", "zz", "", "vl$"], written)
    assert review.order == [1, 2, 3, 0] and review.errors == [0, 1, 1, 1]
    figure = review.plot_worst(9)
    titles = [(ax.get_title("left"), ax.get_title("right")) for ax in figure.axes[:3]]
    assert titles == [("z", "zz"), ("o", "∅"), ("vv", "vl$")]
    assert len(review.plot_worst(1).axes) == 1
    for path in review.write(tmp_path / "new" / "report"):
        assert path.stat().st_size > 30
    with open(tmp_path / "new" / "report" / "items.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[1] == ["1", "z", "zz", "1.0000"] and len(rows) == 5
    assert Review(recognizer, items[:1], ["lo"], ["lo"]).plot_worst().axes
    pyplot.close("all")


def test_what_a_recogniser_reads_is_reviewed(
    recognizer: HandwritingRecognizer, tmp_path: Path
) -> None:
    data = pairs(5)
    review = recognizer.review(data)
    assert review.scores == recognizer.score(data)
    assert review.read == recognizer.recognize([ink for ink, _ in data])
    assert recognizer.confusions(data).rows == review.confusions.rows
    assert recognizer.plot_worst(data, count=2).axes
    assert training.evaluate(recognizer, data, report=tmp_path / "x") == review.scores
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == [
        *("confusions.csv", "confusions.png", "items.csv", "worst.png")
    ]
    with pytest.raises(ValueError, match="`n_best` must be left out"):
        recognizer.review(data, n_best=2)
    with pytest.raises(ValueError, match="`count` must be a positive integer"):
        review.plot_worst(0)
    with pytest.raises(ValueError, match="`report` needs an application with a `review`"):
        training.evaluate(Translator(units=4), [("a", "b")], report=tmp_path / "y")
    pyplot.close("all")


def test_the_command_line_writes_a_report(
    recognizer: HandwritingRecognizer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recognizer.save_to_preset(tmp_path / "hand")
    report = tmp_path / "report"
    arguments = [str(tmp_path / "hand"), "--data", "hershey_ink/lower:test[:4]", "--json"]
    assert main(["evaluate", *arguments, "--report", str(report)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["report"] == str(report) and set(found["metrics"]) == {"cer", "wer"}
    assert (report / "worst.png").is_file()


@pytest.mark.parametrize("features", ["points", "curves"])
def test_alignment_is_drawn(recognizer: HandwritingRecognizer, features: str) -> None:
    """Every piece of ink is drawn once, and has its letter's colour."""
    if features == "curves":
        recognizer = tiny(units=4, depth=1, features="curves", reduction=1)
    ink = [*write("loz"), np.array([[500, 20]])]
    figure = recognizer.plot_alignment(ink, "loz")
    top, below = figure.axes
    assert [text.get_text() for text in top.texts] == list("loz")
    lines, dots = top.collections
    points = recognizer.points(ink)
    strokes = int(points[:, 2].sum())
    if features == "points":
        assert len(lines.get_segments()) == len(points) - strokes
    assert len(dots.get_offsets()) == 1
    stretches = recognizer.align(ink, "loz")
    wide = sum(width > 2 for width in lines.get_linewidths())
    assert 0 < wide <= sum(end - start for _, start, end in stretches)
    used = {tuple(np.round(colour[:3], 3)) for colour in lines.get_colors()}
    assert used <= {tuple(np.round(to_rgb(colour), 3)) for colour in _COLOURS[:3]}
    assert recognizer.plot_alignment([]).axes and recognizer.plot_alignment(ink).axes
    with pytest.raises(ValueError, match="The alphabet lacks the character 'q'"):
        recognizer.plot_alignment(ink, "q")
    pyplot.close("all")
