"""What the base of the applications says to mistakes."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

from tests.applications.number_application import SignReader, pairs
from zoo.applications import Application, list_applications, register_application
from zoo.applications._registry import applications

DATA = pairs(10)


def test_before_adapt() -> None:
    application = SignReader()
    assert not application.adapted
    for call in (
        lambda: application.preprocess(DATA),
        lambda: application.infer([[1.0]]),
        lambda: application.evaluate(DATA),
        lambda: application.predict(DATA),
        lambda: application.save_to_preset("nowhere"),
    ):
        with pytest.raises(RuntimeError, match=r"This SignReader has no network yet; call `fit`"):
            call()
    assert not Path("nowhere").exists()


def test_bad_arguments() -> None:
    application = SignReader()
    application.adapt(DATA)
    with pytest.raises(ValueError, match="unitz"):
        SignReader(unitz=3)
    with pytest.raises(ValueError, match=r"`units` must be a positive integer"):
        SignReader(units=0)
    with pytest.raises(ValueError, match=r"`batch_size` must be a positive integer"):
        application.fit(DATA, batch_size=0)
    with pytest.raises(ValueError, match="holds nothing that this SignReader can take"):
        application.evaluate([([1.0], "zero")])
    with pytest.raises(ValueError, match="at least one pair"):
        application.fit([])
    with pytest.raises(ValueError, match=r"must be a pair \(input, target\)"):
        application.fit([([1.0, 2.0], "plus"), [3.0]])


def test_a_backend_that_only_layers_run_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(RuntimeError, match="backend is torch. Set .* KERAS_BACKEND to tensorflow"):
        SignReader()


def test_what_a_subclass_must_bring() -> None:
    application = Application({})
    for call in (
        lambda: application.adapt(DATA),
        lambda: application.build_network(),
        lambda: application.restore({}),
        lambda: application.featurize([]),
        lambda: application.infer([]),
        lambda: application.score([]),
        lambda: application.loss_and_metrics(),
    ):
        with pytest.raises(NotImplementedError):
            call()
    assert application.assets() == {}


def test_registering() -> None:
    class Mine(SignReader):
        pass

    assert register_application("mine-1")(Mine) is Mine
    assert "mine-1" in list_applications("mine*")
    assert applications.get("mine-1") is Mine
    assert keras.saving.get_registered_object("zoo>Mine") is Mine
    with pytest.raises(ValueError, match="The application name 'mine-1' is already taken"):
        register_application("mine-1")(SignReader)
    with pytest.raises(TypeError, match="must be a class that derives from"):
        register_application("other")(keras.Model)
    with pytest.raises(ValueError, match=r"Unknown application 'Translater'; did you mean 'Tran"):
        applications.get("Translater")
