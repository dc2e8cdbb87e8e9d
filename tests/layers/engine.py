"""What differs from backend to backend: gradients, compilation and precision."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

BACKEND = keras.backend.backend()


# On JAX, Keras rounds every float64 to float32 (`keras.backend.result_type`).
PRECISE = "float64" if BACKEND == "tensorflow" else "float32"
DTYPES = sorted({"float32", PRECISE})


def gradients(function: Callable[..., Any], arrays: Sequence[Any]) -> list[np.ndarray]:
    """The derivatives of a scalar `function(*arrays)` by each of the arrays."""
    tensors = [keras.ops.convert_to_tensor(array, PRECISE) for array in arrays]
    if BACKEND == "jax":
        import jax

        found = jax.jit(jax.grad(function, argnums=tuple(range(len(tensors)))))(*tensors)
    else:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            for tensor in tensors:
                tape.watch(tensor)
            value = function(*tensors)
        found = tape.gradient(value, tensors)
    return [keras.ops.convert_to_numpy(gradient) for gradient in found]


def differences(function: Callable[..., float], arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Central finite differences of a scalar `function(*arrays)` in float64."""
    step, found = 1e-6, []
    for which, array in enumerate(arrays):
        gradient = np.zeros_like(array)
        for place in np.ndindex(*array.shape):
            ends = []
            for sign in (1, -1):
                moved = array.copy()
                moved[place] += sign * step
                ends.append(function(*arrays[:which], moved, *arrays[which + 1 :]))
            gradient[place] = (ends[0] - ends[1]) / (2 * step)
        found.append(gradient)
    return found


def call_with(
    layer: keras.layers.Layer, weights: Sequence[Any], *inputs: Any, **options: Any
) -> Any:
    """Calls a layer on other weights than its own, so that gradients reach them."""
    others = [variable.value for variable in layer.non_trainable_variables]
    return layer.stateless_call(list(weights), others, *inputs, **options)[0]


def compiled(function: Callable[..., Any], inputs: Sequence[np.ndarray]) -> Any:
    """`function(*inputs)` compiled; on TensorFlow for any batch and any time."""
    if BACKEND == "jax":
        import jax

        return jax.jit(function)(*inputs)
    import tensorflow as tf

    signature = [
        tf.TensorSpec([*(None,) * (x.ndim - 1), x.shape[-1]], tf.as_dtype(x.dtype)) for x in inputs
    ]
    return tf.function(function, input_signature=signature)(*inputs)


def randomize(layer: keras.layers.Layer, seed: int = 1) -> None:
    """Gives every weight random values, those that start at zero or one too."""
    generator = np.random.default_rng(seed)
    for weight in layer.weights:
        weight.assign(generator.normal(scale=0.7, size=weight.shape))


def arrays(values: Any) -> Any:
    """A structure of tensors as one of arrays."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, values)


def named_weights(layer: keras.layers.Layer) -> dict[str, np.ndarray]:
    """The weights by name, in float64."""
    return {w.name: keras.ops.convert_to_numpy(w).astype("float64") for w in layer.weights}


def assert_close(actual: Any, expected: Any, tolerance: float) -> None:
    """Two structures of arrays are equal up to a tolerance."""
    actual, expected = keras.tree.flatten(actual), keras.tree.flatten(expected)
    assert len(actual) == len(expected)
    for one, other in zip(actual, expected, strict=True):
        one, other = np.asarray(arrays(one)), np.asarray(arrays(other))
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance, strict=False)
        assert one.shape == other.shape
