"""A toy hand that writes words of four letters, each always in the same way but for its size."""

from __future__ import annotations

import keras
import numpy as np

from zoo.applications import HandwritingRecognizer

CIRCLE = np.linspace(0, 2 * np.pi, 20)
LETTERS = {
    "l": np.array([[0, -2.0], [0, 1.0]]),
    "o": np.stack([0.4 + 0.4 * np.sin(CIRCLE), np.cos(CIRCLE) * 0.5 + 0.5], axis=1),
    "v": np.array([[0, 0.0], [0.4, 1.0], [0.8, 0.0]]),
    "z": np.array([[0, 0.0], [0.8, 0.0], [0, 1.0], [0.8, 1.0]]),
}
TINY = {"units": 24, "depth": 2, "spacing": 0.4, "dropout": 0.0, "augmentation": 0.3}


def write(word: str, size: float = 50.0, seed: int = 0) -> list[np.ndarray]:
    """A stroke for each letter."""
    generator = np.random.default_rng([seed, len(word)])
    strokes, x = [], 0.0
    for letter in word:
        stroke = LETTERS[letter] * generator.uniform(0.85, 1.15, 2)
        strokes.append((stroke + [x, 0]) * size)
        x += 0.4 if letter == "l" else 1.2
    return strokes


def pairs(count: int, seed: int = 0) -> list[tuple[list[np.ndarray], str]]:
    """Words of one to five letters; the same seed gives the same ones."""
    generator = np.random.default_rng(seed)
    words = [
        "".join(generator.choice(list(LETTERS), generator.integers(1, 6))) for _ in range(count)
    ]
    return [
        (write(word, generator.uniform(5, 500), seed + number), word)
        for number, word in enumerate(words)
    ]


def tiny(**choices: object) -> HandwritingRecognizer:
    """A recogniser of random weights that knows the letters."""
    keras.utils.set_random_seed(5)
    recognizer = HandwritingRecognizer(**{**TINY, **choices})
    recognizer.adapt(pairs(30))
    return recognizer


def trained(**choices: object) -> HandwritingRecognizer:
    """A recogniser that has learned the hand."""
    recognizer = tiny(**choices)
    rate = keras.optimizers.schedules.CosineDecay(0.01, decay_steps=20 * 13)
    recognizer.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0))
    recognizer.fit(pairs(200), batch_size=16, epochs=20, verbose=0)
    return recognizer
