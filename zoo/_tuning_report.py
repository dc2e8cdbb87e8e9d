"""What a search has found, as rows, numbers and a page."""

from __future__ import annotations

import base64
import dataclasses
import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ._tuning_space import plain_values
from ._tuning_trial import RESULT

PAGE = "index.html"

_FEWEST = 4  # trials that say which parameter matters


@dataclasses.dataclass
class Trial:
    """One trial of a search.

    Args:
        number: in the order in which they began.
        status: "completed", "failed" or "running".
        value: of the objective, or None.
        values: the hyperparameters by name.
        seconds: how long it took.
        memory_mb: the most memory that its process has had.
        search_memory_mb: the memory of the searching process when it had ended.
        parameters: how many the network has.
        epochs: how many it was trained.
        error: why it failed.
    """

    number: int
    status: str
    value: float | None
    values: dict[str, Any]
    seconds: float | None = None
    memory_mb: float | None = None
    search_memory_mb: float | None = None
    parameters: int | None = None
    epochs: int | None = None
    error: str = ""


def read_trials(folder: Path) -> list[Trial]:
    """Reads the trials of a search from its folder."""
    trials = []
    for path in sorted(folder.glob("trial_*/trial.json")):
        state = json.loads(path.read_text(encoding="utf-8"))
        result: dict[str, Any] = {}
        if (path.parent / RESULT).exists():
            result = json.loads((path.parent / RESULT).read_text(encoding="utf-8"))
        more = ("seconds", "memory_mb", "search_memory_mb", "parameters", "epochs", "error")
        trials.append(
            Trial(
                int(state["trial_id"]),
                state["status"].lower(),
                state["score"] if state["status"] == "COMPLETED" else None,
                plain_values(state["hyperparameters"]["values"]),
                **{name: result[name] for name in more if name in result},
            )
        )
    return trials


def best_of(trials: Sequence[Trial], lower: bool) -> Trial | None:
    """The best trial that was completed."""
    done = [trial for trial in trials if trial.value is not None]
    sign = 1 if lower else -1
    return min(done, key=lambda trial: sign * float(trial.value or 0), default=None)


def names_of(trials: Sequence[Trial]) -> list[str]:
    """The hyperparameters that took several values."""
    names = dict.fromkeys(name for trial in trials for name in trial.values)
    return [
        name for name in names if len({json.dumps(trial.values.get(name)) for trial in trials}) > 1
    ]


def importance(trials: Sequence[Trial]) -> dict[str, float]:
    """How much each hyperparameter decides of the objective, the most first; together 1.

    A random forest is fitted to the trials; a share is how much its errors fall where it asks for
    that hyperparameter. Empty with fewer than four trials.
    """
    done = [trial for trial in trials if trial.value is not None]
    names = names_of(done)
    if len(done) < _FEWEST or not names:
        return {}
    import numpy as np
    from sklearn.ensemble import RandomForestRegressor

    columns, owners = [], []
    for name in names:
        values = [trial.values.get(name) for trial in done]
        if all(_is_number(value) for value in values if value is not None):
            columns.append([np.nan if value is None else float(value) for value in values])
            owners.append(name)
        else:
            for choice in sorted({json.dumps(value) for value in values}):
                columns.append([float(json.dumps(value) == choice) for value in values])
                owners.append(name)
    forest = RandomForestRegressor(200, random_state=0)
    forest.fit(np.array(columns).T, [trial.value for trial in done])
    shares = dict.fromkeys(names, 0.0)
    for owner, share in zip(owners, forest.feature_importances_, strict=True):
        shares[owner] += float(share)
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def write_report(
    folder: Path, title: str, objective: str, lower: bool, trials: Sequence[Trial]
) -> Path:
    """Writes the plots as PNG, and a page with everything in it; returns the page.

    Args:
        folder: where; made if need be.
        title: of the page.
        objective: the logged metric.
        lower: whether lower is better.
        trials: what was tried.
    """
    from . import _tuning_plots as plots

    folder.mkdir(exist_ok=True)
    shares = importance(trials)
    figures = {
        "objective": plots.objective(trials, objective, lower),
        "parallel": plots.parallel(trials, objective, lower),
        "importance": plots.importance(shares),
        "sensitivity": plots.sensitivity(trials, objective),
        "memory": plots.memory(trials),
    }
    pictures = []
    for name, figure in figures.items():
        if figure is None:
            continue
        figure.savefig(folder / f"{name}.png", dpi=110, bbox_inches="tight")
        code = base64.b64encode((folder / f"{name}.png").read_bytes()).decode("ascii")
        pictures.append(
            f'<figure><img alt="{name}" src="data:image/png;base64,{code}">'
            f"<figcaption>{html.escape(plots.CAPTIONS[name])}</figcaption></figure>"
        )
    body = [f"<h1>{html.escape(title)}</h1>", _summary(trials, objective, lower), *pictures]
    body.append(_table(trials, objective, lower))
    page = folder / PAGE
    page.write_text(_PAGE.format(title=html.escape(title), body="\n".join(body)), encoding="utf-8")
    return page


def shown(value: Any) -> str:
    """A value as people would write it."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)


def _summary(trials: Sequence[Trial], objective: str, lower: bool) -> str:
    failed = sum(trial.status == "failed" for trial in trials)
    best = best_of(trials, lower)
    text = f"{len(trials)} trials, {failed} of which failed; {objective}, "
    text += f"{'lower' if lower else 'higher'} is better."
    if best is not None:
        text += f" The best is trial {best.number} with {shown(best.value)}"
        first = trials[0]
        if first.value is not None:
            text += f"; the recipe as it is, trial {first.number}, has {shown(first.value)}"
        text += "."
    return f"<p>{html.escape(text)}</p>"


def _table(trials: Sequence[Trial], objective: str, lower: bool) -> str:
    names = names_of(trials)
    best = best_of(trials, lower)
    header = ["trial", objective, *names, "parameters", "epochs", "s", "MB", ""]
    rows = ["<tr>" + "".join(f"<th>{html.escape(name)}</th>" for name in header) + "</tr>"]
    for trial in trials:
        cells = [
            trial.number,
            trial.value if trial.value is not None else trial.status,
            *(trial.values.get(name) for name in names),
            *(trial.parameters, trial.epochs, trial.seconds, trial.memory_mb, trial.error),
        ]
        mark = ' class="best"' if trial is best else ""
        row = "".join(f"<td>{html.escape(shown(cell))}</td>" for cell in cells)
        rows.append(f"<tr{mark}>{row}</tr>")
    return f"<table>{''.join(rows)}</table>"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem }}
figure {{ margin: 1.5rem 0 }}
img {{ max-width: 100% }}
figcaption {{ color: #555 }}
table {{ border-collapse: collapse; display: block; font-size: 12px; overflow-x: auto }}
td, th {{ border-bottom: 1px solid #ddd; padding: .2rem .5rem; text-align: left }}
.best {{ background: #e8f4e8; font-weight: bold }}
</style>
{body}
</html>
"""
