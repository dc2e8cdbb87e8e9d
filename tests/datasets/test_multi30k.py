"""Multi30k from a folder, directly and through TFDS."""

import pytest

from zoo import datasets

SIZES = {"train": 12, "val": 5, "test_2016_flickr": 3}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A tiny Multi30k: root/translation/multi30k."""
    monkeypatch.delenv("ZOO_DATA_DIR", raising=False)
    folder = tmp_path / "translation" / "multi30k"
    folder.mkdir(parents=True)
    for split, size in SIZES.items():
        for language in ("en", "de", "fr", "cs"):
            lines = [f"{language} ä {split} {n}\n" for n in range(size)]
            (folder / f"{split}.{language}").write_text("".join(lines), encoding="utf-8")
    return folder


def load(name="multi30k/en-de", split="train", data_dir=None):
    loaded = datasets.load(name, split, data_dir).as_numpy_iterator()
    return [(source.decode(), target.decode()) for source, target in loaded]


@pytest.mark.parametrize("above", [0, 1, 2])
def test_data_dir_is_the_folder_or_up_to_two_levels_above(folder, above):
    data_dir = [folder, *folder.parents][above]
    assert load(data_dir=data_dir)[3] == ("en ä train 3", "de ä train 3")


def test_data_dir_defaults_to_the_environment(folder, monkeypatch):
    monkeypatch.setenv("ZOO_DATA_DIR", str(folder.parents[1]))
    assert len(load()) == 12


def test_the_folder_itself_may_have_any_name(folder):
    renamed = folder.rename(folder.parent / "captions")
    assert len(load(data_dir=renamed)) == 12


@pytest.mark.parametrize("name", datasets.list_datasets("multi30k/*"))
def test_every_ordered_pair(folder, name):
    source, target = name.split("/")[1].split("-")
    assert load(name, "test", folder)[2] == (
        f"{source} ä test_2016_flickr 2",
        f"{target} ä test_2016_flickr 2",
    )


@pytest.mark.parametrize(
    ("split", "size"),
    [("train", 12), ("validation", 5), ("val", 5), ("test", 3), ("test_2016_flickr", 3)],
)
def test_splits_and_their_own_names(folder, split, size):
    assert len(load(split=split, data_dir=folder)) == size


def test_lines_end_only_at_line_feeds(folder):
    text = "one\u2028still one\x0b\x85\r\ntwo\r\n"
    (folder / "val.en").write_bytes(text.encode())
    (folder / "val.de").write_text("eins\nzwei", encoding="utf-8")
    assert load(split="val", data_dir=folder) == [
        ("one\u2028still one\x0b\x85", "eins"),
        ("two", "zwei"),
    ]


def test_no_folder_given(folder):
    message = "ZOO_DATA_DIR, a folder with the files train.en and train.de, or one up to two levels"
    with pytest.raises(FileNotFoundError, match=message):
        datasets.load("multi30k/en-de")


def test_no_such_folder(folder):
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder"):
        datasets.load("multi30k/en-de", data_dir=folder / "nowhere")


def test_a_folder_without_the_files(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="with the files train.en and train.de.*empty"):
        datasets.load("multi30k/en-de", data_dir=tmp_path / "empty")


def test_a_missing_file_is_named(folder):
    (folder / "train.de").unlink()
    with pytest.raises(FileNotFoundError, match="multi30k of the dataset multi30k lacks train.de"):
        datasets.load("multi30k/en-de", data_dir=folder.parent)
    assert len(load("multi30k/en-fr", data_dir=folder)) == 12


def test_data_dir_must_be_one_path(folder):
    with pytest.raises(TypeError, match="`data_dir` must be one path"):
        datasets.load("multi30k/en-de", data_dir=[folder, folder])


def test_unaligned_files(folder):
    (folder / "train.de").write_text("eins\nzwei\n", encoding="utf-8")
    with pytest.raises(ValueError, match="train.en has 12, .*train.de has 2"):
        datasets.load("multi30k/en-de", data_dir=folder)


def test_real_data(data_dir):
    sizes = {"train": 29_000, "validation": 1_014, "test": 1_000}
    for config in ("en-de", "cs-fr"):
        for split, size in sizes.items():
            loaded = datasets.load(f"multi30k/{config}", split, data_dir)
            assert int(loaded.cardinality()) == size
    first = next(datasets.load("multi30k/en-de", "test", data_dir).as_numpy_iterator())
    assert first == (
        b"A man in an orange hat starring at something.",
        b"Ein Mann mit einem orangefarbenen Hut, der etwas anstarrt.",
    )
    assert int(datasets.load("multi30k/en-de", "train[:10%]", data_dir).cardinality()) == 2_900
