"""What keeps a recipe's training from being lost: where its checkpoints lie, and whose they are."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._recipes import Recipe

if TYPE_CHECKING:
    import keras

    from zoo.applications._resuming import ResumableTraining

# What neither the data nor the training depends on.
_ASIDE = ("data_dir", "search_space", "dtype", "name", "description", "licence", "data_licence")


def training_folder(out: str | Path) -> Path:
    """Returns where the checkpoints of a training lie whose preset goes to `out`.

    >>> training_folder("presets/mine").name
    'mine.training'
    """
    path = Path(os.path.abspath(out))
    return path.with_name(f"{path.name}.training")


def resumable(
    recipe: Recipe, out: str | Path, restart: bool, tell: Callable[[str], None] | None
) -> ResumableTraining:
    """Returns the callback with which a recipe's training goes on where it was interrupted.

    The folder is opened, so that no other process trains for the same preset.

    Args:
        recipe: the recipe.
        out: where the preset goes.
        restart: forget the checkpoints that there are.
        tell: takes a sentence when training goes on.
    """
    from zoo.applications._manifest import clear_unfinished
    from zoo.applications._resuming import ResumableTraining

    callback = ResumableTraining(
        training_folder(out),
        on_nan=recipe.training.on_nan,
        delete_checkpoint=False,  # not before the preset is saved
        identity=_identity(recipe),
        tell=tell,
    )
    callback.checkpoints.open()
    if restart:
        callback.checkpoints.remove()
        callback.checkpoints.open()
    clear_unfinished(Path(os.path.realpath(out)))
    return callback


def tensorboard(folder: str | Path) -> keras.callbacks.Callback:
    """Returns the callback that writes what TensorBoard shows."""
    import importlib.util

    if not importlib.util.find_spec("tensorboard"):
        raise ImportError("`--tensorboard` needs a package: pip install tensorboard.")
    import keras

    return keras.callbacks.TensorBoard(str(folder), write_graph=False)


def _identity(recipe: Recipe) -> dict[str, Any]:
    """The fields by name, as JSON has them."""
    values = json.loads(json.dumps(dataclasses.asdict(recipe), default=str))
    found = {}
    for name, value in values.items():
        if name in _ASIDE:
            continue
        if name in ("training", "config"):
            found.update({f"{name}.{key}": entry for key, entry in value.items()})
        else:
            found[name] = value
    return found
