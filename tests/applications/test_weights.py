"""Weights have names that do not change from instance to instance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.applications.fake_application import Speller
from zoo.applications._manifest import PresetError
from zoo.applications._weights import checked_weights, weight_paths, write_weights


class Odd(keras.layers.Layer):
    """Layers in every kind of place."""

    def __init__(self) -> None:
        super().__init__()
        self.listed = [keras.layers.Dense(1), (keras.layers.Dense(2), "text")]
        self.keyed = {"b": {"c": keras.layers.Dense(3)}, "a": keras.layers.Dense(4)}
        self.again = self.keyed["a"]
        self.circle: list[Any] = [1]
        self.circle.append(self.circle)

    def build(self, shape: Any) -> None:
        for layer in self._flatten_layers(include_self=False):
            layer.build((None, 2))
        self.gains = [self.add_weight(shape=(1,), name="gain") for _ in range(2)]
        self.nameless = self.add_weight(shape=(1,))
        self.steps = self.add_weight(shape=(), dtype="int32", trainable=False, name="steps")
        self.built = True


def filled(layer: keras.Layer, **weights: Any) -> keras.Layer:
    for name, value in weights.items():
        weight_paths(layer)[name].assign(value)
    return layer


def odd() -> Odd:
    layer = Odd()
    layer.build((None, 2))
    return layer


def load(layer: keras.Layer, path: Path) -> None:
    with checked_weights(layer, path) as fill:
        fill()


def test_every_weight_has_one_path() -> None:
    expected = {
        "again.bias": (4,),
        "again.kernel": (2, 4),
        "gain.0": (1,),
        "gain.1": (1,),
        "keyed.b.c.bias": (3,),
        "keyed.b.c.kernel": (2, 3),
        "listed.0.bias": (1,),
        "listed.0.kernel": (2, 1),
        "listed.1.0.bias": (2,),
        "listed.1.0.kernel": (2, 2),
        "steps": (),
        "variable": (1,),
    }
    for _ in range(2):
        layer = odd()
        paths = weight_paths(layer)
        assert {name: tuple(weight.shape) for name, weight in paths.items()} == expected
        assert list(paths) == sorted(paths)
        assert {id(weight) for weight in paths.values()} == {id(w) for w in layer.weights}


def test_recurrent_paths(speller: Speller) -> None:
    paths = weight_paths(speller)
    assert {id(weight) for weight in paths.values()} == {id(w) for w in speller.weights}
    assert len(paths) == len(speller.weights)
    assert {
        "embedding.embeddings",
        "readers.0.forward_layer.cell.recurrent_kernel",
        "readers.0.backward_layer.cell.bias",
        "parts.stack.cell.cells.1.kernel",
        "head.layers.0.moving_mean",
        "head.layers.1.kernel",
    } <= paths.keys()


def test_functional_models_are_named_by_position() -> None:
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Dense(3)(inputs))
    assert list(weight_paths(model)) == ["layers.1.bias", "layers.1.kernel"]


def test_a_hidden_layer_is_named_in_the_error() -> None:
    class Hidden(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self._secret = keras.layers.Dense(1)

    model = Hidden()
    model._secret.build((None, 2))
    with pytest.raises(PresetError, match="2 weights such as .*kernel.* of Hidden in an attribute"):
        weight_paths(model)


def test_two_weights_of_one_name() -> None:
    class Twin(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.parts = {"a": {"b": keras.layers.Dense(1)}, "a.b": keras.layers.Dense(1)}

    layer = Twin()
    layer.parts["a"]["b"].build((None, 2))
    layer.parts["a.b"].build((None, 2))
    with pytest.raises(PresetError, match="Two weights would be called 'parts.a.b"):
        weight_paths(layer)


@pytest.mark.parametrize("dtype", ["float32", "float16", None])
def test_weights_come_back(dtype: str | None, tmp_path: Path) -> None:
    layer = filled(odd(), **{"steps": 7, "gain.1": [1e5], "listed.1.0.kernel": [[1, 2], [3, 4]]})
    write_weights(layer, tmp_path / "w", dtype)
    stored = load_file(tmp_path / "w")
    assert stored["steps"].dtype == "int32"
    # It would overflow.
    assert stored["gain.1"].dtype == "float32"
    assert stored["gain.0"].dtype == np.dtype(dtype or "float32")
    loaded = odd()
    load(loaded, tmp_path / "w")
    for name, weight in weight_paths(loaded).items():
        want = keras.ops.convert_to_numpy(weight_paths(layer)[name])
        np.testing.assert_allclose(keras.ops.convert_to_numpy(weight), want, rtol=1e-3)
        assert weight.dtype == want.dtype


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_float_types(dtype: str, tmp_path: Path) -> None:
    layer, loaded = keras.layers.Dense(2, dtype=dtype), keras.layers.Dense(2, dtype=dtype)
    layer.build((None, 2))
    loaded.build((None, 2))
    write_weights(layer, tmp_path / "w", None)
    load(loaded, tmp_path / "w")
    for one, other in zip(layer.weights, loaded.weights, strict=True):
        assert one.dtype == other.dtype == dtype
        assert bool(keras.ops.all(one.value == other.value))


def test_values_beyond_the_type_of_the_network(tmp_path: Path) -> None:
    layer, small = keras.layers.Dense(2), keras.layers.Dense(2, dtype="float16")
    layer.build((None, 2))
    small.build((None, 2))
    write_weights(filled(layer, bias=[1e5, 0]), tmp_path / "w")
    with pytest.raises(PresetError, match="'bias' .* is not finite in float16"):
        load(small, tmp_path / "w")


def test_transposed_arrays_are_written_as_they_read(tmp_path: Path, monkeypatch: Any) -> None:
    layer = keras.layers.Dense(3)
    layer.build((None, 2))
    kernel = np.arange(6, dtype="float32").reshape(3, 2).T
    monkeypatch.setattr(
        keras.ops, "convert_to_numpy", lambda weight: kernel if weight.ndim == 2 else np.zeros(3)
    )
    write_weights(layer, tmp_path / "w")
    np.testing.assert_array_equal(load_file(tmp_path / "w")["kernel"], kernel)
