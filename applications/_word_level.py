"""Vocabularies without merges in the format of the `tokenizers` library."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tokenizers

SPECIALS = ("[PAD]", "[START]", "[END]", "[UNK]")


def word_level(names: Sequence[str], pattern: str, behaviour: str) -> tokenizers.Tokenizer:
    """A tokenizer whose units are what a pattern finds in a text.

    Args:
        names: the units in the order of their numbers.
        pattern: a regular expression.
        behaviour: "isolated", where the pattern finds all of a text; "removed", where the rest of
            the text is left out.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

    vocabulary = {name: number for number, name in enumerate(names)}
    engine = Tokenizer(models.WordLevel(vocabulary, unk_token=SPECIALS[3]))
    engine.pre_tokenizer = pre_tokenizers.Split(
        Regex(pattern), behaviour, invert=behaviour == "removed"
    )
    engine.decoder = decoders.Fuse()
    return engine


def read_vocabulary(text: str) -> list[str]:
    """Returns the units in a tokenizer's JSON in the order of their numbers."""
    try:
        numbers = json.loads(text)["model"]["vocab"]
        if sorted(numbers.values()) != list(range(len(numbers))):
            raise ValueError("its units are not numbered from 0 without gaps")
        names = sorted(numbers, key=lambda name: numbers[name])
        if tuple(names[: len(SPECIALS)]) != SPECIALS:
            raise ValueError(f"its first units are not {', '.join(SPECIALS)}")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"This is not a tokenizer that we wrote: {error}.") from error
    return names


def require_same(text: str, ours: str) -> None:
    """Refuses a tokenizer's JSON that is not the one that we would write."""
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ValueError(f"This is not a tokenizer that we wrote: {error}.") from error
    if content != json.loads(ours):
        raise ValueError("This is not a tokenizer that we wrote: more than its units is another.")
