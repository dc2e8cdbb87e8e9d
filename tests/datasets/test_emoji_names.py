"""Emoji names: what is in them, and that no variant crosses from one split into another."""

import re
import subprocess
import sys
from collections import Counter

import emoji
import pytest

from zoo import datasets
from zoo.datasets.emoji_names import base_emoji, split_of

SPLITS = ("train", "validation", "test")
FULLY_QUALIFIED = [
    item
    for item, names in emoji.EMOJI_DATA.items()
    if names["status"] == emoji.STATUS["fully_qualified"]
]


def pairs(config):
    dataset = datasets.EmojiNames(config)
    return {split: dataset.pairs(split) for split in SPLITS}


def literal_base(item):
    """The base emoji as the words of the issue say it, and nothing more."""
    item = re.sub("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]", "", item)
    item = re.sub("\u200d?[\u2640\u2642]", "", item)
    return re.sub("[\U0001f468\U0001f469]", "\U0001f9d1", item)


def test_every_language_has_every_emoji_once():
    assert len(datasets.list_datasets("emoji_names/*")) == 14 * 13
    emoji.config.load_language()
    for source, target in zip(emoji.LANGUAGES, emoji.LANGUAGES[1:], strict=False):
        found = [pair for part in pairs(f"{source}-{target}").values() for pair in part]
        both = [e for e in FULLY_QUALIFIED if {source, target} <= set(emoji.EMOJI_DATA[e])]
        assert len(found) == len(set(found)) == len(both) > 3000
        for text in (text for pair in found for text in pair):
            assert text and not re.search(r"[_:]|\s\s|^\s|\s$", text)


def test_the_published_counts():
    if emoji.__version__ != "2.16.0":
        pytest.skip("the counts are those of emoji 2.16.0")
    counts = {split: len(part) for split, part in pairs("ja-ar").items()}
    assert counts == {"train": 3205, "validation": 354, "test": 404}


def test_names_are_words():
    found = dict(pairs("en-de")["train"])
    assert found["kissing face"] == "küssendes gesicht"
    assert found["waving hand dark skin tone"] == "winkende hand dunkle hautfarbe"


def test_a_missing_name_leaves_the_emoji_out(monkeypatch):
    emoji.config.load_language("de")
    whole = sum(len(part) for part in pairs("en-de").values())
    first = dict(emoji.EMOJI_DATA[FULLY_QUALIFIED[0]])
    del first["de"]
    monkeypatch.setitem(emoji.EMOJI_DATA, FULLY_QUALIFIED[0], first)
    assert sum(len(part) for part in pairs("en-de").values()) == whole - 1


@pytest.mark.parametrize("base", [literal_base, base_emoji])
def test_no_base_emoji_is_in_two_splits(base):
    split_by_base = {}
    for item in FULLY_QUALIFIED:
        assert split_by_base.setdefault(base(item), split_of(item)) == split_of(item), item


def test_no_name_differs_across_splits_by_skin_tone_or_gender_alone():
    """Names are the witness here: they know nothing of code points."""
    tone = re.compile(r"_(?:medium-light|medium-dark|light|medium|dark)_skin_tone")
    gender = re.compile(r"(?:^|_)(?:man|woman|person|men|women|people)(?=_|$)")
    split_by_name = {}
    checked = Counter()
    for item in FULLY_QUALIFIED:
        name = emoji.EMOJI_DATA[item]["en"].strip(":").replace("_facing_right", "")
        neutral = gender.sub("_", tone.sub("", name)).strip("_")
        if not neutral:
            neutral = "person"
        assert split_by_name.setdefault(neutral, split_of(item)) == split_of(item), name
        checked[neutral] += 1
    assert sum(count > 1 for count in checked.values()) > 150


def test_the_same_emoji_are_in_a_split_for_all_languages():
    emoji.config.load_language()
    for language in set(emoji.LANGUAGES) - {"en"}:
        expected = {
            (emoji.EMOJI_DATA[item]["en"], emoji.EMOJI_DATA[item][language])
            for item in FULLY_QUALIFIED
            if split_of(item) == "test" and language in emoji.EMOJI_DATA[item]
        }
        plain = {tuple(" ".join(x.strip(":").split("_")).strip() for x in p) for p in expected}
        assert set(datasets.EmojiNames(f"en-{language}").pairs("test")) == plain


@pytest.mark.parametrize(
    ("variants", "base"),
    [
        (("\U0001f468\u200d\U0001f373", "\U0001f469\U0001f3fd\u200d\U0001f373"), None),
        (("\U0001f3c3\u200d\u2640\ufe0f", "\U0001f3c3\U0001f3fe\u200d\u2642\ufe0f"), "\U0001f3c3"),
        (("\U0001f3c3\u200d\u2640\ufe0f\u200d\u27a1\ufe0f",), "\U0001f3c3"),
        (("\u2764\ufe0f", "\u2764"), "\u2764"),
        (("\u2640\ufe0f", "\u2642\ufe0f"), "\u2640"),
        (("\U0001f46b", "\U0001f46d", "\U0001f9d1\u200d\U0001f91d\u200d\U0001f9d1"), None),
        (("\U0001f46f", "\U0001f469\U0001f3fb\u200d\U0001f430\u200d\U0001f469"), None),
        (("\U0001f93c", "\U0001f468\u200d\U0001faef\u200d\U0001f468\U0001f3ff"), None),
        (("\U0001f491", "\U0001f469\u200d\u2764\ufe0f\u200d\U0001f468"), None),
        (("\U0001f48f", "\U0001f469\u200d\u2764\ufe0f\u200d\U0001f48b\u200d\U0001f468"), None),
        (("\U0001f385", "\U0001f936\U0001f3fd", "\U0001f9d1\u200d\U0001f384"), None),
        (("\U0001faf1\U0001f3fb\u200d\U0001faf2\U0001f3ff", "\U0001f91d"), "\U0001f91d"),
        (("\u27a1\ufe0f",), "\u27a1"),
    ],
)
def test_base_emoji(variants, base):
    bases = {base_emoji(variant) for variant in variants}
    assert bases == ({base} if base else {base_emoji(variants[0])})


def test_about_a_tenth_each_is_held_out():
    bases = {base_emoji(item) for item in FULLY_QUALIFIED}
    shares = Counter(split_of(base) for base in bases)
    assert 0.08 < shares["test"] / len(bases) < 0.12
    assert 0.08 < shares["validation"] / len(bases) < 0.12


def test_order_is_fixed_and_mixed():
    first = [source for source, _ in pairs("en-de")["test"][:5]]
    assert first == [source for source, _ in pairs("en-fr")["test"][:5]]
    if emoji.__version__ == "2.16.0":
        assert first[:3] == ["Sri Lanka", "woman judge", "last track button"]


def test_languages_are_loaded_as_the_package_asks():
    """In a process of its own: whatever has been loaded once stays loaded."""
    script = "from zoo import datasets; print(len(datasets.EmojiNames('tr-zh').pairs('test')))"
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True)
    assert int(done.stdout) == len(pairs("tr-zh")["test"]), done.stderr
