"""A tiny translator and a file of pairs, for tests of what trains, measures and uses presets."""

from pathlib import Path
from typing import Any

from zoo.training import Recipe, Training, train

CONFIG = {"units": 8, "embedding_size": 8, "vocabulary_size": 280}

RECIPE = """# a comment
name: own
data: emoji_names/en-de
split: train[:24]
validation_split: validation[:6]
application: Translator
config: {units: 8, embedding_size: 8, vocabulary_size: 280}
training: {epochs: 2}
"""
"""The same kind of thing as a file."""


def recipe(**fields: Any) -> Recipe:
    """A recipe for one epoch on a few names of emoji."""
    values = {
        "data": "emoji_names/en-de",
        "split": "train[:48]",
        "validation_split": "validation[:8]",
        "application": "Translator",
        "config": dict(CONFIG),
        "training": Training(epochs=1),
    }
    return Recipe(**{**values, **fields})


def make(folder: Path) -> Path:
    """Trains and saves it."""
    train(recipe(validation_split=None, data_licence="Unicode"), folder, verbose=0)
    return folder


def write_pairs(path: Path, number: int = 20) -> Path:
    """Writes a TSV file."""
    lines = [f"word {index}\tWort {index}" for index in range(number)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
