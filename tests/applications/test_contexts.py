"""Where texts are cut, and where sentences and paragraphs end."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from zoo.applications._contexts import EndRules, cut, first_end, goes_beyond

TEXT = "One. Two!\r\n\n  \nThree,\nfour\n\n\n\n five\n"


@pytest.mark.parametrize("encode", [str, str.encode], ids=["text", "bytes"])
def test_texts_are_cut_as_the_context_says(encode) -> None:
    def found(context: str) -> list[str]:
        parts = cut(encode(TEXT), context)
        return [part if isinstance(part, str) else part.decode() for part in parts]

    assert found("stream") == [TEXT]
    assert found("sentence") == ["One. Two!", "Three,", "four", " five"]
    assert found("paragraph") == ["One. Two!\r", "Three,\nfour", " five"]
    assert cut(encode(""), "stream") == cut(encode(" \n\n"), "paragraph") == []


def test_what_goes_beyond_a_context() -> None:
    assert not goes_beyond("a\n\nb", "stream")
    assert goes_beyond("a\n", "sentence") and not goes_beyond("a. b", "sentence")
    assert goes_beyond("a\n \nb", "paragraph") and not goes_beyond("a\nb", "paragraph")


@pytest.mark.parametrize(
    ("text", "until", "before", "expected"),
    [
        ("Go! Now.", "sentence", "", "Go!"),
        ('He said "go." And', "sentence", "", 'He said "go."'),
        ("3.14 is", "sentence", "", None),
        ("is it?", "sentence", "", None),
        ("is it?\n", "sentence", "", "is it?"),
        ("a\nb\n \nc", "sentence", "", "a\nb"),
        ("a. b\n\nc", "paragraph", "", "a. b"),
        ("\n\na\n\nb", "paragraph", "", "\n\na"),
        ("\n\na", "paragraph", "x", ""),
        ("\n\na\n\n", "paragraph", "x ", "\n\na"),
        (". b", "sentence", "x", "."),
    ],
)
def test_the_first_end(text: str, until: str, before: str, expected: str | None) -> None:
    end = first_end(text, until, before)
    assert (None if end is None else text[:end]) == expected


@pytest.mark.parametrize("until", ["sentence", "paragraph", None])
@pytest.mark.parametrize("before", ["", "x"])
def test_the_rules_see_what_the_search_sees(until: str | None, before: str) -> None:
    """Unit by unit, each one character or several, in many random texts at once."""
    pieces = ["a", ".", "?", '"', ")", " ", "\n", "\t", "b. c", " d", "\n\n", ".\n", "", "e!"]
    single = 8
    rules = EndRules(pieces, until)
    units = np.random.default_rng(1).integers(0, len(pieces), (400, 14))
    units[:200] %= single
    state = rules.start(np.full(len(units), bool(before)))
    over = np.zeros(len(units), bool)
    for step in range(units.shape[1]):
        ended, state = rules.step(units[:, step], state)
        over |= ops.convert_to_numpy(ended)
        texts = ["".join(pieces[unit] for unit in row[: step + 1]) for row in units]
        found = [until is not None and first_end(text, until, before) is not None for text in texts]
        np.testing.assert_array_equal(over[:200], found[:200])
        assert not (over & ~np.array(found)).any()
    assert over.any() == (until is not None)
