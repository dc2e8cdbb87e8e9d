"""Recipes that go on from a preset."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._recipes import Recipe, build_recipe

if TYPE_CHECKING:
    from zoo.applications import Application

FINETUNING = {"epochs": 5, "batch_size": 64, "learning_rate": 1e-3, "schedule": "cosine"}
"""How `finetuning` trains unless told otherwise."""

HELD_OUT = ("train[:90%]", "train[90%:]")
"""What it trains and validates on where the data have no validation split."""

_FEWEST_PAIRS = 10


def finetuning(
    preset: str | Path,
    data: str,
    split: str | None = None,
    data_dir: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Recipe:
    """Returns a recipe that goes on training a preset.

    Args:
        preset: where to start.
        data: a dataset or a file, see `zoo.datasets.load`.
        split: what to train on. By default `train`; where the data have no `validation` split, the
            first 90 % of it, and the rest is what the recipe validates on.
        data_dir: where the data are.
        overrides: other values for fields of the recipe, `{"training": {"epochs": 3}}`.

    Raises:
        ValueError: a field does not exist, or there is nothing to validate on.

    Example:

    >>> from zoo.training import finetuning
    >>> finetuning("translator_small_en_de", "emoji_names/en-de").validation_split
    'validation'
    """
    overrides = dict(overrides or {})
    values: dict[str, Any] = {
        "data": data,
        "data_dir": data_dir,
        "preset": str(preset),
        "split": split or "train",
        "training": dict(FINETUNING),
    }
    if "validation_split" not in overrides and not _has_validation(data, data_dir):
        if split is not None or "split" in overrides:
            raise ValueError(
                f"{data} has no validation split: with a `split` to train on, name also a "
                "`validation_split`."
            )
        values["split"], values["validation_split"] = HELD_OUT
        _check_enough(data, data_dir, preset)
    return build_recipe(values, f"The recipe for {data}", overrides)


def grow(application: Application, recipe: Recipe, pairs: Any) -> Application:
    """Returns the application with the vocabulary that a recipe asks for."""
    from zoo.applications._growing import GrowingVocabulary

    size = recipe.grow_vocabulary
    if size is None:
        return application
    if recipe.preset is None:
        raise ValueError(
            "`grow_vocabulary` needs a `preset` to start from; a new application learns its "
            f"vocabulary from the data. Received: grow_vocabulary={size}."
        )
    if not isinstance(application, GrowingVocabulary):
        raise ValueError(
            f"`grow_vocabulary` must be null for a {type(application).__name__}, which has no "
            f"vocabulary that grows. Received: grow_vocabulary={size}."
        )
    try:
        return application.grow_vocabulary(*pairs, vocabulary_size=size)
    except ValueError as error:
        raise ValueError(str(error).replace("vocabulary_size", "grow_vocabulary")) from error


def is_undivided(data: str) -> bool:
    """Whether every split of a dataset is all of it, as with files."""
    from zoo import datasets
    from zoo.datasets._loading import _registry

    name = data.partition("/")[0]
    if datasets.is_file_dataset(data):
        return True
    return name in _registry().names() and _registry().get(name).undivided


def _has_validation(data: str, data_dir: str | None) -> bool:
    from zoo import datasets
    from zoo.datasets._loading import _registry

    if is_undivided(data):
        return False
    name = data.partition("/")[0]
    if name in _registry().names():
        return "validation" in _registry().get(name).splits
    try:
        datasets.load(data, "validation", data_dir)
    except ValueError:  # of TFDS: what is wrong beyond that shows when `train` is loaded
        return False
    return True


def _check_enough(data: str, data_dir: str | None, preset: str | Path) -> None:
    from zoo import datasets
    from zoo.applications._presets import read_card
    from zoo.applications._registry import applications

    kind = applications.get(read_card(preset)["application"]).data_kind
    found = datasets.load(data, "train", data_dir, kind if isinstance(kind, str) else None)
    if not isinstance(found.element_spec, tuple):
        return  # one text, whose parts are held out
    pairs = int(found.cardinality())
    if 0 <= pairs < _FEWEST_PAIRS:
        raise ValueError(
            f"{data} has {pairs} pair{'s' * (pairs != 1)}, too few to hold out 10 % for "
            f"validation: give at least {_FEWEST_PAIRS}."
        )
