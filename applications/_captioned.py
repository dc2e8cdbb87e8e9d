"""Captions together with what the attention looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ._data import Example

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ._picture_network import PictureNetwork

END = "[END]"


class Caption(NamedTuple):
    """A caption with its attention.

    Attributes:
        text: the caption.
        tokens: its words or parts of words, the end included.
        attention: weights (tokens, rows, columns) over the grid of the picture; each token's sum
            to 1.

    Example:

    >>> import numpy as np
    >>> from zoo import Caption
    >>> one = Caption("cat", ["cat", "[END]"], np.full((2, 7, 7), 1 / 49))
    >>> one.text, one.attention.shape
    ('cat', (2, 7, 7))
    """

    text: str
    tokens: list[str]
    attention: np.ndarray


def attended(
    network: PictureNetwork, examples: list[Example], rows: list[np.ndarray], batch_size: int
) -> list[Caption]:
    """Returns captions with the weights of the attention on the way to them.

    Args:
        network: the network, which has an attention.
        examples: features of each picture.
        rows: the symbols of each caption, without an end.
        batch_size: pictures at a time.
    """
    found = network.run(
        "attention",
        network.attention_weights,
        [
            {**example, "previous": network.targets(row)["previous"]}
            for example, row in zip(examples, rows, strict=True)
        ],
        batch_size=batch_size,
    )
    names = network.symbols.names
    return [
        Caption(
            network.symbols.decode(row),
            [*(names[symbol] for symbol in row), END],
            np.asarray(weights)[: len(row) + 1].reshape(-1, *network.grid_shape),
        )
        for row, weights in zip(rows, found, strict=True)
    ]


def draw(found: Caption, image: Any) -> Figure:
    """Draws where the attention of a caption was, over its picture."""
    from ._image import read_image
    from ._picture_plots import attention_over_picture

    return attention_over_picture(read_image(image), found.attention[:-1], found.tokens[:-1])
