"""Measures that applications report; see each for its equation."""

from zoo.applications._metrics import bleu, cer, chrf, wer

__all__ = ["bleu", "cer", "chrf", "wer"]
