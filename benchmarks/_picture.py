"""The ratios as bars."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from benchmarks._cases import PHASES, SMALL_BATCHES
from benchmarks._results import Row

_COLOURS = ("#1b6ca8", "#e08e45", "#3f9b6c", "#9a6fb0", "#7f8c8d", "#c0594f")
_TITLES = {"train": "Training", "forward": "Forward pass"}
_THICK, _GAP = 0.86, 0.9


def draw(rows: Sequence[Row], machine: Mapping[str, Any], path: Path) -> None:
    """Writes a picture with a panel for each phase, and in it a group of bars for each peer.

    The scale is logarithmic, as twice as fast and half as fast are equally far from 1.
    """
    figure = picture(rows, machine)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def picture(rows: Sequence[Row], machine: Mapping[str, Any]) -> Figure:
    """The figure that `draw` writes."""
    rows = [row for row in rows if not row.smaller_is_better and row.config not in SMALL_BATCHES]
    pairs = list(dict.fromkeys((row.ours, row.peer) for row in rows))
    # PA is A with a projection, and has its colour.
    families: dict[str, list[str]] = {}
    for name in sorted({row.config for row in rows}):
        families.setdefault(name[-1], []).append(name)
    colours = {
        name: colour
        for names, colour in zip(families.values(), itertools.cycle(_COLOURS), strict=False)
        for name in names
    }
    bars = len({(row.ours, row.peer, row.config) for row in rows})
    height = max(0.19 * (bars + _GAP * len(pairs)) + 1.5, 3)
    figure, panels = plt.subplots(
        1, len(PHASES), figsize=(11, height), sharey=True, layout="constrained"
    )
    for axes, phase in zip(panels, PHASES, strict=True):
        _panel(axes, [row for row in rows if row.phase == phase], pairs, colours)
        axes.set_title(_TITLES[phase], loc="left", fontsize="medium")
    handles: list[Any] = [
        Patch(color=colours[names[0]], label=", ".join(names)) for names in families.values()
    ]
    handles.append(Line2D([], [], color="0.15", linewidth=1, label="quartiles"))
    for label, style in (("floor", "-"), ("goal", ":")):
        handles.append(Line2D([], [], color="black", linestyle=style, linewidth=1.6, label=label))
    figure.legend(
        handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=9
    )
    where = machine["accelerator"] or f"{machine['cores']} cores"
    figure.suptitle(
        f"Time of others over ours, {machine['backend']} on {where}: right of 1 ours is faster"
    )
    return figure


def _panel(
    axes: Any,
    rows: Sequence[Row],
    pairs: Sequence[tuple[str, str]],
    colours: Mapping[str, str],
) -> None:
    place, middles = 0.0, []
    for pair in pairs:
        bars = [row for row in rows if (row.ours, row.peer) == pair]
        middles.append(place + (len(bars) - 1) / 2)
        for row in bars:
            axes.barh(
                place, row.ratio - 1, left=1, height=_THICK, color=colours[row.config], zorder=2
            )
            ends = [row.ratio_low, row.ratio_high]
            axes.plot(ends, [place] * 2, color="0.15", linewidth=1, zorder=4)
            for mark, style in ((row.floor, "-"), (row.goal, ":")):
                if mark is not None:
                    edges = [place - _THICK / 2, place + _THICK / 2]
                    axes.plot([mark] * 2, edges, "black", linestyle=style, linewidth=1.6, zorder=3)
            furthest = max(value for value in (1, row.ratio_high, row.goal) if value is not None)
            axes.annotate(
                f"{row.ratio:.2f}",
                (furthest, place),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
            place += 1
        place += _GAP
    _dress(axes)
    axes.set_yticks(middles, [f"{ours}\nagainst {peer}" for ours, peer in pairs], fontsize=9)
    axes.set_ylim(place - _GAP, -1)


def _dress(axes: Any) -> None:
    axes.set_xscale("log", base=2)
    left, right = axes.get_xlim()
    axes.set_xlim(min(left, 0.7), max(right, 1.5) * 1.2)  # the last number needs room
    axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1, 1.5, 2, 3, 5, 7)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.axvline(1, color="0.3", linewidth=0.9, zorder=5)
    axes.grid(axis="x", color="0.9", zorder=0)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
