"""Which features of a TFDS dataset are a picture and its captions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorflow as tf

# What the feature of a caption may be called, inside another one or by itself.
_NAMES = ("text", "caption", "captions", "title", "description")


def read_captions(name: str, info: Any, read: Callable[..., tf.data.Dataset]) -> tf.data.Dataset:
    """Reads pairs of a picture, the bytes of its file, and a caption.

    Args:
        name: the dataset, for messages.
        info: what TFDS knows of it.
        read: gives its examples; takes `decoders`.

    Raises:
        ValueError: it has no picture, or nothing that says what is in it.
    """
    import tensorflow as tf
    import tensorflow_datasets as tfds

    features = info.features if isinstance(info.features, tfds.features.FeaturesDict) else {}
    images = [key for key, kind in features.items() if isinstance(kind, tfds.features.Image)]
    captions = _captions(features)
    if len(images) != 1 or captions is None:
        raise ValueError(
            f"The dataset {name} has no captions of pictures; an example of it has "
            f"{', '.join(features) or 'one feature'}."
        )
    (image,) = images

    def pairs(example: Any) -> tf.data.Dataset:
        texts = example
        for key in captions:
            texts = texts[key]
        texts = tf.reshape(texts, [-1])
        pictures = tf.repeat(example[image][tf.newaxis], tf.size(texts), axis=0)
        return tf.data.Dataset.from_tensor_slices((pictures, texts))

    wanted: Any = True
    for key in reversed(captions):
        wanted = {key: wanted}
    # Pixels of all pictures would take a hundred times the room of their files.
    decoders = tfds.decode.PartialDecoding(
        {image: True, **wanted}, decoders={image: tfds.decode.SkipDecoding()}
    )
    return read(decoders=decoders).flat_map(pairs)


def _captions(features: Any) -> tuple[str, ...] | None:
    """The path to the captions: a text, or texts in a sequence."""
    import tensorflow_datasets as tfds

    for key, kind in features.items():
        inside = getattr(kind, "feature", None)
        if isinstance(kind, tfds.features.Sequence) and isinstance(
            inside, tfds.features.FeaturesDict
        ):
            found = next((name for name in _NAMES if name in inside), None)
            if found is not None:
                return key, found
        text = inside if isinstance(kind, tfds.features.Sequence) else kind
        if key in _NAMES and isinstance(text, tfds.features.Text):
            return (key,)
    return None
