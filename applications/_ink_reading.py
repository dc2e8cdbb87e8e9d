"""Ink in files: InkML, and the lists of a web canvas."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ._ink import as_ink, pack

_MOST_BYTES = 100_000_000


def read_ink(source: str | os.PathLike[str]) -> np.ndarray:
    """Reads one ink from an InkML or npz file, or from a JSON text or file of lists; see `as_ink`.

    Raises:
        ValueError: the file cannot be read or is damaged.
    """
    text = os.fspath(source)
    if isinstance(source, str) and source.lstrip().startswith("["):
        return _from_json(source, "The text")
    if Path(text).suffix.lower() == ".json":
        return _from_json(_content(text).decode("utf-8", "replace"), text)
    if is_archive(text):
        inks = read_archive(text)
        if len(inks) != 1:
            raise ValueError(f"{text} holds {len(inks)} inks, where one is needed.")
        return inks[0]
    return read_inkml(text)[0]


def is_archive(value: Any) -> bool:
    """Whether a value is the path of an npz file."""
    return isinstance(value, str | os.PathLike) and Path(value).suffix.lower() == ".npz"


def read_archive(path: str | os.PathLike[str]) -> list[np.ndarray]:
    """Reads the inks of an npz file, packed.

    Args:
        path: a file with one array (points, 3); or with `xy` (points, 2), `pen_up` (points,), 1 at
            the last point of each stroke, and `offsets`, where each ink begins and the last one
            ends, without which there is one.

    Raises:
        ValueError: the file cannot be read, is damaged, or holds something else.

    Example:

    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from zoo.applications._ink_reading import read_archive
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "two.npz"
    >>> np.savez(path, xy=np.zeros((5, 2)), pen_up=[0, 1, 0, 0, 1], offsets=[0, 2, 5])
    >>> [ink.shape for ink in read_archive(path)]
    [(2, 3), (3, 3)]
    """
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except OSError as error:
        raise ValueError(f"{path} cannot be read as ink: {error.strerror or error}.") from error
    except (ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} is no npz file of plain arrays, or is damaged.") from error
    if {"xy", "pen_up"} <= set(arrays):
        return _divided(arrays["xy"], arrays["pen_up"], arrays.get("offsets"), path)
    if len(arrays) == 1:
        return [as_ink(array, str(path)) for array in arrays.values()]
    raise ValueError(
        f"{path} must hold one array (points, 3), or `xy`, `pen_up` and perhaps `offsets`. "
        f"It holds {', '.join(arrays) or 'nothing'}."
    )


def _divided(
    xy: np.ndarray, up: np.ndarray, offsets: np.ndarray | None, path: str | os.PathLike[str]
) -> list[np.ndarray]:
    offsets = np.array([0, len(xy)]) if offsets is None else offsets
    fits = xy.ndim == 2 and xy.shape[1] == 2 and up.shape == (len(xy),)
    parted = (
        offsets.ndim == 1
        and offsets.dtype.kind in "iu"
        and len(offsets) > 0
        and offsets[0] == 0
        and offsets[-1] == len(xy)
        and (np.diff(offsets.astype("int64")) >= 0).all()
    )
    if not (fits and parted):
        raise ValueError(
            f"{path} must hold `xy` (points, 2), `pen_up` (points,), and `offsets` that rise from "
            f"0 to the number of points. It holds shapes {xy.shape}, {up.shape}, {offsets.shape}."
        )
    points = np.concatenate([xy, up[:, None]], axis=1)
    inks = np.split(points, offsets[1:-1])
    return [as_ink(ink, f"ink {number} of {path}") for number, ink in enumerate(inks)]


def read_inkml(path: str | os.PathLike[str]) -> tuple[np.ndarray, str | None]:
    """Reads the ink of an InkML file, and its label where it has a "Ground truth" annotation.

    X and Y of the channels are read, absolute or as differences; the others are not.

    Args:
        path: the file.

    Returns:
        Packed ink with all traces, and the label or None.

    Raises:
        ValueError: the file cannot be read, declares entities, or is no InkML that can be
            understood.

    Example:

    >>> import pathlib, tempfile
    >>> from zoo.applications._ink_reading import read_inkml
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "dash.inkml"
    >>> _ = path.write_text("<ink><trace>0 0, 5 1, 9 1</trace></ink>")
    >>> read_inkml(path)[0].shape
    (3, 3)
    """
    root = parse_xml(path)
    if _local(root.tag) != "ink":
        raise ValueError(f"{path} is no InkML: its root is {_local(root.tag)!r}, not 'ink'.")
    return _strokes(root, root, path), _label(root)


def read_groups(path: str | os.PathLike[str], kind: str) -> list[tuple[np.ndarray, str]]:
    """Reads the labelled groups of traces of one kind ("Word") from an InkML file.

    Returns:
        Packed ink and label of each, in the order of the file.
    """
    root = parse_xml(path)
    found = []
    for group in _all(root, "traceGroup"):
        truth = _truth(group)
        if truth and truth.get("type", "").lower() == kind.lower() and "label" in truth:
            found.append((_strokes(group, root, path), truth["label"]))
    return found


def parse_xml(path: str | os.PathLike[str]) -> Any:
    """Parses an XML file without entities, which can make a small file fill the memory."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        return fromstring(_content(path))
    except DefusedXmlException:
        raise ValueError(
            f"{path} declares entities or refers to other files, which ink has no use for; it is "
            "not read."
        ) from None
    except (ParseError, ValueError, LookupError) as error:
        raise ValueError(
            f"{path} is not well-formed XML ({error}); ink is read from InkML, npz and JSON files."
        ) from None


