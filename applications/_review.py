"""What a recogniser has read, beside what was written: scores, mistakes, the worst items."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.layers._arguments import positive_integer

from ._alphabet import checked_texts
from ._confusions import Confusions
from ._ctc import align
from ._ctc_application import CTCApplication
from ._metrics import cer, wer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Review:
    """What a recogniser has read, beside what was written.

    Made by `HandwritingRecognizer.review`.

    Args:
        application: the recogniser, which draws its items.
        items: raw inputs.
        read: a text for each.
        written: what it should be.

    Attributes:
        scores: `cer` and `wer` of all items.
        confusions: which characters were read as which.
        errors: the character error rate of each item.
    """

    def __init__(
        self, application: Any, items: Sequence[Any], read: Sequence[str], written: Sequence[str]
    ) -> None:
        self.application = application
        self.items, self.read, self.written = list(items), list(read), list(written)
        self.scores = {"cer": cer(read, written), "wer": wer(read, written)}
        self.confusions = Confusions(read, written)
        self.errors = [cer([one], [other]) for one, other in zip(read, written, strict=True)]

    @property
    def order(self) -> list[int]:
        """The numbers of the items, the one with the highest error rate first."""
        return sorted(range(len(self.items)), key=lambda item: -self.errors[item])

    def plot_worst(self, count: int = 24) -> Figure:
        """Draws the items with the highest error rates: what was written, and in red what was read.

        Args:
            count: how many; fewer where the others were read without an error.
        """
        from ._review_plots import worst_sheet

        positive_integer("count", count)
        worst = [item for item in self.order[:count] if self.errors[item]]
        return worst_sheet(
            self.application,
            [self.items[item] for item in worst],
            [(self.written[item], self.read[item]) for item in worst],
        )

    def write(self, folder: str | Path) -> list[Path]:
        """Writes it all into a folder, which is made where there is none.

        Returns:
            The files: `items.csv`, every item, the worst first; `confusions.csv`; and the pictures
            `confusions.png` and `worst.png`.
        """
        from matplotlib import pyplot

        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        items = [
            (item, self.written[item], self.read[item], f"{self.errors[item]:.4f}")
            for item in self.order
        ]
        _write_csv(place / "items.csv", ("item", "written", "read", "cer"), items)
        rows = [(*row[:3], f"{row.share:.4f}") for row in self.confusions.rows]
        _write_csv(place / "confusions.csv", ("written", "read", "count", "share"), rows)
        for name, figure in (
            ("confusions.png", self.confusions.plot()),
            ("worst.png", self.plot_worst()),
        ):
            figure.savefig(place / name, dpi=120)
            pyplot.close(figure)
        return [
            place / name for name in ("items.csv", "confusions.csv", "confusions.png", "worst.png")
        ]


class Reviewed(CTCApplication):
    """A recogniser whose mistakes can be looked at.

    A subclass says how an item is drawn.
    """

    def draw(self, ax: Axes, example: Any, colours: Any = None, widths: Any = 1.4) -> None:
        """Draws an item on Matplotlib's axes.

        Args:
            ax: the axes.
            example: its features.
            colours: one for each frame of its features, (frames, 3); by default it is dark.
            widths: how wide the line of each frame is, where there are lines.
        """
        raise NotImplementedError

    def across(self, example: Any) -> Any:
        """Where each frame is drawn, from the left to the right: (frames,)."""
        raise NotImplementedError

    def review(self, data: Any, targets: Any = None, **decoding: Any) -> Review:
        """Reads raw inputs, and sets beside them what was written.

        Args:
            data, targets: raw pairs.
            **decoding: arguments of `recognize`, but for `n_best`.

        Returns:
            A review with `scores`, `confusions`, `plot_worst()` and `write(folder)`.

        Example:

        >>> import numpy as np
        >>> from zoo import HandwritingRecognizer
        >>> ink = [np.array([[0, 0], [40, 0]]), np.array([[9, 9], [20, 40]])]
        >>> recognizer = HandwritingRecognizer(units=8, depth=1)
        >>> recognizer.adapt([(ink, "a")])
        >>> review = recognizer.review([(ink, "a"), (ink, "ab")])
        >>> sorted(review.scores)
        ['cer', 'wer']
        """
        self._require_adapted()
        if decoding.get("n_best") is not None:
            raise ValueError(
                "`n_best` must be left out: a review looks at one text of each item. "
                f"Received: n_best={decoding['n_best']}."
            )
        items, texts = self.raw(data, targets)
        written = checked_texts(texts or [])
        return Review(self, items, self.infer(items, **decoding), written)

    def confusions(self, data: Any, targets: Any = None, **decoding: Any) -> Confusions:
        """Says which characters are read as which.

        Args:
            data, targets: raw pairs.
            **decoding: arguments of `recognize`.

        Returns:
            What prints as a table, with `rows` (`written`, `read`, `count`, `share`; "" is no
            character) and `plot()`.

        Example:

        >>> import numpy as np
        >>> from zoo import HandwritingRecognizer
        >>> ink = [np.array([[0, 0], [40, 0]]), np.array([[9, 9], [20, 40]])]
        >>> recognizer = HandwritingRecognizer(units=8, depth=1)
        >>> recognizer.adapt([(ink, "a")])
        >>> confusions = recognizer.confusions([(ink, "a")])
        >>> confusions.characters["a"]
        1
        """
        return self.review(data, targets, **decoding).confusions

    def plot_worst(
        self, data: Any, targets: Any = None, *, count: int = 24, **decoding: Any
    ) -> Figure:
        """Draws the items that are read worst, with what was written and, in red, what was read.

        Args:
            data, targets: raw pairs.
            count: how many; fewer where the others are read without an error.
            **decoding: arguments of `recognize`.

        Example:

        >>> import numpy as np
        >>> from zoo import HandwritingRecognizer
        >>> ink = [np.array([[0, 0], [40, 0]]), np.array([[9, 9], [20, 40]])]
        >>> recognizer = HandwritingRecognizer(units=8, depth=1)
        >>> recognizer.adapt([(ink, "a")])
        >>> figure = recognizer.plot_worst([(ink, "ab")], count=1)
        """
        return self.review(data, targets, **decoding).plot_worst(count)

    def plot_alignment(self, item: Any, text: str | None = None) -> Figure:
        """Draws which stretch of an item gave which character, by CTC's best path.

        Each stretch has a colour, in which its character stands above it; where the network says
        the character, the line is wide. Below, each character's probability along time, and in grey
        that of the blank, which says nothing.

        Args:
            item: one raw input.
            text: what was written; by default what is read.

        Returns:
            The Matplotlib figure, which `savefig` writes to a file.

        Raises:
            ValueError: the text has characters that are not in the alphabet, or needs more frames
                than there are.

        Example:

        >>> import numpy as np
        >>> from zoo import HandwritingRecognizer
        >>> ink = [np.array([[0, 0], [40, 0]]), np.array([[9, 9], [20, 40]])]
        >>> recognizer = HandwritingRecognizer(units=8, depth=1)
        >>> recognizer.adapt([(ink, "ab")])
        >>> figure = recognizer.plot_alignment(ink, "ab")
        """
        from ._review_plots import alignment_plot

        self._require_adapted()
        example = self.example(item, 0)
        if text is None:
            text = self.infer([item])[0]
        symbols = self.alphabet.encode(text)
        table = self.log_probabilities([example])[0] if len(example["frames"]) else None
        found = None if table is None or not len(symbols) else align(table, symbols)
        return alignment_plot(self, example, symbols, table, found)


def _write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
