"""A small saved preset for tests to read and to break."""

from __future__ import annotations

import shutil
from pathlib import Path

import keras
import pytest

from tests.applications.digits import trained
from tests.applications.fake_application import Speller, registry
from zoo.applications import Translator, _presets


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Presets know the fake applications and no others."""
    monkeypatch.setattr(_presets, "_registry", registry)


@pytest.fixture(scope="session")
def speller() -> Speller:
    keras.utils.set_random_seed(1)
    application = Speller(units=3)
    application.adapt("abcde")
    return application


@pytest.fixture(scope="session")
def saved(speller: Speller, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "speller_small"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_presets, "_registry", registry)
        _presets.save_preset(speller, folder)
    return folder


@pytest.fixture
def preset(fakes: None, saved: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    return Path(shutil.copytree(saved, tmp_path / "speller_small"))


@pytest.fixture(scope="session")
def digits() -> Translator:
    """A translator that has learned a toy language; not to be trained on."""
    return trained()
