"""A toy language: digits in English to digits in German, in the other order."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.applications import Translator

ENGLISH = "zero one two three four five six seven eight nine".split()
GERMAN = "null eins zwei drei vier fünf sechs sieben acht neun".split()
TINY: dict[str, Any] = {"units": 16, "embedding_size": 12, "vocabulary_size": 330, "dropout": 0.0}
PROBES = ["four two", "", "nine nine one zero", "six", "five  seven", "a word it has not seen!"]


def pairs(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Sentences of one to four words; the same seed gives the same ones."""
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        digits = generator.integers(0, 10, generator.integers(1, 5))
        english = " ".join(ENGLISH[digit] for digit in digits)
        found.append((english, " ".join(GERMAN[digit] for digit in digits[::-1])))
    return found


def tiny(**choices: Any) -> Translator:
    """A translator of random weights that knows the words."""
    keras.utils.set_random_seed(11)
    translator = Translator(**{**TINY, **choices})
    translator.adapt(pairs(40))
    return translator


def trained() -> Translator:
    """A translator that has learned the language."""
    keras.utils.set_random_seed(3)
    translator = Translator(
        units=64, embedding_size=32, vocabulary_size=330, dropout=0.0, label_smoothing=0.02
    )
    # A rate that falls to zero ends in the same place whatever the machine rounds.
    rate = keras.optimizers.schedules.CosineDecay(0.008, decay_steps=20 * 25)
    translator.compile(keras.optimizers.Adam(rate, clipnorm=1.0))
    translator.fit(pairs(400), batch_size=16, epochs=20, verbose=0)
    return translator


def behaviour(translator: Translator) -> dict[str, Any]:
    """What a saved translator must still do, as plain data."""
    return {
        "greedy": translator.translate(PROBES),
        "beam": translator.translate(PROBES, beam_size=4, n_best=2),
        "vectors": translator.encode(PROBES).tolist(),
        "config": translator.get_config(),
    }


if __name__ == "__main__":
    # Load what another process saved, and say what it does.
    import zoo

    folder = Path(sys.argv[1])
    found = {
        "preset": behaviour(Translator.from_preset(folder / "preset")),
        "keras": behaviour(zoo.load_model(folder / "model.keras")),
    }
    (folder / "found.json").write_text(json.dumps(found))
    print(keras.backend.backend())
