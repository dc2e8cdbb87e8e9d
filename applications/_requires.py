"""What must be there for a model: a backend, and packages of other people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from zoo.layers._registry import Registry

REQUIRES = "requires"
# A file may come from anywhere, and what it asks for is shown as a command to type.
_NAME = re.compile(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?", re.ASCII)
_VERSION = re.compile(r"[\w.+!-]+", re.ASCII)
_BACKENDS = ("tensorflow", "jax")


def require_backend() -> None:
    """Raises a `RuntimeError` unless Keras's backend is one that the applications run on."""
    import keras

    backend = keras.backend.backend()
    if backend not in _BACKENDS:
        raise RuntimeError(
            f"The applications run on Keras's backends {' and '.join(_BACKENDS)}, the layers alone "
            f"on others; the backend is {backend}. Set the environment variable KERAS_BACKEND to "
            f"{_BACKENDS[0]}."
        )


def requirements(model: keras.Layer) -> dict[str, str]:
    """Returns `{name: version}` of the distributions whose cells or applications a model uses."""
    from zoo.layers._plugins import cells

    from ._registry import applications
    from ._weights import _walk

    found: dict[str, str] = {}
    for kind in dict.fromkeys(type(layer) for _, layer in _walk(model, "", set())):
        if kind.__module__.partition(".")[0] not in ("keras", "zoo"):
            for registry in (cells, applications):
                found |= _home(registry, kind)
    return dict(sorted(found.items()))


def _home(registry: Registry, kind: type) -> dict[str, str]:
    name = registry.find(kind)
    return registry.home(name) if name else {}


def requiring(config: dict[str, Any], model: keras.Layer) -> dict[str, Any]:
    """Adds to a saved configuration what `zoo.load_model` asks for when it is missing."""
    requires = requirements(model)
    return {**config, REQUIRES: requires} if requires else config


def are_requirements(value: Any) -> bool:
    """Whether a value from a file has the form of what `requirements` returns."""
    return isinstance(value, dict) and all(
        isinstance(version, str) and _NAME.fullmatch(name) and _VERSION.fullmatch(version)
        for name, version in value.items()
    )


def missing(requires: Mapping[str, str]) -> str:
    """Says which of some distributions are not installed; nothing, if all are."""
    absent = {}
    for name, version in requires.items():
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            absent[name] = version
    if not absent:
        return ""
    return (
        " and ".join(f"the package {name!r} ({version})" for name, version in absent.items())
        + f", not installed here; if you trust its authors: pip install {' '.join(absent)}."
    )
