"""Text files as lines and pairs, with an exact word about whatever is wrong with them."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

_HEADERS = (("source", "target"), ("input", "target"), ("file", "text"))

# The default of the csv module, 131,072 characters, is less than a long text in one field.
_FIELD_LIMIT = 2**31 - 1


def read_text(path: str | os.PathLike[str]) -> str:
    """Reads a UTF-8 file, with or without a byte-order mark, without touching its line ends.

    Args:
        path: The file.

    Returns:
        Its text.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is a folder, is empty or is not UTF-8.
    """
    file = Path(path).expanduser()
    text = decode(read_bytes(file), file)
    if not text.strip():
        raise ValueError(f"{file} is empty.")
    return text


def read_bytes(file: Path) -> bytes:
    """Reads a file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is a folder.
    """
    if file.is_dir():
        raise ValueError(f"{file} is a folder; give the path of a file.")
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(f"There is no file {file}.") from error


def decode(data: bytes, file: Path) -> str:
    """Decodes what `file` holds, without the byte-order mark if there is one.

    Raises:
        ValueError: If it is not UTF-8; the message names the first byte that is wrong.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The codec counts from behind a byte-order mark, if there is one.
        start = error.start + len(data) - len(error.object)
        line = data.count(b"\n", 0, start) + 1
        raise ValueError(
            f"{file} is not UTF-8: byte {start} (line {line}) is 0x{data[start]:02x}; "
            "save the file as UTF-8."
        ) from error


def read_lines(path: str | os.PathLike[str]) -> list[str]:
    """Reads the lines of a UTF-8 file.

    Only line feeds end a line (a carriage return before one is dropped): `str.splitlines` would
    also break at characters such as U+2028, which occur within sentences, and shift all that
    follows.
    """
    lines = read_text(path).split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def read_aligned(
    source: str | os.PathLike[str], target: str | os.PathLike[str]
) -> list[tuple[str, str]]:
    """Reads two files in which line i of one belongs to line i of the other.

    Raises:
        FileNotFoundError: If one of the files does not exist.
        ValueError: If they have different numbers of lines, or one cannot be read.
    """
    inputs, targets = read_lines(source), read_lines(target)
    if len(inputs) != len(targets):
        raise ValueError(
            f"Aligned files must have equally many lines: {Path(source)} has {len(inputs)}, "
            f"{Path(target)} has {len(targets)}."
        )
    return list(zip(inputs, targets, strict=True))


def read_table(path: str | os.PathLike[str]) -> list[tuple[str, str]]:
    """Reads the pairs of a table: a `.csv` file with commas, any other file with tabs.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it has no pairs, or a line is not a pair.
    """
    read = _read_csv if Path(path).suffix.lower() == ".csv" else _read_tsv
    pairs = read(Path(path).expanduser())
    if not pairs:
        raise ValueError(f"{Path(path)} has a header but no pairs.")
    return pairs


def _read_tsv(path: Path) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    columns: tuple[int, int] | None = None
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        cells = line.split("\t")
        if len(cells) < 2:
            raise ValueError(
                f"Line {number} of {path} has no tab between an input and a target: {_short(line)}."
            )
        if columns is None:
            columns = _header(cells)
            if columns is not None:
                continue
            columns = (0, 1)
        pairs.append(_pick(cells, columns, path, number))
    return pairs


def _read_csv(path: Path) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    columns: tuple[int, int] | None = None
    named = False
    limit = csv.field_size_limit(_FIELD_LIMIT)
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if columns is None:
                columns = _header(cells)
                named = columns is not None
                if named:
                    continue
                columns = (0, 1)
            if not named and len(cells) != 2:
                raise ValueError(
                    f"Line {reader.line_num} of {path} has {len(cells)} "
                    f"column{'s' * (len(cells) != 1)} instead of 2; quote texts that hold commas, "
                    "or name the columns source and target in the first line."
                )
            pairs.append(_pick(cells, columns or (0, 1), path, reader.line_num))
    except csv.Error as error:
        raise ValueError(f"Line {reader.line_num} of {path} is not CSV: {error}.") from error
    finally:
        csv.field_size_limit(limit)
    return pairs


def _header(cells: list[str]) -> tuple[int, int] | None:
    """The positions of input and target when `cells` are names of columns."""
    names = [cell.strip().lower() for cell in cells]
    for first, second in _HEADERS:
        if first in names and second in names:
            return names.index(first), names.index(second)
    return None


def _pick(cells: list[str], columns: tuple[int, int], path: Path, number: int) -> tuple[str, str]:
    if len(cells) <= max(columns):
        raise ValueError(
            f"Line {number} of {path} has {len(cells)} column{'s' * (len(cells) != 1)}, "
            f"but the target is in column {max(columns) + 1}."
        )
    return cells[columns[0]], cells[columns[1]]


def _short(text: str, length: int = 40) -> str:
    return repr(text if len(text) <= length else text[:length] + "...")
