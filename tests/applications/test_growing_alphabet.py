"""Alphabets that grow: what is old stays, bit by bit, and what is new starts from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.applications.scribbles import pairs, tiny, write
from tests.applications.test_growing import check_rows
from zoo.applications import HandwritingRecognizer

MORE = [(write("lo"), "Lo!"), (write("ov"), "\N{LATIN SMALL LETTER O WITH DIAERESIS}L")]


def test_rows_and_texts(tmp_path: Path) -> None:
    old = tiny(units=8, depth=1, bidirectional=False)
    old.reader.height = 33.0
    assert old.alphabet.characters == "lovz"
    larger = old.grow_alphabet(MORE)
    assert larger.alphabet.characters == "lovz!L\N{LATIN SMALL LETTER O WITH DIAERESIS}"
    assert larger.reader.height == 33.0 and old.alphabet.characters == "lovz"
    parts = [[1, 2, 3, 4], [1], [2]]  # all letters, l, o
    assert check_rows(old, larger, parts) == ["answer.bias", "answer.kernel"]
    inks = [ink for ink, _ in pairs(6, seed=2)]
    assert larger.recognize(inks) == old.recognize(inks)
    assert old.count_symbols(MORE) == {
        "vocabulary_size": 5,
        "characters": 4,
        "unknown": 3,
        "units": 1,
    }
    assert larger.count_symbols(MORE)["unknown"] == 0
    assert np.isfinite(larger.fit(MORE, epochs=1, verbose=0).history["loss"][0])
    larger.save_to_preset(tmp_path / "larger")
    loaded = HandwritingRecognizer.from_preset(tmp_path / "larger")
    assert loaded.alphabet.characters == larger.alphabet.characters


def test_fewer_symbols_than_the_data_have() -> None:
    old = tiny(units=4, depth=1)
    assert old.grow_vocabulary(MORE, vocabulary_size=6).alphabet.characters == "lovzL"
    with pytest.raises(ValueError, match="`vocabulary_size` must be more than 5, the symbols that"):
        old.grow_vocabulary(MORE, vocabulary_size=5)
    with pytest.raises(ValueError, match="`data` must have characters that the alphabet lacks. It"):
        old.grow_alphabet(pairs(3))
    with pytest.raises(ValueError, match="alphabet lacks the characters '!', 'L', .*`grow_alphabe"):
        old.preprocess(MORE)
