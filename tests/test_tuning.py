"""Searches: their spaces, what survives of them, and what they report. Nothing is trained here."""

import json
import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import pytest

from tests.tiny_preset import recipe
from zoo import _tuning_search, _tuning_trial, tuning
from zoo._tuning_report import read_trials
from zoo._tuning_space import applied, declare, takes_option
from zoo.applications import Application
from zoo.applications._registry import applications
from zoo.layers import list_cells, recurrent, register_cell
from zoo.training import Recipe, Training, load_recipe
from zoo.tuning import make_search, search_space, tune

RATES = {"training.learning_rate": {"min": 1e-4, "max": 1e-1, "sampling": "log"}}
SPACE = {
    **RATES,
    "config.units": {"min": 4, "max": 32, "step": 4},
    "config.attention": ["additive", None],
    "config.recurrent": ["lstm", "gru"],
    "cell.gate_biases.forget": {"min": -1.0, "max": 3.0},
}


def only(space: dict[str, Any]) -> dict[str, Any]:
    return {**dict.fromkeys(search_space(recipe())), **space}


def fake(folder: Path, verbose: int = 0) -> dict[str, Any]:
    """A trial that costs nothing: higher the nearer the rate is to 1e-2, for a GRU never."""
    tried = _tuning_trial.read_recipe(folder)
    result: dict[str, Any] = {"error": "ValueError: no GRU today"}
    if tried.config.get("recurrent") != "gru":
        rate = tried.training.learning_rate
        result = {"value": -abs(math.log10(rate) + 2), "epochs": tried.training.epochs}
        (folder / "preset").mkdir(exist_ok=True)
        (folder / "preset" / "rate.txt").write_text(str(rate))
    _tuning_trial.write_atomically(folder / "result.json", result)
    return result


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tuning_search, "run_trial", fake)
    monkeypatch.setattr(_tuning_search, "_PAUSE", 0)


@pytest.fixture
def unreported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "write_report", lambda *arguments: None)


# Spaces.


@pytest.mark.parametrize(
    "name", ["Captioner", "HandwritingRecognizer", "LanguageModel", "Translator"]
)
def test_every_application_has_a_space_that_can_be_built(name: str) -> None:
    kind = applications.get(name)
    base = Recipe(data="x", application=name)
    space = search_space(base)
    assert {"config.recurrent", "config.units", "training.learning_rate"} <= set(space)
    declared = declare(space, base)
    assert set(declared.space[0].values) == set(list_cells()) - {"projected_lstm"}
    draw = random.Random(0)
    for _ in range(12):
        values: dict[str, Any] = {}
        for entry in declared.space:
            declared.values = values
            if declared.is_active(entry):
                values[entry.name] = entry.random_sample(draw.randrange(2**31))
        tried = applied(base, values)
        made = kind(**tried.config)
        assert isinstance(made, Application)
        assert made.recurrent == values["config.recurrent"]


def test_the_first_trial_is_the_recipe_itself() -> None:
    base = recipe(
        config={"units": 8, "recurrent_options": {"gate_biases": {"forget": 2.0}}},
        training=Training(learning_rate=3e-3, batch_size=48),
    )
    declared = declare(search_space(base, {"config.units": [8, 16]}), base)
    defaults = {entry.name: entry.default for entry in declared.space}
    assert defaults["config.recurrent"] == "lstm"
    assert defaults["config.units"] == "8"
    assert defaults["training.learning_rate"] == 3e-3
    assert defaults["cell.gate_biases.forget"] == 2.0
    assert defaults["cell.gate_biases.input"] == 0.0
    assert defaults["cell.initial_scale"] == 1.0
    assert defaults["config.dropout"] == 0.2


def test_only_cells_that_take_an_option_get_it() -> None:
    assert takes_option("lstm", "cell.gate_biases.input")
    assert not takes_option("coupled_gate_lstm", "cell.gate_biases.input")
    assert takes_option("coupled_gate_lstm", "cell.gate_biases.forget")
    assert not takes_option("gru", "cell.gate_biases.forget")
    assert takes_option("gru", "cell.initial_scale")
    assert not takes_option("gru", "config.projection_units")
    assert takes_option("projected_lstm", "cell.gate_biases.output")
    declared = declare(search_space(recipe(), only(SPACE)), recipe())
    biases = next(entry for entry in declared.space if "gate_biases" in entry.name)
    assert biases.conditions[0].values == ["lstm"]


