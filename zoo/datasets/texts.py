"""Texts in the user's own files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ._base import PathLike, TextDataset
from ._reading import decode, read_bytes


class Texts(TextDataset):
    """`texts`: text files, and folders of text files, as running text.

    These are the same:

    - `load("texts", data_dir="book.txt")` and `load("book.txt")`
    - `load("texts", data_dir="library")` and `load("./library")`

    A file is one document, with its line ends and spaces as they are; only a byte-order mark is
    left out. Of a folder, all files count, in the folders below it too, in the order of their
    paths; not those whose names start with a dot, nor empty ones.

    The files are one undivided text: every split (`train`, `validation`, `test`, `all`) means the
    whole. Slices cut it by position: train on `train[:90%]`, the first nine tenths of the
    characters, and validate on `train[90%:]`.

    Args:
        config: Not used.
        data_dir: The path of a file or a folder, or a sequence of paths.
        encoding: `"utf-8"`; or None, which gives the bytes of the files as they are, whatever
            they mean, and lets slices count bytes.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ValueError: If there are no paths, the files are empty, or one is not UTF-8; the message
            names the file and the byte.

    Example:
        >>> import pathlib, tempfile
        >>> from zoo import datasets
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "book.txt"
        >>> _ = file.write_text("Once upon a time\\n", encoding="utf-8")
        >>> list(datasets.load(file, split="train[:4]").as_numpy_iterator())
        [b'Once']
    """

    undivided = True
    running = True

    def __init__(
        self,
        config: str = "",
        data_dir: PathLike | Sequence[PathLike] | None = None,
        encoding: str | None = "utf-8",
    ) -> None:
        super().__init__(config, data_dir)
        self.encoding = encoding

    def texts(self, split: str) -> list[Any]:
        paths = as_text_paths(self.data_dir)
        texts = [text for path in paths for text in self._read(path)]
        if not texts:
            what = " and ".join(map(str, paths))
            folder = any(path.is_dir() for path in paths)
            raise ValueError(f"{what} {'has no file with text in it' if folder else 'is empty'}.")
        return texts

    def _read(self, path: Path) -> list[str] | list[bytes]:
        files = _files_below(path) if path.is_dir() else [path]
        contents = ((read_bytes(file), file) for file in files)
        if self.encoding is None:
            return [data for data, _ in contents if data]
        return [text for data, file in contents if (text := decode(data, file))]


def as_text_paths(data: Any) -> list[Path]:
    """The paths in `data`: one, or several in a sequence or with commas between them."""
    if isinstance(data, str) and "," in data and not Path(data).expanduser().exists():
        data = data.split(",")
    elif isinstance(data, (str, os.PathLike)):
        data = [data]
    paths = list(data) if isinstance(data, (list, tuple)) else []
    if not paths or not all(
        isinstance(path, os.PathLike) or (isinstance(path, str) and path.strip()) for path in paths
    ):
        raise ValueError(
            "The dataset texts needs the path of a text file or of a folder of text files. "
            f"Received: {data!r}."
        )
    return [Path(path.strip() if isinstance(path, str) else path).expanduser() for path in paths]


def _files_below(folder: Path) -> list[Path]:
    below = (path for path in folder.rglob("*") if path.is_file())
    return sorted(
        path for path in below if not any(p.startswith(".") for p in path.relative_to(folder).parts)
    )
