"""Pictures of what a network sees in pictures."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._image import read_image, resized

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INCHES = 1.9
_LETTERS = 26
_SIDE = 224


def attention_over_picture(
    image: np.ndarray, weights: np.ndarray, tokens: Sequence[str], columns: int = 5
) -> Figure:
    """Draws a picture, and for each token the picture again, bright where the attention is.

    Args:
        image: pixels.
        weights: (tokens, rows, columns).
        tokens: the words.
        columns: how many pictures stand in a row.
    """
    from PIL import Image

    size = _shown_size(image)
    shown = resized(image, *size)
    axes, figure = _sheet(1 + len(tokens), columns, size)
    axes[0].imshow(shown)
    for ax, token, grid in zip(axes[1:], tokens, weights, strict=True):
        # The brightest place is shown as it is: the weights of a step differ more than their sums.
        light = Image.fromarray((grid / max(float(grid.max()), 1e-9)).astype("float32"))
        spread = np.asarray(light.resize((size[1], size[0]), Image.Resampling.BILINEAR))
        ax.imshow((shown * (0.2 + 0.8 * spread[..., None])).astype("uint8"))
        _titled(ax, token.replace("▁", "␣"))
    return figure


def contact_sheet(images: Sequence[Any], captions: Sequence[str], columns: int = 4) -> Figure:
    """Draws pictures with their captions below them.

    Args:
        images: pictures, as `Captioner.caption` takes them.
        captions: a text for each.
        columns: how many stand in a row.

    Returns:
        Matplotlib's figure.

    Raises:
        ValueError: there are not as many captions as pictures, or there are none.

    Example:

    >>> import numpy as np
    >>> from zoo import plot
    >>> figure = plot.contact_sheet([np.zeros((8, 8, 3))] * 2, ["a black square", "another"])
    >>> [ax.get_xlabel() for ax in figure.axes]
    ['a black square', 'another']
    """
    images, captions = list(images), list(captions)
    if len(images) != len(captions) or not images:
        raise ValueError(
            "`images` and `captions` must be equally many, at least one. "
            f"Received: {len(images)} images and {len(captions)} captions."
        )
    pictures = [read_image(image, f"Picture {n}") for n, image in enumerate(images)]
    sizes = [_shown_size(pixels) for pixels in pictures]
    highest = (max(height for height, _ in sizes), max(width for _, width in sizes))
    axes, figure = _sheet(len(images), columns, highest, 1.5)
    for ax, pixels, size, caption in zip(axes, pictures, sizes, captions, strict=True):
        ax.imshow(resized(pixels, *size))
        label = ax.set_xlabel(textwrap.fill(caption, _LETTERS), fontsize=8)
        _plain(label, caption)
    return figure


def _sheet(
    count: int, columns: int, size: tuple[int, int], room: float = 1.25
) -> tuple[list[Axes], Figure]:
    """Axes for `count` pictures without ticks, and the figure that holds them."""
    from matplotlib import pyplot

    from ._plots import shown_once

    columns = min(columns, count)
    rows = -(-count // columns)
    height = _INCHES * size[0] / size[1] * room
    figure, grid = pyplot.subplots(
        rows,
        columns,
        figsize=(_INCHES * columns, height * rows),
        layout="constrained",
        squeeze=False,
    )
    axes = list(grid.flat)
    for ax in axes[count:]:
        ax.remove()
    for ax in axes[:count]:
        ax.set_xticks([])
        ax.set_yticks([])
        for side in ax.spines.values():
            side.set_visible(False)
    shown_once(figure)
    return axes[:count], figure


def _titled(ax: Axes, text: str) -> None:
    _plain(ax.set_title(text, fontsize=9), text)


def _plain(label: Any, text: str) -> None:
    from ._plots import fonts_for

    label.set_parse_math(False)
    label.set_fontfamily(fonts_for([text]))


def _shown_size(image: np.ndarray) -> tuple[int, int]:
    """Height and width of a picture whose longer side is `_SIDE`."""
    height, width = image.shape[:2]
    longer = max(height, width)
    return max(1, round(_SIDE * height / longer)), max(1, round(_SIDE * width / longer))
