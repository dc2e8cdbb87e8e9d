"""The units of language models: nothing is lost, and the file says what we do."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Engine

from zoo.applications import _units, _words
from zoo.applications._text import Tokenizer
from zoo.applications._units import Bytes, Characters
from zoo.applications._words import Subwords, WordGroups, Words

TEXTS = ["the cat sat on the mat.\nthe cat — ein Kätzchen — sat\n", "on the  mat the dog\tsat.\n\n"]
MAKERS: dict[str, Callable[..., Any]] = {
    "char": lambda: Characters.learn(TEXTS, None, False),
    "byte": Bytes,
    "bpe": lambda: Subwords.learn(TEXTS, 300),
    "word": lambda: Words.learn(TEXTS, 100, False),
    "ngram": lambda: WordGroups.learn(TEXTS, 100, False, 3),
}
EXACT = ("char", "byte", "bpe")


@pytest.mark.parametrize("kind", MAKERS)
def test_units_become_the_text_again(kind: str) -> None:
    units = MAKERS[kind]()
    for text in TEXTS:
        ids = units.encode(text)
        assert ids.min() >= units.first_id and ids.max() < units.size
        shown = text if kind in EXACT else re.sub(r" ?\n ?", "\n", re.sub(r"[^\S\n]+", " ", text))
        assert units.decode(ids) == shown
        assert units.count(text) == len(ids)
    assert len(units.encode("")) == 0 and units.decode([]) == ""
    assert len(units.names) == len(units.pieces) == units.size == len({*units.names})


@pytest.mark.parametrize("kind", MAKERS)
def test_units_come_back_from_their_file(kind: str) -> None:
    units = MAKERS[kind]()
    back = type(units).from_json(units.to_json(), False)
    assert back.names == units.names
    np.testing.assert_array_equal(back.encode(TEXTS[0]), units.encode(TEXTS[0]))


@pytest.mark.parametrize("kind", ["char", "byte", "bpe", "word"])
def test_the_tokenizers_library_reads_the_file_as_we_do(kind: str) -> None:
    units = MAKERS[kind]()
    engine = Engine.from_str(units.to_json())
    for text in TEXTS:
        assert engine.encode(text, add_special_tokens=False).ids == units.encode(text).tolist()


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("damage", ["{", "{}", "[]", '{"model": {"vocab": {"a": 1}}}', "model"])
def test_a_damaged_file_is_refused(kind: str, damage: str) -> None:
    units = MAKERS[kind]()
    if damage == "model":
        content = json.loads(units.to_json())
        content["normalizer"] = {"type": "Lowercase"}
        damage = json.dumps(content)
    with pytest.raises(ValueError, match="not a tokenizer that we wrote"):
        type(units).from_json(damage, False)


def test_characters_are_ranked_by_how_often_they_are_there() -> None:
    units = Characters.learn(["bbaac", "b"], None, False)
    assert units.names == ["[PAD]", "[START]", "[END]", "[UNK]", "b", "a", "c"]
    assert Characters.learn(["bbaac", "b"], 6, False).names[4:] == ["b", "a"]


def test_unseen_characters_are_named_or_replaced() -> None:
    with pytest.raises(ValueError, match=r"'z', 'ß' \(3 in all, the first as number 2\); leave"):
        Characters("ab").encode("abzaßz")
    assert Characters("ab", replace=True).encode("azb\U0001f600").tolist() == [4, 3, 5, 3]
    with pytest.raises(ValueError, match="and others"):
        Characters("a").encode("bcdefghijklmn")
    with pytest.raises(ValueError, match=r"words that .* does not know: 'cow' \(1 in all"):
        Words(["the"], replace=False).encode("the cow")
    assert Words(["the"], replace=True).encode("the cow the").tolist() == [4, 3, 4]


def test_unknown_characters_are_counted() -> None:
    assert Characters("ab").count_unknown("abc abd") == 3
    assert Words(["the"]).count_unknown("the cow the ox") == 5
    assert Bytes().count_unknown("ä") == 0


def test_half_a_surrogate_pair_is_refused() -> None:
    for units in (Characters("a"), Bytes()):
        with pytest.raises(ValueError, match="half of a surrogate pair at position 2"):
            units.encode("aa\ud800")


def test_bytes_take_anything() -> None:
    units = Bytes()
    anything = bytes(range(256))
    assert units.encode(anything).tolist() == list(range(3, 259))
    assert units.decode(units.encode(anything)) == anything.decode("utf-8", "replace")
    assert units.count_characters("Kä€".encode()) == 3 == units.count_characters("Kä€")


def test_pieces_of_a_character_are_held_back() -> None:
    units = Bytes()
    writer = units.writer("before")
    assert [writer.add(int(unit)) for unit in units.encode("a€")] == ["a", "", "", "€"]
    writer.add(3 + 0xE2)
    assert writer.finish() == "�"


def test_a_space_stands_between_words_only() -> None:
    units = Words(["a", "b", "\n"])
    ids = units.encode("a b\na")
    assert units.decode(ids) == "a b\na"
    assert units.decode(ids, before="x") == " a b\na"
    assert units.decode(ids, before="x ") == "a b\na"
    subwords = MAKERS["bpe"]()
    ids = subwords.encode("the cat")
    assert subwords.decode(ids) == "the cat"
    assert subwords.decode(ids, before="sat") == " the cat"


def test_special_names_in_a_text_are_no_special_units() -> None:
    text = "[END] [UNK] [PAD]"
    for kind in ("char", "byte", "bpe"):
        units = MAKERS[kind]() if kind != "char" else Characters.learn([text], None, False)
        assert units.decode(units.encode(text)) == text
        assert units.encode(text).min() >= units.first_id
    assert Words.learn([text, "a"], 100, True).words == ["a"]


def longest_groups(words: list[str], known: set[str], order: int) -> list[str]:
    found = []
    while words:
        length = max(
            [n for n in range(1, order + 1) if " ".join(words[:n]) in known and n <= len(words)],
            default=1,
        )
        found.append(" ".join(words[:length]))
        words = words[length:]
    return found


@given(st.lists(st.sampled_from(["a", "b", "c", "\n"]), max_size=12))
@settings(max_examples=60, deadline=None)
def test_the_longest_group_is_taken(words: list[str]) -> None:
    units = WordGroups(["a", "b", "\n", "a b", "b a b"])
    expected = longest_groups(words, set(units.words), 3)
    found = [units.names[unit] for unit in units.encode(" ".join(words))]
    assert found == [word if word in units.words else "[UNK]" for word in expected]


def test_groups_are_learned_where_they_are_found_twice_in_a_line() -> None:
    units = WordGroups.learn(["x y z\nx y\nz x"], 100, True, order=3)
    assert units.words == ["x", "\n", "x y", "y", "z"]


@given(st.text("ab  \n\té", max_size=60), st.integers(1, 9))
@settings(max_examples=200, deadline=None)
def test_long_texts_are_cut_where_it_changes_nothing(text: str, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_units, "PIECE", piece)
        patch.setattr(_words, "PIECE", piece)
        assert "".join(_words._parts(text)) == " " + text
        characters = Characters("ab \n\té")
        assert characters.decode(characters.encode(text)) == text
        words = Words(["a"]).encode(text)
        spread = " ".join(f" {line} " for line in re.split("(\n)", text))
        # Words longer than a piece are cut; those that fit are found whole.
        if all(len(word) < piece for word in spread.split(" ")):
            assert len(words) == len(re.findall(r"\n|\S+", text))
        assert SUBWORDS.decode(SUBWORDS.encode(text)) == text


SUBWORDS = Subwords.learn(["ab aab ba aé éa ab\n ab"] * 2, 290)


def test_parts_give_the_units_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    text = " two  spaces, a cat's mat\n\nand more of the same " * 9
    (whole,) = SUBWORDS.tokenizer.encode([text])
    monkeypatch.setattr(_words, "PIECE", 40)
    assert len(list(_words._parts(text))) > 5
    np.testing.assert_array_equal(SUBWORDS.encode(text), whole)
    parts = Subwords.learn([text], 300).names
    assert parts == Tokenizer.train([text], 300).tokens(range(len(parts)))


def test_a_line_of_50_megabytes_takes_little_memory() -> None:
    line = "ab c" * (50_000_000 // 4)
    tracemalloc.start()
    units = Characters.learn([line], None, False)
    assert len(units.encode(line)) == len(line)
    assert len(Bytes().encode(line[:1000])) == 1000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * len(line)


def test_bytes_and_bytes_only_cannot_grow() -> None:
    with pytest.raises(ValueError, match="all there are"):
        Bytes().grown(["x"], 300)
    grown, parts = Characters("ab").grown(["abcdd"], 8)
    assert grown.names[4:] == ["a", "b", "d", "c"] and parts == [[], []]
    words, parts = Words(["a"], replace=True).grown(["a b b c"], 6)
    assert words.names[4:] == ["a", "b"] and parts == [[]]
