"""Pictures of what a recogniser has read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._confusions import shown
from ._ctc import BLANK, Alignment
from ._plots import fonts_for, shown_once

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ._confusions import Confusions
    from ._review import Reviewed

# Neighbours must differ for people who see fewer colours, too (after Okabe and Ito).
_COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]
_DARK, _MUTED, _WRONG = "#222222", "#9a9a9a", "#c62828"
_COLUMNS = 4
_LETTER = 0.2  # inches


def alignment_plot(
    application: Reviewed,
    example: Any,
    symbols: np.ndarray,
    table: np.ndarray | None,
    found: Alignment | None,
) -> Figure:
    """See `Reviewed.plot_alignment`."""
    from matplotlib import pyplot
    from matplotlib.colors import to_rgb

    rows, by = int(example["length"]), application.reduction
    letters = [shown(application.alphabet.decode([symbol])) for symbol in symbols]
    places = application.across(example)
    width = float(np.clip(1.2 * len(letters), 4.5, 16))
    figure, (top, below) = pyplot.subplots(
        2, 1, figsize=(width, 3.6), layout="constrained", height_ratios=(2.4, 1)
    )
    colours = np.tile(to_rgb(_DARK), (rows, 1))
    widths = np.full(rows, 1.4)
    below.set_ylim(0, 1.04)
    below.set_yticks([0, 1])
    below.set_ylabel("probability", color=_MUTED)
    if found is not None and table is not None:
        probabilities = np.exp(table)
        frames = len(table)
        below.set_xlim(-0.5, max(frames - 0.5, 0.5))
        below.fill_between(range(frames), probabilities[:, BLANK], color="#ececec", linewidth=0)
        # From halfway to the character before to halfway to the one after.
        middles = [(a + b) // 2 for a, b in zip(found.ends[:-1], found.starts[1:], strict=True)]
        limits, tops = [0, *middles, frames], []
        for number, (letter, symbol) in enumerate(zip(letters, symbols, strict=True)):
            colour = _COLOURS[number % len(_COLOURS)]
            first, end = limits[number], limits[number + 1]
            colours[first * by : end * by] = to_rgb(colour)
            start, stop = int(found.starts[number]), int(found.ends[number])
            widths[start * by : stop * by] = 3.2
            steps = np.arange(max(first - 1, 0), min(end + 1, frames))
            below.fill_between(
                steps, probabilities[steps, symbol], color=colour, alpha=0.35, linewidth=0
            )
            below.plot(steps, probabilities[steps, symbol], color=colour, linewidth=1.4)
            tops.append(float(np.mean(places[start * by : min(stop * by, rows)])))
            _letter(below, (start + stop - 1) / 2, letter, colour, below.get_xaxis_transform(), 1.0)
        # Above the ink, letters that would lie upon each other move apart.
        room = np.ptp(places) / (width / _LETTER)
        for number, at in enumerate(_apart(tops, room)):
            colour = _COLOURS[number % len(_COLOURS)]
            _letter(top, at, letters[number], colour, top.get_xaxis_transform(), 1.02)
    top.axis("off")
    if rows:
        application.draw(top, example, colours, widths)
    below.set_xticks([])
    below.set_xlabel("time", color=_MUTED)
    for side in ("top", "right"):
        below.spines[side].set_visible(False)
    below.tick_params(length=0, colors=_MUTED)
    for text in [*top.texts, *below.texts]:
        text.set_fontfamily(fonts_for(letters))
    shown_once(figure)
    return figure


def worst_sheet(
    application: Reviewed, items: Sequence[Any], texts: Sequence[tuple[str, str]]
) -> Figure:
    """Draws items in rows of four; texts are what was written and what was read."""
    from matplotlib import pyplot

    count = max(len(items), 1)
    columns = min(_COLUMNS, count)
    rows = -(-count // columns)
    figure, axes = pyplot.subplots(
        rows, columns, figsize=(2.9 * columns, 1.35 * rows), squeeze=False, layout="constrained"
    )
    fonts = fonts_for([text for pair in texts for text in pair])
    for ax in axes.flat:
        ax.axis("off")
    if not items:
        axes[0, 0].text(0.5, 0.5, "no errors", ha="center", color=_MUTED)
    for ax, item, (written, read) in zip(axes.flat, items, texts, strict=False):
        example = application.example(item, 0)
        if len(example["frames"]):
            application.draw(ax, example, widths=1.2)
        title = ax.set_title(_short(written), loc="left", fontsize=10, color=_DARK)
        other = ax.set_title(_short(read) or "∅", loc="right", fontsize=10, color=_WRONG)
        for text in (title, other):
            text.set_parse_math(False)
            text.set_fontfamily(fonts)
    shown_once(figure)
    return figure


def confusion_map(confusions: Confusions, most: int) -> Figure:
    """See `Confusions.plot`."""
    from matplotlib import pyplot

    wrong: Counter[str] = Counter()
    for row in confusions.rows:
        wrong[row.written] += row.times
        wrong[row.read] += row.times
    letters = sorted(
        (letter for letter, _ in wrong.most_common(most)), key=lambda letter: (not letter, letter)
    )
    place = {letter: number for number, letter in enumerate(letters)}
    counts = np.zeros((len(letters), len(letters)))
    for row in confusions.rows:
        if row.written in place and row.read in place:
            counts[place[row.written], place[row.read]] = row.times
    size = 0.24 * max(len(letters), 8)
    figure, ax = pyplot.subplots(figsize=(size + 1.4, size + 0.9), layout="constrained")
    if not letters:
        ax.axis("off")
        ax.text(0.5, 0.5, "no errors", ha="center", color=_MUTED)
        shown_once(figure)
        return figure
    image = ax.imshow(counts, cmap="Reds", vmin=0, vmax=max(counts.max(), 1))
    labels = [shown(letter) for letter in letters]
    ax.set_xticks(range(len(labels)), labels)
    ax.set_yticks(range(len(labels)), labels)
    ax.tick_params(length=0, labeltop=True, labelbottom=False)
    fonts = fonts_for(labels)
    for label in [*ax.get_xticklabels(), *ax.get_yticklabels()]:
        label.set_parse_math(False)
        label.set_fontfamily(fonts)
    ax.set_xlabel("read", color=_MUTED)
    ax.xaxis.set_label_position("top")
    ax.set_ylabel("written", color=_MUTED)
    ax.set_xticks(np.arange(0.5, len(labels) - 1), minor=True)
    ax.set_yticks(np.arange(0.5, len(labels) - 1), minor=True)
    ax.grid(which="minor", color="#eeeeee", linewidth=0.6)
    ax.tick_params(which="minor", length=0)
    for side in ax.spines.values():
        side.set_color("#cccccc")
    for row, column in np.argwhere(counts > 0):
        value = int(counts[row, column])
        dark = value > 0.6 * counts.max()
        ax.text(
            column,
            row,
            str(value),
            ha="center",
            va="center",
            fontsize=6,
            color="white" if dark else "#8b3a3a",
        )
    bar = figure.colorbar(image, ax=ax, shrink=0.5, aspect=25)
    bar.set_label("how often", color=_MUTED)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0)
    shown_once(figure)
    return figure


def _apart(places: Sequence[float], room: float) -> list[float]:
    """Places moved to the right where they are closer than `room` to the one on their left."""
    moved = list(places)
    order = sorted(range(len(places)), key=lambda number: places[number])
    for left, right in zip(order[:-1], order[1:], strict=True):
        moved[right] = max(moved[right], moved[left] + room)
    return moved


def _letter(ax: Any, x: float, letter: str, colour: str, transform: Any, y: float) -> None:
    ax.text(
        *(x, y, letter),
        transform=transform,
        color=colour,
        fontsize=13,
        fontweight="bold",
        ha="center",
        va="bottom",
        parse_math=False,
        clip_on=False,
    )


def _short(text: str, most: int = 18) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
