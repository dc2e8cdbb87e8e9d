"""Text comes back from its units exactly, and nothing a user types is special."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.applications._text import MINIMUM_SIZE, SPECIALS, Tokenizer

ROOT = Path(__file__).resolve().parents[2]
TEXTS = ["Ein Mann läuft über die Straße.", "Zwei Männer laufen.", "two men run 🏃‍♀️ fast"] * 3


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(TEXTS, vocabulary_size=300)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=4))
def test_any_text_comes_back(texts: list[str]) -> None:
    tokenizer = _shared()
    ids = tokenizer.encode(texts)
    assert tokenizer.decode(ids) == [unicodedata.normalize("NFC", text) for text in texts]
    for row in ids:
        assert row.dtype == np.int32
        assert not row.size or row.min() >= len(SPECIALS)


def _shared(cache: list[Tokenizer] = []) -> Tokenizer:  # noqa: B006
    if not cache:
        cache.append(Tokenizer.train(TEXTS, vocabulary_size=300))
    return cache[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "  ",
        " a",
        "  a",
        "a ",
        "a  b   c",
        "\n",
        "a\n\nb\t c\r\n",
        "\u00a0a",
        "\u0301",
        "[END]",
        "a [PAD] b",
        "[START][END]",
        "\0",
        "\ufffd",
        "Ġa▁b",
    ],
)
def test_awkward_texts_come_back(text: str, tokenizer: Tokenizer) -> None:
    (ids,) = tokenizer.encode([text])
    assert tokenizer.decode([ids]) == [text]
    assert not set(ids.tolist()) & {tokenizer.pad_id, tokenizer.start_id, tokenizer.end_id}


def test_text_is_composed(tokenizer: Tokenizer) -> None:
    one, other = tokenizer.encode(["u\u0308ber", "über"])
    np.testing.assert_array_equal(one, other)


def test_a_word_is_one_unit_wherever_it_stands(tokenizer: Tokenizer) -> None:
    (ids,) = tokenizer.encode(["laufen laufen"])
    half = len(ids) // 2
    np.testing.assert_array_equal(ids[:half], ids[half:])


def test_special_units(tokenizer: Tokenizer) -> None:
    assert (tokenizer.pad_id, tokenizer.start_id, tokenizer.end_id) == (0, 1, 2)
    assert tokenizer.tokens([0, 1, 2]) == ["[PAD]", "[START]", "[END]"]
    (ids,) = tokenizer.encode(["two men"])
    assert tokenizer.decode([[1, *ids, 2, 0, 0]]) == ["two men"]
    assert Tokenizer.train(["[END] [END] [PAD]"] * 9, 400).encode(["[END]"])[0].min() > 2


def test_readable_units(tokenizer: Tokenizer) -> None:
    (ids,) = tokenizer.encode(["Männer laufen"])
    assert "".join(tokenizer.tokens(ids)) == "▁Männer▁laufen"
    (ids,) = tokenizer.encode(["\n€"])
    assert tokenizer.tokens(ids) == ["▁", "\\n", "<E2>", "<82>", "<AC>"]


def test_broken_bytes_are_marked(tokenizer: Tokenizer) -> None:
    (ids,) = tokenizer.encode(["a€b"])
    cut = [unit for unit in ids.tolist() if tokenizer.tokens([unit]) != ["<AC>"]]
    (text,) = tokenizer.decode([cut])
    assert text.startswith("a\ufffd") and text.endswith("b")


def test_rows_of_every_kind(tokenizer: Tokenizer) -> None:
    rows = tokenizer.encode(["two", "men run"])
    padded = np.zeros((2, 12), "int64")
    for index, row in enumerate(rows):
        padded[index, : len(row)] = row
    for form in (rows, padded, padded.tolist(), iter(rows), [tuple(row) for row in rows]):
        assert tokenizer.decode(form) == ["two", "men run"]
    assert tokenizer.decode([[], np.zeros(0)]) == ["", ""]
    assert tokenizer.decode([]) == [] and tokenizer.encode([]) == []


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([[-1]], "between 0 and 299. Received: -1"),
        ([[300]], "between 0 and 299. Received: 300"),
        ([[0.5]], "whole numbers. Received: shape .1,., dtype float64"),
        ([3], "list of whole numbers"),
        ([[[3]]], "list of whole numbers"),
    ],
)
def test_units_that_are_not(ids: Any, message: str, tokenizer: Tokenizer) -> None:
    assert tokenizer.vocabulary_size == 300
    with pytest.raises(ValueError, match=message):
        tokenizer.decode(ids)


@pytest.mark.parametrize(
    ("texts", "kind", "message"),
    [
        (["a", 3], TypeError, r"texts\[1\] of type int"),
        (["a", None], TypeError, r"texts\[1\] of type NoneType"),
        ([b"a"], TypeError, r"texts\[0\] of type bytes"),
        ("abc", TypeError, "not one str"),
        (["ab\ud800"], ValueError, r"texts\[0\] holds half of a surrogate pair at position 2"),
    ],
)
def test_texts_that_are_not(
    texts: Any, kind: type[Exception], message: str, tokenizer: Tokenizer
) -> None:
    for call in (tokenizer.encode, Tokenizer.train):
        with pytest.raises(kind, match=message):
            call(texts)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"vocabulary_size": 258}, ValueError, "at least 259 .* vocabulary_size=258"),
        ({"vocabulary_size": 300.0}, TypeError, "vocabulary_size=300.0"),
        ({"vocabulary_size": True}, TypeError, "vocabulary_size=True"),
        ({"unit": "word"}, ValueError, "unit='word'"),
        ({"texts": []}, ValueError, "at least one text"),
        ({"texts": ["", ""]}, ValueError, "at least one text"),
    ],
)
def test_bad_training(arguments: dict[str, Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        Tokenizer.train(**{"texts": ["a"], "vocabulary_size": 300, **arguments})


def test_sizes() -> None:
    assert Tokenizer.train(TEXTS, MINIMUM_SIZE).vocabulary_size == MINIMUM_SIZE
    assert MINIMUM_SIZE < Tokenizer.train(TEXTS, np.int64(10**6)).vocabulary_size < 400
    assert Tokenizer.train(iter(TEXTS), 300).vocabulary_size == 300


def test_training_is_deterministic(tokenizer: Tokenizer) -> None:
    code = (
        "import sys; from tests.applications.test_text import TEXTS, Tokenizer; "
        "sys.stdout.reconfigure(encoding='utf-8'); "
        "print(Tokenizer.train(TEXTS, vocabulary_size=300).to_json(), end='')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8"
    )
    assert result.stdout == tokenizer.to_json(), result.stderr


def test_saved_and_loaded(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path / "tokenizer.json")
    loaded = Tokenizer.load(tmp_path / "tokenizer.json")
    assert loaded.to_json() == tokenizer.to_json()
    for text in [*TEXTS, " [END] ", "ünseen"]:
        (one,), (other,) = tokenizer.encode([text]), loaded.encode([text])
        np.testing.assert_array_equal(one, other)
        assert loaded.decode([one]) == [text]


def without(content: dict[str, Any], token: str) -> None:
    content["model"]["vocab"].pop(token)


def renamed(content: dict[str, Any], token: str, name: str) -> None:
    content["model"]["vocab"][name] = content["model"]["vocab"].pop(token)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content.pop("model"),
        lambda content: content["model"].update(type="WordPiece"),
        lambda content: content["model"].update(dropout=0.5),
        lambda content: content["model"]["merges"].append(["zz", "qq"]),
        lambda content: content["model"].update(merges=3),
        lambda content: content.update(normalizer=None),
        lambda content: content["pre_tokenizer"].update(use_regex=False),
        lambda content: content["added_tokens"].pop(),
        lambda content: content["added_tokens"][2].update(content="[STOP]"),
        lambda content: content["added_tokens"].append(
            {**content["added_tokens"][2], "id": 5, "content": "a"}
        ),
        lambda content: content["model"]["vocab"].update(new=10**6),
        lambda content: content["model"]["vocab"].update({"日": 300}),
        lambda content: without(content, "!"),
        lambda content: renamed(content, "!", "日"),
        lambda content: renamed(content, "[END]", "[STOP]"),
        lambda content: content.update(truncation={"max_length": 1}),
    ],
)
def test_damaged_json_is_refused(spoil: Callable[[Any], Any], tokenizer: Tokenizer) -> None:
    content = json.loads(tokenizer.to_json())
    spoil(content)
    with pytest.raises(ValueError, match="not a tokenizer that we wrote") as error:
        Tokenizer.from_json(json.dumps(content))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"null"])
def test_damaged_files_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="tokenizer.json is damaged") as error:
        Tokenizer.load(path)
    assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="cannot be read"):
        Tokenizer.load(tmp_path / "none.json")
