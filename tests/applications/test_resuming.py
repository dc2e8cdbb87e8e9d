"""An interrupted training ends as an undisturbed one does."""

import errno
import itertools
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from benchmarks._victims import made
from zoo.applications import Application, _resumed_steps
from zoo.applications._checkpoints import CheckpointError
from zoo.applications._rates import DivergedError
from zoo.applications._resuming import ResumableTraining
from zoo.applications._snapshots import Unpackable, pack, unpack
from zoo.callbacks import AveragedSGD, KeepBest

_, DATA, VALIDATION = made("adder")


class Broken(Exception):
    pass


class Breaking(keras.callbacks.Callback):
    """Does something at one event."""

    def __init__(self, event: str = "", number: int = 0, do: Any = None) -> None:
        super().__init__()
        calls = itertools.count(1)

        def happen(*_: Any, **__: Any) -> None:
            if next(calls) == number:
                do(self.model)

        if event:
            setattr(self, event, happen)


def stop(model: Any) -> None:
    raise Broken


def poison(model: Any) -> None:
    if keras.backend.backend() == "jax":
        model.jax_state_sync()
    model.answer.bias.assign(model.answer.bias * np.nan)


def train(
    folder: Path,
    breaking: Breaking | None = None,
    *,
    data: Any = DATA,
    validation: Any = VALIDATION,
    optimizer: Any = "auto",
    steps_per_execution: int = 1,
    **options: Any,
) -> tuple[Application, dict[str, list[float]], list[str]]:
    """Returns the model, its history, and what was told."""
    keras.utils.set_random_seed(1)
    model, _, _ = made("adder")
    model.adapt(data)
    model.compile(optimizer=optimizer, steps_per_execution=steps_per_execution)
    told: list[str] = []
    callbacks = [
        AveragedSGD(checks=1),
        KeepBest("val_loss", lower_is_better=True),
        keras.callbacks.EarlyStopping(patience=3),
        keras.callbacks.ReduceLROnPlateau(patience=1),
        breaking or Breaking(),
        ResumableTraining(folder, **{"every_steps": 2, "tell": told.append, **options}),
    ]
    if not isinstance(model.optimizer._learning_rate, keras.Variable):
        del callbacks[3]
    history = model.fit(
        data,
        batch_size=8,
        epochs=3,
        validation_data=validation,
        callbacks=callbacks,
        verbose=0,
    )
    return model, history.history, told


def end(trained: tuple[Any, ...]) -> list[Any]:
    model, history, _ = trained
    values = [value for name in sorted(history) for value in history[name]]
    return [*model.get_weights(), values, random.random(), np.random.rand()]


def assert_equal(one: list[Any], other: list[Any]) -> None:
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    return end(train(tmp_path_factory.mktemp("undisturbed") / "run"))


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """The checkpoints of steps 0, 2 and 4 of a training."""
    with pytest.raises(Broken):
        train(tmp_path / "run", Breaking("on_train_batch_end", 5, stop))
    return tmp_path / "run"


def steps(folder: Path) -> list[int]:
    return sorted(int(path.name.removeprefix("step-")) for path in folder.glob("step-*"))


@pytest.mark.parametrize(
    ("event", "number", "told"),
    [
        ("on_train_batch_end", 4, "step 2 of 15 (epoch 1)"),
        # The last step of an epoch is done, and the epoch is not.
        ("on_test_begin", 2, "step 10 of 15 (epoch 2)"),
        ("on_epoch_begin", 3, "step 10 of 15 (epoch 3)"),
        ("on_train_end", 1, "step 15 of 15 (epoch 4)"),
    ],
)
def test_the_end_is_that_of_an_undisturbed_training(
    event: str, number: int, told: str, tmp_path: Path, undisturbed: list[Any]
) -> None:
    with pytest.raises(Broken):
        train(tmp_path / "run", Breaking(event, number, stop))
    trained = train(tmp_path / "run")
    assert trained[2] == [f"Going on after {told}."]
    assert_equal(end(trained), undisturbed)
    assert not (tmp_path / "run").exists()


