"""The command that searches: tune."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from ._output import Result, metric, table

_MOST_ROWS = 10


def tune(arguments: dict[str, Any]) -> Result:
    """`zoo tune`"""
    from zoo import training, tuning
    from zoo._tuning_report import names_of, shown

    warnings.filterwarnings("ignore", module="keras_tuner")
    overrides: dict[str, Any] = {
        name: arguments[name] for name in ("data_dir", "seed") if name in arguments
    }
    recipe = training.load_recipe(arguments["recipe"], overrides)
    out = Path(arguments.get("out") or _folder(recipe))
    options = ("algorithm", "trials", "space", "workers", "coordinator", "join", "restart")
    try:
        found = tuning.tune(
            recipe,
            out,
            tell=print,
            **{name: arguments[name] for name in options if name in arguments},
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            "Interrupted; give the same command again to go on with the search."
        ) from None
    best = found.best
    sign = 1 if found.lower_is_better else -1
    done = [trial for trial in found.trials if trial.value is not None]
    done.sort(key=lambda trial: sign * float(trial.value or 0))
    names = names_of(done[:_MOST_ROWS])
    name = found.objective.removeprefix("val_")
    rows = [
        [
            f"{trial.number}",
            metric(name, float(trial.value or 0)),
            *(shown(trial.values.get(parameter)) for parameter in names),
        ]
        for trial in done[:_MOST_ROWS]
    ]
    header = ["trial", found.objective, *(name.partition(".")[2] for name in names)]
    failed = sum(trial.status == "failed" for trial in found.trials)
    parts = [
        table(header, rows),
        f"{len(found.trials)} trials, {failed} of which failed. The page: {found.page}",
    ]
    if found.preset_dir is not None:
        parts.append(f"Saved in {out}.\nUse it: zoo run {out} ...")
    data = {
        "preset_dir": found.preset_dir and os.path.abspath(found.preset_dir),
        "objective": found.objective,
        "best": best and vars(best),
        "trials": [vars(trial) for trial in found.trials],
        "page": os.path.abspath(found.page),
    }
    return Result(data, "\n\n".join(parts))


def _folder(recipe: Any) -> Path:
    """The folder of a search that was interrupted, or a new one."""
    import itertools

    from ._training import _name

    name = recipe.name or _name(str(recipe.application), recipe.data)
    for number in itertools.count(1):
        path = Path(f"{name}_{number}" if number > 1 else name)
        if not os.path.lexists(path):
            return path
    raise AssertionError
