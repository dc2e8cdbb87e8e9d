"""Pictures of what a network does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Inches.
_CELL = 0.32
_LETTER = 0.09

_ANGLE = 60
_MUTED = "#777777"


def attention_map(
    weights: Any,
    inputs: Sequence[str],
    outputs: Sequence[str],
    *,
    names: tuple[str, str] = ("input", "output"),
    muted: Sequence[str] = (),
    ax: Axes | None = None,
) -> Figure:
    """Draws attention weights as a heat map from 0, light, to 1, dark.

    Args:
        weights: (outputs, inputs).
        inputs: what is looked at, along the upper edge; "▁", a space, is drawn as "␣".
        outputs: the steps that look, from the top down.
        names: what the two axes are called.
        muted: labels to be shown in grey.
        ax: Matplotlib's axes to draw into; by default a new figure of the right size.

    Returns:
        The figure.

    Raises:
        ValueError: the labels do not fit the weights, or `ax` is something else.

    Example:

    >>> import numpy as np
    >>> figure = attention_map(np.eye(2), ["▁good", "▁day"], ["▁guten", "▁Tag"])
    >>> len(figure.axes)  # the map and its scale
    2
    """
    from matplotlib import pyplot
    from matplotlib.axes import Axes

    weights = np.asarray(weights)
    if weights.shape != (len(outputs), len(inputs)) or not weights.size:
        raise ValueError(
            "`weights` must have a row for each of `outputs` and a column for each of `inputs`. "
            f"Received: shape {weights.shape}, {len(outputs)} outputs, {len(inputs)} inputs."
        )
    if not isinstance(ax, Axes | None):
        raise ValueError(f"`ax` must be Matplotlib's axes, or None. Received: ax={ax!r}.")
    own = ax is None
    if ax is None:
        _, ax = pyplot.subplots(figsize=_size(inputs, outputs), layout="constrained")
    image = ax.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="equal" if own else "auto")
    columns, rows = ([label.replace("▁", "␣") for label in labels] for labels in (inputs, outputs))
    ax.set_xticks(range(len(columns)), columns, rotation=_ANGLE, ha="left", rotation_mode="anchor")
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(length=0, labeltop=True, labelbottom=False)
    fonts = fonts_for([*columns, *rows])
    for label in [*ax.get_xticklabels(), *ax.get_yticklabels()]:
        label.set_parse_math(False)  # people write prices
        label.set_fontfamily(fonts)
        if label.get_text() in muted:
            label.set_color(_MUTED)
    ax.set_xlabel(names[0], color=_MUTED)
    ax.xaxis.set_label_position("top")
    ax.set_ylabel(names[1], color=_MUTED)
    # Lines between the cells.
    ax.set_xticks(np.arange(0.5, len(inputs) - 1), minor=True)
    ax.set_yticks(np.arange(0.5, len(outputs) - 1), minor=True)
    ax.grid(which="minor", color="#e8e8e8", linewidth=0.8)
    ax.tick_params(which="minor", length=0)
    for side in ax.spines.values():
        side.set_color("#cccccc")
    figure = ax.get_figure(root=True)
    assert figure is not None
    if own:
        bar = figure.colorbar(image, ax=ax, shrink=0.8, aspect=25, ticks=[0, 0.5, 1])
        bar.set_label("attention", color=_MUTED)
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0)
        shown_once(figure)
    return figure


def _size(inputs: Sequence[str], outputs: Sequence[str]) -> tuple[float, float]:
    """Width and height with room for the labels, the last of which lean over the right edge."""
    down, across = np.sin(np.radians(_ANGLE)), np.cos(np.radians(_ANGLE))
    over = max(
        _LETTER * len(label) * across - _CELL * place for place, label in enumerate(inputs[::-1])
    )
    width = _LETTER * max(map(len, outputs)) + _CELL * len(inputs) + max(0.0, over)
    height = _LETTER * max(map(len, inputs)) * down + _CELL * len(outputs)
    return width + 1.3, height + 0.7


def shown_once(figure: Figure) -> None:
    """Leaves it to notebooks to show the figure where it is returned.

    They would show it again at the end of the cell, as one of pyplot's.
    """
    import matplotlib
    from matplotlib import pyplot

    if "inline" in matplotlib.get_backend():
        pyplot.close(figure)


def fonts_for(labels: Iterable[str]) -> list[str]:
    """The user's fonts, and behind them installed ones for the letters that those lack."""
    from matplotlib import font_manager, rcParams

    families = list(rcParams["font.family"])
    missing = {ord(letter) for label in labels for letter in label}
    for family in families:
        missing -= _letters_of_family(family)
    for entry in font_manager.fontManager.ttflist:
        if not missing:
            break
        # The last resort draws a box.
        if entry.name in families or entry.name.startswith("Last Resort"):
            continue
        if missing & _letters_of_file(entry.fname):
            found = missing & _letters_of_family(entry.name)
            if found:
                families.append(entry.name)
                missing -= found
    return families


def _letters_of_family(family: str) -> set[int]:
    """Those of the one font that matplotlib takes for the family: its other weights may differ."""
    from matplotlib import font_manager

    properties = font_manager.FontProperties(family=[family])
    try:
        return _letters_of_file(font_manager.findfont(properties, fallback_to_default=False))
    except ValueError:  # not installed
        return set()


def _letters_of_file(path: str) -> set[int]:
    from matplotlib import font_manager

    try:
        font = font_manager.get_font(path)
    except (OSError, RuntimeError):  # a file that has gone, or that is no font
        return set()
    # Coloured emoji are pictures, which cannot be drawn.
    return set(font.get_charmap()) if font.scalable else set()
