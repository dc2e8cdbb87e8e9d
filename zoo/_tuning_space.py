"""Search spaces: plain dictionaries, and what they mean to KerasTuner and to a recipe."""

from __future__ import annotations

import dataclasses
import inspect
import json
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._recipes import Recipe, Training, build_recipe, check_names

if TYPE_CHECKING:
    import keras_tuner

CELL = "config.recurrent"

_INITIAL_SCALE = "cell.initial_scale"
_KEYS = ("min", "max", "step", "sampling", "cells", "default")


def space_of(recipe: Recipe, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Returns the search space for a recipe: its application's, with changes.

    Args:
        recipe: the recipe; its own `search_space` changes the application's.
        overrides: more changes, by name; None leaves a name out, a plain value fixes it.

    Raises:
        ValueError: a name or a value cannot be understood.
    """
    kind = _application(recipe)
    takes = set(inspect.signature(kind.__init__).parameters)
    space = {
        name: entry
        for name, entry in kind.search_space.items()
        if name.partition(".")[0] != "config" or name.split(".")[1] in takes
    }
    if CELL not in space:
        space = {name: entry for name, entry in space.items() if not name.startswith("cell.")}
    for name, entry in {**recipe.search_space, **(overrides or {})}.items():
        where, _, field = name.partition(".")
        known = {
            "config": takes - {"self", "kwargs"},
            "training": {field.name for field in dataclasses.fields(Training)},
        }
        if where in known and field:
            check_names(f"`search_space`: {where}", "field", [field.split(".")[0]], known[where])
        elif where != "cell" or not field:
            raise ValueError(
                "`search_space` must have names such as config.units, training.learning_rate or "
                f"cell.gate_biases.forget. Received: {name!r}."
            )
        space[name] = entry
    space = {name: entry for name, entry in space.items() if entry is not None}
    for name, entry in space.items():
        _check(name, entry)
    return dict(sorted(space.items(), key=lambda item: item[0] != CELL))


def declare(space: Mapping[str, Any], recipe: Recipe) -> keras_tuner.HyperParameters:
    """Returns a search space as KerasTuner has it; the defaults are those of the recipe."""
    import keras_tuner

    hp = keras_tuner.HyperParameters()
    cells: list[str] = []
    for name, entry in space.items():
        default = _default(name, entry, recipe)
        if name == CELL:
            cells = _cells(entry, default)
            hp.Choice(name, cells, default=default if default in cells else cells[0])
            continue
        if not _varies(entry):
            hp.Fixed(name, json.dumps(entry))
            continue
        fitting = [cell for cell in cells if takes_option(cell, name)]
        if not cells or fitting == cells:
            _declare(hp, name, entry, default)
        elif fitting:
            with hp.conditional_scope(CELL, fitting):
                _declare(hp, name, entry, default)
    return hp


def applied(recipe: Recipe, values: Mapping[str, Any], epochs: int | None = None) -> Recipe:
    """Returns a recipe with the values of a trial in it.

    Args:
        recipe: the recipe.
        values: by name, as KerasTuner gives them.
        epochs: how long to train, where the search decides.

    Raises:
        ValueError: a value is impossible.
    """
    changes: dict[str, Any] = {}
    for name, value in plain_values(values).items():
        path = name.split(".")
        if name == _INITIAL_SCALE:
            path, value = ["cell", "kernel_initializer"], _scaled(value)
        if path[0] == "cell":
            path = ["config", "recurrent_options", *path[1:]]
        place = changes
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1]] = value
    if epochs is not None:
        changes.setdefault("training", {})["epochs"] = epochs
    fields = dataclasses.asdict(recipe)
    if fields["config"].get("recurrent_options") is None:
        fields["config"].pop("recurrent_options", None)
    return build_recipe(fields, "The trial", changes)


def plain_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a trial as they are meant, without KerasTuner's own."""
    return {
        name: json.loads(value) if isinstance(value, str) and name != CELL else value
        for name, value in values.items()
        if not name.startswith("tuner/")
    }


def takes_option(cell: str, name: str) -> bool:
    """Whether a registered cell takes what a name of a search space stands for."""
    if name.startswith("cell."):
        option, _, key = name.removeprefix("cell.").partition(".")
        values: dict[str, Any] = {option: {key: 0.0} if key else 0.0}
        if name == _INITIAL_SCALE:
            values = {"kernel_initializer": "zeros"}
    elif name == "config.projection_units":
        values = {"projection_units": 2}
    else:
        return True
    # Some cells have no size of the projection by default.
    return None in (_refusal(cell, values), _refusal(cell, {"projection_units": 2, **values}))


def _refusal(cell: str, options: Mapping[str, Any]) -> Exception | None:
    from zoo.layers import recurrent

    try:
        recurrent(cell, 4, **options)
    except Exception as error:  # whatever a cell of someone's own raises
        return error
    return None


def _application(recipe: Recipe) -> Any:
    from zoo.applications._registry import applications

    if recipe.preset is not None or recipe.application is None:
        raise ValueError(
            "A search makes new models, so its recipe must name an `application`, and no `preset`. "
            f"Received: application={recipe.application!r}, preset={recipe.preset!r}."
        )
    return applications.get(recipe.application)


def _check(name: str, entry: Any) -> None:
    if isinstance(entry, list) and not entry:
        raise ValueError(f"`search_space`: {name} must have something to choose from.")
    if not isinstance(entry, Mapping):
        return
    check_names(f"`search_space`: {name}", "key", entry, _KEYS)
    if "cells" in entry:
        if name != CELL:
            raise ValueError(f"`search_space`: only {CELL} has cells. Received: {name}.")
        return
    low, high = entry.get("min"), entry.get("max")
    if (
        not isinstance(low, int | float)
        or not isinstance(high, int | float)
        or low > high
        or (entry.get("sampling") == "log" and low <= 0)
    ):
        raise ValueError(
            f"`search_space`: {name} must go from a smaller `min` to a larger `max`, both positive "
            f"with `sampling: log`. Received: {dict(entry)}."
        )


def _varies(entry: Any) -> bool:
    return isinstance(entry, list | Mapping)


def _cells(entry: Any, default: Any) -> list[str]:
    from zoo.layers import list_cells

    if isinstance(entry, Mapping):
        refusals = {cell: _refusal(cell, {}) for cell in list_cells(entry["cells"])}
        found = [cell for cell, refusal in refusals.items() if refusal is None]
        for cell, refusal in refusals.items():
            # One that needs more than its units is to be named by whoever knows what it needs.
            if refusal is not None and not isinstance(refusal, TypeError | ValueError):
                reason = f"{type(refusal).__name__}: {refusal}".rstrip(".")
                warnings.warn(
                    f"The cell {cell!r} is left out of the search: {reason}.", stacklevel=2
                )
        if not found:
            raise ValueError(
                f"`search_space`: no registered cell that can be built from its units alone is "
                f"called {entry['cells']!r}."
            )
        return found
    return [str(cell) for cell in (entry if isinstance(entry, list) else [entry])]


def _default(name: str, entry: Any, recipe: Recipe) -> Any:
    """What the recipe says, its application, or the search space."""
    where, _, field = name.partition(".")
    if where == "training":
        return getattr(recipe.training, field)
    if where == "config" and "." not in field:
        parameter = inspect.signature(_application(recipe).__init__).parameters[field]
        return recipe.config.get(field, parameter.default)
    options = recipe.config.get("recurrent_options") or {}
    option, _, key = field.partition(".")
    found = options.get(option)
    if key and isinstance(found, Mapping):
        found = found.get(key)
    if found is None and isinstance(entry, Mapping):
        return entry.get("default")
    return found


def _declare(hp: Any, name: str, entry: Any, default: Any) -> None:
    if isinstance(entry, list):
        # KerasTuner takes values of one type only, and no None.
        texts = [json.dumps(value) for value in entry]
        text = json.dumps(default)
        hp.Choice(name, texts, default=text if text in texts else texts[0])
        return
    low, high = entry["min"], entry["max"]
    default = min(max(default, low), high) if isinstance(default, int | float) else low
    whole = isinstance(low, int) and isinstance(high, int)
    add = hp.Int if whole else hp.Float
    add(
        name,
        *(low, high) if whole else (float(low), float(high)),
        step=entry.get("step"),
        sampling=entry.get("sampling", "linear"),
        default=default if whole else float(default),
    )


def _scaled(scale: float) -> dict[str, Any]:
    """Keras's configuration of an initializer like Glorot's, but for its variance."""
    config = {"scale": scale, "mode": "fan_avg", "distribution": "uniform"}
    return {"class_name": "VarianceScaling", "config": config}
