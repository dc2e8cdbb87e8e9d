"""A small application that preset tests save and load, also in processes of their own."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from zoo.applications import _presets
from zoo.layers._registry import Registry


class Speller(keras.Model):
    """Reads letters with a stack of layers of many kinds; its asset is its alphabet."""

    def __init__(self, units: int = 4, depth: int = 1, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(units, int) or units < 1:
            raise ValueError(f"`units` must be a positive integer. Received: units={units}.")
        self.units, self.depth, self.dropout = units, depth, dropout
        self.alphabet: str | None = None

    def adapt(self, text: str) -> None:
        self.alphabet = "".join(sorted(set(text)))
        self.build_network()

    def build_network(self) -> None:
        size = len(self.alphabet or "")
        self.embedding = keras.layers.Embedding(size, self.units)
        self.readers = [
            keras.layers.Bidirectional(keras.layers.LSTM(self.units, return_sequences=True))
            for _ in range(self.depth)
        ]
        self.parts = {
            "stack": keras.layers.RNN(
                [keras.layers.LSTMCell(self.units), keras.layers.GRUCell(self.units)],
                return_sequences=True,
            )
        }
        self.head = keras.Sequential(
            [keras.layers.BatchNormalization(), keras.layers.Dense(size), keras.layers.Dropout(0.5)]
        )
        self(keras.KerasTensor((None, None), "int32"))

    def call(self, inputs: Any, training: bool = False) -> Any:
        outputs = self.embedding(inputs)
        for reader in self.readers:
            outputs = reader(outputs)
        return self.head(self.parts["stack"](outputs), training=training)

    def get_config(self) -> dict[str, Any]:
        return {"units": self.units, "depth": self.depth, "dropout": self.dropout}

    def write_assets(self, folder: Path) -> None:
        (folder / "alphabet.json").write_text(self.alphabet or "", encoding="utf-8")

    def read_assets(self, folder: Path) -> None:
        self.alphabet = (folder / "alphabet.json").read_text(encoding="utf-8")
        self.build_network()

    def probe(self) -> np.ndarray:
        """Outputs for fixed inputs."""
        size = len(self.alphabet or "")
        inputs = (np.arange(24) % size).reshape(3, 8).astype("int32")
        return keras.ops.convert_to_numpy(self(inputs))


class Counter(Speller):
    """Another application, to be mistaken for the first."""


def registry() -> Registry:
    found = Registry("application", group="zoo.tests.none")
    found.register("Speller", Speller)
    found.register("Counter", Counter)
    return found


def one_sentence(error: pytest.ExceptionInfo[_presets.PresetError]) -> str:
    message = str(error.value)
    assert message and "\n" not in message
    return message


def change_json(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content), "utf-8")


if __name__ == "__main__":
    if keras.backend.backend() != "tensorflow":
        assert "tensorflow" not in sys.modules
        sys.modules["tensorflow"] = None  # type: ignore[assignment]  # importing it fails now
    _presets._registry = registry
    np.save(sys.argv[2], _presets.load_preset(sys.argv[1]).probe())
    print(keras.backend.backend())
