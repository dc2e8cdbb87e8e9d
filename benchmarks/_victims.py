"""What `interruptions.py` interrupts: small trainings, and a small search."""

from __future__ import annotations

import hashlib
import json
import random
import warnings
from pathlib import Path
from typing import Any

from ._lives import Tick

TRAININGS = ("adder", "language_model", "translator")


def train(application: str, place: Path, tick: Tick) -> str:
    """Trains with everything that must survive; a digest of its end, loss and random numbers."""
    import keras
    import numpy as np

    from zoo.callbacks import AveragedSGD, KeepBest, ResumableTraining

    keras.utils.set_random_seed(1)
    model, data, validation = made(application)
    model.adapt(data)
    monitor, lower = "val_loss", True
    callbacks = [
        AveragedSGD(monitor, 1, higher_is_better=not lower),
        KeepBest(
            monitor, place / "preset" if application != "adder" else None, lower_is_better=lower
        ),
        keras.callbacks.EarlyStopping(monitor, patience=3),
        keras.callbacks.ReduceLROnPlateau(monitor, patience=1),
        ResumableTraining(place / "training", every_steps=2, tell=None),
        _events(tick),
    ]
    history = model.fit(
        data, batch_size=8, epochs=3, validation_data=validation, callbacks=callbacks, verbose=0
    )
    everything = [*model.get_weights(), *map(np.asarray, history.history.values())]
    drawn = [random.random(), float(np.random.rand())]
    digest = _digest(*(np.ascontiguousarray(value).tobytes() for value in everything))
    return f"{digest} {history.history['loss'][-1]:.6f} {drawn}"


def search(place: Path, tick: Tick) -> str:
    """Searches through four trials; a digest of them all and of the best model, and the best."""
    import keras

    from zoo import LanguageModel
    from zoo.training import Recipe, Training
    from zoo.tuning import search_space, tune

    warnings.filterwarnings("ignore", module="keras_tuner")
    text = place / "text.txt"
    if not text.exists():
        text.write_text("\n".join(_lines(80)), encoding="utf-8")
    recipe = Recipe(
        name="best",
        data=str(text),
        application="LanguageModel",
        config={"units": 8, "window": 16, "dropout": 0.3},
        split="train[:60]",
        validation_split="train[60:]",
        training=Training(epochs=2, batch_size=8),
        dtype="float32",
    )
    space: dict[str, Any] = dict.fromkeys(search_space(recipe))
    space["training.learning_rate"] = {"min": 1e-3, "max": 1e-1, "sampling": "log"}
    space["config.units"] = [8, 12]
    score = LanguageModel.evaluate

    def told(model: Any, *arguments: Any, **options: Any) -> Any:
        tick("before an evaluation")
        return score(model, *arguments, **options)

    # Only in this process, which ends with the search.
    LanguageModel.evaluate = told  # type: ignore[method-assign]
    keras.utils.set_random_seed(1)
    found = tune(recipe, place / "best", trials=4, space=space, isolate=False)
    trials = [[t.number, t.status, t.value, t.values] for t in found.trials]
    model = (place / "best" / "model.safetensors").read_bytes()
    assert found.best is not None
    digest = _digest(json.dumps(trials).encode(), model)
    return f"{digest} {len(trials)} trials, the best one {found.best.number} {found.best.value:.6f}"


def unreadable(place: Path) -> list[str]:
    """The files of a search that are left half written, or cannot be read."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    bad = []
    for path in sorted(place.rglob("*")):
        try:
            if path.suffix == ".json":
                json.loads(path.read_text(encoding="utf-8"))
            elif path.suffix == ".safetensors":
                load_file(path)
            elif path.suffix != ".new":
                continue
            else:
                raise ValueError
        except (ValueError, SafetensorError):
            bad.append(str(path.relative_to(place)))
    return bad


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def _events(tick: Tick) -> Any:
    import keras

    class Events(keras.callbacks.Callback):
        pass

    for when in ("train", "epoch", "train_batch", "test", "test_batch"):
        for edge in ("begin", "end"):
            name = f"on_{when}_{edge}"

            def event(self: Any, *_: Any, name: str = name, **__: Any) -> None:
                tick(name)

            setattr(Events, name, event)
    return Events()


def _lines(number: int) -> list[str]:
    draw = random.Random(0)
    words = "a dog runs cat sleeps house red green big small".split()
    return [" ".join(draw.choices(words, k=draw.randint(1, 6))) for _ in range(number)]


def made(application: str) -> tuple[Any, Any, Any]:
    """A tiny model with dropout, and what it is trained and validated on."""
    draw = random.Random(0)
    if application == "adder":
        rows = [[draw.random() for _ in range(draw.randint(1, 9))] for _ in range(40)]
        pairs = [(row, sum(row)) for row in rows]
        return _adder(), pairs, pairs[:8]
    lines = _lines(80)
    if application == "translator":
        from zoo import Translator

        pairs = list(zip(lines[::2], lines[1::2], strict=True))
        sizes = {"units": 8, "embedding_size": 8, "vocabulary_size": 300}
        return Translator(**sizes, dropout=0.3), pairs, pairs[:8]
    from zoo import LanguageModel

    return LanguageModel(units=8, window=16, dropout=0.3), " ".join(lines), " ".join(lines[:20])


def _adder() -> Any:
    import keras
    import numpy as np

    from zoo import Application

    class Adder(Application):
        """Sums of numbers; as small as an application can be, for a life to be short."""

        def adapt(self, data: Any, targets: Any = None) -> None:
            self.hidden = keras.layers.Dense(4, activation="tanh")
            self.hidden.build((None, None, 1))
            self.drop = keras.layers.Dropout(0.3)
            self.answer = keras.layers.Dense(1)
            self.answer.build((None, 4))
            self.built = True

        def featurize(self, inputs: Any, targets: Any = None) -> Any:
            examples = [{"numbers": np.array(row, "float32")[:, None]} for row in inputs]
            for example, target in zip(examples, targets or (), strict=False):
                example["target"] = np.float32(target)
            return examples

        def call(self, features: Any, training: bool = False) -> Any:
            read = self.drop(self.hidden(features["numbers"]), training=training)
            return keras.ops.sum(self.answer(read), axis=(1, 2))

        def loss_and_metrics(self) -> Any:
            return "mse", ["mae"]

        def score(self, data: Any, targets: Any = None, **decoding: Any) -> dict[str, float]:
            return {"luck": random.random()}

    return Adder({})
