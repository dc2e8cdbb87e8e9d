"""Kills a training at random moments, and shows that its end is that of an undisturbed one.

python benchmarks/interruptions.py
KERAS_BACKEND=jax python benchmarks/interruptions.py --application language_model --kills 5

A moment is any event of the training (a batch, an epoch, an evaluation begins or ends) and any
system call with which a checkpoint is written; a file is killed half written. The first line of
numbers is the undisturbed training's, the last one that of the training that was killed each time
it had been started again. Every life is a process of its own.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if __name__ == "__main__":
    # A script's own folder comes first, where this file would be found by its name alone.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

APPLICATIONS = ("adder", "language_model", "translator")

Tick = Callable[[str], None]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the lives; returns 0 if the ends are equal and nothing is left behind."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--application", choices=APPLICATIONS, default="adder")
    parser.add_argument("--kills", type=int, default=20, help="how often the training is killed")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    # Only once, for all lives; none of this computes anything.
    import zoo.callbacks  # noqa: F401
    from zoo.applications import LanguageModel, Translator  # noqa: F401

    moments = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        undisturbed = _life(options.application, Path(folder) / "undisturbed", None)
        events = undisturbed["events"]
        if not options.json:
            print(f"undisturbed: {undisturbed['end']}, {events} moments", flush=True)
        place = Path(folder) / "killed"
        kills = []
        for number in range(options.kills):
            # So that the kills spread over all of the training, most of which is done already.
            at = 1 + moments.randrange(max(1, 2 * events // (options.kills + 1)))
            life = _life(options.application, place, at)
            kills.append(life.get("killed", "not any more"))
            if not options.json:
                print(f"kill {number + 1}: {kills[-1]}", flush=True)
        end = _life(options.application, place, None)
        left = sorted(str(path.relative_to(place)) for path in place.rglob("*"))
    found = {
        "undisturbed": undisturbed["end"],
        "killed": end["end"],
        "kills": kills,
        "left": left,
        "equal": undisturbed["end"] == end["end"],
    }
    if options.json:
        print(json.dumps(found))
    else:
        print(f"killed:      {end['end']}: {'equal' if found['equal'] else 'DIFFERENT'}")
        print(f"left behind: {', '.join(left)}")
    unexpected = [name for name in left if name.split("/")[0] != "preset"]
    return int(not found["equal"] or bool(unexpected))


def _life(application: str, place: Path, kill_at: int | None) -> dict[str, Any]:
    """Trains in a process of its own, which kills itself at a moment; says how it ended."""
    place.mkdir(exist_ok=True)
    read, write = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if not child:
        os.close(read)
        code = 1
        try:
            _train(application, place, kill_at, os.fdopen(write, "w"))
            code = 0
        except BaseException:  # the parent must not go on in here
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read) as pipe:
        lines = pipe.read().splitlines()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code not in (0, -signal.SIGKILL):
        raise RuntimeError(f"A training ended with exit code {code}.")
    return json.loads(lines[-1])


def _train(application: str, place: Path, kill_at: int | None, out: Any) -> None:
    import keras
    import numpy as np

    from zoo.callbacks import AveragedSGD, KeepBest, ResumableTraining

    count = 0

    def tick(what: str) -> None:
        nonlocal count
        count += 1
        if count == kill_at:
            print(json.dumps({"killed": what}), file=out, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)

    _tell_of_writing(tick)
    keras.utils.set_random_seed(1)
    model, data, validation = _made(application)
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
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(value).tobytes() for value in everything))
    end = f"{digest.hexdigest()[:16]} {history.history['loss'][-1]:.6f} {drawn}"
    print(json.dumps({"end": end, "events": count}), file=out, flush=True)


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


def _tell_of_writing(tick: Tick) -> None:
    """Lets a moment come before and after each system call, and in the middle of each file."""

    def between(owner: Any, name: str) -> None:
        call = getattr(owner, name)

        def told(*arguments: Any, **options: Any) -> Any:
            tick(f"before {name}")
            result = call(*arguments, **options)
            tick(f"after {name}")
            return result

        setattr(owner, name, told)

    for name in ("fsync", "rename"):
        between(os, name)
    between(shutil, "rmtree")

    def write_bytes(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            half = len(data) // 2
            file.write(data[:half])
            file.flush()
            tick("half a file")
            return half + file.write(data[half:])

    Path.write_bytes = write_bytes  # type: ignore[method-assign,assignment]


def _made(application: str) -> tuple[Any, Any, Any]:
    """A tiny model with dropout, and what it is trained and validated on."""
    draw = random.Random(0)
    if application == "adder":
        rows = [[draw.random() for _ in range(draw.randint(1, 9))] for _ in range(40)]
        pairs = [(row, sum(row)) for row in rows]
        return _adder(), pairs, pairs[:8]
    words = "a dog runs cat sleeps house red green big small".split()
    lines = [" ".join(draw.choices(words, k=draw.randint(1, 6))) for _ in range(80)]
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


if __name__ == "__main__":
    sys.exit(main())
