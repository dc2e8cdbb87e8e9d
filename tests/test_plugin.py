"""A package of somebody else's, `tests/plugin`: built, installed, used, broken, missing."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import zoo
from tests.environments import ROOT, copy_tree, install, make_environment, run
from zoo.applications import _presets
from zoo.applications._cards import check_card
from zoo.applications._registry import applications
from zoo.cli import main
from zoo.layers._plugins import cells

PLUGIN = ROOT / "tests" / "plugin"
PROJECT = tomllib.loads((PLUGIN / "pyproject.toml").read_text("utf-8"))["project"]
NAME, VERSION = PROJECT["name"], PROJECT["version"]
NEEDED = f"needs the package '{NAME}' ({VERSION}), not installed here; if you trust its authors: "
NEEDED += f"pip install {NAME}."
X = np.linspace(-1, 1, 24, dtype="float32").reshape(2, 4, 3)

Groups = dict[str, dict[str, str]]


def announce(folder: Path, name: str, groups: Groups) -> None:
    """Writes what installing a distribution would leave behind beside its modules."""
    info = folder / f"{name.replace('-', '_')}-{VERSION}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {VERSION}\n")
    lines = []
    for group, points in groups.items():
        lines += [f"[{group}]", *(f"{key} = {value}" for key, value in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")


def write_strangers(folder: Path) -> None:
    """A package that cannot be imported, and one that wants names that others have."""
    kinds = {"cells": "Cell", "applications": "Application", "datasets": "Data"}
    broken = {f"zoo.{kind}": {f"broken_{kind}": f"zoo_broken:{kind}"} for kind in kinds}
    broken["zoo.cells"]["no_cell"] = "zoo_rival:Data"
    announce(folder, "zoo-broken", broken)
    (folder / "zoo_broken.py").write_text("raise RuntimeError('not for this zoo\\nbut another')")
    names = {
        "cells": ("lstm", "minimal_gated"),
        "applications": ("Translator", "Labeller"),
        "datasets": ("emoji_names", "animal_sounds"),
    }
    rival = {
        f"zoo.{kind}": dict.fromkeys(names[kind], f"zoo_rival:{attribute}")
        for kind, attribute in kinds.items()
    }
    announce(folder, "zoo-rival", rival)
    (folder / "zoo_rival.py").write_text(
        "from zoo import Application\n"
        "from zoo.datasets import PairDataset as Data\n"
        "from zoo.layers import SimpleRNNCell as Cell\n"
    )


def test_the_readme_shows_this_package() -> None:
    text = (PLUGIN / "pyproject.toml").read_text("utf-8")
    points = text[text.index("[project.entry-points") : text.index("[tool.")].strip()
    assert f"```toml\n{points}\n```" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.slow
def test_the_life_of_a_plugin(tmp_path: Path) -> None:
    life, empty, source = tmp_path / "life", tmp_path / "empty", tmp_path / "source"
    for folder in (life, empty, source):
        folder.mkdir()
    ignore = shutil.ignore_patterns("__pycache__")
    project = shutil.copytree(PLUGIN, tmp_path / "project", ignore=ignore)
    build = (sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", life)
    run(*build, cwd=project)
    (wheel,) = life.glob("*.whl")
    python = make_environment(tmp_path / "venv")
    install(python, copy_tree(source), wheel, cwd=empty)
    program = shutil.copy(ROOT / "tests" / "plugin_life.py", life)

    def stage(name: str, **environment: str) -> dict[str, Any]:
        run(python, program, name, life, cwd=empty, **environment)
        return json.loads((life / f"{name}.json").read_text("utf-8"))

    made = stage("make")
    check_made(made)
    check_used(stage("use"), made)
    write_strangers(tmp_path / "strangers")
    check_strangers(stage("strangers", PYTHONPATH=str(tmp_path / "strangers")), made)
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(*pip, "uninstall", "--yes", "--quiet", NAME, cwd=empty)
    check_missing(stage("missing"), life)


def check_made(made: dict[str, Any]) -> None:
    listed = made["list"]["json"]
    assert made["list"]["err"] == []
    assert {"minimal_gated", "lstm"} < set(listed["cells"])
    assert {"Labeller", "Translator"} < set(listed["applications"])
    assert {"animal_sounds", "emoji_names"} < set(listed["datasets"])
    for name in ("minimal_gated", "Labeller", "animal_sounds"):
        assert name in made["text"]["out"]
    assert made["loss"][-1] < made["loss"][0] / 2


def check_used(used: dict[str, Any], made: dict[str, Any]) -> None:
    for name in ("cell.keras", "layers.keras", "translator.keras", "translator"):
        assert_same(used[name], made["does"][name.removesuffix(".keras")])
    for name in ("labeller.keras", "labeller"):
        assert used[name] == made["does"]["labeller"]
    labels, scores = made["does"]["labeller"]
    assert used["run"]["json"]["outputs"] == labels
    assert used["evaluate"]["json"]["metrics"] == scores
    assert used["finetune"]["code"] == 0
    assert re.search(rf"requires +{NAME} {re.escape(VERSION)}\n", used["show"]["out"])


def check_strangers(found: dict[str, Any], made: dict[str, Any]) -> None:
    listed = found["list"]
    assert listed["code"] == 0
    for kind in ("cells", "applications", "datasets"):
        assert listed["json"][kind] == made["list"]["json"][kind]
    said = "\n".join(listed["err"])
    assert "Traceback" not in said
    reason = "cannot be imported: RuntimeError: not for this zoo; it is left out."
    mine = f"the package '{NAME}'"
    for sentence in (
        f"The cell 'broken_cells' of the package 'zoo-broken' {reason}",
        f"The application 'broken_applications' of the package 'zoo-broken' {reason}",
        f"The dataset 'broken_datasets' of the package 'zoo-broken' {reason}",
        "The cell 'no_cell' of the package 'zoo-broken' cannot be used: A cell must be a class",
        "The package 'zoo-rival' announces the cell 'lstm', but zoo.layers.lstm.LSTMCell has",
        f"The package 'zoo-rival' announces the cell 'minimal_gated', but {mine} has that name",
        f"The package 'zoo-rival' announces the application 'Labeller', but {mine} has that",
        f"The package 'zoo-rival' announces the dataset 'animal_sounds', but {mine} has that",
    ):
        assert f"zoo: {sentence}" in said
    assert len(listed["err"]) == 10
    assert found["cells"] == {"lstm": "zoo.layers._lstm_cell", "minimal_gated": "zoo_minimal.cells"}
    assert_same(found["translator"], made["does"]["translator"])
    assert found["broken"][0] == "ImportError"
    (sentence,) = found["train"]["err"]
    assert "application 'broken_applications' of the package 'zoo-broken' cannot be" in sentence
    assert found["train"]["code"] == 2


def check_missing(found: dict[str, Any], life: Path) -> None:
    assert found["list"]["err"] == []
    assert "minimal_gated" not in found["list"]["json"]["cells"]
    for name in ("translator", "labeller"):
        assert found[name]["code"] == 2
        assert found[name]["err"] == [f"zoo: The preset at {life / name} {NEEDED}"]
    for name in ("layers", "translator", "labeller"):
        assert found[f"{name}.keras"] == ["ImportError", f"{life / name}.keras {NEEDED}"]
    # Keras saved this one, and knew the module only.
    sentence = "needs MinimalGatedCell of the package 'zoo_minimal', not installed here."
    assert found["cell.keras"] == ["ImportError", f"{life / 'cell.keras'} {sentence}"]
    assert found["show"]["code"] == 0 and NAME in found["show"]["out"]
    (sentence,) = found["evaluate"]["err"]
    assert sentence.startswith("zoo: Unknown dataset 'animal_sounds'; known are captions,")
    assert found["new"][1].startswith("Unknown cell 'minimal_gated'; known are: ")


def assert_same(found: Any, expected: Any) -> None:
    """Equal texts, and numbers that another process may have rounded otherwise."""
    if isinstance(expected[0], list) and isinstance(expected[0][0], str):
        assert found[0] == expected[0]
        found, expected = found[1], expected[1]
    np.testing.assert_allclose(found, expected, atol=1e-5)


# From here on in this process, with the package on its path as if it were installed.


@pytest.fixture
def remove(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """The package, and a function that takes it away again."""
    installed = (str(tmp_path / "site"), str(PLUGIN))
    announce(tmp_path / "site", NAME, PROJECT["entry-points"])
    known = keras.saving.get_custom_objects()
    kept = dict(known)
    for registry in (cells, applications):
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))
        monkeypatch.setattr(registry, "_entry_points", None)
    monkeypatch.setattr(sys, "path", [*installed, *sys.path])

    def remove() -> None:
        for name in [name for name in sys.modules if name.split(".")[0] == "zoo_minimal"]:
            del sys.modules[name]
        for name in [name for name in known if name not in kept]:
            del known[name]
        cells._entries.pop("minimal_gated", None)
        applications._entries.pop("Labeller", None)
        sys.path[:] = [path for path in sys.path if path not in installed]
        cells._entry_points = applications._entry_points = None

    yield remove
    remove()


def labeller() -> Any:
    application = applications.get("Labeller")(units=4)
    application.adapt([("the cow says", "moo"), ("the dog says", "woof")])
    return application


def test_keras_knows_the_package(remove: Callable[[], None], tmp_path: Path) -> None:
    layer = zoo.recurrent("minimal_gated", 4)
    model = keras.Sequential([keras.Input((None, 3)), layer])
    assert keras.saving.get_registered_name(type(layer.cell)) == f"{NAME}>minimal_gated"
    path = tmp_path / "model.keras"
    model.save(path)
    remove()
    sentence = f"needs MinimalGatedCell of the package '{NAME}' (module 'zoo_minimal'), not "
    with pytest.raises(ImportError, match=re.escape(sentence)):
        zoo.load_model(path)
    # Whoever brings the class along needs no package.
    from_elsewhere = {f"{NAME}>minimal_gated": type(layer.cell)}
    loaded = zoo.load_model(path, custom_objects=from_elsewhere)
    np.testing.assert_allclose(loaded(X), model(X), atol=1e-6)


def test_what_is_announced_may_also_be_decorated(remove: Callable[[], None]) -> None:
    from zoo_minimal import Labeller, MinimalGatedCell

    zoo.register_cell("minimal_gated")(MinimalGatedCell)
    zoo.register_application("Labeller")(Labeller)
    assert keras.saving.get_registered_name(Labeller) == f"{NAME}>Labeller"
    assert cells.get("minimal_gated") is MinimalGatedCell
    with pytest.raises(ValueError, match="'minimal_gated' is already taken by zoo_minimal.cells"):
        zoo.register_cell("minimal_gated")(zoo.layers.GRUCell)


def test_a_stack_says_what_it_needs(remove: Callable[[], None], tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((None, 3)), zoo.DeepLSTM([4], recurrent="minimal_gated")])
    model.save(tmp_path / "model.keras")
    np.testing.assert_allclose(zoo.load_model(tmp_path / "model.keras")(X), model(X), atol=1e-6)
    remove()
    with pytest.raises(ImportError, match=re.escape(NEEDED)):
        zoo.load_model(tmp_path / "model.keras")


def test_the_card_says_what_it_takes(
    remove: Callable[[], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "labeller"
    application = labeller()
    application.save_to_preset(folder, card={"requires": {"another": "1"}})
    card = _presets.read_card(folder)
    assert tuple(card) == (*_presets.CARD_KEYS, "requires")
    assert card["requires"] == {NAME: VERSION}
    config = json.loads((folder / "config.json").read_text("utf-8"))
    assert config == {
        "class_name": "Labeller",
        "config": {"recurrent": "minimal_gated", "units": 4},
    }
    assert zoo.Application.from_preset(folder).infer(["a cow"]) == application.infer(["a cow"])
    assert labeller().get_build_config()["requires"] == card["requires"]
    remove()
    with pytest.raises(_presets.PresetError, match=re.escape(NEEDED)):
        zoo.Application.from_preset(folder)
    assert main(["run", str(folder), "a cow"]) == 2
    assert capsys.readouterr().err == f"zoo: The preset at {folder} {NEEDED}\n"


@pytest.mark.parametrize(
    "requires", [{"x; rm -rf ~": "1"}, {"--index-url=evil": "1"}, {NAME: 1}, {NAME: "\x1b"}, [NAME]]
)
def test_a_card_can_ask_for_nothing_but_packages(requires: Any) -> None:
    with pytest.raises(_presets.PresetError, match="must be versions by names of packages"):
        check_card({"requires": requires}, "the card")


def test_an_application_without_a_network_says_so(remove: Callable[[], None]) -> None:
    with pytest.raises(RuntimeError, match="This Labeller has no network yet"):
        applications.get("Labeller")().infer(["a cow"])
