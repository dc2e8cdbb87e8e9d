"""Hyperparameter search: recipes whose values KerasTuner tries out."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._folders import check_output
from ._recipes import Recipe, build_recipe
from ._tuning_report import PAGE, Trial, best_of, read_trials, write_report
from ._tuning_space import declare, space_of
from ._tuning_trial import PRESET, clear_unfinished_files, write_atomically
from ._tuning_workers import work

if TYPE_CHECKING:
    from ._tuning_search import Search

__all__ = ["ALGORITHMS", "Trial", "Tuned", "hypermodel", "search_space", "tune"]

ALGORITHMS = ("random", "bayesian", "hyperband")

_SEARCH = "search.json"


@dataclasses.dataclass
class Tuned:
    """What a search has found.

    Args:
        objective: the logged metric, `val_bleu`.
        lower_is_better: whether lower is better.
        trials: all trials; the first one is the recipe as it is.
        best: the best of them, None if all have failed.
        preset_dir: the best model's preset.
        page: one HTML page with everything.
        folder: everything else of the search.
    """

    objective: str
    lower_is_better: bool
    trials: list[Trial]
    best: Trial | None
    preset_dir: Path | None
    page: Path
    folder: Path


def search_space(recipe: Recipe, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Returns where a search looks: the application's own space, with the recipe's changes.

    Args:
        recipe: a recipe with an `application`.
        overrides: more changes by name: a list to choose from, `{"min":, "max":}` with `step` or
            with `sampling: log`, `{"cells": PATTERN}`; a plain value fixes it, and None leaves it
            as the recipe has it.

    Returns:
        The space by name: `config.units`, `training.learning_rate`; `cell.gate_biases.forget` is
        an option of the recurrent cell, which only those cells get that take it.

    Raises:
        ValueError: a name or a value cannot be understood.

    Example:

    >>> from zoo.training import Recipe
    >>> from zoo.tuning import search_space
    >>> recipe = Recipe(data="multi30k/en-de", application="Translator")
    >>> search_space(recipe, {"config.units": [64, 128]})["config.units"]
    [64, 128]
    """
    return space_of(recipe, overrides)


def hypermodel(recipe: Recipe, space: Mapping[str, Any] | None = None) -> Any:
    """Returns a `keras_tuner.HyperModel` of a recipe, for tuners of your own.

    Its `build` gives the application, adapted to the recipe's data; its `fit` trains as the recipe
    says, and gives the best value of the objective, `val_` and the application's metric.

    Args:
        recipe: the recipe, with an `application`.
        space: changes of the search space, see `search_space`.

    Example:

    >>> import keras_tuner
    >>> from zoo.training import Recipe
    >>> from zoo.tuning import hypermodel
    >>> recipe = Recipe(
    ...     data="emoji_names/en-de",
    ...     split="train[:64]",
    ...     application="Translator",
    ...     config={"embedding_size": 16, "vocabulary_size": 300},
    ... )
    >>> made = hypermodel(recipe, {"config.units": [8, 16], "config.recurrent": "gru"})
    >>> translator = made.build(keras_tuner.HyperParameters())
    >>> translator.recurrent
    'gru'
    """
    from ._tuning_hypermodel import RecipeHyperModel

    return RecipeHyperModel(recipe, space_of(recipe, space))


