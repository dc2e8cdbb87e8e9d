"""The names of emoji in 14 languages, from the `emoji` package: pairs without a download."""

from __future__ import annotations

import hashlib
from itertools import permutations

from ._base import PairDataset

_JOINER = "\u200d"
_PERSON = "\U0001f9d1"

# Code points that say no more than which variant of an emoji is meant: how it is presented
# (U+FE0E, U+FE0F) and the five skin tones.
_VARIANTS = dict.fromkeys([0xFE0E, 0xFE0F, *range(0x1F3FB, 0x1F400)])

# Code points for one gender only, read as the emoji that leaves it open where there is one, or
# as one of the two.
_GENDERED = {
    "\u2642": "\u2640",  # the sign of men, as the sign of women
    "\U0001f468": _PERSON,  # man
    "\U0001f469": _PERSON,  # woman
    "\U0001f466": "\U0001f9d2",  # boy, as child
    "\U0001f467": "\U0001f9d2",  # girl, as child
    "\U0001f474": "\U0001f9d3",  # old man, as older person
    "\U0001f475": "\U0001f9d3",  # old woman, as older person
    "\U0001f46c": "\U0001f46b",  # men holding hands, as woman and man holding hands
    "\U0001f46d": "\U0001f46b",  # women holding hands, as woman and man holding hands
    "\U0001f57a": "\U0001f483",  # man dancing, as woman dancing
    "\U0001f934": "\U0001fac5",  # prince, as person with crown
    "\U0001f478": "\U0001fac5",  # princess, as person with crown
    "\U0001f936": "\U0001f385",  # Mrs. Claus, as Santa Claus
    "\U0001f930": "\U0001fac4",  # pregnant woman, as pregnant person
    "\U0001fac3": "\U0001fac4",  # pregnant man, as pregnant person
}

# Joined spellings, which exist to give each person a skin tone or a gender, of emoji that are
# also one code point; then the signs that a joiner ties to an emoji.
_SPELLINGS = (
    (_JOINER.join((_PERSON, "\U0001f91d", _PERSON)), "\U0001f46b"),  # holding hands
    (_JOINER.join((_PERSON, "\u2764", "\U0001f48b", _PERSON)), "\U0001f48f"),  # kiss
    (_JOINER.join((_PERSON, "\u2764", _PERSON)), "\U0001f491"),  # couple with heart
    (_JOINER.join((_PERSON, "\U0001f430", _PERSON)), "\U0001f46f"),  # people with bunny ears
    (_JOINER.join((_PERSON, "\U0001faef", _PERSON)), "\U0001f93c"),  # people wrestling
    (_JOINER.join(("\U0001faf1", "\U0001faf2")), "\U0001f91d"),  # handshake
    (_JOINER.join((_PERSON, "\U0001f384")), "\U0001f385"),  # Mx Claus
    (_JOINER + "\u2640", ""),  # gender
    (_JOINER + "\u27a1", ""),  # facing right
)


class EmojiNames(PairDataset):
    """`emoji_names/<src>-<tgt>`: what an emoji is called in one language and in another.

    Any ordered pair of the 14 languages of the `emoji` package (ar, de, en, es, fa, fr, id, it,
    ja, ko, pt, ru, tr, zh; names from Unicode CLDR). With emoji 2.16.0, each has 3,963 pairs:
    3,205 in `train`, 354 in `validation` and 404 in `test`. Only fully qualified emoji with a name
    in both languages count.

    An emoji belongs to the split that the SHA-256 of its base emoji says (80, 10 and 10 percent of
    the bases), so that no variant of a test item is in `train`, in no pair of languages. The base
    leaves out variation selectors, skin tones, gender signs and direction, and reads man and woman
    as person. Items come in the order of a hash too, so that a slice is a fair sample.

    Args:
        config: The languages, as in `"en-de"`.
        data_dir: Not used.

    Example:
        >>> from zoo import datasets
        >>> pairs = datasets.EmojiNames("en-de").pairs("train")
        >>> dict(pairs)["kissing face"]
        'küssendes gesicht'
    """

    @classmethod
    def configs(cls) -> tuple[str, ...]:
        first = ("en", "de")
        every = (*first, *(language for language in languages() if language not in first))
        return tuple("-".join(pair) for pair in permutations(every, 2))

    @classmethod
    def describe_configs(cls) -> str:
        return f"any two of {', '.join(languages())}, as in en-de"

    def pairs(self, split: str) -> list[tuple[str, str]]:
        source, target = self.config.split("-")
        return [
            (name_of(item, source), name_of(item, target))
            for item in emoji_of(split, [source, target])
        ]


def languages() -> list[str]:
    """The languages that have names."""
    from emoji import LANGUAGES

    return sorted(LANGUAGES)


def emoji_of(split: str, languages: list[str]) -> list[str]:
    """The fully qualified emoji of a split that have a name in each language."""
    import emoji

    emoji.config.load_language(languages)
    wanted = emoji.STATUS["fully_qualified"]
    chosen = (
        item
        for item, names in emoji.EMOJI_DATA.items()
        if names["status"] == wanted
        and all(language in names for language in languages)
        and split_of(item) == split
    )
    return sorted(chosen, key=_digest)


def name_of(item: str, language: str) -> str:
    """What an emoji is called, in a language that `emoji_of` has loaded."""
    from emoji import EMOJI_DATA

    return _plain(EMOJI_DATA[item][language])


def base_emoji(emoji: str) -> str:
    """The emoji without skin tone, gender, direction and variation selectors.

    >>> base_emoji("\\U0001f469\\U0001f3fd\\u200d\\U0001f373") == "\\U0001f9d1\\u200d\\U0001f373"
    True
    """
    base = emoji.translate(_VARIANTS | str.maketrans(_GENDERED))
    for spelling, short in _SPELLINGS:
        base = base.replace(spelling, short)
    return base


def split_of(emoji: str) -> str:
    """The split to which an emoji belongs, with all of its variants."""
    place = _digest(base_emoji(emoji)) % 10
    return {0: "test", 1: "validation"}.get(place, "train")


def _digest(text: str) -> int:
    salted = f"emoji_names{text}".encode()
    return int.from_bytes(hashlib.sha256(salted).digest()[:8], "big")


def _plain(name: str) -> str:
    return " ".join(name.strip(":").replace("_", " ").split())
