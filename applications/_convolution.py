"""Convolutions in front of recurrent layers: columns of pixels, or spectra, become fewer frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


class ConvolutionalFront(keras.layers.Layer):
    """Blocks of convolution, batch normalisation and pooling that keep items apart.

    Each block is

        y = max_pool(relu(norm(w * x)))

    with filters of 3 frames by 3 features. All blocks but the last one halve the features; the
    first ones make `reduction` frames one. After each block, frames behind the end of an item are
    zeros, and the normalisation leaves them out, so that what an item is padded to has no part in
    what becomes of it, nor of the statistics.

    Args:
        filters: channels of each block.
        reduction: how many frames become one; the last one may be made of fewer.

    Call arguments:
        frames: (batch, time, features).
        lengths: integers (batch,), how many frames of each item count.

    Returns:
        Frames (batch, ceil(time / reduction), `size(features)`), and their lengths (batch,).

    Example:

    >>> import numpy as np
    >>> from zoo.applications._convolution import ConvolutionalFront
    >>> front = ConvolutionalFront([4, 8], reduction=2)
    >>> frames, lengths = front(np.ones((1, 7, 32), "float32"), np.array([5]))
    >>> frames.shape == (1, 4, front.size(32)), int(lengths[0])
    (True, 3)

    References:
        Shi et al. 2017, "An end-to-end trainable neural network for image-based sequence
        recognition"; Ioffe and Szegedy 2015, "Batch normalization".
    """

    def __init__(self, filters: Sequence[int], reduction: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters = tuple(filters)
        self.reduction = reduction
        pools = [*_factors(reduction), *[1] * len(self.filters)]
        # A block for each factor; what is left over goes into the last one.
        self.pools = pools[: len(self.filters)]
        for factor in pools[len(self.filters) :]:
            self.pools[-1] *= factor
        self.convolutions = [
            keras.layers.Conv2D(count, 3, padding="same", use_bias=False) for count in self.filters
        ]
        self.norms = [keras.layers.BatchNormalization(momentum=0.95) for _ in self.filters]

    def size(self, features: int) -> int:
        """The number of features of a frame that is made of frames of `features`."""
        for _ in self.filters[1:]:
            features = -(-features // 2)
        return features * self.filters[-1]

    def build(self, frames_shape: Any, lengths_shape: Any = None) -> None:
        channels = 1
        for layer, norm, count in zip(self.convolutions, self.norms, self.filters, strict=True):
            layer.build((None, None, None, channels))
            norm.build((None, None, None, count))
            channels = count
        self.built = True

    def call(self, frames: Any, lengths: Any, training: bool = False) -> tuple[Any, Any]:
        hidden, lengths = ops.expand_dims(frames, -1), ops.cast(lengths, "int32")
        last = len(self.filters) - 1
        for number, (convolution, norm, pool) in enumerate(
            zip(self.convolutions, self.norms, self.pools, strict=True)
        ):
            hidden = convolution(hidden)
            real = _real(hidden, lengths)
            hidden = norm(
                hidden, training=training, mask=ops.broadcast_to(real, ops.shape(hidden)[:3])
            )
            real = ops.cast(ops.expand_dims(real, -1), hidden.dtype)
            hidden = _pooled(ops.relu(hidden) * real, pool, 1 if number == last else 2)
            lengths = (lengths + pool - 1) // pool
        batch, time = ops.shape(hidden)[:2]
        return ops.reshape(hidden, (batch, time, hidden.shape[2] * hidden.shape[3])), lengths


def _real(hidden: Any, lengths: Any) -> Any:
    """Which frames count, booleans (batch, time, 1)."""
    inside = ops.arange(ops.shape(hidden)[1]) < ops.expand_dims(lengths, 1)
    return ops.expand_dims(inside, -1)


def _pooled(hidden: Any, frames: int, features: int) -> Any:
    """The highest value of each group; the last one is filled up with zeros."""
    if frames == features == 1:
        return hidden
    lacking = [(-ops.shape(hidden)[1]) % frames, (-hidden.shape[2]) % features]
    hidden = ops.pad(hidden, [[0, 0], [0, lacking[0]], [0, lacking[1]], [0, 0]])
    groups = (frames, features)
    # Strides are the groups by default, but for Keras 3.15 on JAX, where they are not accepted.
    return ops.max_pool(hidden, groups, strides=groups, data_format="channels_last")


def _factors(number: int) -> list[int]:
    """The prime factors of a number in rising order."""
    found, factor = [], 2
    while number > 1:
        while number % factor == 0:
            found.append(factor)
            number //= factor
        factor += 1
    return found