def tune(
    recipe: Recipe,
    out: str | Path,
    *,
    algorithm: str = "random",
    trials: int = 30,
    space: Mapping[str, Any] | None = None,
    workers: int = 1,
    coordinator: str | None = None,
    join: bool = False,
    isolate: bool = True,
    restart: bool = False,
    tell: Callable[[str], None] | None = None,
) -> Tuned:
    """Searches for better hyperparameters of a recipe, or goes on with it where it was stopped.

    Everything lies in `<out>.tuning`: each trial with its recipe, what it printed, and while it
    trains its checkpoints; the report, a page with plots and a table. A trial that fails, for want
    of memory or because its values are impossible or diverge, is a result like others.

    Args:
        recipe: what to tune, with an `application` and a `validation_split`.
        out: where the best model's preset goes.
        algorithm: "random", "bayesian", or "hyperband", whose trials are short for most, up to the
            recipe's `epochs` for the best, and as many as that takes.
        trials: how many.
        space: changes of the search space, see `search_space`.
        workers: how many processes of this machine search at the same time.
        coordinator: HOST:PORT where KerasTuner's chief listens for the workers of all machines,
            which share the folder. Its protocol has no authentication; by default it listens for
            workers of this machine alone.
        join: work for a coordinator that runs elsewhere.
        isolate: train each trial in a process of its own, which gives all memory back; cells and
            applications must then be shipped or announced by entry points.
        restart: begin anew.
        tell: takes a sentence for each trial.

    Raises:
        ValueError: the recipe cannot be tuned, or another search lies there.
        RuntimeError: all trials have failed, or workers die again and again.

    Example:

    >>> from zoo.training import Recipe, Training
    >>> from zoo.tuning import tune
    >>> recipe = Recipe(
    ...     data="emoji_names/en-de",
    ...     split="train[:32]",
    ...     validation_split="validation[:4]",
    ...     application="Translator",
    ...     config={"units": 8, "embedding_size": 8, "vocabulary_size": 300},
    ...     training=Training(epochs=1),
    ... )
    >>> only = {name: None for name in search_space(recipe)}
    >>> only["training.learning_rate"] = {"min": 1e-4, "max": 1e-2, "sampling": "log"}
    >>> found = tune(recipe, "tuned", trials=1, space=only, isolate=False)
    >>> found.best.values
    {'training.learning_rate': 0.001}
    """
    _check(algorithm, trials, workers, recipe)
    out = Path(os.path.abspath(out))
    check_output(out)
    if not recipe.name:
        recipe = dataclasses.replace(recipe, name=out.name)
    folder = out.with_name(f"{out.name}.tuning")
    plan = {
        "recipe": dataclasses.asdict(recipe),
        "space": space_of(recipe, space),
        "algorithm": algorithm,
        "trials": trials,
    }
    from zoo.applications._checkpoints import lock_folder

    if restart and not join and (folder / _SEARCH).exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if join:
        if coordinator is None:
            raise ValueError("`join` needs the `coordinator`, HOST:PORT. Received: None.")
        _same_plan(folder, plan)
        work(folder, workers, coordinator, False, isolate, tell)
        return _found(folder, recipe)
    lock = lock_folder(folder)
    try:
        clear_unfinished_files(folder)
        _same_plan(folder, plan)
        if workers > 1 or coordinator is not None:
            work(folder, workers, coordinator, True, isolate, tell)
        else:
            make_search(folder, isolate, tell).search()
        return _end(folder, recipe, out)
    finally:
        os.close(lock)


def make_search(
    folder: Path, isolate: bool = True, tell: Callable[[str], None] | None = None
) -> Search:
    """Returns the search that a folder says, to be run in this process."""
    from ._tuning_search import Search, make_oracle

    plan = json.loads((folder / _SEARCH).read_text(encoding="utf-8"))
    recipe = build_recipe(plan["recipe"], str(folder / _SEARCH))
    objective, lower = _objective(recipe)
    oracle = make_oracle(
        plan["algorithm"],
        declare(plan["space"], recipe),
        objective,
        lower,
        plan["trials"],
        recipe.training.epochs,
        recipe.seed,
    )
    return Search(oracle, recipe, folder, isolate=isolate, tell=tell)


def _check(algorithm: str, trials: int, workers: int, recipe: Recipe) -> None:
    if algorithm not in ALGORITHMS:
        raise ValueError(
            f"`algorithm` must be {', '.join(map(repr, ALGORITHMS[:-1]))} or {ALGORITHMS[-1]!r}. "
            f"Received: algorithm={algorithm!r}."
        )
    for name, value in (("trials", trials), ("workers", workers)):
        if value < 1:
            raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}.")
    if recipe.validation_split is None:
        raise ValueError(
            "A search needs a `validation_split`, which says what is best. "
            "Received: validation_split=None."
        )


def _same_plan(folder: Path, plan: dict[str, Any]) -> None:
    plan = json.loads(json.dumps(plan))
    path = folder / _SEARCH
    if not path.exists():
        write_atomically(path, plan)
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    for name, value in plan.items():
        if before.get(name) != value:
            raise ValueError(
                f"The search in {folder} is another one (its {name} differs): go on with that one, "
                "choose another folder, or begin anew with `restart` (`zoo tune --restart`)."
            )


def _objective(recipe: Recipe) -> tuple[str, bool]:
    from zoo.applications._registry import applications

    from .metrics import LOWER_IS_BETTER

    monitor = applications.get(str(recipe.application)).monitor
    return f"val_{monitor}", monitor in LOWER_IS_BETTER


def _found(folder: Path, recipe: Recipe) -> Tuned:
    objective, lower = _objective(recipe)
    trials = read_trials(folder)
    return Tuned(
        objective, lower, trials, best_of(trials, lower), None, folder / "report" / PAGE, folder
    )


def _end(folder: Path, recipe: Recipe, out: Path) -> Tuned:
    from zoo.applications._manifest import MANIFEST, whole_folder

    found = _found(folder, recipe)
    title = f"Search for {recipe.application} on {recipe.data}"
    write_report(found.page.parent, title, found.objective, found.lower_is_better, found.trials)
    if found.best is None:
        raise RuntimeError(
            f"All {len(found.trials)} trials have failed, the first one because of: "
            f"{found.trials[0].error} See {found.page}."
        )
    preset = next(
        path / PRESET
        for path in folder.glob("trial_*")
        if int(path.name.removeprefix("trial_")) == found.best.number
    )
    with whole_folder(out) as fresh:
        for path in preset.iterdir():
            if path.name != MANIFEST:
                shutil.copyfile(path, fresh / path.name)
    return dataclasses.replace(found, preset_dir=out)
