"""The examples in the docstrings run and print what they say."""

import doctest
import importlib
import pkgutil

import keras
import pytest

import zoo

# The examples print shapes as TensorFlow does.

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the examples print TensorFlow's shapes"
)

MODULES = [
    module.name
    for package in ("layers", "applications")
    for module in pkgutil.walk_packages(
        importlib.import_module(f"zoo.{package}").__path__, f"zoo.{package}."
    )
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_module(name: str) -> None:
    result = doctest.testmod(
        importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert result.failed == 0


def test_every_public_layer_has_an_example() -> None:
    for name in zoo.layers.__all__:
        assert ">>>" in getattr(zoo.layers, name).__doc__, name
