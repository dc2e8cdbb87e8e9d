"""What a search reports: what matters, and a page that holds everything."""

import math
import random
from pathlib import Path

import pytest

from zoo._tuning_report import Trial, importance, write_report


def make_trials(number: int = 24) -> list[Trial]:
    draw = random.Random(0)
    trials = []
    for index in range(number):
        rate, cell = 10 ** draw.uniform(-4, -1), draw.choice(["lstm", "gru"])
        values = {
            "training.learning_rate": rate,
            "config.recurrent": cell,
            "config.depth": draw.choice([1, 2]),
            "config.attention": draw.choice(["dot", None]),
        }
        if cell == "lstm":
            values["cell.gate_biases.forget"] = draw.uniform(-1, 3)
        done = index % 6 != 5
        trials.append(
            Trial(
                index,
                "completed" if done else "failed",
                abs(math.log10(rate) + 2) + 0.01 * draw.random() if done else None,
                values,
                seconds=1.0,
                memory_mb=100.0 + index,
                search_memory_mb=50.0,
                error="" if done else "ValueError: <no>",
            )
        )
    return trials


def test_what_matters_is_found() -> None:
    shares = importance(make_trials())
    assert next(iter(shares)) == "training.learning_rate" and shares["training.learning_rate"] > 0.7
    assert math.isclose(sum(shares.values()), 1)
    assert importance(make_trials(2)) == {}


def test_the_page_holds_everything(tmp_path: Path) -> None:
    page = write_report(tmp_path / "report", "A <search>", "val_cer", True, make_trials())
    text = page.read_text(encoding="utf-8")
    names = ["importance", "memory", "objective", "parallel", "sensitivity"]
    assert sorted(path.stem for path in page.parent.glob("*.png")) == names
    assert text.count("data:image/png;base64,") == 5 and 'src="http' not in text
    assert "A &lt;search&gt;" in text and "ValueError: &lt;no&gt;" in text
    assert text.count("<tr") == 25 and text.count('class="best"') == 1
    assert "24 trials, 4 of which failed; val_cer, lower is better." in text


@pytest.mark.parametrize("number", [1, 2])
def test_a_page_of_few_trials(number: int, tmp_path: Path) -> None:
    assert write_report(tmp_path / "r", "x", "val_bleu", False, make_trials(number)).exists()
