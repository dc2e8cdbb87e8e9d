"""What datasets of pictures with captions share."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ._base import PairDataset
from ._reading import read_text

Pictures = list[tuple[str, list[str]]]

_NAMES = ("image", "image_name", "file", "file_name", "filename", "picture", "path", "name")
_CAPTIONS = ("caption", "captions", "text", "comment", "target", "description")
_SHOWN = 3


class PictureDataset(PairDataset):
    """Base class of datasets of pictures, each with one caption or several.

    An input is the path of a picture, and one with several captions is the input of several pairs.
    Slices count pictures, so that none is cut in two: `train[:90%]` has all captions of the first
    nine tenths of the pictures.

    Args:
        config: The part of the name after the first slash, one of `configs()`.
        data_dir: The folder of the data.
    """

    def pictures(self, split: str) -> Pictures:
        """Reads one split: the paths of pictures, each with its captions."""
        raise NotImplementedError(f"{type(self).__name__} must define `pictures(split)`.")

    def pairs(self, split: str) -> list[tuple[str, str]]:
        return self.expand(self.pictures(split))

    def items(self, split: str) -> Sequence[Any]:
        return self.pictures(split)

    def expand(self, items: Sequence[Any]) -> list[Any]:
        return [(path, caption) for path, captions in items for caption in captions]


def read_captions(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Reads a table of captions: the number of each line, and its values by column.

    There are the columns `image`, `caption`, and those that the first line names besides. Without
    names, a line is a name and a caption. Columns are parted by tabs if the first line has one, or
    else by commas; Flickr8k's `photo.jpg#2` is the caption number 2 of `photo.jpg`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no such table.
    """
    text = read_text(path)
    separator = "\t" if "\t" in text.split("\n", 1)[0] else ","
    if separator == "\t":  # whose captions may hold quotes
        lines = ((n, line.removesuffix("\r").split("\t")) for n, line in _numbered(text))
        return _rows(list(lines), path, separator)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return _rows([(reader.line_num, cells) for cells in reader], path, separator)
    except csv.Error as error:
        raise ValueError(f"Line {reader.line_num} of {path} is not CSV: {error}.") from error


def by_picture(rows: list[tuple[int, dict[str, str]]], folder: Path, table: Path) -> Pictures:
    """Puts the captions of each picture together, in the order in which pictures are named.

    Raises:
        FileNotFoundError: pictures are missing; the message names them.
        ValueError: no line has a caption.
    """
    found: dict[str, list[str]] = {}
    empty: list[int] = []
    missing: dict[str, int] = {}
    for number, row in rows:
        # "./a.jpg" and "a.jpg" are one picture.
        path = str(folder / row["image"].strip())
        caption = row["caption"].strip()
        if not caption:
            empty.append(number)
        elif path not in found and not Path(path).is_file():
            missing.setdefault(row["image"].strip(), number)
        elif caption not in found.setdefault(path, []):
            found[path].append(caption)
    if missing:
        names = [f"{name!r} (line {line})" for name, line in [*missing.items()][:_SHOWN]]
        more = f" and {len(missing) - _SHOWN} more" * (len(missing) > _SHOWN)
        raise FileNotFoundError(
            f"{table} names pictures that are not in {folder}: {', '.join(names)}{more}."
        )
    if empty:
        warnings.warn(
            f"{len(empty)} line{'s' * (len(empty) != 1)} of {table} without a caption are left "
            f"out, such as line {empty[0]}.",
            stacklevel=2,
        )
    if not found:
        raise ValueError(f"{table} has no captions.")
    return list(found.items())


def _numbered(text: str) -> list[tuple[int, str]]:
    return list(enumerate(text.split("\n"), start=1))


def _rows(
    lines: list[tuple[int, list[str]]], path: Path, separator: str
) -> list[tuple[int, dict[str, str]]]:
    lines = [(number, cells) for number, cells in lines if any(cell.strip() for cell in cells)]
    names = _columns(lines[0][1])
    if names is None:
        names = ["image", "caption"]
    else:
        lines = lines[1:]
    last = names[-1] == "caption"
    rows = []
    for number, cells in lines:
        if len(cells) > len(names) and last:  # a caption with commas and without quotes
            cells = [*cells[: len(names) - 1], separator.join(cells[len(names) - 1 :])]
        if len(cells) != len(names):
            raise ValueError(
                f"Line {number} of {path} has {len(cells)} column{'s' * (len(cells) != 1)} instead "
                f"of {len(names)}; each must have the name of a picture and a caption."
            )
        row = dict(zip(names, cells, strict=True))
        name, mark, count = row["image"].rpartition("#")
        if mark and count.isdigit():
            row["image"] = name
        rows.append((number, row))
    if not rows:
        raise ValueError(f"{path} has no captions.")
    return rows


def _columns(cells: list[str]) -> list[str] | None:
    """The columns that a first line names, those of pictures and captions by our names."""
    names = [cell.strip().lower() for cell in cells]
    for kind, known in (("image", _NAMES), ("caption", _CAPTIONS)):
        place = next((names.index(name) for name in known if name in names), None)
        if place is None:
            return None
        names[place] = kind
    return names
