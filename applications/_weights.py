"""Weights of any model under names that stay: the attributes that lead to each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._manifest import PresetError

if TYPE_CHECKING:
    import keras

# Numbered by Keras in the order of creation, so different in every process.
_UNNAMED = re.compile(r"variable_\d+")
_KINDS = {
    **dict.fromkeys(("F16", "F32", "F64", "BF16"), "f"),
    **dict.fromkeys(("I8", "I16", "I32", "I64"), "i"),
    **dict.fromkeys(("U8", "U16", "U32", "U64"), "u"),
    "BOOL": "b",
}


def weight_paths(model: keras.Layer) -> dict[str, keras.Variable]:
    """Returns the weights of a model by the public attributes that lead to them.

    A path such as `encoder.layers.0.forward_layer.cell.kernel` goes from attribute to attribute,
    with the index or key where one is a list, tuple or dict, and ends with the weight's own name.
    Keras's variable paths hold counters that differ from instance to instance; these paths do not.
    A shared layer or weight is named once, by the first path in sorted order. `Sequential` and
    functional models are walked by the positions in their `layers`.

    Args:
        model: any built Keras layer or model.

    Raises:
        PresetError: a weight is reached by no path, as when its layer is in a private attribute.

    Example:

    >>> import keras
    >>> model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(3)])
    >>> list(weight_paths(model))
    ['layers.0.bias', 'layers.0.kernel']
    """
    paths: dict[str, Any] = {}
    used: set[int] = set()
    for prefix, layer in _walk(model, "", set()):
        own = [weight for weight in _own_weights(layer) if id(weight) not in used]
        used.update(map(id, own))
        names = [_UNNAMED.sub("variable", weight.name) for weight in own]
        for index, (name, weight) in enumerate(zip(names, own, strict=True)):
            if names.count(name) > 1:
                name = f"{name}.{names[:index].count(name)}"
            path = f"{prefix}.{name}" if prefix else name
            if path in paths:
                raise PresetError(f"Two weights would be called {path!r}: rename an attribute.")
            paths[path] = weight
    missed = [weight.path for weight in model.weights if id(weight) not in used]
    if missed:
        raise PresetError(
            f"{len(missed)} weights such as {missed[0]!r} cannot be named: keep every layer of "
            f"{type(model).__name__} in an attribute without a leading underscore."
        )
    return dict(sorted(paths.items()))


def write_weights(model: keras.Layer, path: Path, dtype: str | None = "float32") -> None:
    """Writes the weights of a model as safetensors under their `weight_paths`.

    Args:
        model: the model.
        path: the file to write.
        dtype: "float32" or "float16" for all weights that are floating point, None to keep each as
            it is. A weight with a value beyond float16 is kept as float32.

    Raises:
        PresetError: a weight is not finite or has no path.
        ValueError: `dtype` is another.
    """
    import keras
    from safetensors.numpy import save

    if dtype not in ("float16", "float32", None):
        raise ValueError(f'`dtype` must be "float16", "float32" or None. Received: {dtype!r}.')
    arrays = {}
    for name, weight in weight_paths(model).items():
        array = np.asarray(keras.ops.convert_to_numpy(weight))
        if array.dtype.kind not in "iub":
            if not np.isfinite(array.astype("float32")).all():
                raise PresetError(f"The weight {name!r} is not finite, so the model is not saved.")
            # NumPy has no bfloat16 of its own, and float32 holds all of it.
            array = _cast(array, dtype or ("float32" if array.dtype.kind == "V" else array.dtype))
        # safetensors writes the memory as it lies.
        arrays[name] = np.array(array, order="C")
    path.write_bytes(save(arrays))


@contextmanager
def checked_weights(model: keras.Layer, path: Path) -> Iterator[Callable[[], None]]:
    """Checks the weights in a file against a model and gives the function that puts them in.

    The check reads names, shapes and kinds only, so that a model whose variables are not yet
    allocated can be refused before they are; values are read when the function is called.

    Args:
        model: the model, built.
        path: the file that `write_weights` made.

    Raises:
        PresetError: names, shapes or kinds differ, a value is not finite or the file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    variables = weight_paths(model)
    try:
        with safe_open(path, framework="np") as file:
            _check_header(file, variables, path)

            def fill() -> None:
                for name, variable in variables.items():
                    variable.assign(_finite(file.get_tensor(name), variable, name, path))

            yield fill
    except (OSError, SafetensorError) as error:
        raise PresetError(f"{path} cannot be read as safetensors: {error}.") from error


