"""Texts out of what a CTC network says, with the options that users have."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from zoo.layers._arguments import positive_integer

from ._alphabet import Alphabet
from ._ctc_beam import search_all
from ._fusion import Fusion, as_scorer
from ._lexicon import Lexicon

_BEAMS = 16
_TOGETHER = 64  # items that a language model reads side by side


class Search(NamedTuple):
    """How texts are searched for.

    Attributes:
        beams: 1 is the best path.
        n_best: None, or how many texts to return, with scores.
        fusion: a language model that joins in, or None.
        lexicon: the words that may be written, or None.
    """

    beams: int
    n_best: int | None
    fusion: Fusion | None
    lexicon: Lexicon | None


def search_options(
    alphabet: Alphabet,
    beam_size: int | None,
    n_best: int | None,
    language_model: Any,
    language_weight: float,
    length_bonus: float,
    lexicon: Any,
) -> Search:
    """Checks what a user asks for; see `HandwritingRecognizer.recognize`."""
    plain = language_model is None and lexicon is None and n_best is None
    if beam_size is None:
        beam_size = 1 if plain else _BEAMS
    positive_integer("beam_size", beam_size)
    if beam_size == 1 and not plain:
        raise ValueError(
            "`language_model`, `lexicon` and `n_best` need a `beam_size` above 1, or none."
        )
    if n_best is not None and positive_integer("n_best", n_best) > beam_size:
        raise ValueError(
            "`n_best` must be at most `beam_size`. "
            f"Received: n_best={n_best}, beam_size={beam_size}."
        )
    fusion = None
    if language_model is not None:
        scorer = as_scorer(language_model, alphabet.characters)
        fusion = Fusion(scorer, alphabet.characters, language_weight, length_bonus)
    return Search(
        beam_size, n_best, fusion, None if lexicon is None else _lexicon(alphabet, lexicon)
    )


def found_texts(search: Search, alphabet: Alphabet, tables: Sequence[np.ndarray]) -> list[Any]:
    """A text for each table of log-probabilities (frames, symbols); with `n_best`, a list of pairs.

    With a lexicon, the search goes on with more beams where no word is left.
    """
    order = sorted(range(len(tables)), key=lambda item: len(tables[item]))
    results: list[Any] = [None] * len(tables)
    for begin in range(0, len(order), _TOGETHER):
        places, beams = order[begin : begin + _TOGETHER], search.beams
        while places:
            found = search_all(
                [tables[place] for place in places],
                beams,
                fusion=search.fusion,
                lexicon=search.lexicon,
                n_best=search.n_best or 1,
            )
            for place, best in zip(places, found, strict=True):
                pairs = [(alphabet.decode(one.symbols), one.score) for one in best]
                if search.n_best is not None:
                    results[place] = pairs
                else:
                    results[place] = pairs[0][0] if pairs else ""
            places = [place for place, best in zip(places, found, strict=True) if not best]
            if beams > 8 * search.beams:
                break
            beams *= 4
    return results


def _lexicon(alphabet: Alphabet, words: Any) -> Lexicon:
    if isinstance(words, str | os.PathLike):
        try:
            words = Path(words).read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise ValueError(f"`lexicon` cannot be read: {words}: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise ValueError(f"`lexicon` must be a file in UTF-8. Received: {words}.") from error
    words = [str(word).strip() for word in words]
    known = [word for word in words if word and not alphabet.unknown([word])]
    if not known:
        raise ValueError("`lexicon` must hold at least one word of the alphabet's characters.")
    left_out = [word for word in words if word and alphabet.unknown([word])]
    if left_out:
        warnings.warn(
            f"{len(left_out)} words of `lexicon`, such as {left_out[0]!r}, have characters that "
            "are not in the alphabet, and are left out.",
            stacklevel=5,
        )
    separator = int(alphabet.encode(" ")[0]) if " " in alphabet.characters else None
    return Lexicon(map(alphabet.encode, known), len(alphabet), separator)
