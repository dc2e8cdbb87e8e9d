"""Pictures of writing become lines of one height, whatever they looked like; and vary."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from zoo.applications._image_line import as_line
from zoo.applications._image_variation import vary
from zoo.applications._ink import pack
from zoo.applications._ink_drawing import draw


def picture(paper: int = 255, ink: int = 0, width: int = 90) -> Image.Image:
    """Something like a word."""
    image = Image.new("L", (width, 50), paper)
    canvas = ImageDraw.Draw(image)
    canvas.line([(12, 10), (12, 40), (25, 25), (38, 40)], fill=ink, width=4)
    canvas.line([(48, 40), (58, 12), (70, 40)], fill=ink, width=4)
    return image


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


LINE = as_line(picture(), "the picture", 32)


def test_a_line_is_cut_scaled_and_dark() -> None:
    dark = np.asarray(picture()) < 180
    high, wide = (np.ptp(np.flatnonzero(dark.any(axis=axis))) + 1 for axis in (1, 0))
    assert LINE.shape == (32, round(wide * 28 / high) + 4)
    assert LINE.dtype == "float32" and LINE.min() == 0 and LINE.max() == 1
    assert not LINE[:2].any() and not LINE[:, :2].any() and LINE[2].any() and LINE[:, 2].any()
    assert 0.05 < LINE.mean() < 0.4


def colours() -> dict[str, Any]:
    grey = picture()
    clear = Image.new("RGBA", grey.size, (0, 0, 0, 0))
    clear.putalpha(Image.fromarray(255 - np.asarray(grey)))
    white = Image.new("RGBA", grey.size, (255, 255, 255, 0))
    white.putalpha(Image.fromarray(255 - np.asarray(grey)))
    blue = Image.merge("RGB", [grey, grey, Image.new("L", grey.size, 255)])
    wide = Image.fromarray(np.asarray(grey).astype("uint16") * 257)
    return {
        "RGB": grey.convert("RGB"),
        "palette PNG": saved(grey.convert("P"), "PNG"),
        "GIF": saved(grey.convert("P"), "GIF"),
        "CMYK JPEG": saved(grey.convert("CMYK"), "JPEG", quality=98),
        "CMYK TIFF": saved(grey.convert("CMYK"), "TIFF"),
        "1 bit": saved(grey.point(lambda value: 255 * (value > 127)).convert("1"), "PNG"),
        "16 bit": saved(wide, "PNG"),
        "black on nothing": saved(clear, "PNG"),
        "white on nothing": white,
        "blue": blue,
        "JPEG": saved(grey, "JPEG", quality=95),
        "light on dark": picture(paper=20, ink=240),
        "grey on grey": picture(paper=150, ink=90),
        "float": np.asarray(grey) / 255,
        "bool": np.asarray(grey) > 127,
        "RGBA array": np.asarray(clear),
        "int64": np.asarray(grey).astype("int64"),
        "a wide margin": np.pad(np.asarray(grey), [(300, 20), (5, 700)], constant_values=255),
        "three times as large": grey.resize((270, 150), Image.Resampling.NEAREST),
    }


@pytest.mark.parametrize("kind", list(colours()))
def test_every_kind_gives_the_same_line(kind: str) -> None:
    found = as_line(colours()[kind], "the picture", 32)
    assert abs(found.shape[1] - LINE.shape[1]) <= 1
    width = min(found.shape[1], LINE.shape[1])
    assert np.abs(found[:, :width] - LINE[:, :width]).mean() < 0.06


@given(width=st.integers(1, 300), height=st.integers(1, 300), ink=st.integers(0, 255))
@settings(max_examples=60, deadline=None)
def test_any_size(width: int, height: int, ink: int) -> None:
    """Any picture gives a line of the height, or one without columns; or names its width."""
    generator = np.random.default_rng([width, height, ink])
    pixels = np.where(generator.random((height, width)) < 0.1, ink, 200).astype("uint8")
    try:
        line = as_line(pixels, "the picture", 24, most=500)
    except ValueError as error:
        assert "`max_length`" in str(error)
        return
    assert line.shape[0] == 24 and line.dtype == "float32" and line.shape[1] <= 500
    assert np.isfinite(line).all() and 0 <= line.min(initial=0) and line.max(initial=1) <= 1
    assert bool(line.shape[1]) == (np.ptp(pixels) >= 8)


def test_next_to_nothing() -> None:
    for empty in (np.zeros((1, 1)), np.full((40, 60), 255, "uint8"), np.zeros((40, 60), bool)):
        assert as_line(empty, "the picture", 32).shape == (32, 0)
    dot = np.full((9, 9), 255, "uint8")
    dot[4, 4] = 0
    assert as_line(dot, "the picture", 32).shape == (32, 32)


def test_what_is_refused(tmp_path: Path) -> None:
    cut = saved(picture(), "PNG")[:-60]
    (tmp_path / "cut.png").write_bytes(cut)
    (tmp_path / "notes.png").write_text("no picture")
    wide = np.tile(np.asarray(picture()), (1, 120))[:, :10_000]
    bad: list[tuple[Any, str]] = [
        (cut, "Image 3 is damaged or cut short"),
        (tmp_path / "cut.png", "Image 3, .*cut.png, is damaged"),
        (str(tmp_path / "notes.png"), "is no picture that can be read"),
        (b"\x00 nothing", "Image 3 is no picture that can be read"),
        (wide, "Image 3 has .* columns at a height of 32, but at most 4,000 .*`max_length`"),
        (np.zeros((0, 0)), "Image 3 has no pixels"),
        (np.full((4, 4), np.nan), "Image 3 must hold fractions from 0 to 1"),
        (np.eye(30) * 16, "must hold fractions from 0 to 1"),
        (np.eye(30, dtype="uint8"), "Image 3 holds nothing but 0 and 1"),
        (np.zeros((3, 4, 5, 6)), "must be an array \\(height, width\\)"),
    ]
    for item, message in bad:
        with pytest.raises(ValueError, match=message):
            as_line(item, "image 3", 32, most=4000)
    with pytest.raises(FileNotFoundError, match="no/such.png, is missing"):
        as_line("no/such.png", "image 3", 32)
    with pytest.raises(TypeError, match="must be a path, .*Received: int"):
        as_line(3, "image 3", 32)


# Variation.


def test_no_variation_changes_nothing() -> None:
    assert vary(LINE, np.random.default_rng(1), 0) is LINE
    empty = np.zeros((32, 0), "float32")
    assert vary(empty, np.random.default_rng(1)).shape == (32, 0)


@given(width=st.integers(1, 200), strength=st.floats(0.01, 3), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_variation_of_any_width(width: int, strength: float, seed: int) -> None:
    line = np.random.default_rng(width).random((32, width), "float32")
    one, same = (vary(line, np.random.default_rng(seed), strength) for _ in range(2))
    np.testing.assert_array_equal(one, same)
    assert one.dtype == "float32" and one.shape[0] == 32 and one.shape[1] >= 4
    assert np.isfinite(one).all() and one.min() >= 0 and one.max() <= 1


def test_variation_is_more_where_it_is_stronger_and_keeps_what_is_written() -> None:
    def distance(strength: float) -> float:
        changes = []
        for seed in range(20):
            other = vary(LINE, np.random.default_rng(seed), strength)
            width = min(LINE.shape[1], other.shape[1])
            changes.append(np.abs(LINE[:, :width] - other[:, :width]).mean())
        return float(np.mean(changes))

    little, much = distance(0.02), distance(1)
    assert little < 0.03 < much
    darkness = [vary(LINE, np.random.default_rng(seed)).sum() for seed in range(20)]
    assert 0.5 < np.median(darkness) / LINE.sum() < 1.5


# Ink drawn.


def test_drawn_ink() -> None:
    corner = pack([np.array([[0, 0], [0, 50], [25, 50]])])
    image = draw(corner, height=32, pen=2)
    large = pack([np.array([[9, 9], [9, 5009], [2509, 5009]])])
    np.testing.assert_array_equal(image, draw(large, height=32, pen=2))
    assert image.dtype == np.uint8 and image.shape == (32, 19)
    dark = image < 128
    assert dark[:, 3].sum() >= 26 and dark[28].sum() >= 13 and not dark[4:24, 8:].any()
    assert draw(corner, pen=4).mean() < image.mean()
    for ink in (pack([np.array([[3, 3]])]), pack([np.array([[0, 0], [90, 0]])])):
        assert (draw(ink) < 128).any() and draw(ink).shape[0] == 32
