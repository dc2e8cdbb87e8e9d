"""Measures of captions against several captions of people's for each picture."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from ._captions import clean
from ._metrics import References, _with_references

_ORDERS = 4
_SIGMA = 6.0
_BETA = 1.2

Grams = Counter[tuple[str, ...]]


def cider(hypotheses: Sequence[str], references: References) -> float:
    """CIDEr-D of a corpus, usually from 0 to 10.

    `CIDEr-D(c, S) = 10/4 sum_n mean_s exp(-(|c| - |s|)^2 / 72) min(g_n(c), g_n(s)) . g_n(s) /
    (||g_n(c)|| ||g_n(s)||)`, averaged over the pictures, where `g_n` counts the n-grams of a
    caption, n from 1 to 4, each times the logarithm of the number of pictures divided by the number
    of those whose references hold it. What all references hold counts for nothing, so a corpus of
    one picture has the score 0.

    Texts are put in small letters and lose their punctuation before they are compared.

    Args:
        hypotheses: a caption for each picture.
        references: for each picture a caption, or a list of several.

    Raises:
        ValueError: the lists are empty or differ in length.
        TypeError: an entry is not a text.

    Example:

    >>> round(cider(["a red cat", "two dogs"], [["a red cat"], ["two dogs", "a dog"]]), 2)
    5.0

    Reference:
        - [Vedantam et al., 2015](https://arxiv.org/abs/1411.5726)
    """
    found, groups = _words(hypotheses, references)
    counted = [[_grams(words) for words in group] for group in groups]
    holding: Counter[tuple[str, ...]] = Counter()
    for group in counted:
        holding.update({gram for grams in group for one in grams for gram in one})
    pictures = math.log(len(found))

    def weighted(grams: Grams) -> dict[tuple[str, ...], float]:
        return {
            gram: count * (pictures - math.log(max(1, holding[gram])))
            for gram, count in grams.items()
        }

    total = 0.0
    for words, group, texts in zip(found, counted, groups, strict=True):
        ours = [weighted(grams) for grams in _grams(words)]
        for grams, text in zip(group, texts, strict=True):
            near = math.exp(-((len(words) - len(text)) ** 2) / (2 * _SIGMA**2))
            pairs = zip(ours, map(weighted, grams), strict=True)
            total += near * sum(_clipped_cosine(a, b) for a, b in pairs) / len(group)
    return 10 * total / _ORDERS / len(found)


def rouge_l(hypotheses: Sequence[str], references: References) -> float:
    """ROUGE-L of a corpus from 0 to 100.

    `ROUGE-L = 100 (1 + b^2) P R / (R + b^2 P)`, averaged over the pictures, with b = 1.2 and P and
    R the share of the hypothesis and of the reference that their longest common subsequence of
    words covers; of several references, the best P and the best R.

    Texts are put in small letters and lose their punctuation before they are compared.

    Args:
        hypotheses: a caption for each picture.
        references: for each picture a caption, or a list of several.

    Raises:
        ValueError: the lists are empty or differ in length.
        TypeError: an entry is not a text.

    Example:

    >>> round(rouge_l(["a red cat"], [["a cat", "the red cat"]]), 2)
    82.99

    Reference:
        - [Lin, 2004](https://aclanthology.org/W04-1013/)
    """
    found, groups = _words(hypotheses, references)
    total = 0.0
    for words, group in zip(found, groups, strict=True):
        common = [_longest_common(words, text) for text in group]
        precision = max(common) / max(1, len(words))
        recall = max(c / max(1, len(text)) for c, text in zip(common, group, strict=True))
        if precision and recall:
            total += (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision)
    return 100 * total / len(found)


def caption_bleu(hypotheses: Sequence[str], references: References, order: int = 4) -> float:
    """Corpus BLEU of captions from 0 to 100, of n-grams up to `order`, without smoothing.

    The equation is that of `bleu`; texts are put in small letters and lose their punctuation
    before they are compared, as is the custom with captions.

    Args:
        hypotheses: a caption for each picture.
        references: for each picture a caption, or a list of several.
        order: the longest n-grams, 1 to 4.

    Raises:
        ValueError: the lists are empty or differ in length, or `order` is another.
        TypeError: an entry is not a text.

    Example:

    >>> round(caption_bleu(["A red cat!"], [["a red cat", "a cat"]], order=2), 1)
    100.0

    Reference:
        - [Papineni et al., 2002](https://aclanthology.org/P02-1040/)
    """
    if order not in range(1, _ORDERS + 1):
        raise ValueError(f"`order` must be 1, 2, 3 or 4. Received: order={order!r}.")
    from sacrebleu.metrics import BLEU

    hypotheses, streams = _with_references(hypotheses, references)
    score = BLEU(tokenize="none", smooth_method="none", max_ngram_order=order, force=True)
    cleaned: list[list[Any]] = [
        [None if text is None else clean(text) for text in stream] for stream in streams
    ]
    return min(
        float(score.corpus_score([clean(text) for text in hypotheses], cleaned).score), 100.0
    )


def caption_scores(hypotheses: Sequence[str], references: References) -> dict[str, float]:
    """`cider`, `bleu1` to `bleu4` and `rouge_l` of captions.

    Example:

    >>> sorted(caption_scores(["a cat"], [["a cat"]]))
    ['bleu1', 'bleu2', 'bleu3', 'bleu4', 'cider', 'rouge_l']
    """
    return {
        "cider": cider(hypotheses, references),
        **{
            f"bleu{order}": caption_bleu(hypotheses, references, order)
            for order in range(1, _ORDERS + 1)
        },
        "rouge_l": rouge_l(hypotheses, references),
    }


def _words(
    hypotheses: Sequence[str], references: References
) -> tuple[list[list[str]], list[list[list[str]]]]:
    found, streams = _with_references(hypotheses, references)
    groups = [
        [clean(text).split() for text in group if text is not None]
        for group in zip(*streams, strict=True)
    ]
    return [clean(text).split() for text in found], groups


def _grams(words: Sequence[str]) -> list[Grams]:
    """The n-grams of a text, those of each length by themselves."""
    return [
        Counter(tuple(words[at : at + size]) for at in range(len(words) - size + 1))
        for size in range(1, _ORDERS + 1)
    ]


def _clipped_cosine(
    ours: dict[tuple[str, ...], float], theirs: dict[tuple[str, ...], float]
) -> float:
    product = sum(
        min(value, theirs.get(gram, 0.0)) * theirs.get(gram, 0.0) for gram, value in ours.items()
    )
    lengths = math.hypot(*ours.values()) * math.hypot(*theirs.values())
    return product / lengths if lengths else 0.0


def _longest_common(first: Sequence[str], second: Sequence[str]) -> int:
    """The length of the longest common subsequence."""
    row = np.zeros(len(second) + 1, int)
    for word in first:
        before = row.copy()
        for place, other in enumerate(second, start=1):
            row[place] = (
                before[place - 1] + 1 if word == other else max(before[place], row[place - 1])
            )
    return int(row[-1])
