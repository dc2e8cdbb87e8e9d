"""Pictures of words written with the stroke fonts of `Hershey-Fonts`."""

from __future__ import annotations

import numpy as np

from ._base import PairDataset
from .hershey_ink import HersheyInk


class HersheyImages(PairDataset):
    """`hershey_images/lower`, `/mixed` and `/digits`: the words of `hershey_ink`, drawn.

    The same 9,000 words in each, and the same splits. An input is an array (32, columns), uint8,
    black on white, drawn with a pen of 0.9 to 3 pixels; a target is a word.

    Args:
        config: `lower`, `mixed` or `digits`.
        data_dir: not used.

    Example:

    >>> from zoo import datasets
    >>> image, text = datasets.HersheyImages("digits").pairs("test")[0]
    >>> image.shape[0], text.isdigit()
    (32, True)
    """

    @classmethod
    def configs(cls) -> tuple[str, ...]:
        return HersheyInk.configs()

    def pairs(self, split: str) -> list[tuple[np.ndarray, str]]:
        from zoo.applications._ink_drawing import draw

        words = HersheyInk(self.config).pairs(split)
        generator = np.random.default_rng(self.splits.index(split))
        pens = np.exp(generator.uniform(np.log(0.9), np.log(3), len(words)))
        return [(draw(ink, pen=pen), text) for (ink, text), pen in zip(words, pens, strict=True)]
