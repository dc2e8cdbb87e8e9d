"""The kinds of raw input that handwriting comes in, behind one interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ._convolution import ConvolutionalFront
from ._data import Example, plain


class Input:
    """One kind of raw input: what it may look like, and the frames that the network reads.

    A recogniser holds one and leaves to it whatever differs between the kinds.

    Args:
        choices: those of the recogniser.

    Raises:
        ValueError: a choice is not one of those that are possible.
    """

    kind: ClassVar[str]
    """The recogniser's choice `input`."""

    def __init__(self, choices: Mapping[str, Any]) -> None:
        self.choices = choices

    @property
    def frame_size(self) -> int:
        """The number of features of a frame."""
        raise NotImplementedError

    def front(self) -> ConvolutionalFront | None:
        """A layer that makes frames fewer before the recurrent ones, if there is to be one."""
        return None

    def plain(self, value: Any) -> Any:
        """A value as it comes out of users' data, as Python or NumPy has it."""
        return plain(value)

    def learn(self, items: list[Any]) -> None:
        """Takes from the training data what must be known beforehand."""

    def assets(self) -> dict[str, str]:
        """What `learn` has learned, as texts by file name."""
        return {}

    def restore(self, assets: Mapping[str, str]) -> None:
        """Takes back what `assets` gave."""

    def opened(self, value: Any) -> Any:
        """A value, or what is in it if it is a file with several items."""
        return value

    def is_one(self, value: Any) -> bool:
        """Whether a value is surely one item, and no list of several."""
        raise NotImplementedError

    def check_height(self, height: float | None) -> None:
        """Raises a `ValueError` if a user's `height` is not one that this input can take."""
        if height is not None:
            raise ValueError(f"`height` is for ink alone. Received: height={height!r}.")

    def example(self, item: Any, number: int, height: float | None = None) -> Example:
        """The features of a raw item: `frames`, (time, features), and `length`.

        Args:
            item: the item, in any of the forms that users have it in.
            number: its place, for messages.
            height: see `HandwritingRecognizer.recognize`.

        Raises:
            TypeError: it is something else.
            ValueError: it is damaged or too long.
        """
        raise NotImplementedError

    def varied(self, example: Any, generator: np.random.Generator) -> Example:
        """The features of an item changed at random, as much as `augmentation` says."""
        raise NotImplementedError

    def check_stream(self) -> None:
        """Raises a `ValueError` if frames depend on what comes long after them."""

    def unsettled(self, example: Any) -> int:
        """How many of the last frames may change while the end of an item goes on."""
        return 1

    def draw(self, ax: Any, example: Any, colours: Any, widths: Any) -> None:
        """Draws an item as the network sees it, here as the columns of a picture.

        Args:
            ax: Matplotlib's axes.
            example: its features.
            colours: of the frames, (frames, 3); None is dark.
            widths: of the lines of the frames, where there are lines.
        """
        ink = self.seen(example).T[..., None]
        colours = np.full((1, ink.shape[1], 3), 0.1) if colours is None else colours[None]
        ax.imshow(1 - ink * (1 - colours), interpolation="nearest")
        ax.axis("off")

    def across(self, example: Any) -> np.ndarray:
        """Where each frame is in the drawing, from the left to the right: (frames,)."""
        return np.arange(len(self.seen(example)))

    def seen(self, example: Any) -> np.ndarray:
        """An item as the network sees it, so that it can be drawn; one row for each frame."""
        raise NotImplementedError
