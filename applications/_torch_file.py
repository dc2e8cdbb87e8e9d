"""Tensors out of an old file of PyTorch's, without PyTorch and without the power of pickles.

Until version 1.6, such a file was five pickles (a magic number, a version, facts about the machine,
the tensors without their numbers, the names of the storages) and then the numbers of each storage.
"""

from __future__ import annotations

import os
import pickle
import struct
from collections import OrderedDict
from typing import Any, BinaryIO, NamedTuple

import numpy as np

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_MOST_VALUES = 2**31
_DTYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}


def read_tensors(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Reads a state dictionary.

    A file from anywhere is safe to read: nothing but tensors can be made of it. Tensors whose
    numbers do not lie in the order of their axes, which is how networks come that were converted
    from other libraries, are put in order.

    Args:
        path: the file.

    Returns:
        The tensors by name, each contiguous.

    Raises:
        ValueError: the file is damaged, of another format, or asks for something else than tensors.
    """
    try:
        with open(path, "rb") as file:
            return _read(file)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ValueError(f"{path} is no file of tensors, or is damaged: {error}.") from error
    except Exception as error:  # what a changed pickle may raise has no end
        reason = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".")
        raise ValueError(f"{path} is no file of tensors, or is damaged: {reason}.") from error


class _Storage(NamedTuple):
    key: str
    dtype: str
    length: int


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Unpickler(pickle.Unpickler):
    """Gives ordered dictionaries and descriptions of tensors, and refuses any other class."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _described
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise ValueError(f"it asks for {module}.{name}, which is no tensor")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _, count, view = pid
        if kind != "storage" or dtype not in _DTYPES.values() or view is not None:
            raise ValueError(f"it holds something else than a storage, {kind!r}")
        return _Storage(str(key), dtype, _whole(count))


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise ValueError(f"it asks for {module}.{name}, which is no tensor")


def _described(storage: Any, offset: Any, shape: Any, strides: Any, *rest: Any) -> _Tensor:
    if not isinstance(storage, _Storage):
        raise ValueError("a tensor has no storage")
    sizes, steps = tuple(map(_whole, shape)), tuple(map(_whole, strides))
    if len(sizes) != len(steps):
        raise ValueError("a tensor has not as many strides as axes")
    return _Tensor(storage, _whole(offset), sizes, steps)


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _MOST_VALUES:
        raise ValueError(f"{value!r} is no size")
    return value


def _read(file: BinaryIO) -> dict[str, np.ndarray]:
    if _Plain(file).load() != _MAGIC or _Plain(file).load() != _VERSION:
        raise ValueError("it does not begin as such a file does")
    if not _Plain(file).load()["little_endian"]:
        raise ValueError("it was written on a big-endian machine")
    tensors = _Unpickler(file).load()
    if not isinstance(tensors, dict) or not all(
        isinstance(name, str) and isinstance(value, _Tensor) for name, value in tensors.items()
    ):
        raise ValueError("it is no dictionary of tensors")
    wanted = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    values = {}
    for key in _Plain(file).load():
        storage = wanted[key]
        header = file.read(8)
        if len(header) != 8 or struct.unpack("<q", header)[0] != storage.length:
            raise ValueError("a storage is not of the size that was announced")
        data = file.read(storage.length * np.dtype(storage.dtype).itemsize)
        values[key] = np.frombuffer(data, storage.dtype)
        if len(values[key]) != storage.length:
            raise ValueError("it is cut short")
    return {name: _in_order(tensor, values[tensor.storage.key]) for name, tensor in tensors.items()}


def _in_order(tensor: _Tensor, values: np.ndarray) -> np.ndarray:
    """The numbers of a tensor in the order of its axes."""
    places = np.full(tensor.shape, tensor.offset, "int64")
    for axis, (size, stride) in enumerate(zip(tensor.shape, tensor.strides, strict=True)):
        steps = np.arange(size, dtype="int64") * stride
        places += steps.reshape([-1 if at == axis else 1 for at in range(len(tensor.shape))])
    if places.size and places.max() >= len(values):
        raise ValueError("a tensor reaches beyond its storage")
    return values[places]
