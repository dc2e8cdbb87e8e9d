"""PyTorch's old files: what torch wrote is read as torch would, and nothing but tensors is made."""

import io
import os
import pickle
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.applications._torch_file import read_tensors


class Named:
    """Something that a pickle names instead of holding it."""

    def __init__(self, module: str, name: str, *arguments: Any) -> None:
        self.module, self.name, self.arguments = module, name, arguments


class Storage:
    def __init__(self, key: str, values: np.ndarray) -> None:
        self.key, self.values = key, values


def written(path: Path, tensors: Any, storages: list[Storage], **changes: Any) -> Path:
    """A file as torch writes it, without torch."""

    class Pickler(pickle._Pickler):  # the one in Python, which can be told what to write
        def persistent_id(self, value: Any) -> Any:
            if isinstance(value, Storage):
                kind = Named("torch", "FloatStorage")
                return ("storage", kind, value.key, "cpu", len(value.values), None)
            return None

        def save(self, value: Any, save_persistent_id: bool = True) -> None:
            if isinstance(value, Named):
                self.write(f"c{value.module}\n{value.name}\n".encode())
                if value.arguments:
                    self.save(value.arguments)
                    self.write(b"R")
                return
            super().save(value, save_persistent_id)

    buffer = io.BytesIO()
    facts = {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}
    for part in (changes.get("magic", 0x1950A86A20F9469CFC6C), 1001, facts):
        pickle.dump(part, buffer, 2)
    Pickler(buffer, 2).dump(tensors)
    pickle.dump([storage.key for storage in storages], buffer, 2)
    for storage in storages:
        buffer.write(struct.pack("<q", len(storage.values)))
        buffer.write(storage.values.astype("<f4").tobytes())
    path.write_bytes(buffer.getvalue()[: changes.get("length")])
    return path


def tensor(storage: Storage, offset: int, shape: tuple, strides: tuple) -> Named:
    parts = (storage, offset, shape, strides, False, OrderedDict())
    return Named("torch._utils", "_rebuild_tensor_v2", *parts)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.pth"


def test_strides_are_followed(path: Path) -> None:
    storage = Storage("7", np.arange(30))
    tensors = OrderedDict(
        plain=tensor(storage, 0, (2, 3), (3, 1)),
        turned=tensor(storage, 1, (3, 2), (1, 3)),
        scalar=tensor(storage, 5, (), ()),
    )
    found = read_tensors(written(path, tensors, [storage]))
    assert found["plain"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["turned"].tolist() == [[1, 4], [2, 5], [3, 6]]
    assert found["scalar"].tolist() == 5
    assert all(array.flags["C_CONTIGUOUS"] for array in found.values())


def test_what_torch_writes(path: Path) -> None:
    torch = pytest.importorskip("torch")
    values = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    tensors = OrderedDict(
        plain=values,
        turned=values.permute(2, 0, 1),
        part=values[1, :, ::2],
        half=values.half(),
        count=torch.tensor(3),
    )
    torch.save(tensors, path, _use_new_zipfile_serialization=False)
    found = read_tensors(path)
    assert list(found) == list(tensors)
    for name, value in tensors.items():
        np.testing.assert_array_equal(found[name], value.numpy())
        assert found[name].dtype == value.numpy().dtype


@pytest.mark.parametrize(
    "value",
    [
        Named("os", "system", "touch MADE"),
        Named("builtins", "eval", "open('MADE', 'w')"),
        Named("torch", "load"),
        Named("torch._utils", "_rebuild_tensor"),
        Named("collections", "Counter"),
    ],
)
def test_nothing_but_tensors_is_made(value: Named, path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(path.parent)
    written(path, {"a": value}, [])
    with pytest.raises(ValueError, match=f"asks for {value.module}.{value.name}, which is no tens"):
        read_tensors(path)
    assert os.listdir(path.parent) == ["weights.pth"]


@pytest.mark.parametrize(
    ("shape", "strides", "offset", "message"),
    [
        ((4, 4), (4, 1), 0, "reaches beyond its storage"),
        ((2,), (1,), 9, "reaches beyond its storage"),
        ((2,), (-1,), 3, "-1 is no size"),
        ((2, 2), (1,), 0, "as many strides as axes"),
        ((2**40,), (1,), 0, "is no size"),
        ((2.0,), (1,), 0, "is no size"),
    ],
)
def test_tensors_stay_in_their_storage(
    path: Path, shape: tuple, strides: tuple, offset: int, message: str
) -> None:
    storage = Storage("1", np.arange(10))
    written(path, {"a": tensor(storage, offset, shape, strides)}, [storage])
    with pytest.raises(ValueError, match=message):
        read_tensors(path)


def test_damage(path: Path) -> None:
    storage = Storage("1", np.arange(10))
    tensors = {"a": tensor(storage, 0, (10,), (1,))}
    whole = written(path, tensors, [storage]).read_bytes()
    np.testing.assert_array_equal(read_tensors(path)["a"], np.arange(10))
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="is no file of tensors, or is damaged"):
            read_tensors(path)
    written(path, tensors, [storage], magic=3)
    with pytest.raises(ValueError, match="does not begin as such a file does"):
        read_tensors(path)
    written(path, [1, 2], [])
    with pytest.raises(ValueError, match="no dictionary of tensors"):
        read_tensors(path)
    with pytest.raises(ValueError, match="cannot be read"):
        read_tensors(path.parent / "absent")