def _walk(value: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Every layer below `value` once, itself first, with the path that leads to it."""
    import keras

    if isinstance(value, keras.Layer):
        if id(value) not in seen:
            seen.add(id(value))
            yield path, value
            for name, child in _attributes(value):
                if not name.startswith("_"):
                    yield from _walk(child, f"{path}.{name}" if path else name, seen)
    elif isinstance(value, (list, tuple, Mapping)) and id(value) not in seen:
        seen.add(id(value))
        for key, child in _items(value):
            yield from _walk(child, f"{path}.{key}", seen)


def _own_weights(layer: Any) -> list[Any]:
    """The weights of a layer that belong to none of the layers inside it."""
    inner = {
        id(weight)
        for _, child in _attributes(layer)
        for sublayer in _nearest(child, set())
        if sublayer is not layer
        for weight in sublayer.weights
    }
    return [weight for weight in layer.weights if id(weight) not in inner]


def _nearest(value: Any, seen: set[int]) -> Iterator[Any]:
    import keras

    if isinstance(value, keras.Layer):
        yield value
    elif isinstance(value, (list, tuple, Mapping)) and id(value) not in seen:
        seen.add(id(value))
        for _, child in _items(value):
            yield from _nearest(child, seen)


def _attributes(layer: Any) -> list[tuple[str, Any]]:
    import keras

    attributes = dict(vars(layer))
    if isinstance(layer, (keras.Sequential, keras.Function)):
        attributes["layers"] = layer.layers
    return sorted(attributes.items())


def _items(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        return sorted(value.items(), key=lambda item: str(item[0]))
    return list(enumerate(value))


def _cast(array: np.ndarray, dtype: Any) -> np.ndarray:
    with np.errstate(over="ignore"):
        smaller = array.astype(dtype)
    return smaller if np.isfinite(smaller).all() else array.astype("float32")


def _check_header(file: Any, variables: dict[str, Any], path: Path) -> None:
    stored = set(file.keys())
    for names, place, other in (
        (sorted(variables.keys() - stored), "the network", f"{path}"),
        (sorted(stored - variables.keys()), f"{path}", "the network"),
    ):
        if names:
            raise PresetError(
                f"The weight {names[0]!r} is in {place} but not in {other} "
                f"({len(names)} such in all)."
            )
    for name, variable in variables.items():
        header = file.get_slice(name)
        shape, wanted = tuple(header.get_shape()), tuple(variable.shape)
        if shape != wanted:
            raise PresetError(
                f"The weight {name!r} has the shape {shape} in {path}, but the network needs "
                f"{wanted}."
            )
        if _KINDS.get(header.get_dtype()) != _kind(variable.dtype):
            raise PresetError(
                f"The weight {name!r} is of type {header.get_dtype()} in {path}, but the network "
                f"needs {variable.dtype}."
            )


def _kind(dtype: str) -> str:
    """One letter for floats of any size, ints, unsigned ints and booleans."""
    return "f" if "float" in dtype else dtype[0]


def _finite(array: np.ndarray, variable: Any, name: str, path: Path) -> np.ndarray:
    if _kind(variable.dtype) != "f":
        return array
    # bfloat16 reaches as far as float32 does, and NumPy knows only the latter.
    near = "float32" if variable.dtype == "bfloat16" else variable.dtype
    with np.errstate(over="ignore"):
        array = array.astype(near)
    if not np.isfinite(array).all():
        raise PresetError(f"The weight {name!r} in {path} is not finite in {variable.dtype}.")
    return array
