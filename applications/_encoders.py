"""Networks that turn pictures into grids of features: ours, Keras's by name, and users' own."""

from __future__ import annotations

import difflib
import functools
import hashlib
import importlib
import inspect
import json
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from ._image import read_image, resized, varied

OWN = "custom"
"""What stands for a model of the user's where names are written down."""

_DEFAULT = "efficientnet_lite0"
_MOST_SIDE = 2048


class Encoder:
    """A network with what its inputs are.

    Attributes:
        network: pixels (batch, height, width, 3), from 0 to 255, to features (batch, height, width,
            depth), (batch, positions, depth) or (batch, depth).
        size: height and width of its pictures.
        positions, depth: of what `grid` gives.
        grid_shape: rows and columns of the positions.
    """

    def __init__(self, network: keras.Model, size: tuple[int, int]) -> None:
        self.network = network
        self.size = size
        shape = network.compute_output_shape((None, *size, 3))
        if not isinstance(shape, tuple | list) or not 2 <= len(shape) <= 4 or None in shape[1:]:
            raise ValueError(
                "`encoder` must turn pictures (batch, height, width, 3) into features (batch, "
                "height, width, depth), (batch, positions, depth) or (batch, depth). "
                f"Received: a model whose outputs have the shape {shape}."
            )
        self.depth = int(shape[-1])
        places = [int(number) for number in shape[1:-1]]
        self.positions = int(np.prod(places, dtype=int))
        self.grid_shape = (places[0], places[1]) if len(places) == 2 else (1, self.positions)

    def grid(self, pixels: Any) -> Any:
        """Features (batch, positions, depth) of pixels (batch, height, width, 3)."""
        found = self.network(ops.cast(pixels, "float32"), training=False)
        return ops.reshape(found, (-1, self.positions, self.depth))

    def pixels(
        self, image: Any, what: str, generator: np.random.Generator | None = None
    ) -> np.ndarray:
        """One raw picture as uint8 (height, width, 3); with a generator, varied at random."""
        pixels = read_image(image, what)
        return resized(pixels if generator is None else varied(pixels, generator), *self.size)

    def weights_digest(self) -> str:
        """A digest of the weights."""
        digest = hashlib.sha256()
        for weight in self.network.weights:
            digest.update(np.ascontiguousarray(ops.convert_to_numpy(weight)).tobytes())
        return digest.hexdigest()

    def identity(self) -> str:
        """A digest of the layers, the weights and the size: equal ones give equal features."""
        digest = hashlib.sha256(f"{self.size} {self.weights_digest()}".encode())
        for layer in self.network.layers:
            config = {key: value for key, value in layer.get_config().items() if key != "name"}
            digest.update(f"{type(layer).__name__}{json.dumps(config, default=str)}".encode())
        return digest.hexdigest()


def open_encoder(encoder: Any, weights: str | None, size: int) -> Encoder:
    """Makes an encoder.

    Args:
        encoder: "efficientnet_lite0", the name of a network of `keras.applications`, or a Keras
            model.
        weights: "imagenet", the path of a file for one of `keras.applications`, or None for random
            ones; a model of the user's has its own.
        size: the side of the pictures, where a model does not say it.

    Raises:
        ValueError: there is no such network, or the model is no encoder.
        ImportError: its weights are in a package that is missing.
    """
    if isinstance(encoder, keras.Model):
        return Encoder(encoder, _size_of(encoder, size))
    if encoder == OWN:
        raise ValueError(
            "This application was made with an encoder of its author's own, which is not kept "
            "with it; give it the Keras model, as in `from_preset(..., encoder=model)`."
        )
    return Encoder(_maker(encoder)(weights, size), (size, size))


def check_encoder(encoder: Any, weights: Any, size: Any) -> None:
    """Refuses a name that no network has, without making one."""
    if type(size) is not int or not 16 <= size <= _MOST_SIDE:
        raise ValueError(
            f"`image_size` must be a whole number from 16 to {_MOST_SIDE}. "
            f"Received: image_size={size!r}."
        )
    if isinstance(encoder, keras.Model) or encoder == OWN:
        return
    if not isinstance(encoder, str):
        raise TypeError(
            "`encoder` must be the name of a network or a Keras model. "
            f"Received: encoder={encoder!r}."
        )
    _maker(encoder)
    if weights is not None and not isinstance(weights, str):
        raise TypeError(
            "`encoder_weights` must be 'imagenet', the path of a file, or None. "
            f"Received: encoder_weights={weights!r}."
        )
    if encoder == _DEFAULT and weights not in ("imagenet", None):
        raise ValueError(
            f"`encoder_weights` of {_DEFAULT} must be 'imagenet' or None. "
            f"Received: encoder_weights={weights!r}."
        )


def encoder_names() -> list[str]:
    """The names that `encoder` may have.

    Example:

    >>> names = encoder_names()
    >>> "efficientnet_lite0" in names, "MobileNetV2" in names
    (True, True)
    """
    return [_DEFAULT, *sorted(_keras_networks())]


def _keras_networks() -> dict[str, Callable[..., keras.Model]]:
    return {
        name: value for name, value in vars(keras.applications).items() if inspect.isfunction(value)
    }


def _maker(name: str) -> Callable[[str | None, int], keras.Model]:
    """What makes a network: (weights, size) -> model."""
    if name == _DEFAULT:
        return _lite0
    networks = _keras_networks()
    if name not in networks:
        folded = {known.lower(): known for known in encoder_names()}
        close = difflib.get_close_matches(name.lower(), folded, n=3)
        hint = f"did you mean {' or '.join(repr(folded[one]) for one in close)}?"
        known = "it must be 'efficientnet_lite0', a name in `keras.applications` or a Keras model."
        raise ValueError(f"Unknown `encoder` {name!r}; {hint if close else known}")
    return functools.partial(_from_keras, networks[name])


def _lite0(weights: str | None, size: int) -> keras.Model:
    from ._efficientnet import efficientnet_lite0

    return efficientnet_lite0(size, pretrained=weights is not None)


def _from_keras(
    function: Callable[..., keras.Model], weights: str | None, size: int
) -> keras.Model:
    prepare = importlib.import_module(function.__module__).preprocess_input
    network = function(include_top=False, weights=weights, input_shape=(size, size, 3))
    pixels = keras.Input((size, size, 3))
    return keras.Model(pixels, network(prepare(pixels)))


def _size_of(model: keras.Model, size: int) -> tuple[int, int]:
    shape = model.input_shape if model.built else (None, None, None, 3)
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[3] not in (None, 3):
        raise ValueError(
            "`encoder` must take pictures (batch, height, width, 3). "
            f"Received: a model whose inputs have the shape {shape}."
        )
    return (shape[1] or size, shape[2] or size)
