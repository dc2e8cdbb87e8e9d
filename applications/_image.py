"""Pictures of any kind as arrays of pixels, with a clear word about what cannot be read."""

from __future__ import annotations

import io
import os
import struct
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

MOST_PIXELS = 50_000_000
"""Pictures of more pixels are refused before any is decoded."""

# What phones, cameras, scanners and the web give; every decoder more is one more to attack.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
_MODES = ("RGB", "L")

# What Pillow raises over files that are cut short or changed.
_DAMAGE = (OSError, SyntaxError, EOFError, LookupError, TypeError, OverflowError, struct.error)


def read_image(
    image: Any,
    what: str = "The picture",
    mode: str = "RGB",
    background: Sequence[int] = (255, 255, 255),
) -> np.ndarray:
    """Reads one picture.

    Of an animation, the first frame is taken; a picture is turned as its camera says it was held;
    what is transparent shows the background. 16 bits a channel become 8.

    Args:
        image: the path of a file, the bytes of one, a picture of Pillow's, or an array (height,
            width), (height, width, 1), (height, width, 3) or, with transparency,
            (height, width, 4): whole numbers from 0 to 255, or fractions from 0 to 1.
        what: what messages call it, as "Picture 3".
        mode: "RGB" for colours, "L" for grey.
        background: the colour behind transparent parts.

    Returns:
        uint8, (height, width, 3), or (height, width) in grey.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, cut short, too large, or no picture.
        TypeError: it is something else.

    Example:

    >>> import numpy as np
    >>> read_image(np.array([[0.0, 1.0]])).tolist()
    [[[0, 0, 0], [255, 255, 255]]]
    """
    from PIL import Image

    if mode not in _MODES:
        raise ValueError(f"`mode` must be 'RGB' or 'L'. Received: mode={mode!r}.")
    if isinstance(image, np.ndarray) or hasattr(image, "__array_interface__"):
        if not isinstance(image, Image.Image):
            image = _from_array(np.asarray(image), what)
    if isinstance(image, Image.Image):
        _check_size(image.size, what)
        return _pixels(image, what, mode, background)
    if isinstance(image, str | os.PathLike):
        path = os.path.expanduser(os.fspath(image))
        what = f"{what}, {os.fspath(image)},"
        if os.path.isdir(path):
            raise ValueError(f"{what} is a folder, not a picture.")
        try:
            with open(path, "rb") as file:
                return _decoded(file, what, mode, background)
        except FileNotFoundError:
            raise FileNotFoundError(f"{what} is missing: there is no such file.") from None
    if isinstance(image, bytes | bytearray):
        return _decoded(io.BytesIO(image), what, mode, background)
    raise TypeError(
        f"{what} must be a path, the bytes of a file, a picture of Pillow's or an array of pixels. "
        f"Received: {type(image).__name__}."
    )


def resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Brings pixels, uint8 (h, w, 3) or (h, w), to a size; averaged where they become fewer.

    Example:

    >>> import numpy as np
    >>> resized(np.full((1, 1, 3), 7, "uint8"), 2, 4).shape
    (2, 4, 3)
    """
    from PIL import Image

    if image.shape[:2] == (height, width):
        return image
    made = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(made)


def varied(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A part of a picture, from 60 % of it on, mirrored every other time.

    Example:

    >>> import numpy as np
    >>> varied(np.zeros((10, 20, 3), "uint8"), np.random.default_rng(0)).shape
    (9, 18, 3)
    """
    share = np.sqrt(generator.uniform(0.6, 1.0))
    height, width = (max(1, round(side * share)) for side in image.shape[:2])
    top = generator.integers(image.shape[0] - height + 1)
    left = generator.integers(image.shape[1] - width + 1)
    part = image[top : top + height, left : left + width]
    return np.ascontiguousarray(part[:, ::-1] if generator.random() < 0.5 else part)


def _decoded(file: Any, what: str, mode: str, background: Sequence[int]) -> np.ndarray:
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own limit is lower than the one warned about
            with Image.open(file, formats=FORMATS) as opened:
                _check_size(opened.size, what)
                return _pixels(opened, what, mode, background)
    except Image.DecompressionBombError:
        raise ValueError(_too_large(what, "more pixels than Pillow reads")) from None
    except UnidentifiedImageError:
        kinds = ", ".join(name for name in FORMATS if name != "PPM")
        raise ValueError(
            f"{what} is no picture that can be read, or it is damaged; save it as {kinds}."
        ) from None
    except _DAMAGE as error:
        raise _damaged(what, error) from error


def _check_size(size: tuple[int, int], what: str) -> None:
    if size[0] * size[1] > MOST_PIXELS:
        raise ValueError(_too_large(what, f"{size[0]:,} x {size[1]:,} pixels"))
    if not size[0] * size[1]:
        raise ValueError(f"{what} has no pixels: its size is {size[0]} x {size[1]}.")


def _too_large(what: str, size: str) -> str:
    return f"{what} has {size}, but at most {MOST_PIXELS:,} in all are read; make it smaller."


def _pixels(image: Image.Image, what: str, mode: str, background: Sequence[int]) -> np.ndarray:
    from PIL import Image, ImageOps

    try:
        image.load()
        image = _eight_bits(image, what)
        if image.has_transparency_data:
            behind = Image.new("RGBA", image.size, (*background, 255))
            image = Image.alpha_composite(behind, image.convert("RGBA"))
        image = ImageOps.exif_transpose(image)
        return np.asarray(image.convert(mode))
    except _DAMAGE as error:
        raise _damaged(what, error) from error


def _eight_bits(image: Image.Image, what: str) -> Image.Image:
    """A picture whose channels have 8 bits: Pillow's own conversion cuts larger values off."""
    from PIL import Image

    if image.mode == "F":
        return _from_array(np.asarray(image), what)
    if image.mode.startswith("I"):
        values = np.asarray(image).astype("int64")
        if values.min() < 0 or values.max() > 65535:
            raise ValueError(f"{what} has values beyond 16 bits.")
        wide = image.mode != "I" or values.max() > 255
        return Image.fromarray((values // 257 if wide else values).astype("uint8"))
    return image


def _from_array(array: np.ndarray, what: str) -> Image.Image:
    """An array of pixels as a picture of Pillow's."""
    from PIL import Image

    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise ValueError(
            f"{what} must be an array (height, width) or (height, width, 1, 3 or 4). "
            f"Received: shape {array.shape}."
        )
    _check_size((array.shape[1], array.shape[0]), what)
    if array.dtype.kind == "b":
        array = array.astype("uint8") * np.uint8(255)
    elif array.dtype.kind == "f":
        if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
            raise ValueError(
                f"{what} must hold fractions from 0 to 1; an array with values up to 255 must be "
                f"of whole numbers. Received: from {array.min()} to {array.max()}."
            )
        array = np.round(array.astype("float64") * 255).astype("uint8")
    elif array.dtype.kind in "iu":
        if array.min() < 0 or array.max() > 255:
            raise ValueError(
                f"{what} must hold whole numbers from 0 to 255. "
                f"Received: from {array.min()} to {array.max()}."
            )
        array = array.astype("uint8")
    else:
        raise TypeError(f"{what} must hold numbers. Received: an array of {array.dtype}.")
    return Image.fromarray(np.ascontiguousarray(array))


def _damaged(what: str, error: BaseException) -> ValueError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    return ValueError(f"{what} is damaged or cut short: {reason}.")
