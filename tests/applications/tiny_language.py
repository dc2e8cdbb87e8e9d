"""Small language models for tests, and what they ought to say, computed with NumPy."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.applications import LanguageModel

TEXT = (
    "To be, or not to be? That is it.\nWhether 'tis nobler!\n\n"
    "In the mind to suffer.\nThe slings and arrows!\n\nOf fortune. "
)


def tiny(text: Any = TEXT, **choices: Any) -> LanguageModel:
    """A model that has its network, of weights large enough to have an opinion."""
    choices = {"units": 6, "window": 8, **choices}
    model = LanguageModel(**choices)
    model.adapt(text)
    generator = np.random.default_rng(7)
    for weight in model.weights:
        weight.assign(generator.normal(0, 0.7, weight.shape).astype("float32"))
    return model


def fit(model: LanguageModel, data: Any = TEXT, **options: Any) -> dict[str, list[float]]:
    """A few eager steps, for a graph takes seconds to make."""
    model.compile(keras.optimizers.Adam(options.pop("rate", 0.01)), run_eagerly=True)
    return model.fit(data, **{"batch_size": 3, "verbose": 0, **options}).history


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def by_hand(model: LanguageModel, units: np.ndarray) -> np.ndarray:
    """The log-probability of each unit after the first, of a model of one LSTM layer."""
    weights = {w.path.split("/")[-1]: np.asarray(ops.convert_to_numpy(w)) for w in model.weights}
    embeddings = weights["embeddings"].astype("float64")
    kernel = weights.get("kernel")
    (layer,) = model.stack
    w, u, b = (np.asarray(ops.convert_to_numpy(v), "float64") for v in layer.cell.weights)
    if model.head.tied:
        kernel = embeddings.T
    else:
        kernel = np.asarray(ops.convert_to_numpy(model.head.kernel), "float64")
    bias = np.asarray(ops.convert_to_numpy(model.head.bias), "float64")
    h = c = np.zeros(u.shape[0])
    found = []
    for previous, target in zip(units, units[1:], strict=False):
        i, f, g, o = np.split(embeddings[previous] @ w + h @ u + b, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        scores = h @ kernel + bias
        found.append(scores[target] - np.log(np.exp(scores).sum()))
    return np.array(found)
