"""Where sentences and paragraphs end: in texts that are read, and in those that are written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

CONTEXTS = ("stream", "sentence", "paragraph")

_CLOSING = "\"'”’»)\\]"
_STOP = f"[.!?…][{_CLOSING}]*"
_BLANK = r"\n[^\S\n]*\n"
# What is searched for stands behind the end.
_ENDS = {
    "sentence": re.compile(rf"{_STOP}(?=\s)|(?={_BLANK})"),
    "paragraph": re.compile(rf"(?={_BLANK})"),
}
_BLANKS = r"\n(?:[^\S\n]*\n)+"
# What opens an end, what leaves it open, and what must come for it to be one.
_Rule = tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]
_AT_STOP: _Rule = (re.compile(rf"{_STOP}\Z"), re.compile(rf"^[{_CLOSING}]*\Z"), re.compile(r"^\s"))
_AT_LINE: _Rule = (
    re.compile(r"\n[^\S\n]*\Z"),
    re.compile(r"^[^\S\n]*\Z"),
    re.compile(r"^[^\S\n]*\n"),
)


def cut(text: Any, context: str) -> list[Any]:
    """Cuts a text, or bytes, into what a model reads as a whole.

    Args:
        text: the text.
        context: "stream", all of it; "sentence", its lines; "paragraph", what blank lines separate.
            Lines and paragraphs with nothing but white space are left out, and so are the line
            ends at which it is cut.
    """
    if context == "stream":
        return [text] if text else []
    ends: tuple[Any, ...] = ("\n", "\r", _BLANKS)
    if isinstance(text, bytes):
        ends = tuple(end.encode() for end in ends)
    newline, carriage, blanks = ends
    if context == "sentence":
        parts = [part.removesuffix(carriage) for part in text.split(newline)]
    else:
        parts = re.split(blanks, text)
    return [part.strip(newline) for part in parts if part.strip()]


def goes_beyond(text: str, context: str) -> bool:
    """Whether a text has an end in it at which `cut` would cut, even if nothing follows."""
    ends = {"sentence": "\n", "paragraph": _BLANKS}
    return context in ends and re.search(ends[context], text) is not None


def first_end(text: str, until: str, before: str = "") -> int | None:
    """Returns where the first sentence or paragraph of a text ends, if it does.

    A sentence ends behind a full stop, exclamation or question mark, and quotes and brackets that
    follow, where white space comes next, and where a paragraph ends; a paragraph ends at a blank
    line. White space at the start belongs to what comes.

    Args:
        text: the text.
        until: "sentence" or "paragraph".
        before: what stands before the text, where nothing is looked for.
    """
    goes_on = bool(before) and not before[-1].isspace()
    begin = 0 if goes_on else len(text) - len(text.lstrip())
    found = _ENDS[until].search(text, begin)
    return found.end() if found else None


class EndRules:
    """Says unit by unit whether a sentence or a paragraph has ended, for compiled loops.

    An end that `first_end` finds is seen at the latest when the next one comes; nothing else is
    taken for one.

    Args:
        pieces: the text of each unit.
        until: "sentence", "paragraph", or None, which never ends.
    """

    def __init__(self, pieces: Sequence[str], until: str | None) -> None:
        kinds = {"sentence": (_AT_STOP, _AT_LINE), "paragraph": (_AT_LINE,), None: ()}[until]
        self.blank = np.array([not piece.strip() for piece in pieces])
        # By whether something stood before.
        self.whole = np.array(
            [
                [
                    until is not None and first_end(piece, until, before) is not None
                    for before in ("", "x")
                ]
                for piece in pieces
            ]
        )
        shape = (len(pieces), len(kinds))
        self.opens, self.keeps, self.closes = (
            np.array([[bool(rule.search(p)) for rule in rules] for p in pieces], bool).reshape(
                shape
            )
            for rules in ([kind[part] for kind in kinds] for part in range(3))
        )

    def start(self, seen: Any) -> Any:
        """Returns the state (rows, 1 + n) before the first unit.

        Args:
            seen: booleans (rows,), whether the text before ends in other than white space.
        """
        seen = ops.expand_dims(ops.cast(seen, "bool"), 1)
        return ops.concatenate([seen, *[ops.zeros_like(seen)] * self.opens.shape[1]], axis=1)

    def step(self, units: Any, state: Any) -> tuple[Any, Any]:
        """Returns booleans (rows,), whether units have ended it, and the new state."""
        seen, opened = state[:, :1], state[:, 1:]
        whole = ops.where(seen[:, 0], _at(self.whole[:, 1], units), _at(self.whole[:, 0], units))
        ended = ops.any(ops.logical_and(opened, _at(self.closes, units)), axis=1)
        seen = ops.logical_or(seen, ops.expand_dims(ops.logical_not(_at(self.blank, units)), 1))
        opened = ops.logical_or(
            _at(self.opens, units), ops.logical_and(opened, _at(self.keeps, units))
        )
        state = ops.concatenate([seen, ops.logical_and(opened, seen)], axis=1)
        return ops.logical_or(whole, ended), state


def _at(values: np.ndarray, units: Any) -> Any:
    return ops.take(ops.convert_to_tensor(values), units, axis=0)
