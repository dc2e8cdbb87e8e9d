"""Which feature of a TFDS dataset holds texts without targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorflow as tf


def holds_texts(info: Any) -> bool:
    """Whether a dataset is one of texts: its examples have one, and nothing else."""
    keys = info.supervised_keys
    if keys is not None:
        # A dataset for language models may declare its text as input and target at once.
        return len(keys) == 2 and keys[0] == keys[1] and keys[0] in _texts(info.features)
    return len(_texts(info.features)) == 1 == len(info.features)


def read_texts(
    name: str, info: Any, feature: str | None, read: Callable[[], tf.data.Dataset]
) -> tf.data.Dataset:
    """Reads texts.

    Args:
        name: the dataset, for messages.
        info: what TFDS knows of it.
        feature: the feature that holds the texts; None for the only one, or for `text`.
        read: gives its examples.

    Raises:
        ValueError: there is no such feature, or none is known to be the one.
    """
    known = _texts(info.features)
    if not known:
        raise ValueError(f"The dataset {name} has no texts.")
    chosen = feature or (known[0] if len(known) == 1 else "text")
    if chosen not in known:
        raise ValueError(
            f"The dataset {name} has the texts {', '.join(known)}; name one of them behind a "
            f"slash, as in {name}/{known[0]}."
            + (f" Received: {feature!r}." if feature is not None else "")
        )
    return read().map(lambda example: example[chosen])


def _texts(features: Any) -> list[str]:
    import tensorflow_datasets as tfds

    if not isinstance(features, tfds.features.FeaturesDict):
        return []
    return [key for key, value in features.items() if isinstance(value, tfds.features.Text)]
