"""What a training consists of at one moment, as plain values and arrays."""

from __future__ import annotations

import inspect
import math
import random
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

Arrays = dict[str, np.ndarray]

# What Keras sets on every callback.
_NOT_OF_A_CALLBACK = ("_model", "params")


class Unpackable(TypeError):
    """A value is not made of numbers, texts and arrays."""


def pack(value: Any, arrays: Arrays, name: str) -> Any:
    """Returns a value as JSON has it; arrays and tensors go into `arrays`, under `name...`.

    Raises:
        Unpackable: it holds something else.
    """
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [pack(entry, arrays, f"{name}.{at}") for at, entry in enumerate(value)]
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return {"tuple": pack(list(value), arrays, name)}
    if isinstance(value, dict):
        return {"dict": pack([[*entry] for entry in value.items()], arrays, name)}
    kind = "array" if isinstance(value, np.ndarray) else "tensor"
    if kind == "array" or keras.ops.is_tensor(value):
        return {kind: name, "dtype": _put(value, arrays, name)}
    raise Unpackable(f"{name} is a {type(value).__name__}")


def unpack(value: Any, arrays: Arrays) -> Any:
    """Returns what `pack` was given."""
    if isinstance(value, list):
        return [unpack(entry, arrays) for entry in value]
    if not isinstance(value, dict):
        return value
    kind = next(iter(value))
    if kind == "float":
        return float(value[kind])
    if kind == "tuple":
        return tuple(unpack(value[kind], arrays))
    if kind == "dict":
        return dict(unpack(value[kind], arrays))
    array = _take(arrays, value[kind], value["dtype"])
    return array if kind == "array" else keras.ops.convert_to_tensor(array)


def pack_variables(variables: Iterable[Any], arrays: Arrays, name: str) -> list[str]:
    """Puts the values of variables into `arrays`, and returns their types."""
    return [_put(variable, arrays, f"{name}.{at}") for at, variable in enumerate(variables)]


def put_variables(variables: list[Any], dtypes: list[str], arrays: Arrays, name: str) -> None:
    """Gives variables the values that `pack_variables` took.

    Raises:
        ValueError: there are others, or they have other shapes; nothing has been changed.
    """
    values = [_take(arrays, f"{name}.{at}", dtype) for at, dtype in enumerate(dtypes)]
    ours, theirs = [tuple(v.shape) for v in variables], [value.shape for value in values]
    if ours != theirs:
        raise ValueError(f"its {name} variables are of another number or shape")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def finite(arrays: Arrays, prefixes: tuple[str, ...]) -> bool:
    """Whether all floating-point arrays under some names are finite."""
    return all(
        bool(np.isfinite(array).all())
        for name, array in arrays.items()
        if name.startswith(prefixes) and array.dtype.kind == "f"
    )


def pack_callback(callback: Any, arrays: Arrays, name: str) -> dict[str, Any]:
    """Returns what a callback has learned: its attributes that can be packed.

    Those by the names of its constructor's arguments are what it was told.
    """
    told = inspect.signature(type(callback).__init__).parameters
    state = {}
    for attribute, value in vars(callback).items():
        if attribute not in told and attribute not in _NOT_OF_A_CALLBACK:
            mine: Arrays = {}
            try:
                state[attribute] = pack(value, mine, f"{name}.{attribute}")
            except Unpackable:
                continue
            arrays.update(mine)
    return state


def pack_randomness(arrays: Arrays) -> dict[str, Any]:
    """Returns the states of the generators of Python, NumPy and Keras."""
    ours = _keras_generator()
    return {
        "python": pack(random.getstate(), arrays, "random.python"),
        "numpy": pack(np.random.get_state(), arrays, "random.numpy"),
        "keras": ours and pack(keras.ops.convert_to_numpy(ours.state), arrays, "random.keras"),
    }


def put_randomness(state: dict[str, Any], arrays: Arrays) -> None:
    """Sets the generators to what `pack_randomness` took."""
    random.setstate(unpack(state["python"], arrays))
    np.random.set_state(unpack(state["numpy"], arrays))
    if state["keras"] is not None:
        from keras.src.random.seed_generator import global_seed_generator

        global_seed_generator().state.assign(unpack(state["keras"], arrays))


def _keras_generator() -> Any:
    """Keras's generator for operations without a seed; None until the first of them."""
    from keras.src.backend.common import global_state
    from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR

    return global_state.get_global_attribute(GLOBAL_SEED_GENERATOR)


def _put(value: Any, arrays: Arrays, name: str) -> str:
    array = np.array(keras.ops.convert_to_numpy(value), order="C")
    dtype = str(array.dtype)
    # safetensors takes NumPy's own types; bfloat16 and its like are not among them.
    arrays[name] = array.view(f"u{array.itemsize}") if array.dtype.kind == "V" else array
    return dtype


def _take(arrays: Arrays, name: str, dtype: str) -> np.ndarray:
    return arrays[name].view(dtype)
