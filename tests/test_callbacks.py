"""KeepBest keeps the best epoch, whichever way is better; AveragedSGD averages as in the paper."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from zoo.callbacks import AveragedSGD, KeepBest


class Model(keras.Model):
    """One weight that counts the epochs, and a log of what was saved."""

    def __init__(self) -> None:
        super().__init__()
        self.epoch = self.add_weight(name="epoch", initializer="zeros")
        self.saved: list[tuple[float, Any, dict[str, Any]]] = []

    def save_to_preset(self, directory: Any, **saving: Any) -> None:
        self.saved.append((float(self.epoch), directory, saving))


def run(values: list[float], **arguments: Any) -> tuple[Model, KeepBest]:
    model, callback = Model(), KeepBest("val_bleu", **arguments)
    callback.set_model(model)
    for epoch, value in enumerate(values):
        model.epoch.assign(epoch)
        callback.on_epoch_end(epoch, {"val_bleu": value})
    callback.on_train_end()
    return model, callback


def test_the_model_ends_with_its_best_weights() -> None:
    model, callback = run([1.0, 3.0, 2.0])
    assert (callback.best, callback.best_epoch, float(model.epoch)) == (3.0, 1, 1.0)
    assert model.saved == []


def test_lower_may_be_better() -> None:
    model, callback = run([3.0, 1.0, 2.0], lower_is_better=True)
    assert (callback.best, callback.best_epoch, float(model.epoch)) == (1.0, 1, 1.0)


def test_each_better_epoch_is_saved(tmp_path: Path) -> None:
    model, _ = run([1.0, 0.5, 2.0], directory=tmp_path, dtype="float16")
    assert model.saved == [
        (0.0, tmp_path, {"dtype": "float16"}),
        (2.0, tmp_path, {"dtype": "float16"}),
    ]


def test_an_epoch_that_is_not_a_number_is_never_the_best() -> None:
    model, callback = run([np.nan, 1.0, np.nan])
    assert (callback.best_epoch, float(model.epoch)) == (1, 1.0)
    assert run([np.nan])[1].best is None


def test_a_metric_that_nobody_measures() -> None:
    callback = KeepBest("val_blue")
    with pytest.raises(ValueError, match=r"`monitor` must be one of .*\(loss, val_bleu\)"):
        callback.on_epoch_end(0, {"val_bleu": 1.0, "loss": 2.0})


RATE, STEPS = 0.3, 4


def train(checks: int, values: list[float], **options: Any) -> tuple[AveragedSGD, dict[str, list]]:
    """Trains `w` on (w - x)^2 over the batches x = 0, 1, 2, 3; `values` are fed to the trigger.

    Returns what `w` was when validated, at the end of each epoch, at the end.
    """
    seen: dict[str, list] = {"validated": [], "epochs": []}

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["val_told"] = values[epoch]
            seen["epochs"].append(float(self.model.w))

        def on_test_end(self, logs: Any = None) -> None:
            seen["validated"].append(float(self.model.w))

    class Line(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.w = self.add_weight(name="w", initializer="zeros")
            self.frozen = self.add_weight(name="frozen", initializer="ones", trainable=False)

        def call(self, x: Any) -> Any:
            return keras.ops.zeros_like(x) + self.w

    model = Line()
    model.compile(keras.optimizers.SGD(RATE), "mse")
    data = np.arange(STEPS, dtype="float32")[:, None]
    averaged = AveragedSGD("val_told", checks, **options)
    # Watch comes first, as ValidationScore does.
    callbacks = [Watch(), averaged]
    fit = {"batch_size": 1, "shuffle": False, "verbose": 0, "epochs": len(values)}
    model.fit(data, data, validation_data=(data, data), callbacks=callbacks, **fit)
    seen["end"] = [float(model.w)]
    return averaged, seen


def oracle(checks: int, values: list[float]) -> tuple[int | None, dict[str, list]]:
    """Algorithm 1 of the paper, the validation after each epoch."""
    w, averaged, since = 0.0, [], None
    seen: dict[str, list] = {"validated": [], "epochs": []}
    for epoch, value in enumerate(values):
        for x in range(STEPS):
            w -= RATE * 2 * (w - x)
            if since is not None:
                averaged.append(w)
        shown = w if since is None else sum(averaged) / len(averaged)
        seen["validated"].append(shown)
        seen["epochs"].append(shown)
        if since is None and epoch > checks and value > min(values[: epoch - checks]):
            since, averaged = epoch, [w]
    seen["end"] = [shown]
    return since, seen


@pytest.mark.parametrize(
    ("checks", "values", "since"),
    [
        (2, [5.0, 4.0, 3.0, 2.0, 1.0, 0.5], None),
        (2, [5.0, 1.0, 2.0, 2.0, 3.0, 9.0, 9.0], 4),
        (1, [5.0, 6.0, 5.5, 1.0, 1.0], 2),
        (3, [1.0, 9.0, 9.0, 9.0, 0.5, 0.6, 9.0], 6),
    ],
)
def test_averaging_is_that_of_the_paper(
    checks: int, values: list[float], since: int | None
) -> None:
    expected_since, expected = oracle(checks, values)
    assert expected_since == since
    averaged, seen = train(checks, values)
    assert averaged.since == since
    for name, numbers in expected.items():
        np.testing.assert_allclose(seen[name], numbers, rtol=1e-5, err_msg=name)


def test_averaging_where_higher_is_better() -> None:
    values = [5.0, 1.0, 2.0, 2.0, 3.0, 9.0]
    averaged, seen = train(2, [-value for value in values], higher_is_better=True)
    assert averaged.since == 4
    np.testing.assert_allclose(seen["end"], oracle(2, values)[1]["end"], rtol=1e-5)


def test_evaluating_during_an_epoch_changes_nothing_of_the_training() -> None:
    class Nosy(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if averaged.since is not None:
                averaged.on_test_begin()

    model = keras.Sequential([keras.layers.Dense(1, kernel_initializer="ones")])
    x = np.arange(8, dtype="float32")[:, None]
    ends = []
    for extra in ([], [Nosy()]):
        model = keras.Sequential([keras.layers.Dense(1, kernel_initializer="ones")])
        model.compile(keras.optimizers.SGD(0.01), "mse")
        averaged = AveragedSGD("loss", 1, higher_is_better=True)
        fit = {"batch_size": 2, "shuffle": False, "verbose": 0, "epochs": 5}
        model.fit(x, x * 0, callbacks=[averaged, *extra], **fit)
        assert averaged.since == 2
        ends.append(np.concatenate([value.ravel() for value in model.get_weights()]))
    np.testing.assert_allclose(*ends, rtol=1e-6)


@pytest.mark.parametrize("checks", [0, -1, 2.0, None])
def test_averaging_needs_a_number_of_checks(checks: Any) -> None:
    with pytest.raises(ValueError, match="`checks` must be a positive integer. Received: checks="):
        AveragedSGD(checks=checks)


def test_averaging_by_a_metric_that_nobody_measures() -> None:
    with pytest.raises(ValueError, match=r"`monitor` must be one of .*\(loss\)"):
        AveragedSGD("val_los").on_epoch_end(0, {"loss": 2.0})
