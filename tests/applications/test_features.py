"""Features of pictures: computed once, whole or not at all on the disk, and never stale."""

from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from zoo.applications._encoders import Encoder, open_encoder
from zoo.applications._features import Features, cache_folder

PICTURES = [np.full((8, 8, 3), shade, "uint8") for shade in (10, 200, 90)]


def eye(factor: float = 1.0) -> Encoder:
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 4, 4)])
    model.set_weights([np.full((4, 4, 3, 2), factor / 48), np.zeros(2)])
    return open_encoder(model, None, 8)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures each batch had that was computed."""
    batches: list[int] = []
    computed = Features._computed

    def count(self: Features, pixels: list[np.ndarray]) -> list:
        batches.append(len(pixels))
        return computed(self, pixels)

    monkeypatch.setattr(Features, "_computed", count)
    return batches


def test_computed_once(tmp_path: Path, counted: list[int]) -> None:
    first = Features(eye(), tmp_path).of([*PICTURES, PICTURES[0]])
    assert counted == [3]
    np.testing.assert_allclose(np.stack(first)[:, :, 0].mean(axis=1), [10, 200, 90, 10], rtol=1e-3)
    again = Features(eye(), tmp_path).of(PICTURES[::-1])
    assert counted == [3]
    np.testing.assert_array_equal(np.stack(again), np.stack(first[:3])[::-1])


def test_other_weights_are_another_encoder(tmp_path: Path, counted: list[int]) -> None:
    Features(eye(), tmp_path).of(PICTURES)
    (grid,) = Features(eye(2.0), tmp_path).of(PICTURES[:1])
    assert counted == [3, 1]
    np.testing.assert_allclose(grid, 20, rtol=1e-3)


def test_the_bytes_of_a_picture_decide(tmp_path: Path, counted: list[int]) -> None:
    path = tmp_path / "a.png"
    features = Features(eye(), tmp_path / "cache")
    Image.fromarray(PICTURES[0]).save(path)
    same = tmp_path / "b.png"
    same.write_bytes(path.read_bytes())
    features.of([path, str(same), path.read_bytes()])
    assert counted == [1]
    Image.fromarray(PICTURES[1]).save(path)
    (grid,) = features.of([path])
    assert counted == [1, 1]
    np.testing.assert_allclose(grid, 200, rtol=1e-3)


def test_interruption_keeps_what_is_done(tmp_path: Path, monkeypatch, counted: list[int]) -> None:
    features = Features(eye(), tmp_path)
    pixels = Encoder.pixels

    def stop(self: Encoder, image: np.ndarray, what: str, *rest: object) -> np.ndarray:
        if what == "Picture 2":
            raise KeyboardInterrupt
        return pixels(self, image, what)

    with monkeypatch.context() as patch:
        patch.setattr(Encoder, "pixels", stop)
        with pytest.raises(KeyboardInterrupt):
            features.of(PICTURES, batch_size=1)
    assert len(list(tmp_path.rglob("*.npy"))) == 2
    Features(eye(), tmp_path).of(PICTURES)
    assert counted == [1, 1, 1]


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch) -> None:
    def fail(file, grid) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(np, "save", fail)
        with pytest.raises(KeyboardInterrupt):
            Features(eye(), tmp_path).of(PICTURES)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", "shape", "nan", "pickle"])
def test_damaged_files_are_made_again(damage, tmp_path: Path, counted: list[int]) -> None:
    (expected,) = Features(eye(), tmp_path).of(PICTURES[:1])
    (path,) = tmp_path.rglob("*.npy")
    if isinstance(damage, bytes):
        path.write_bytes(damage)
    else:
        other = {
            "shape": np.zeros((1, 2), "float16"),
            "nan": np.full_like(np.asarray(expected), np.nan),
            "pickle": np.array([{}], dtype=object),
        }
        np.save(path, other[damage], allow_pickle=True)
    (found,) = Features(eye(), tmp_path).of(PICTURES[:1])
    np.testing.assert_array_equal(found, expected)
    assert counted == [1, 1]
    np.testing.assert_array_equal(np.load(path), expected)


def test_variations(tmp_path: Path, counted: list[int]) -> None:
    """Each is another, always the same one, and none is taken for the picture itself."""
    slope = np.repeat(np.arange(64, dtype="uint8")[None, :, None] * 4, 64, axis=0).repeat(3, axis=2)
    features = Features(eye(), tmp_path)
    found = [features.of([slope], variation=number)[0] for number in range(5)]
    assert len({grid.tobytes() for grid in found}) == 5
    again = [Features(eye(), tmp_path).of([slope], variation=number)[0] for number in range(5)]
    np.testing.assert_array_equal(np.stack(again), np.stack(found))
    assert counted == [1] * 5
    rising = [grid[0, 0] < grid[1, 0] for grid in found]  # mirrored or not
    assert rising[0] and not all(rising)


def test_nothing_is_kept_unasked(tmp_path: Path, counted: list[int]) -> None:
    Features(eye(), None).of(PICTURES)
    Features(eye(), tmp_path).of(PICTURES, keep=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(OSError, match="cannot be kept at .*; set ZOO_CACHE_DIR to another folder"):
        Features(eye(), file).of(PICTURES)


def test_where_they_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("ZOO_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "lstm-zoo"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "lstm-zoo"


def test_features_that_are_no_numbers(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="features that are not finite numbers"):
        Features(eye(np.nan), tmp_path).of(PICTURES)