def test_several_steps_at_a_time(tmp_path: Path) -> None:
    """Of those that are done already, as many batches are read as before."""
    options: dict[str, Any] = {"data": DATA[:32], "steps_per_execution": 2}
    undisturbed = end(train(tmp_path / "undisturbed", **options))
    with pytest.raises(Broken):
        train(tmp_path / "run", Breaking("on_train_batch_end", 4, stop), **options)
    trained = train(tmp_path / "run", **options)
    assert trained[2] == ["Going on after step 6 of 12 (epoch 2)."]
    assert_equal(end(trained), undisturbed)


def test_by_the_clock_checkpoints_cost_little(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 100.0
    monkeypatch.setattr(_resumed_steps.time, "monotonic", lambda: clock)
    pace = _resumed_steps.Pace(None, 60.0)
    clock = 160.0
    assert not pace.due(7) and pace.due_after_epoch()
    clock = 161.0
    assert pace.due(7)
    clock = 164.0
    pace.kept(161.0)  # it took three seconds
    clock = 224.0
    assert not pace.due(8) and not pace.due_after_epoch()
    clock = 225.0
    assert pace.due(8) and pace.due_after_epoch()


def test_a_damaged_checkpoint_costs_a_few_steps(broken: Path, undisturbed: list[Any]) -> None:
    assert steps(broken) == [0, 2, 4]
    path = broken / "step-0000000004" / "arrays.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.warns(UserWarning, match="checkpoint of step 4 cannot be used"):
        trained = train(broken)
    assert trained[2] == ["Going on after step 2 of 15 (epoch 1)."]
    assert_equal(end(trained), undisturbed)


def test_a_full_disk_stops_with_a_sentence(
    broken: Path, undisturbed: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CheckpointError, match="No space left on device; that of step 4 is kept"):
        train(broken)
    assert sorted(path.name for path in broken.iterdir()) == [
        ".lock",
        *(f"step-000000000{step}" for step in (0, 2, 4)),
    ]
    monkeypatch.undo()
    assert_equal(end(train(broken)), undisturbed)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": DATA[:-1]}, "training data was '40 items, .* and is now '39 items"),
        ({"validation": VALIDATION[:5]}, "validation data was '8 items"),
        ({"identity": {"epochs": 3}}, "epochs was None, and is now 3"),
        ({"optimizer": "sgd"}, "its optimizer variables are of another number or shape"),
    ],
)
def test_another_training_is_refused(broken: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(CheckpointError, match=rf"of another training \({message}.*--restart"):
        train(broken, **options)
    assert steps(broken) == [0, 2, 4]


@pytest.fixture
def heard() -> Iterator[None]:
    """Ctrl-C is heard, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_keeps_the_step(tmp_path: Path, undisturbed: list[Any], heard: None) -> None:
    def press(model: Any) -> None:
        signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "run", Breaking("on_train_batch_end", 3, press), every_steps=100)
    assert signal.getsignal(signal.SIGINT) == before
    assert steps(tmp_path / "run") == [0, 3]
    # Nothing is held back between the steps.
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "run", Breaking("on_test_begin", 1, press), every_steps=100)
    assert_equal(end(train(tmp_path / "run", every_steps=100)), undisturbed)


# Losses that are no numbers.


def test_a_loss_that_is_no_number_stops_the_training(tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match=r"The loss is not finite at step 4 \(epoch 1\): lower"):
        train(tmp_path / "run", Breaking("on_train_batch_begin", 4, poison))
    with pytest.raises(DivergedError, match="The weights are not finite at step 4"):
        train(tmp_path / "other", Breaking("on_train_batch_end", 4, poison))
    assert steps(tmp_path / "run") == steps(tmp_path / "other") == [0, 2]


@pytest.mark.parametrize("scheduled", [False, True])
def test_or_goes_on_from_the_last_checkpoint_with_half_the_rate(
    tmp_path: Path, scheduled: bool
) -> None:
    rate: Any = 2**-10
    if scheduled:
        rate = keras.optimizers.schedules.PiecewiseConstantDecay([10**6], [rate, rate])
    breaking = Breaking("on_train_batch_begin", 5, poison)
    model, history, told = train(
        tmp_path / "run", breaking, optimizer=keras.optimizers.SGD(rate), on_nan="roll_back"
    )
    assert told == [
        "The loss is not finite at step 5 (epoch 1): back to step 4, with half the learning rate "
        "(time 1 of 3)."
    ]
    assert len(history["loss"]) == 3 and np.isfinite(history["loss"]).all()
    assert int(model.optimizer.iterations) == 15
    assert float(model.optimizer.learning_rate) <= 2**-11
    if scheduled:
        assert float(model.optimizer.learning_rate) == 2**-11
    # `AveragedSGD` and others have forgotten what came of it.
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_but_not_for_ever(tmp_path: Path) -> None:
    class Always(Breaking):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if batch == 3:
                poison(self.model)

    with pytest.raises(
        DivergedError, match="step 4 .*, after 2 halvings of the learning rate: low"
    ):
        train(tmp_path / "run", Always(), on_nan="roll_back", roll_backs=2)


# Beside applications.


def test_a_model_of_keras(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")

    def fit(breaking: Breaking, **options: Any) -> list[Any]:
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.layers.Dense(2), keras.layers.Dropout(0.5)])
        model.compile("adam", "mse", metrics=["mae"])
        model.build((None, 3))
        others = [breaking, keras.callbacks.EarlyStopping("loss", patience=3)]
        resumable = ResumableTraining(
            tmp_path / "run", every_steps=1, others=others, tell=None, **options
        )
        try:
            history = model.fit(
                *(x, x[:, :2]),
                batch_size=5,
                epochs=2,
                shuffle=False,
                callbacks=[*others, resumable],
                verbose=0,
            )
        finally:
            resumable.release()
        return [*model.get_weights(), history.history["loss"], history.history["mae"]]

    expected = fit(Breaking())
    with pytest.raises(Broken):
        fit(Breaking("on_train_batch_end", 7, stop))
    assert_equal(fit(Breaking()), expected)
    with pytest.raises(ValueError, match="`on_nan='roll_back'` needs the `fit` of an application"):
        fit(Breaking(), on_nan="roll_back")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on_nan": "cry"}, "`on_nan` must be 'stop' or 'roll_back'. Received: on_nan='cry'"),
        ({"keep": 0}, "`keep` must be a positive integer"),
        ({"every_steps": 0}, "`every_steps` must be a positive integer"),
    ],
)
def test_what_it_does_not_take(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        ResumableTraining(tmp_path, **options)


def test_snapshots_hold_what_they_are_given() -> None:
    value = {
        "a": [1, 2.5, None, True, "x", (1, float("inf"))],
        2: {"b": np.arange(3, dtype="uint32"), "c": np.float32(0.1), "d": np.array(7)},
        "tensors": [keras.ops.arange(3), keras.ops.cast([1.5], "bfloat16")],
    }
    arrays: dict[str, np.ndarray] = {}
    again = unpack(pack(value, arrays, "v"), arrays)
    assert again["a"] == value["a"]
    assert again[2]["b"].dtype == "uint32" and again[2]["c"] == np.float32(0.1)
    assert again[2]["d"].shape == ()
    assert keras.ops.is_tensor(again["tensors"][0])
    assert keras.backend.standardize_dtype(again["tensors"][1].dtype) == "bfloat16"
    assert float(again["tensors"][1][0]) == 1.5
    with pytest.raises(Unpackable, match="v.0 is a "):
        pack([Path("x")], {}, "v")
