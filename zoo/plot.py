"""Pictures of what happens inside a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator

from zoo.applications._picture_plots import contact_sheet
from zoo.applications._plots import attention_map as attention

__all__ = ["attention", "contact_sheet", "gates"]

# Those that the logistic function opens: between 0, closed, and 1, open.
_GATES = ("input_gate", "forget_gate", "update_gate", "reset_gate", "output_gate")
_VISIBLE = {" ": "␣", "\n": "↵", "\t": "⇥"}
_MOST_SYMBOLS, _MOST_UNITS = 150, 17
_TURNED = {"rotation": 50, "ha": "right", "va": "center", "rotation_mode": "anchor"}


def gates(
    traced: Mapping[str, Any],
    symbols: str | Sequence[str] | None = None,
    *,
    item: int = 0,
    units: int | Sequence[int] | None = None,
    figure: Figure | SubFigure | None = None,
    title: str | None = None,
) -> Figure | SubFigure:
    """Draws what `zoo.trace` saw as heat maps, one above the other, over the same time axis.

    Each row of a map is a unit. Gates are between 0 (white, closed) and 1 (dark, open). The
    candidate and the states are red above zero, blue below it, and white at zero; the scale of each
    reaches as far as its largest value. Steps where nothing was computed are hatched.

    Args:
        traced: what `zoo.trace` gave; of a `Bidirectional` or a `DeepLSTM`, one part of that.
        symbols: what the layer read, for the time axis: a string, or a list of strings, with one
            for each step; spaces are drawn as ␣. None numbers the steps.
        item: which sequence of the batch.
        units: which units: a list draws these, in this order; a number draws as many, those whose
            state changes most, in that order; None draws all. A hidden state projected to another
            size is always drawn whole.
        figure: a Matplotlib figure or subfigure to draw in; None makes one of fitting size.
        title: a line above all.

    Returns:
        The Matplotlib figure, which `savefig` writes to a file. (A notebook shows it by itself;
        a semicolon after the call keeps it from being shown twice.)

    Raises:
        TypeError: a `traced` that is no trace of one layer.
        ValueError: symbols, an item or units that do not fit it.

    Example:

    >>> import numpy as np
    >>> import zoo
    >>> text = "a (b)"
    >>> x = np.eye(128, dtype="float32")[[[ord(symbol) for symbol in text]]]
    >>> figure = zoo.plot.gates(zoo.trace(zoo.LSTM(4), x), text)
    >>> [axes.get_title(loc="left") for axes in figure.axes[:4]]
    ['input gate', 'forget gate', 'candidate', 'output gate']
    """
    maps = _item(traced, item)
    state = maps.get("cell_state", list(maps.values())[-1])
    time, many = state.shape
    chosen = _chosen(state, units)
    whole = [name for name, values in maps.items() if values.shape[1] != many]
    maps = {name: v if name in whole else v[:, chosen] for name, v in maps.items()}
    if symbols is not None and len(symbols) != time:
        raise ValueError(
            f"`symbols` must have one for each of the {time} steps. Received: {len(symbols)}."
        )
    heights = [min(max(0.14 * values.shape[1], 0.7), 2.5) for values in maps.values()]
    if figure is None:
        width = min(max(0.2 * time, 5), 30) + 1.5
        size = (width, sum(heights) + 0.32 * len(maps) + 0.9)
        figure = plt.figure(figsize=size, layout="constrained")
    all_axes = figure.subplots(len(maps), 1, sharex=True, squeeze=False, height_ratios=heights)
    for axes, (name, values) in zip(all_axes[:, 0], maps.items(), strict=True):
        _draw(axes, name, values)
        _label_rows(axes, None if name in whole else chosen)
    _label_steps(all_axes[0, 0], all_axes[-1, 0], symbols, time)
    if title is not None:
        figure.suptitle(title)
    return figure


def _item(traced: Any, item: int) -> dict[str, np.ndarray]:
    """The maps (time, size) of one sequence."""
    whole = isinstance(traced, Mapping) and len(traced) > 0
    if whole and all(isinstance(part, Mapping) for part in traced.values()):
        raise TypeError(
            "`traced` must be the trace of one layer; pick one of its parts: "
            f"traced[{' or '.join(map(repr, traced))}]."
        )
    if not whole or any(np.ndim(values) != 3 for values in traced.values()):
        raise TypeError(
            "`traced` must be a dictionary of arrays (batch, time, size), as `zoo.trace` gives it. "
            f"Received: {traced.__class__.__name__}."
        )
    batch = min(len(values) for values in traced.values())
    if not isinstance(item, int | np.integer) or not -batch <= item < batch:
        raise ValueError(
            f"`item` must be a number below {batch}, the size of the batch. Received: item={item}."
        )
    return {name: np.asarray(values[item]) for name, values in traced.items()}


def _chosen(state: np.ndarray, units: int | Sequence[int] | None) -> np.ndarray:
    """Which units are drawn, in this order."""
    many = state.shape[1]
    if units is None:
        return np.arange(many)
    if isinstance(units, int | np.integer):
        if not 0 < units <= many:
            raise ValueError(f"`units` must be between 1 and {many}. Received: units={units}.")
        return np.argsort(-np.nanstd(state, axis=0), kind="stable")[:units]
    chosen = np.asarray(units)
    if chosen.ndim != 1 or chosen.dtype.kind not in "iu" or not set(chosen) <= set(range(many)):
        raise ValueError(
            f"`units` must be a number, or a list of numbers below {many}. "
            f"Received: units={units!r}."
        )
    return chosen


def _draw(axes: Any, name: str, values: np.ndarray) -> None:
    size = 1.0
    if name not in _GATES:
        seen = np.abs(values[np.isfinite(values)])
        size = float(seen.max()) if seen.any() else 1.0
    image = axes.imshow(
        values.T,
        aspect="auto",
        interpolation="nearest",
        cmap="Greens" if name in _GATES else "RdBu_r",
        vmin=0 if name in _GATES else -size,
        vmax=size,
    )
    axes.patch.set(facecolor="white", edgecolor="0.75", hatch="////")
    axes.set_title(name.replace("_", " "), loc="left", fontsize="medium")
    ticks = [0, 0.5, 1] if name in _GATES else [-size, 0, size]
    bar = axes.figure.colorbar(image, ax=axes, ticks=ticks, aspect=8, pad=0.01, shrink=0.95)
    bar.ax.set_yticklabels([f"{tick:.2g}" for tick in ticks], fontsize="small")
    bar.outline.set_visible(False)


def _label_rows(axes: Any, chosen: np.ndarray | None) -> None:
    axes.tick_params(axis="both", length=2, labelsize="small")
    if chosen is None:
        axes.set_ylabel("output", fontsize="small")
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        return
    axes.set_ylabel("unit", fontsize="small")
    rows = range(0, len(chosen), -(-len(chosen) // _MOST_UNITS))
    axes.set_yticks(rows, chosen[list(rows)])


def _label_steps(top: Any, bottom: Any, symbols: str | Sequence[str] | None, time: int) -> None:
    if symbols is None:
        bottom.xaxis.set_major_locator(MaxNLocator(integer=True))
        bottom.set_xlabel("step")
        return
    shown = ["".join(_VISIBLE.get(sign, sign) for sign in str(symbol)) for symbol in symbols]
    places = range(0, time, -(-time // _MOST_SYMBOLS))
    words = max(map(len, shown)) > 2
    bottom.set_xticks(places, [shown[place] for place in places], **_TURNED if words else {})
    if not words:
        for axes in (top, bottom):
            axes.tick_params(axis="x", labelsize="medium", labelfontfamily="monospace")
        top.tick_params(axis="x", labeltop=top is not bottom)
