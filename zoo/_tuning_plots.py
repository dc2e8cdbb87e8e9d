"""Pictures of a search."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ._tuning_report import Trial

CAPTIONS = {
    "objective": "The objective of each trial, and the best so far; a cross is a trial that "
    "failed. The first trial is the recipe as it is.",
    "parallel": "A line is a trial: which values led where. The darker, the better; dashed lines "
    "are trials that failed.",
    "importance": "How much each hyperparameter decides of the objective, by a random forest "
    "fitted to the trials.",
    "sensitivity": "The objective against the learning rate and the first biases of the gates; the "
    "line goes through the medians of neighbours.",
    "memory": "The memory of the searching process after each trial, and the most that the trial's "
    "own process has had.",
}

_MOST_AXES = 10
_NEIGHBOURS = 5


def objective(trials: Sequence[Trial], name: str, lower: bool) -> Figure | None:
    """The objective over the trials."""
    done = [trial for trial in trials if trial.value is not None]
    if not done:
        return None
    figure, axes = _figure(7, 3)
    values = [float(trial.value or 0) for trial in done]
    best = (np.minimum if lower else np.maximum).accumulate(values)
    axes.plot([trial.number for trial in done], values, "o", color="C0", label="trial")
    axes.step([trial.number for trial in done], best, where="post", color="C1", label="best so far")
    failed = [trial.number for trial in trials if trial.status == "failed"]
    if failed:
        bottom = np.full(len(failed), axes.get_ylim()[0])
        axes.plot(failed, bottom, "x", color="C3", label="failed", clip_on=False)
    axes.set(xlabel="trial", ylabel=name)
    axes.legend()
    return figure


def parallel(trials: Sequence[Trial], name: str, lower: bool) -> Figure | None:
    """Parallel coordinates: an axis for each hyperparameter that matters, and the objective."""
    from ._tuning_report import importance as shares
    from ._tuning_report import names_of

    done = [trial for trial in trials if trial.value is not None]
    names = (list(shares(trials)) or names_of(trials))[:_MOST_AXES]
    if len(done) < 2 or not names:
        return None
    import matplotlib

    figure, axes = _figure(1.6 * (len(names) + 1), 4.5)
    columns = [_Column(name, [trial.values.get(name) for trial in trials]) for name in names]
    columns.append(_Column(name, [trial.value for trial in done], logarithmic=False))
    values = np.array([float(trial.value or 0) for trial in done])
    ranks = np.argsort(np.argsort(-values if lower else values)) / max(1, len(done) - 1)
    shade = dict(zip((trial.number for trial in done), ranks, strict=True))
    colours = matplotlib.colormaps["viridis_r"]
    for trial in trials:
        heights = [column.height(trial.values.get(column.name)) for column in columns[:-1]]
        if trial.value is None:
            axes.plot(range(len(names)), heights, "--", color="0.75", linewidth=0.8, zorder=1)
        else:
            heights.append(columns[-1].height(trial.value))
            rank = shade[trial.number]
            axes.plot(range(len(columns)), heights, color=colours(rank), alpha=0.8, zorder=2 + rank)
    for place, column in enumerate(columns):
        axes.axvline(place, color="0.3", linewidth=0.8)
        for height, text in column.ticks():
            axes.text(place + 0.03, height, text, fontsize=7, va="center", zorder=5)
    labels = [column.name.partition(".")[2] or column.name for column in columns]
    axes.set_xticks(range(len(columns)), labels, rotation=25, ha="right", fontsize=8)
    axes.set_yticks([])
    axes.set_xlim(-0.1, len(columns) - 0.6)
    for side in axes.spines.values():
        side.set_visible(False)
    return figure


def importance(shares: Mapping[str, float]) -> Figure | None:
    """Bars, the longest on top."""
    if not shares:
        return None
    figure, axes = _figure(7, 0.6 + 0.3 * len(shares))
    axes.barh(list(shares)[::-1], [100 * share for share in shares.values()][::-1])
    axes.set(xlabel="share of the importance, %")
    return figure


def sensitivity(trials: Sequence[Trial], name: str) -> Figure | None:
    """The objective against the learning rate and gate biases."""
    done = [trial for trial in trials if trial.value is not None]
    wanted = [
        parameter
        for parameter in dict.fromkeys(key for trial in done for key in trial.values)
        if parameter == "training.learning_rate" or ".gate_biases." in parameter
    ]
    wanted = [
        parameter
        for parameter in wanted
        if len({trial.values[parameter] for trial in done if parameter in trial.values}) > 1
    ]
    if not wanted:
        return None
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.2 * len(wanted), 3), layout="constrained")
    grid: Any = figure.subplots(1, len(wanted), sharey=True, squeeze=False)
    for axes, parameter in zip(grid[0], wanted, strict=True):
        points = sorted(
            (float(trial.values[parameter]), float(trial.value or 0))
            for trial in done
            if parameter in trial.values
        )
        x, y = np.array(points).T
        axes.plot(x, y, "o", alpha=0.7)
        near = [np.median(y[max(0, i - _NEIGHBOURS // 2) : i + 3]) for i in range(len(y))]
        axes.plot(x, near, color="C1")
        axes.set_xlabel(parameter.partition(".")[2])
        if parameter == "training.learning_rate":
            axes.set_xscale("log")
    grid[0][0].set_ylabel(name)
    return figure


def memory(trials: Sequence[Trial]) -> Figure | None:
    """The memory of the search and of its trials."""
    known = [trial for trial in trials if trial.search_memory_mb is not None]
    if not known:
        return None
    figure, axes = _figure(7, 2.5)
    axes.plot([t.number for t in known], [t.search_memory_mb for t in known], label="search")
    own = [trial for trial in known if trial.memory_mb is not None]
    axes.plot([t.number for t in own], [t.memory_mb for t in own], ".", label="trial")
    axes.set(xlabel="trial", ylabel="MB")
    axes.set_ylim(bottom=0)
    axes.legend()
    return figure


class _Column:
    """The values of a hyperparameter as heights from 0 to 1."""

    def __init__(self, name: str, values: Sequence[Any], logarithmic: bool | None = None) -> None:
        self.name = name
        there = [value for value in values if value is not None]
        self.choices: list[str] | None = None
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in there):
            self.low, self.high = float(min(there)), float(max(there))
            if logarithmic is None:
                logarithmic = self.low > 0 and self.high / self.low > 20
            self.logarithmic = logarithmic
        else:
            self.choices = sorted({_text(value) for value in values})

    def height(self, value: Any) -> float:
        if self.choices is not None:
            return self.choices.index(_text(value)) / max(1, len(self.choices) - 1)
        if value is None:
            return -0.06  # this cell does not take it
        if self.high == self.low:
            return 0.5
        change = np.log if self.logarithmic else float
        low, high = change(self.low), change(self.high)
        return float((change(float(value)) - low) / (high - low))

    def ticks(self) -> list[tuple[float, str]]:
        if self.choices is not None:
            texts = [json.loads(text) for text in self.choices]
            return [(self.height(text), str(text)) for text in texts]
        return [(self.height(value), f"{value:.3g}") for value in {self.low, self.high}]


def _text(value: Any) -> str:
    return json.dumps(value)


def _figure(width: float, height: float) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()
