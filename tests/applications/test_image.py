"""Pictures: every kind becomes the same pixels, and what is wrong is said in one sentence."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.applications._image import MOST_PIXELS, read_image, resized

PIXELS = np.arange(4 * 6 * 3, dtype="uint8").reshape(4, 6, 3) * 3


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that says it is so large, of a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data))
            + kind
            + data
            + struct.pack(">I", zlib.crc32(kind + data) & 0xFFFFFFFF)
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 64))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("form", ["path", "str", "bytes", "pillow", "uint8", "int64", "float"])
def test_every_form_gives_the_same_pixels(form: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(encoded(Image.fromarray(PIXELS)))
    forms = {
        "path": path,
        "str": str(path),
        "bytes": path.read_bytes(),
        "pillow": Image.open(io.BytesIO(path.read_bytes())),
        "uint8": PIXELS,
        "int64": PIXELS.astype("int64"),
        "float": PIXELS / 255,
    }
    found = read_image(forms[form])
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, PIXELS)


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "PPM", "WEBP"])
def test_formats_without_loss(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    found = read_image(encoded(Image.fromarray(PIXELS), kind, **options))
    np.testing.assert_array_equal(found, PIXELS)


def test_grey() -> None:
    grey = PIXELS[..., 0]
    np.testing.assert_array_equal(read_image(grey, mode="L"), grey)
    np.testing.assert_array_equal(read_image(grey), np.repeat(grey[..., None], 3, axis=2))
    np.testing.assert_array_equal(read_image(grey[..., None], mode="L"), grey)
    np.testing.assert_array_equal(read_image(grey > 9, mode="L"), np.where(grey > 9, 255, 0))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_show_the_background(mode: str) -> None:
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 255))
    image.putpixel((1, 0), (0, 0, 0, 0))
    data = encoded(image.convert(mode))
    assert read_image(data).tolist() == [[[0, 0, 0], [255, 255, 255]]]
    found = read_image(data, background=(9, 8, 7))
    assert found.tolist() == [[[0, 0, 0], [9, 8, 7]]]


def test_half_transparent() -> None:
    half = np.array([[[0, 0, 0, 128]]], "uint8")
    assert read_image(half).tolist() == [[[127, 127, 127]]]


def test_sixteen_bits_keep_their_range() -> None:
    values = np.array([[0, 257 * 100, 65535]], "uint16")
    found = read_image(encoded(Image.fromarray(values)), mode="L")
    assert found.tolist() == [[0, 100, 255]]


def test_cameras_that_were_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    found = read_image(encoded(Image.fromarray(PIXELS), "PNG", exif=exif))
    np.testing.assert_array_equal(found, np.rot90(PIXELS, -1))


def test_the_first_frame_of_an_animation() -> None:
    frames = [Image.new("L", (3, 2), shade) for shade in (10, 200, 90)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)
    assert Image.open(io.BytesIO(data)).n_frames == 3
    assert (read_image(data, mode="L") == 10).all()


def test_one_pixel() -> None:
    assert read_image(encoded(Image.new("RGB", (1, 1), (1, 2, 3)))).tolist() == [[[1, 2, 3]]]


def test_huge_pictures_are_refused_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*arguments: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decode)
    # Beyond our limit, where Pillow warns, and where it refuses.
    for size in ((8000, 7000), (10_000, 10_000), (20_000, 20_000)):
        with pytest.raises(ValueError, match="pixels.*at most 50,000,000.*make it smaller"):
            read_image(png_of_size(*size), "Picture 3")
    assert 8000 * 7000 > MOST_PIXELS


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"])
def test_no_cut_goes_unnoticed(kind: str) -> None:
    generator = np.random.default_rng(0)
    whole = encoded(Image.fromarray(generator.integers(0, 255, (40, 50, 3), "uint8")), kind)
    for share in (0.0, 0.02, 0.2, 0.5, 0.9):
        with pytest.raises(ValueError, match="^Picture 7 is "):
            read_image(whole[: int(len(whole) * share)], "Picture 7")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF"])
def test_damage_ends_in_one_sentence_or_in_pixels(kind: str) -> None:
    generator = np.random.default_rng(1)
    whole = encoded(Image.fromarray(generator.integers(0, 255, (20, 30, 3), "uint8")), kind)
    for _ in range(60):
        changed = bytearray(whole)
        for place in generator.integers(0, len(changed), 4):
            changed[place] = generator.integers(256)
        try:
            assert read_image(bytes(changed)).dtype == np.uint8
        except ValueError as error:
            assert "\n" not in str(error)


def test_what_is_no_picture(tmp_path: Path) -> None:
    text = tmp_path / "notes.jpg"
    text.write_text("not a picture")
    with pytest.raises(ValueError, match="notes.jpg, is no picture that can be read"):
        read_image(text)
    with pytest.raises(ValueError, match="is a folder"):
        read_image(tmp_path)
    with pytest.raises(FileNotFoundError, match="Picture 2, .*absent.jpg, is missing"):
        read_image(tmp_path / "absent.jpg", "Picture 2")
    with pytest.raises(TypeError, match="must be a path.*Received: int"):
        read_image(3)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 2, 2)), "shape"),
        (np.zeros(4), "shape"),
        (np.zeros((0, 3)), "no pixels"),
        (np.full((2, 2), 300), "from 300 to 300"),
        (np.full((2, 2), -1), "from -1"),
        (np.full((2, 2), 255.0), "fractions from 0 to 1"),
        (np.full((2, 2), np.nan), "fractions from 0 to 1"),
    ],
)
def test_arrays_that_are_no_pictures(array: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_image(array)


def test_resizing() -> None:
    assert resized(PIXELS, 4, 6) is PIXELS
    assert resized(np.full((1, 1, 3), 7, "uint8"), 3, 5).tolist() == [[[7] * 3] * 5] * 3
    checkers = np.indices((8, 8)).sum(axis=0).astype("uint8") % 2 * 200
    small = resized(checkers, 2, 2)
    assert abs(small.astype(int) - 100).max() < 12
