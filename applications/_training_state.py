"""What a training is made of besides its data, taken and put back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from ._snapshots import (
    Arrays,
    pack,
    pack_callback,
    pack_randomness,
    pack_variables,
    put_randomness,
    put_variables,
    unpack,
)

WEIGHTS_AND_OPTIMIZER = ("trainable.", "optimizer.")


def take(
    model: keras.Model,
    callbacks: Sequence[keras.callbacks.Callback],
    history: dict[str, Any],
    arrays: Arrays,
) -> dict[str, Any]:
    """Returns the state of a training; what is an array goes into `arrays`."""
    if keras.backend.backend() == "jax":
        model.jax_state_sync()  # during an epoch, JAX keeps the values elsewhere
    return {
        "history": pack(history, arrays, "history"),
        "randomness": pack_randomness(arrays),
        "variables": {
            name: pack_variables(variables, arrays, name)
            for name, variables in variables_of(model).items()
        },
        "callbacks": [
            [type(callback).__name__, pack_callback(callback, arrays, f"callback.{number}")]
            for number, callback in enumerate(callbacks)
        ],
    }


def put(
    model: keras.Model,
    callbacks: Sequence[keras.callbacks.Callback],
    state: dict[str, Any],
    arrays: Arrays,
    *,
    metrics: bool,
) -> None:
    """Puts back what `take` returned.

    Args:
        model, callbacks, state, arrays: those of `take`, or of another process.
        metrics: whether metrics too; Keras makes their variables only in the first step.

    Raises:
        ValueError: they are of another training.
    """
    names = [type(callback).__name__ for callback in callbacks]
    before = [name for name, _ in state["callbacks"]]
    if names != before:
        raise ValueError(f"its callbacks are {before}, and here they are {names}")
    if keras.backend.backend() == "jax":
        model.jax_state_sync()
    for name, variables in variables_of(model).items():
        if metrics or name != "metrics":
            put_variables(variables, state["variables"][name], arrays, name)
    for callback, (_, values) in zip(callbacks, state["callbacks"], strict=True):
        vars(callback).update({name: unpack(value, arrays) for name, value in values.items()})
    put_randomness(state["randomness"], arrays)


def put_history(model: keras.Model, state: dict[str, Any], arrays: Arrays, epochs: int) -> None:
    """Puts back Keras's own history, which forgets when training begins."""
    model.history.history = unpack(state["history"], arrays)
    model.history.epoch = list(range(epochs))


def variables_of(model: keras.Model) -> dict[str, list[Any]]:
    """All variables of a model that is trained, by kind."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    return {
        "trainable": model.trainable_variables,
        "non_trainable": model.non_trainable_variables,
        "optimizer": model.optimizer.variables,
        "metrics": model.metrics_variables,
    }