def test_a_cell_that_is_broken_is_left_out() -> None:
    @register_cell("broken")
    class Broken(keras.layers.LSTMCell):
        def __init__(self, units: int, **kwargs: Any) -> None:
            raise RuntimeError("no such device")

    with pytest.warns(UserWarning, match=r"'broken' is left out .*: RuntimeError: no such device."):
        declared = declare(search_space(recipe(), {"config.recurrent": {"cells": "*"}}), recipe())
    assert "broken" not in declared.space[0].values and "lstm" in declared.space[0].values
    assert not takes_option("broken", "cell.initial_scale")


def test_values_become_a_recipe() -> None:
    values = {
        "config.recurrent": "lstm",
        "config.attention": "null",
        "cell.gate_biases.forget": 2.0,
        "cell.initial_scale": 0.5,
        "training.batch_size": "32",
        "tuner/epochs": 2,
    }
    found = applied(recipe(), values, 2)
    assert found.config["attention"] is None and found.config["units"] == 8
    assert (found.training.batch_size, found.training.epochs) == (32, 2)
    layer = recurrent("lstm", 4, **found.config["recurrent_options"])
    assert layer.cell.kernel_initializer.scale == 0.5
    layer.build((None, None, 3))
    assert float(layer.cell.bias[4]) == 2.0


