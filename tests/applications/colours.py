"""A captioner of tiny pictures: two colours, side by side."""

import keras
import numpy as np

from zoo.applications import Captioner

COLOURS = {"red": (255, 0, 0), "blue": (0, 0, 255), "green": (0, 255, 0), "black": (0, 0, 0)}


def pictures() -> list[tuple[np.ndarray, str]]:
    """All pictures with their captions."""
    found = []
    for left, first in COLOURS.items():
        for right, second in COLOURS.items():
            pixels = np.zeros((8, 8, 3), "uint8")
            pixels[:, :4], pixels[:, 4:] = first, second
            found.append((pixels, f"{left} beside {right}"))
    return found


def eye(factor: float = 1.0) -> keras.Model:
    """An encoder whose grid has a row and two columns: the mean colour of each half.

    The two colours are in features of their own, for attention does not know where a place is.
    """
    pixels = keras.Input((8, 8, 3))
    halves = keras.layers.AveragePooling2D((8, 4))(keras.layers.Rescaling(factor / 255)(pixels))
    left = keras.layers.Cropping2D(((0, 0), (0, 1)))(halves)
    right = keras.layers.Cropping2D(((0, 0), (1, 0)))(halves)
    nothing = keras.layers.Rescaling(0.0)(left)
    places = [
        keras.layers.Concatenate()([left, nothing]),
        keras.layers.Concatenate()([nothing, right]),
    ]
    return keras.Model(pixels, keras.layers.Concatenate(axis=2)(places))


def tiny(**options: object) -> Captioner:
    """A captioner that has a vocabulary and has not been trained."""
    captioner = new(**options)
    captioner.adapt(pictures())
    return captioner


def new(**options: object) -> Captioner:
    sizes = {"units": 32, "embedding_size": 32, "dropout": 0.0, "min_count": 1, "max_length": 6}
    captioner = Captioner(**{"encoder": eye(), **sizes, **options})
    captioner.feature_cache = None
    return captioner


def trained(**options: object) -> Captioner:
    """A captioner that says what it sees."""
    keras.utils.set_random_seed(3)
    captioner = new(label_smoothing=0.0, **options)
    captioner.compile(optimizer=keras.optimizers.Adam(0.01))
    captioner.fit(pictures() * 8, epochs=12, batch_size=32, verbose=0)
    return captioner
