"""Which characters are read as which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ._metrics import same_length_texts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAMES = {" ": "␣", "": "∅", "\n": "↵", "\t": "⇥"}


class Confusion(NamedTuple):
    """A mistake and how often it was made.

    Attributes:
        written: the character that stands there; "" where there is none.
        read: what was read; "" where the character was left out.
        times: how often.
        share: of all places where `written` stands; of all characters, where it is "".
    """

    written: str
    read: str
    times: int
    share: float


class Confusions:
    """The mistakes in texts that were read, by an alignment with the fewest edits.

    Made by `HandwritingRecognizer.confusions`; as a string, it is a table.

    Args:
        read: the texts that were read.
        written: what they should be.

    Attributes:
        rows: each kind of mistake, the most frequent first.
        characters: how often each character stands in what was written.

    Example:

    >>> from zoo.applications._confusions import Confusions
    >>> confusions = Confusions(["a rose", "no nose"], ["a nose", "on nose"])
    >>> confusions.rows[0]
    Confusion(written='n', read='', times=1, share=0.333...)
    >>> print(confusions)  # doctest: +NORMALIZE_WHITESPACE
    written  read  count  share
    n        ∅     1      33.3 %
    n        r     1      33.3 %
    ∅        n     1       7.7 %
    """

    def __init__(self, read: Sequence[str], written: Sequence[str]) -> None:
        import jiwer

        read, written = same_length_texts(read, written)
        found = jiwer.process_characters(written, read)
        self.characters = Counter(letter for text in found.references for letter in text)
        pairs: Counter[tuple[str, str]] = Counter()
        for reference, hypothesis, alignment in zip(
            found.references, found.hypotheses, found.alignments, strict=True
        ):
            for part in alignment:
                before = reference[part.ref_start_idx : part.ref_end_idx]
                after = hypothesis[part.hyp_start_idx : part.hyp_end_idx]
                if part.type != "equal":
                    length = max(len(before), len(after))
                    lacking = [""] * length
                    pairs.update(zip(before or lacking, after or lacking, strict=True))
        total = sum(self.characters.values())
        ordered = sorted(pairs.items(), key=lambda pair: (-pair[1], not pair[0][0], pair[0]))
        self.rows = [
            Confusion(one, other, count, count / max(1, self.characters[one] if one else total))
            for (one, other), count in ordered
        ]

    def table(self, most: int = 30) -> list[tuple[str, str, str, str]]:
        """The header and the most frequent mistakes as texts; ␣ is a space and ∅ no character."""
        return [
            ("written", "read", "count", "share"),
            *(
                (shown(row.written), shown(row.read), str(row.times), f"{100 * row.share:4.1f} %")
                for row in self.rows[:most]
            ),
        ]

    def __str__(self) -> str:
        rows = self.table()
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines = (
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            for row in rows
        )
        return "\n".join(line.rstrip() for line in lines)

    def plot(self, most: int = 40) -> Figure:
        """Draws the mistakes as a map: what was written downwards, what was read across.

        Args:
            most: how many characters to show; those with the most mistakes.
        """
        from ._review_plots import confusion_map

        return confusion_map(self, most)


def shown(text: str) -> str:
    """A character so that people see it."""
    return _NAMES.get(text, text)
