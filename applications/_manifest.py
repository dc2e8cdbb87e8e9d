"""Preset folders as files: the manifest that vouches for each, and writing a folder all at once."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

MANIFEST = "manifest.json"
CONFIG = "config.json"
WEIGHTS = "model.safetensors"
# What people and hubs put beside a preset; loading never reads these.
_BYSTANDERS = ("README.md", "LICENSE")


class PresetError(ValueError):
    """A preset cannot be found, read, trusted or written; the message says why in one sentence."""


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object strictly: a plain UTF-8 file, no repeated keys, no NaN.

    Args:
        path: the file; a link is refused.

    Raises:
        PresetError: it is anything else.
    """

    def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a key is written twice")
        return dict(pairs)

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    _check_plain(path)
    try:
        content = json.loads(
            path.read_text(encoding="utf-8"),
            object_pairs_hook=without_repeats,
            parse_constant=refuse,
        )
    except (OSError, ValueError, RecursionError) as error:
        raise PresetError(f"{path} cannot be read as JSON: {error}.") from error
    if not isinstance(content, dict):
        raise PresetError(f"{path} must hold a JSON object. Received: a {type(content).__name__}.")
    return content


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Writes a JSON object; what JSON cannot say (NaN too) is a `PresetError`."""
    try:
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise PresetError(f"{path.name} cannot be written as JSON: {error}.") from error
    path.write_text(text + "\n", encoding="utf-8")


def write_manifest(folder: Path) -> None:
    """Writes `manifest.json`: the size and SHA-256 of every other file of the folder."""
    files = {}
    for path in sorted(folder.iterdir()):
        if path.name == MANIFEST:
            continue
        _check_name(path.name, folder)
        _check_plain(path)
        files[path.name] = {"size": path.stat().st_size, "sha256": _sha256(path)}
    write_json(folder / MANIFEST, {"files": files})


def verify(
    folder: str | os.PathLike[str],
    needed: tuple[str, ...] = (CONFIG, WEIGHTS),
    what: str = "preset",
) -> None:
    """Checks that a preset folder holds exactly the files of its manifest, unchanged.

    Hidden files, README.md and LICENSE may stand beside them; nothing reads those.

    Args:
        folder: the preset folder.
        needed: the files that it must have.
        what: what messages call it.

    Raises:
        PresetError: the manifest is missing or broken; a file is missing, changed, unlisted, a
            link, or named so that it lies outside the folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise PresetError(f"There is no {what} folder at {folder}.")
    files = read_manifest(folder)
    for name in needed:
        if name not in files:
            raise PresetError(
                f"{folder / MANIFEST} does not list {name}, which a {what} must have."
            )
    for name, facts in files.items():
        path = folder / name
        _check_plain(path)
        size = path.stat().st_size
        if size != facts["size"]:
            raise PresetError(
                f"{path} is damaged: it has {size} bytes, but {MANIFEST} says {facts['size']}."
            )
        if _sha256(path) != facts["sha256"]:
            raise PresetError(
                f"{path} is damaged or was edited: its SHA-256 is not the one in {MANIFEST}."
            )
    for name in strangers(folder, files):
        if (folder / name).is_symlink():
            raise PresetError(f"{folder / name} is a link: a preset holds plain files only.")
        if not name.startswith(".") and name not in _BYSTANDERS:
            raise PresetError(
                f"{folder / name} is not listed in {MANIFEST}; move it out of the preset folder."
            )


def read_manifest(folder: Path) -> dict[str, dict[str, Any]]:
    """Reads `{name: {"size":, "sha256":}}` and checks its form and names, not yet the files."""
    path = folder / MANIFEST
    if not os.path.lexists(path):
        raise PresetError(f"{folder} is not a preset: it has no {MANIFEST}.")
    files = read_json(path).get("files")
    if not isinstance(files, dict):
        raise PresetError(f'{path} must hold {{"files": {{NAME: ...}}}}.')
    for name, facts in files.items():
        _check_name(name, folder)
        if (
            not isinstance(facts, dict)
            or type(facts.get("size")) is not int
            or not isinstance(facts.get("sha256"), str)
        ):
            raise PresetError(f"{path} must give `size` and `sha256` for {name!r}.")
    return files


def strangers(folder: Path, files: dict[str, Any]) -> list[str]:
    """Names of what lies in a folder and is neither the manifest nor listed in it."""
    return sorted(name for name in os.listdir(folder) if name != MANIFEST and name not in files)


