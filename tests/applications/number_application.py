"""An application that has nothing to do with text: rows of numbers to the sign of their sum."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.applications import Application
from zoo.applications._data import TARGET, Example, raw_pairs
from zoo.layers import recurrent
from zoo.layers._arguments import arguments, positive_integer

Row = list[float]


@keras.saving.register_keras_serializable(package="tests")
class SignReader(Application):
    """Labels rows of numbers; its asset is the scale of the numbers and the labels there are.

    Without a recurrent cell, features are averaged over time: the base needs no recurrence.
    """

    monitor = "accuracy"

    def __init__(self, cell: str | None = None, units: int = 8, **kwargs: Any) -> None:
        super().__init__(arguments(locals()), **kwargs)
        positive_integer("units", units)

    def adapt(self, data: Any, targets: Any = None) -> None:
        rows, labels = raw_pairs(data, targets)
        self.labels = sorted(set(labels))
        self.scale = float(np.abs(np.concatenate(rows)).max())
        self.build_network()

    def build_network(self) -> None:
        self.reader = keras.layers.Dense(self.units, activation="tanh")
        if self.cell is not None:
            self.reader = recurrent(self.cell, self.units)
        self.reader.build((None, None, 1))
        self.head = keras.layers.Dense(len(self.labels), dtype="float32")
        self.head.build((None, self.units))
        self.built = True

    def call(self, features: dict[str, Any], training: bool = False) -> Any:
        real = features["real"]
        if self.cell is not None:
            mask = ops.not_equal(real, 0)
            return self.head(self.reader(features["numbers"], mask=mask, training=training))
        read = self.reader(features["numbers"])
        real = ops.cast(ops.expand_dims(real, -1), read.dtype)
        return self.head(ops.sum(read * real, axis=1) / ops.sum(real, axis=1))

    def featurize(self, inputs: list[Any], targets: list[Any] | None = None) -> list[Example]:
        found = []
        for number, row in enumerate(inputs):
            numbers = np.asarray(row, "float32")[:, None] / self.scale
            example: Example = {"numbers": numbers, "real": np.ones(len(row), "int32")}
            if targets is not None:
                if targets[number] not in self.labels:
                    continue
                example[TARGET] = np.int32(self.labels.index(targets[number]))
            found.append(example)
        return found

    def infer(self, inputs: Any, **decoding: Any) -> list[str]:
        self._require_adapted()
        chosen = self.run(
            "label",
            lambda features: ops.argmax(self(features), axis=-1),
            self.featurize(list(inputs)),
            **decoding,
        )
        return [self.labels[int(label)] for label in chosen]

    def score(self, data: Any, targets: Any = None, **decoding: Any) -> dict[str, float]:
        rows, labels = raw_pairs(data, targets)
        found = self.infer(rows, **decoding)
        return {"accuracy": float(np.mean([a == b for a, b in zip(found, labels, strict=True)]))}

    def loss_and_metrics(self) -> tuple[Any, list[Any]]:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"]

    def assets(self) -> dict[str, str]:
        return {"signs.json": json.dumps({"labels": self.labels, "scale": self.scale})}

    def restore(self, assets: Mapping[str, str]) -> None:
        content = json.loads(assets["signs.json"])
        self.labels, self.scale = content["labels"], content["scale"]
        self.build_network()


def pairs(count: int, seed: int = 0) -> list[tuple[Row, str]]:
    """Rows of 1 to 9 numbers around plus or minus 1."""
    generator = np.random.default_rng(seed)
    found = []
    for number in range(count):
        sign = 1 if number % 2 else -1
        row = (sign + 0.3 * generator.normal(size=generator.integers(1, 10))).tolist()
        found.append((row, "plus" if sign > 0 else "minus"))
    return found


def logits(application: SignReader, data: list[tuple[Row, str]]) -> np.ndarray:
    return np.asarray(application.predict(data, verbose=0))


if __name__ == "__main__":
    import zoo

    folder = Path(sys.argv[1])
    model = zoo.load_model(folder / "model.keras")
    np.save(folder / f"{keras.backend.backend()}.npy", logits(model, pairs(12, seed=3)))
    # A whole life on this backend.
    own = SignReader("gru")
    own.compile(keras.optimizers.Adam(0.03))
    history = own.fit(pairs(60), epochs=6, batch_size=20, validation_data=pairs(20, 1), verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert history.history["val_accuracy"][-1] == 1.0
    assert own.evaluate(pairs(20, 1), verbose=0, return_dict=True)["accuracy"] == 1.0
    assert own.score(pairs(20, 1)) == {"accuracy": 1.0}
    assert own.infer([[1.0, 1.1], [-1.0]]) == ["plus", "minus"]
    print(keras.backend.backend())