def _content(path: str | os.PathLike[str]) -> bytes:
    try:
        size = os.path.getsize(path)
        if size > _MOST_BYTES:
            raise ValueError(f"{path} has {size:,} bytes; ink may have {_MOST_BYTES:,}.")
        return Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read as ink: {error.strerror}.") from error


def _from_json(text: str, where: str) -> np.ndarray:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where} is not JSON: {error}.") from None
    return as_ink(value)


def _trace(text: str, channels: list[str], where: str) -> np.ndarray:
    points = [point for point in text.replace("\n", " ").split(",") if point.strip()]
    rows = np.zeros((len(points), len(channels)))
    kinds = ["!"] * len(channels)
    speeds = np.zeros(len(channels))
    wanted = [channels.index("X"), channels.index("Y")]
    for number, point in enumerate(points):
        values = _spread(point).split()
        if len(values) < max(wanted) + 1:
            raise ValueError(
                f"{where}: point {number} must have a number for each of "
                f"{', '.join(channels)}. Received: {point.strip()!r}."
            )
        for column in wanted:
            value = values[column]
            if value[0] in "!'\"":
                kinds[column], value = value[0], value[1:]
            try:
                parsed = float(value)
            except ValueError:
                raise ValueError(
                    f"{where}: point {number} must hold numbers. Received: {point.strip()!r}."
                ) from None
            if kinds[column] == "!":
                rows[number, column] = parsed
                continue
            speeds[column] = parsed + (speeds[column] if kinds[column] == '"' else 0)
            rows[number, column] = speeds[column] + (rows[number - 1, column] if number else 0)
    return rows[:, wanted]


def _spread(point: str) -> str:
    """Puts spaces where InkML lets them be left out: before signs and marks."""
    for mark in "!'\"":
        point = point.replace(mark, f" {mark}")
    spaced = []
    for place, letter in enumerate(point):
        before = point[place - 1] if place else " "
        if letter == "-" and before.isdigit():
            spaced.append(" ")
        spaced.append(letter)
    return "".join(spaced)


def _strokes(part: Any, root: Any, path: str | os.PathLike[str]) -> np.ndarray:
    channels = [
        str(channel.get("name")) for channel in _all(_first(root, "traceFormat"), "channel")
    ] or ["X", "Y"]
    if not {"X", "Y"} <= set(channels):
        raise ValueError(f"{path} has no channels X and Y. It has {', '.join(channels)}.")
    return pack(
        _trace(trace.text or "", channels, f"{path}, trace {number}")
        for number, trace in enumerate(_all(part, "trace"))
    )


def _truth(group: Any) -> dict[str, str] | None:
    """What the "Ground truth" of a group says, not those of the groups inside it."""
    for part in group:
        kind = (part.get("type") or "").lower().replace(" ", "")
        if _local(part.tag).startswith("annotation") and kind in ("groundtruth", "truth", "label"):
            texts = {_local(entry.tag): " ".join((entry.text or "").split()) for entry in part}
            return texts or {"label": " ".join((part.text or "").split())}
    return None


def _label(root: Any) -> str | None:
    for part in root.iter():
        truth = _truth(part)
        if truth and truth.get("label"):
            return truth["label"]
    return None


def _local(tag: Any) -> str:
    return str(tag).rpartition("}")[2]


def _first(root: Any, name: str) -> Any:
    return next((part for part in root.iter() if _local(part.tag) == name), None)


def _all(root: Any, name: str) -> list[Any]:
    return [] if root is None else [part for part in root.iter() if _local(part.tag) == name]
