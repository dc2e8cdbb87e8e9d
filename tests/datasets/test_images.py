"""Datasets of pictures of writing: an archive, a user's folder, and those that are made."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from zoo import datasets
from zoo.datasets import digit_strings
from zoo.datasets.hershey_ink import split_of

needs_data = pytest.mark.skipif("ZOO_DATA_DIR" not in os.environ, reason="no real data")


def archive(folder: Path, **changes: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {
        "pixels": np.repeat(np.arange(6, dtype="uint8")[None], 32, axis=0),
        "offsets": np.array([0, 1, 3, 6]),
        "label": np.array(["a", "bb", "ccc"]),
        "writer": np.array(["writer3", "writer33", "writer1d"]),
        "split": np.array(["train", "extra", "test"]),
    }
    chosen = {name: value for name, value in {**arrays, **changes}.items() if value is not None}
    np.savez(folder / "words_h32.npz", **chosen)
    return folder


def test_imadocsen(tmp_path: Path) -> None:
    archive(tmp_path / "handwriting" / "imadocsen_word_images")
    wanted = {"train": (b"a", [0]), "validation": (b"bb", [1, 2]), "test": (b"ccc", [3, 4, 5])}
    for split, (text, row) in wanted.items():
        ((image, found),) = datasets.load("imadocsen_images", split, tmp_path).as_numpy_iterator()
        assert found == text and image.dtype == np.uint8
        assert image.shape == (32, len(row)) and (image == row).all()
    assert len(datasets.load("imadocsen_images/words", "all", tmp_path)) == 3
    own = datasets.ImadocSenImages("writer33", tmp_path)
    assert [text for _, text in own.pairs("train")] == ["bb"] and not own.pairs("test")


def test_imadocsen_that_is_damaged(tmp_path: Path) -> None:
    changes: list[dict[str, Any]] = [
        {"offsets": np.array([0, 1, 3, 7])},
        {"offsets": np.array([0, 3, 1, 6])},
        {"split": np.array(["train"])},
        {"pixels": np.zeros(6, "uint8")},
    ]
    for change in changes:
        with pytest.raises(ValueError, match="is damaged: its arrays do not fit together"):
            datasets.load("imadocsen_images", "train", archive(tmp_path, **change))
    with pytest.raises(ValueError, match="is damaged: .*label"):
        datasets.load("imadocsen_images", "train", archive(tmp_path, label=None))
    (tmp_path / "words_h32.npz").write_bytes(b"PK nonsense")
    with pytest.raises(ValueError, match=r"words_h32\.npz is damaged"):
        datasets.load("imadocsen_images", "train", tmp_path)
    (tmp_path / "words_h32.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"words_h32\.npz"):
        datasets.load("imadocsen_images", "train", tmp_path)


@needs_data
def test_imadocsen_as_it_is() -> None:
    sizes = {"train": 8446, "validation": 1291, "test": 6686}
    for split, size in sizes.items():
        pairs = datasets.ImadocSenImages("words").pairs(split)
        inks = datasets.ImadocSenOnDB("words").pairs(split)
        assert len(pairs) == size == len(inks)
        assert sorted(text for _, text in pairs) == sorted(text for _, text in inks)
        assert all(image.shape[0] == 32 for image, _ in pairs)


# A user's folder.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "more").mkdir()
    for name in ("1.png", "2.PNG", "more/3.jpg"):
        Image.new("L", (9, 9), 255).save(tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.csv", '1.png,so far\n2.PNG,"no, no"\n\nmore/3.jpg,x\n'),
        ("labels.csv", 'n,text,file\n0,so far,1.png\n0,"no, no",2.PNG\n0,x,more/3.jpg\n'),
        ("labels.tsv", "file\ttext\n1.png\tso far\n2.PNG\tno, no\nmore/3.jpg\tx\n"),
        ("labels.txt", "1.png so far\n2.PNG\tno, no\r\n\nmore/3.jpg   x\n"),
    ],
)
def test_labels(folder: Path, name: str, text: str) -> None:
    (folder / name).write_bytes(text.encode())
    for data_dir in (folder, str(folder), folder / name):
        pairs = datasets.WordImages(data_dir=data_dir).pairs("train")
        assert [text for _, text in pairs] == ["so far", "no, no", "x"]
        assert [Path(path) for path, _ in pairs] == [
            folder / file for file in ("1.png", "2.PNG", "more/3.jpg")
        ]
    found = datasets.load("word_images", "train[-1:]", folder)
    assert [text for _, text in found.as_numpy_iterator()] == [b"x"]


def test_texts_beside_pictures(folder: Path) -> None:
    for name, text in (("1.txt", "so far\n"), ("2.txt", "no")):
        (folder / name).write_text(text)
    pairs = datasets.WordImages(data_dir=folder).pairs("test")
    assert [(Path(path).name, text) for path, text in pairs] == [
        ("1.png", "so far"),
        ("2.PNG", "no"),
    ]
    (folder / "2.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"2\.PNG has no text: .*2\.txt is missing"):
        datasets.WordImages(data_dir=folder).pairs("test")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "labels.csv",
            "1.png,a\n4.png,b\n5.png,c",
            r"names pictures that are missing: .*4\.png an",
        ),
        ("labels.csv", "1.png,a\nmore/../1.png,b", r"labels\.csv names 'more/\.\./1\.png' twice"),
        ("labels.csv", "1.png,a\n2.PNG, ", r"has no text for '2\.PNG'"),
        ("labels.csv", "1.png,a,b", "has 3 columns instead of 2"),
        ("labels.txt", "1.png a\n2.PNG\n", r"Line 2 of .* has no text behind '2\.PNG'"),
        ("labels.tsv", "1.png a", "Line 1 of .* has no tab"),
    ],
)
def test_labels_that_are_wrong(folder: Path, name: str, text: str, message: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        datasets.load("word_images", data_dir=folder)


def test_folders_that_are_wrong(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "labels.csv").write_text("1.png,a")
    (folder / "labels.tsv").write_text("1.png\ta")
    with pytest.raises(ValueError, match=r"has labels\.csv and labels\.tsv; keep one"):
        datasets.load("word_images", data_dir=folder)
    (folder / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"has neither labels\.csv nor .*beside them"):
        datasets.load("word_images", data_dir=folder / "empty")
    monkeypatch.delenv("ZOO_DATA_DIR", raising=False)
    with pytest.raises(ValueError, match="needs as `data_dir` a folder .*Received: data_dir=None"):
        datasets.load("word_images")


# What is made.


def test_digit_strings() -> None:
    pairs = datasets.DigitStrings().pairs("test")
    again = datasets.DigitStrings().pairs("test")
    assert len(pairs) == 500
    for (image, text), (other, same) in zip(pairs, again, strict=True):
        np.testing.assert_array_equal(image, other)
        assert text == same and text.isdigit() and 1 <= len(text) <= 6
        assert image.shape[0] == 32 and image.dtype == np.uint8 and image[:, -1].min() > 200
    assert {digit for _, text in pairs for digit in text} == set("0123456789")
    # No digit that somebody wrote is in two splits.
    shares = {split: digit_strings.digits_of(split) for split in ("train", "validation", "test")}
    assert sum(len(labels) for _, labels in shares.values()) == 1797
    seen = [{image.tobytes() for image in images} for images, _ in shares.values()]
    assert not seen[0] & seen[1] | seen[0] & seen[2] | seen[1] & seen[2]


def test_stroke_fonts_drawn() -> None:
    pairs = datasets.HersheyImages("lower").pairs("validation")
    inks = datasets.HersheyInk("lower").pairs("validation")
    assert [text for _, text in pairs] == [text for _, text in inks]
    assert all(split_of(text) == "validation" for _, text in pairs)
    again = datasets.HersheyImages("lower").pairs("validation")
    for (image, _), (other, _) in zip(pairs[:20], again, strict=False):
        np.testing.assert_array_equal(image, other)
        assert image.shape[0] == 32 and image.dtype == np.uint8 and image.min() < 100
    shares = [(image < 128).mean() for image, _ in pairs]
    assert np.quantile(shares, 0.9) > 2 * np.quantile(shares, 0.1)  # pens differ
