"""Measures of texts against reference texts, over a whole corpus."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

References = Sequence[str] | Sequence[Sequence[str]]


def bleu(hypotheses: Sequence[str], references: References) -> float:
    """Corpus BLEU from 0 to 100, as sacreBLEU prints it (cased, 13a tokens, "exp" smoothing).

    `BLEU = 100 * min(1, exp(1 - r / h)) * (p_1 p_2 p_3 p_4)^(1/4)`, where `p_n` is the share of
    the hypotheses' n-grams that their references hold, `h` the words of all hypotheses and `r`
    those of the references closest to them in length.

    Args:
        hypotheses: the texts to measure.
        references: for each one its reference, or a list of several.

    Raises:
        ValueError: the lists are empty or differ in length.
        TypeError: an entry is not a text.

    Example:

    >>> bleu(["the cat sat on the mat"], ["the cat sat on a mat"])
    53.7284965911771

    Reference:
        - [Papineni et al., 2002](https://aclanthology.org/P02-1040/)
        - [Post, 2018](https://arxiv.org/abs/1804.08771)
    """
    hypotheses, streams = _with_references(hypotheses, references)
    from sacrebleu.metrics import BLEU

    # `force` only silences a warning about texts that look tokenised.
    score = BLEU(force=True).corpus_score(hypotheses, streams).score
    return min(float(score), 100.0)


def chrf(hypotheses: Sequence[str], references: References) -> float:
    """Corpus chrF2 from 0 to 100, as sacreBLEU prints it (characters up to 6-grams, cased).

    `chrF = 100 * 5 P R / (4 P + R)`, with `P` and `R` the precision and the recall of character
    n-grams, averaged over n from 1 to 6; spaces do not count.

    Args:
        hypotheses: the texts to measure.
        references: for each one its reference, or a list of several.

    Raises:
        ValueError: the lists are empty or differ in length.
        TypeError: an entry is not a text.

    Example:

    >>> chrf(["a cat"], ["a cat"])
    100.0

    Reference:
        - [Popović, 2015](https://aclanthology.org/W15-3049/)
    """
    hypotheses, streams = _with_references(hypotheses, references)
    from sacrebleu.metrics import CHRF

    return min(float(CHRF().corpus_score(hypotheses, streams).score), 100.0)


def cer(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """Character error rate of a corpus, a fraction that is 0 at best and may exceed 1.

    `CER = (substitutions + deletions + insertions) / max(1, characters of all references)`,
    with the fewest edits that turn each reference into its hypothesis. Spaces inside a text count
    as characters, spaces around it do not.

    An empty reference is allowed: all of its hypothesis counts as insertions. When all references
    are empty, the rate is the number of inserted characters.

    Args:
        hypotheses: the texts to measure.
        references: one reference for each.

    Raises:
        ValueError: the lists are empty or differ in length.
        TypeError: an entry is not a text.

    Example:

    >>> cer(["a bat"], ["a cat"])
    0.2

    Reference:
        - [Levenshtein, 1966](https://nymity.ch/sybilhunting/pdf/Levenshtein1966a.pdf)
    """
    hypotheses, references = same_length_texts(hypotheses, references)
    import jiwer

    return float(jiwer.cer(references, hypotheses))


def wer(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """Word error rate of a corpus, a fraction that is 0 at best and may exceed 1.

    `WER = (substitutions + deletions + insertions) / max(1, words of all references)`, with the
    fewest edits that turn each reference into its hypothesis; words are what spaces separate,
    case and punctuation count.

    An empty reference is allowed: all words of its hypothesis count as insertions. When all
    references are empty, the rate is the number of inserted words.

    Args:
        hypotheses: the texts to measure.
        references: one reference for each.

    Raises:
        ValueError: the lists are empty or differ in length.
        TypeError: an entry is not a text.

    Example:

    >>> wer(["a black bat"], ["a black cat sat"])
    0.5

    Reference:
        - [Levenshtein, 1966](https://nymity.ch/sybilhunting/pdf/Levenshtein1966a.pdf)
    """
    hypotheses, references = same_length_texts(hypotheses, references)
    import jiwer

    return float(jiwer.wer(references, hypotheses))


def nll(log_probabilities: Any) -> float:
    """The negative log-likelihood of a text in nats a unit: `-1/N sum_t log p(u_t)`.

    Args:
        log_probabilities: of each unit, natural logarithms.

    Raises:
        ValueError: there are none.

    Example:

    >>> nll([-1.0, -2.0])
    1.5
    """
    return -_total(log_probabilities) / np.size(log_probabilities)


def perplexity(log_probabilities: Any) -> float:
    """The perplexity of a text, `exp(-1/N sum_t log p(u_t))`.

    A model that finds V units equally probable each time has the perplexity V.

    Args:
        log_probabilities: of each unit, natural logarithms.

    Raises:
        ValueError: there are none.

    Example:

    >>> round(perplexity([-1.0, -2.0]), 4)
    4.4817

    Reference:
        Jelinek et al. 1977, "Perplexity: a measure of the difficulty of speech recognition tasks".
    """
    value = nll(log_probabilities)
    return math.exp(value) if value < 700 else math.inf


def bits_per_character(log_probabilities: Any, characters: int) -> float:
    """What a text costs in bits by its number of characters: `-1/C sum_t log2 p(u_t)`.

    Unlike the perplexity, it compares models of different units.

    Args:
        log_probabilities: of each unit, natural logarithms.
        characters: how many characters all units have together.

    Raises:
        ValueError: there are none.

    Example:

    >>> round(bits_per_character([-1.0, -2.0], characters=4), 4)
    1.082
    """
    if characters < 1:
        raise ValueError(f"`characters` must be at least 1. Received: characters={characters}.")
    return -_total(log_probabilities) / math.log(2) / characters


def _total(log_probabilities: Any) -> float:
    values = np.asarray(log_probabilities)
    if not values.size:
        raise ValueError("`log_probabilities` must hold at least one number.")
    # A float32 sum of a long text would lose what its last units add.
    return float(values.sum(dtype="float64"))


def _with_references(
    hypotheses: Sequence[str], references: References
) -> tuple[list[str], list[list[Any]]]:
    """Checks both and turns the references round: sacreBLEU wants the first ones, the second ..."""
    hypotheses, references = _same_length(hypotheses, references)
    _check_texts("hypotheses", hypotheses)
    groups: list[list[str]] = []
    for index, entry in enumerate(references):
        group = [entry] if isinstance(entry, str) else entry
        if not isinstance(group, (list, tuple)) or not group:
            raise TypeError(
                "`references` must hold a text, or a list of one text or more, for each "
                f"hypothesis. Received: references[{index}]={entry!r}."
            )
        _check_texts(f"references[{index}]", group)
        groups.append(list(group))
    most = max(map(len, groups))
    streams: list[list[Any]] = [
        [group[rank] if rank < len(group) else None for group in groups] for rank in range(most)
    ]
    return hypotheses, streams


def same_length_texts(
    hypotheses: Sequence[str], references: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Checks that both are lists of texts, equally many and not empty."""
    hypotheses, references = _same_length(hypotheses, references)
    _check_texts("hypotheses", hypotheses)
    _check_texts("references", references)
    return hypotheses, references


def _same_length(hypotheses: Sequence, references: Sequence) -> tuple[list, list]:
    for name, texts in (("hypotheses", hypotheses), ("references", references)):
        if isinstance(texts, (str, bytes)):
            raise TypeError(f"`{name}` must be a list of texts. Received: {texts!r}.")
    hypotheses, references = list(hypotheses), list(references)
    if len(hypotheses) != len(references):
        raise ValueError(
            "`hypotheses` and `references` must be equally many. "
            f"Received: {len(hypotheses)} hypotheses, {len(references)} references."
        )
    if not hypotheses:
        raise ValueError("`hypotheses` must hold at least one text.")
    return hypotheses, references


def _check_texts(name: str, texts: Sequence) -> None:
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(
                f"`{name}` must hold texts. Received: entry {index} of type {type(text).__name__}."
            )
