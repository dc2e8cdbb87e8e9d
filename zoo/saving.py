"""Loading whole models that contain the zoo's layers."""

from os import PathLike
from typing import Any

import keras

import zoo.applications
import zoo.layers

# `zoo.layers` registers its classes when it is imported; an application registers its own when it
# is first asked for.
for _name in zoo.applications.__all__:
    getattr(zoo.applications, _name)


def load_model(
    path: str | PathLike[str],
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> keras.Model:
    """Load a `.keras` file in a program that has not built any of the zoo's layers yet.

    Keras finds only classes that have been registered. This registers all of the zoo's; the rest
    is `keras.saving.load_model`.

    Args:
        path: The `.keras` file.
        custom_objects: Classes or functions of your own, by name.
        compile: Whether to restore the optimizer and the loss too.
        safe_mode: Whether to refuse files that carry code.

    Returns:
        The model.

    Raises:
        ValueError: If there is no such file, or Keras cannot read it.

    Example:
        >>> import os, tempfile, keras, zoo
        >>> model = keras.Sequential([keras.Input((None, 3)), zoo.PeepholeLSTM(4)])
        >>> path = os.path.join(tempfile.mkdtemp(), "model.keras")
        >>> model.save(path)
        >>> zoo.load_model(path).output_shape
        (None, 4)
    """
    return keras.saving.load_model(
        path, custom_objects=custom_objects, compile=compile, safe_mode=safe_mode
    )