def check_target(directory: Path, mine: tuple[str, ...] = ()) -> None:
    """Refuses to replace anything but nothing, an empty folder, or a preset with only its files.

    Args:
        directory: where a preset is to be written.
        mine: names of files there that the new preset brings along.

    Raises:
        PresetError: something there would be lost.
    """
    if not directory.name:
        raise PresetError(f"A preset cannot be saved at {directory}: name a folder.")
    if not os.path.lexists(directory):
        return
    if not directory.is_dir():
        raise PresetError(f"{directory} is a file: choose another place to save the preset.")
    is_preset = (directory / MANIFEST).is_file()
    files = read_manifest(directory) if is_preset else {}
    lost = [name for name in strangers(directory, files) if name not in mine]
    if lost:
        what = "holds files of others" if is_preset else "is not empty and no preset"
        raise PresetError(
            f"{directory} {what} (such as {lost[0]}): choose another place to save the preset."
        )


@contextmanager
def whole_folder(
    directory: Path, mine: tuple[str, ...] = (), what: str = "preset"
) -> Iterator[Path]:
    """Gives a new folder to write in, and puts it in the place of `directory` when all went well.

    The new folder lies beside `directory`; its manifest is written, and everything is on the disk,
    before one rename shows it. Whatever happens, `directory` is the old one or the new one.

    Args:
        directory: where the folder shall be, with its links resolved.
        mine: see `check_target`.
        what: what messages call it.
    """
    check_target(directory, mine)
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        fresh = _beside(directory, "new")
        fresh.mkdir()
        try:
            yield fresh
            write_manifest(fresh)
            _flush(fresh)
            _put(fresh, directory)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        _clear(directory)
    except OSError as error:
        raise PresetError(f"The {what} cannot be written to {directory}: {error}.") from error


def recover(directory: Path) -> None:
    """Brings back the old folder where a crash hit between the two renames of `_put`."""
    if os.path.lexists(directory):
        return
    try:
        for path in _left(directory):
            if (path / MANIFEST).is_file():
                os.rename(path, directory)
                return
    except OSError:  # then it stays missing, and whoever asked says so
        return


def clear_unfinished(directory: Path) -> None:
    """Removes what a crash left half written beside `directory`; nobody may be writing it now."""
    for path in _left(directory, "new"):
        shutil.rmtree(path, ignore_errors=True)


def _put(fresh: Path, directory: Path) -> None:
    if not os.path.lexists(directory):
        os.rename(fresh, directory)
    elif not _exchange(fresh, directory):
        old = _beside(directory, "old")
        os.rename(directory, old)
        try:
            os.rename(fresh, directory)
        except BaseException:
            os.rename(old, directory)
            raise
    _flush_folder(directory.parent)


def _exchange(one: Path, other: Path) -> bool:
    """Swaps two folders in one step; False where the system cannot (Linux can)."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return renameat2(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0


def _beside(directory: Path, kind: str) -> Path:
    return directory.with_name(f".{directory.name}.{secrets.token_hex(4)}.{kind}")


def _left(directory: Path, kind: str = "old") -> list[Path]:
    """Folders, by default old ones, that a crash left beside `directory`, the newest first."""
    if not directory.parent.is_dir():
        return []
    length = len(_beside(directory, kind).name)
    found = [
        path
        for path in directory.parent.iterdir()
        if path.name.startswith(f".{directory.name}.")
        and path.name.endswith(f".{kind}")
        and len(path.name) == length
        and not path.is_symlink()
    ]
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def _clear(directory: Path) -> None:
    for path in _left(directory):
        shutil.rmtree(path, ignore_errors=True)


def _check_name(name: str, folder: Path) -> None:
    parts = (PurePosixPath(name).name, PureWindowsPath(name).name)
    if name in ("", "..", MANIFEST) or "\0" in name or parts != (name, name):
        raise PresetError(
            f"{folder / MANIFEST} names {name!r}: files of a preset have plain names, without "
            "folders, and it does not list itself."
        )


def _check_plain(path: Path) -> None:
    try:
        mode = os.lstat(path).st_mode
    except OSError as error:
        raise PresetError(f"{path} is missing: {error.strerror}.") from error
    if stat.S_ISLNK(mode):
        raise PresetError(f"{path} is a link: a preset holds plain files only.")
    if not stat.S_ISREG(mode):
        raise PresetError(f"{path} is not a file: a preset holds plain files only.")


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise PresetError(f"{path} cannot be read: {error.strerror}.") from error


def _flush(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    _flush_folder(folder)


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows opens no folders
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