def test_a_recipe_changes_the_space(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(
        "data: x\napplication: Translator\nsearch_space:\n"
        "  config.units: [8, 16]\n  config.depth: 2\n  config.dropout: null\n"
        "  config.recurrent: {cells: '*lstm'}\n"
    )
    space = search_space(load_recipe(path))
    assert space["config.units"] == [8, 16] and "config.dropout" not in space
    declared = declare(space, load_recipe(path))
    assert "gru" not in declared.space[0].values and "peephole_lstm" in declared.space[0].values
    assert applied(load_recipe(path), {"config.depth": "2"}).config["depth"] == 2


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"units": [1]}, "must have names such as config.units"),
        ({"config.unts": [1]}, "has no field 'unts'; did you mean 'units'"),
        ({"training.rate": [1]}, "has no field 'rate'"),
        ({"config.units": []}, "config.units must have something to choose from"),
        ({"config.units": {"mn": 1}}, "has no key 'mn'; did you mean 'min'"),
        ({"config.units": {"min": 9, "max": 1}}, "from a smaller `min` to a larger `max`"),
        ({"config.units": {"min": 0, "max": 1, "sampling": "log"}}, "both positive"),
        ({"config.units": {"cells": "*"}}, "only config.recurrent has cells"),
    ],
)
def test_spaces_that_cannot_be_understood(space: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        search_space(recipe(), space)


@pytest.mark.parametrize(
    ("fields", "options", "message"),
    [
        ({}, {"algorithm": "guess"}, "`algorithm` must be 'random', 'bayesian' or 'hyperband'"),
        ({}, {"trials": 0}, "`trials` must be at least 1"),
        ({}, {"workers": 0}, "`workers` must be at least 1"),
        ({}, {"coordinator": "here", "workers": 2}, "`coordinator` must be HOST:PORT"),
        ({}, {"join": True}, "`join` needs the `coordinator`"),
        ({"validation_split": None}, {}, "needs a `validation_split`"),
        ({"application": None, "preset": "x"}, {}, "must name an `application`, and no `preset`"),
    ],
)
def test_searches_that_cannot_be_made(
    fields: dict[str, Any], options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        tune(recipe(**fields), tmp_path / "out", **options)


# Searching.


@pytest.mark.parametrize("algorithm", ["random", "bayesian", "hyperband"])
def test_a_search(algorithm: str, tmp_path: Path, quick: None) -> None:
    told: list[str] = []
    found = tune(
        recipe(training=Training(epochs=3)),
        tmp_path / "best",
        algorithm=algorithm,
        trials=8,
        space=only(SPACE),
        isolate=False,
        tell=told.append,
    )
    assert len(told) == len(found.trials)
    if algorithm != "hyperband":
        assert [trial.number for trial in found.trials] == list(range(8))
    first = found.trials[0]
    assert first.values["training.learning_rate"] == 1e-3 and first.value == -1
    failed = [trial for trial in found.trials if trial.status == "failed"]
    assert failed and all(trial.values["config.recurrent"] == "gru" for trial in failed)
    assert failed[0].error == "ValueError: no GRU today"
    assert found.best is not None and found.best.value is not None and found.best.value > -1
    rate = found.best.values["training.learning_rate"]
    assert (tmp_path / "best" / "rate.txt").read_text() == str(rate)
    # Only the best model is kept.
    assert len(list(found.folder.glob("trial_*/preset"))) == 1
    assert found.page.exists()


def stop_at(number: int) -> Callable[..., dict[str, Any]]:
    calls = iter(range(1, 10**6))

    def run(folder: Path, verbose: int = 0) -> dict[str, Any]:
        if next(calls) == number:
            raise KeyboardInterrupt
        return fake(folder)

    return run


def shape(folder: Path) -> list[tuple[Any, ...]]:
    return [(t.number, t.status, t.value, t.values) for t in read_trials(folder)]


@pytest.mark.parametrize("algorithm", ["random", "bayesian", "hyperband"])
def test_a_search_goes_on(
    algorithm: str,
    tmp_path: Path,
    quick: None,
    unreported: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options: dict[str, Any] = {
        "algorithm": algorithm,
        "trials": 7,
        "space": only(SPACE),
        "isolate": False,
    }
    base = recipe(training=Training(epochs=3), name="same")
    expected = tune(base, tmp_path / "whole", **options)
    for number in (1, 3, 2):
        monkeypatch.setattr(_tuning_search, "run_trial", stop_at(number))
        with pytest.raises(KeyboardInterrupt):
            tune(base, tmp_path / "parts", **options)
    monkeypatch.setattr(_tuning_search, "run_trial", fake)
    found = tune(base, tmp_path / "parts", **options)
    assert shape(found.folder) == shape(expected.folder)
    with pytest.raises(ValueError, match=r"is another one \(its trials differs\).*--restart"):
        tune(base, tmp_path / "parts", **{**options, "trials": 8})
    again = tune(base, tmp_path / "parts", **{**options, "trials": 1}, restart=True)
    assert algorithm == "hyperband" or len(again.trials) == 1


class Killed(BaseException):
    pass


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Kills at the n-th time that a file is about to be replaced, or has been."""
    left = [10**9]
    write = _tuning_trial.write_atomically

    def told(path: Path, content: Any) -> None:
        left[0] -= 1
        if not left[0]:
            path.with_name(f".{path.name}.new").write_text(json.dumps(content)[:20])
            raise Killed
        write(path, content)
        left[0] -= 1
        if not left[0]:
            raise Killed

    monkeypatch.setattr(_tuning_trial, "write_atomically", told)
    monkeypatch.setattr(_tuning_search, "write_atomically", told)
    yield left


def test_a_search_that_is_killed_while_it_writes(
    tmp_path: Path, quick: None, unreported: None, events: list[int]
) -> None:
    options: dict[str, Any] = {"trials": 5, "space": only(SPACE), "isolate": False}
    base = recipe(name="same")
    expected = shape(tune(base, tmp_path / "whole", **options).folder)
    many = 10**9 - events[0]
    for number in range(1, many, 3):
        events[0] = number
        with pytest.raises(Killed):
            tune(base, tmp_path / f"out{number}", **options)
        events[0] = 10**9
        found = tune(base, tmp_path / f"out{number}", **options)
        assert shape(found.folder) == expected, number
        search = make_search(found.folder)
        assert sorted(search.oracle.end_order) == sorted(search.oracle.start_order)


def test_all_trials_fail(tmp_path: Path, quick: None) -> None:
    space = only({"config.recurrent": "gru", **RATES})
    with pytest.raises(RuntimeError, match="All 2 trials have failed.*no GRU today See .*index"):
        tune(recipe(), tmp_path / "out", trials=2, space=space, isolate=False)
    assert (tmp_path / "out.tuning" / "report" / "index.html").exists()
