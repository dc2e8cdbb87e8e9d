"""A folder of checkpoints: each is whole or not there, and the last few are kept."""

from __future__ import annotations

import os
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ._manifest import PresetError, read_json, verify, whole_folder, write_json

STATE = "state.json"
ARRAYS = "arrays.safetensors"

_PREFIX = "step-"


class CheckpointError(ValueError):
    """A training cannot be kept or taken up again; the message says why in one sentence."""


class Checkpoints:
    """The checkpoints of one training, which one process at a time may use.

    Each is a folder of two files and a manifest with their checksums, which is written aside,
    flushed to the disk and then renamed.

    Args:
        folder: where they lie; made when it is opened.
        keep: how many of the last ones are kept.
    """

    def __init__(self, folder: str | Path, keep: int) -> None:
        # Trainings may change the current folder.
        self.folder = Path(os.path.abspath(folder))
        self.keep = keep
        self._lock: int | None = None

    def open(self) -> None:
        """Makes the folder, shuts other processes out, and clears what a crash left half done."""
        if self._lock is not None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = lock_folder(self.folder)
            for path in self.folder.iterdir():
                if path.name.startswith(f".{_PREFIX}"):
                    shutil.rmtree(path)
        except OSError as error:
            self.close()
            raise self._refused(error) from error

    def close(self) -> None:
        """Lets other processes in."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def save(self, step: int, state: dict[str, Any], arrays: dict[str, np.ndarray]) -> Path:
        """Writes what belongs to a step, and drops the oldest checkpoints.

        Raises:
            CheckpointError: the disk refuses; the checkpoints before are still there.
        """
        from safetensors.numpy import save

        path = self.folder / f"{_PREFIX}{step:010d}"
        try:
            with whole_folder(path, what="checkpoint") as fresh:
                write_json(fresh / STATE, state)
                (fresh / ARRAYS).write_bytes(save(arrays))
        except PresetError as error:
            left = self.steps()
            kept = f"that of step {left[-1]} is kept" if left else "there is none before it"
            raise CheckpointError(
                f"{str(error).rstrip('.')}; {kept}: make room, and start the same training again."
            ) from error
        for old in self.steps()[: -self.keep]:
            self._drop(old)
        return path

    def steps(self) -> list[int]:
        """The steps of which there is a checkpoint, the first one first."""
        if not self.folder.is_dir():
            return []
        names = [path.name.removeprefix(_PREFIX) for path in self.folder.glob(f"{_PREFIX}*")]
        return sorted(int(name) for name in names if name.isdecimal())

    def latest(self) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
        """Returns the state and the arrays of the last checkpoint that can be read, if any.

        One that cannot is told of in a warning, and removed.
        """
        for step in reversed(self.steps()):
            path = self.folder / f"{_PREFIX}{step:010d}"
            try:
                return _read(path)
            except PresetError as error:
                warnings.warn(
                    f"The checkpoint of step {step} cannot be used, and the one before it is "
                    f"taken: {error}",
                    stacklevel=2,
                )
                self._drop(step)
        return None

    def remove(self) -> None:
        """Removes the folder and all that was made in it, the last checkpoint last."""
        for step in self.steps():
            self._drop(step)
        self.close()
        (self.folder / ".lock").unlink(missing_ok=True)
        try:
            self.folder.rmdir()
        except OSError:  # something of others is in it, or it was never made
            return

    def _drop(self, step: int) -> None:
        path = self.folder / f"{_PREFIX}{step:010d}"
        hidden = path.with_name(f".{path.name}.old")
        # Renamed first, so that a crash leaves no half of it under its name.
        shutil.rmtree(hidden, ignore_errors=True)
        try:
            os.rename(path, hidden)
        except OSError as error:
            raise self._refused(error) from error
        shutil.rmtree(hidden, ignore_errors=True)

    def _refused(self, error: OSError) -> CheckpointError:
        return CheckpointError(
            f"The checkpoints in {self.folder} cannot be used: {error.strerror or error}."
        )


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    verify(path, (STATE, ARRAYS), "checkpoint")
    try:
        return read_json(path / STATE), load_file(path / ARRAYS)
    except (OSError, SafetensorError) as error:
        raise PresetError(f"{path / ARRAYS} cannot be read as safetensors: {error}.") from error


def lock_folder(folder: Path) -> int:
    """Shuts other processes out of a folder until the descriptor that is returned is closed.

    Raises:
        CheckpointError: another process is in it.
        OSError: the folder cannot be written to.
    """
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        import fcntl
    except ImportError:  # Windows; two processes in one folder are then the user's to avoid
        return descriptor
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise CheckpointError(
            f"Another process is at work in {folder}: wait for it, or choose another folder."
        ) from None
    except OSError:  # a file system without locks
        return descriptor
    return descriptor
