"""Measures that applications report; see each for its equation."""

from zoo.applications._caption_metrics import caption_bleu, cider, rouge_l
from zoo.applications._metrics import bits_per_character, bleu, cer, chrf, nll, perplexity, wer

__all__ = [
    "LOWER_IS_BETTER",
    "UNITS",
    "bits_per_character",
    "bleu",
    "caption_bleu",
    "cer",
    "chrf",
    "cider",
    "nll",
    "perplexity",
    "rouge_l",
    "wer",
]

UNITS = {
    **dict.fromkeys(("bleu", "bleu1", "bleu2", "bleu3", "bleu4", "chrf", "rouge_l"), "of 100"),
    "cider": "of 10",
    **dict.fromkeys(("accuracy", "cer", "wer"), "%"),
    "bits_per_character": "bits",
    "nll": "nats",
    "perplexity": "",
}
"""What the numbers of each metric are counted in; "%" marks those that are fractions of 1."""

LOWER_IS_BETTER = frozenset(["bits_per_character", "cer", "loss", "nll", "perplexity", "wer"])
"""The metrics of which less is better."""
