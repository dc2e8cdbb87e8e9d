"""One trial of a search: `python -m zoo._tuning_trial FOLDER`."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from ._recipes import Recipe, build_recipe

RECIPE = "recipe.json"
RESULT = "result.json"
LOG = "log.txt"
PRESET = "preset"
_UNFINISHED = ".new"
NO_ROOM = 74  # the exit code of a trial that the disk has no room for, EX_IOERR


def write_atomically(path: Path, content: Any) -> None:
    """Writes JSON so that the file is the old one or the new one, whatever happens."""
    fresh = path.with_name(f".{path.name}{_UNFINISHED}")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def clear_unfinished_files(folder: Path) -> None:
    """Removes what was being written below a folder when a process was killed."""
    for path in folder.rglob(f".*.json{_UNFINISHED}"):
        path.unlink()


def run_trial(folder: Path, verbose: int = 0) -> dict[str, Any]:
    """Trains what a trial's folder says, going on where it was interrupted; returns its result.

    A training that fails is a result too: `{"error": SENTENCE}`.

    Raises:
        OSError: the disk is full, which is no fault of the trial.
    """
    recipe = read_recipe(folder)
    started = time.time()
    result: dict[str, Any]
    try:
        result = _train(recipe, folder, verbose)
    except Exception as error:  # whatever else ends one trial must not end the search
        full = _no_room(error)
        if full is not None:
            raise full from error
        result = {"error": _sentence(error)}
    result["seconds"] = round(time.time() - started, 1)
    result["memory_mb"] = peak_memory()
    write_atomically(folder / RESULT, result)
    return result


def read_recipe(folder: Path) -> Recipe:
    """The recipe of a trial."""
    values = json.loads((folder / RECIPE).read_text(encoding="utf-8"))
    return build_recipe(values, str(folder / RECIPE))


def write_recipe(folder: Path, recipe: Recipe) -> None:
    """Says what a trial trains."""
    write_atomically(folder / RECIPE, dataclasses.asdict(recipe))


def peak_memory() -> float:
    """The most memory that this process has had, in MB."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)


def _train(recipe: Recipe, folder: Path, verbose: int) -> dict[str, Any]:
    from .metrics import LOWER_IS_BETTER
    from .training import prepare

    prepared = prepare(recipe)
    monitor = prepared.application.monitor
    history = prepared.fit(folder / PRESET, verbose=verbose)
    values = history[f"val_{monitor}"]
    best = (min if monitor in LOWER_IS_BETTER else max)(values)
    epoch = values.index(best)
    return {
        "value": float(best),
        "epoch": epoch + 1,
        "epochs": len(values),
        "parameters": int(prepared.application.count_params()),
        "metrics": {name: float(history[name][epoch]) for name in history},
    }


def _sentence(error: BaseException) -> str:
    text = str(error).split("Exception encountered: ")[-1].strip()
    line = (text.splitlines() or [""])[0].strip()
    return line if line.endswith(".") and " " in line else f"{type(error).__name__}: {line}"


def _no_room(error: BaseException | None) -> OSError | None:
    """The error of a full disk among what led to an error."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return error
        error = error.__cause__ or error.__context__  # Keras drops the cause
    return None


def _end_with_parent() -> None:
    """Ends this process when the one that started it has gone: its end of the pipe is closed."""
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    code = 0
    try:
        run_trial(Path(sys.argv[1]))
    except OSError as error:
        print(error, file=sys.stderr)
        code = NO_ROOM
    sys.stdout.flush()
    os._exit(code)  # the watching thread waits for ever
