"""Where new presets go."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from ._continuing import training_folder


def check_output(out: str | Path, recipe_path: str | Path | None = None) -> None:
    """Raises an error if a preset cannot be written to a folder, before the work that makes it.

    Args:
        out: where the preset shall be.
        recipe_path: the recipe that is kept beside it, which may lie there already.
    """
    from zoo.applications._manifest import check_target

    directory = Path(os.path.realpath(out))
    mine: tuple[str, ...] = ()
    if recipe_path is not None and Path(recipe_path).resolve().parent == directory:
        mine = (Path(recipe_path).name,)
    check_target(directory, mine)
    above = next(path for path in directory.parents if path.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise ValueError(f"Nothing can be written to {above}: choose another place for {out}.")


def new_folder(name: str) -> Path:
    """Returns a folder of the current one that does not exist yet: `name`, `name_2`, `name_3`...

    One for which a training was interrupted comes before it.

    >>> new_folder("no_such_preset").name
    'no_such_preset'
    """
    candidates = (Path(f"{name}_{number}" if number > 1 else name) for number in itertools.count(1))
    return next(
        path for path in candidates if training_folder(path).is_dir() or not os.path.lexists(path)
    )
