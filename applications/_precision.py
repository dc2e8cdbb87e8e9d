"""The precision of an application is that of its layers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras


def under_own_policy(build: Callable[[Any], None]) -> Callable[[Any], None]:
    """Lets a model's method make layers of the model's own dtype policy.

    Keras hands the `dtype` of a model on to none of its layers: they take the global policy.
    """

    @functools.wraps(build)
    def wrapped(model: keras.Model) -> None:
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(model.dtype_policy)
        try:
            build(model)
        finally:
            keras.config.set_dtype_policy(before)

    return wrapped
