"""Pairs in the user's own files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ._base import PairDataset, PathLike
from ._reading import read_aligned, read_table


class Pairs(PairDataset):
    """`pairs`: the lines of a TSV or CSV file, or of two aligned files.

    These are the same:

    - `load("pairs", data_dir="talk.tsv")` and `load("talk.tsv")`
    - `load("pairs", data_dir=["talk.en", "talk.de"])` and `load("talk.en,talk.de")`

    One file holds an input and its target a line: separated by a comma where the name ends in
    `.csv` (texts with commas in double quotes), by a tab in any other file. Columns may be named
    in the first line, `source` or `input` and `target`, and then stand anywhere; without names
    they are the first two, and a CSV file must have no more. Lines without text are skipped. Of
    two files, line i of the first belongs to line i of the second. All are UTF-8.

    The files are one undivided set: every split (`train`, `validation`, `test`, `all`) means all
    of their pairs in the order of the lines, so that nothing is left out unasked. Slices divide
    them: train on `train[:90%]`, validate on `train[90%:]`.

    Args:
        config: Not used.
        data_dir: The path of one file, or a sequence of two.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If there are no paths, or the files are empty, unaligned, not UTF-8, or have a
            line that is not a pair.

    Example:
        >>> import pathlib, tempfile
        >>> from zoo import datasets
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "talk.tsv"
        >>> _ = file.write_text("yes\\tja\\nno\\tnein\\n", encoding="utf-8")
        >>> list(datasets.load(file, split="train[50%:]").as_numpy_iterator())
        [(b'no', b'nein')]
    """

    undivided = True

    def pairs(self, split: str) -> list[tuple[str, str]]:
        paths = as_paths(self.data_dir)
        return read_table(paths[0]) if len(paths) == 1 else read_aligned(*paths)


def as_paths(data: PathLike | Sequence[PathLike] | None) -> list[Path]:
    """The one or two paths in `data`, which may also be a string with a comma between them."""
    if isinstance(data, str) and "," in data and not Path(data).expanduser().exists():
        data = data.split(",")
    elif isinstance(data, (str, os.PathLike)):
        data = [data]
    paths = list(data) if isinstance(data, (list, tuple)) else []
    if len(paths) not in (1, 2) or not all(
        isinstance(path, os.PathLike) or (isinstance(path, str) and path.strip()) for path in paths
    ):
        raise ValueError(
            "The dataset pairs needs the path of a TSV or CSV file, or the paths of two aligned "
            f"files. Received: {data!r}."
        )
    return [Path(path.strip() if isinstance(path, str) else path).expanduser() for path in paths]
