"""Where to look for good hyperparameters: plain dictionaries that the applications share.

Each name is a field of a recipe with dots, or `cell.` and an option of the recurrent cell, which
only those cells get that take it. A value is a list to choose from; `{"min":, "max":}` with `step`
or with `sampling: log`; `{"cells": PATTERN}`, registered cells; all may have a `default`, where the
recipe does not say.
"""

from __future__ import annotations

from typing import Any

SearchSpace = dict[str, Any]

CELL: SearchSpace = {
    "config.recurrent": {"cells": "*"},
    "cell.gate_biases.input": {"min": -3.0, "max": 1.0, "step": 0.5, "default": 0.0},
    "cell.gate_biases.forget": {"min": -1.0, "max": 3.0, "step": 0.5, "default": 1.0},
    "cell.gate_biases.output": {"min": -2.0, "max": 2.0, "step": 0.5, "default": 0.0},
    "cell.initial_scale": {"min": 0.1, "max": 3.0, "sampling": "log", "default": 1.0},
    "cell.recurrent_weight_dropout": {"min": 0.0, "max": 0.5, "step": 0.1, "default": 0.0},
}
"""The recurrent cell; `initial_scale` is the variance of its kernels over that of Glorot's."""

TRAINING: SearchSpace = {
    "training.learning_rate": {"min": 1e-4, "max": 1e-2, "sampling": "log"},
    "training.batch_size": [16, 32, 64, 128],
    "training.clipnorm": {"min": 0.1, "max": 10.0, "sampling": "log"},
}

SIZES: SearchSpace = {
    "config.units": {"min": 64, "max": 512, "step": 64},
    "config.depth": [1, 2, 3],
    "config.dropout": {"min": 0.0, "max": 0.5, "step": 0.1},
}

DEFAULT: SearchSpace = {**CELL, **SIZES, **TRAINING}
"""For applications with `recurrent`, `units`, `depth` and `dropout` among their choices."""
