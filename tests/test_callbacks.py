"""KeepBest keeps the best epoch, in the model and on the disk, whichever way is better."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from zoo.callbacks import KeepBest


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
