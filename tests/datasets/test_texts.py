"""Texts without targets: the user's own files and folders, right and wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo import datasets
from zoo.datasets import _slicing


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a file below the current folder; texts are encoded as UTF-8."""
    monkeypatch.chdir(tmp_path)

    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def load(name, split="train", data_dir=None, kind=None):
    return list(datasets.load(name, split, data_dir, kind).as_numpy_iterator())


def test_a_file_is_one_text_and_nothing_is_stripped(write):
    import tensorflow as tf

    text = "\n  To be,\r\n\tor\u2028not — ä \n\n"
    path = write("book.txt", text)
    loaded = datasets.load("book.txt")
    assert loaded.element_spec == tf.TensorSpec((), tf.string)
    for found in (load("book.txt"), load(path), load([path]), load("texts", data_dir=path)):
        assert found == [text.encode()]


def test_a_byte_order_mark_is_not_text(write):
    write("book.txt", b"\xef\xbb\xbfhello")
    assert load("book.txt") == [b"hello"]
    assert load("book.txt", kind="bytes") == [b"\xef\xbb\xbfhello"]


@pytest.mark.parametrize("name", ["poems", "poems.md", "poems.tokens"])
def test_a_file_of_any_name_holds_text(write, name):
    path = write(name, "roses\tare red\n")
    assert load(path) == load(f"./{name}") == [b"roses\tare red\n"]


def test_tables_hold_pairs_unless_texts_are_wanted(write):
    write("talk.tsv", "yes\tja\n")
    write("talk.de", "ja\n")
    assert load("talk.tsv") == load("talk.tsv", kind="pairs") == [(b"yes", b"ja")]
    assert load("talk.tsv", kind="texts") == [b"yes\tja\n"]
    assert load("talk.de,talk.tsv") == [(b"ja", b"yes\tja")]
    assert load("talk.de,talk.tsv", kind="texts") == [b"ja\n", b"yes\tja\n"]


def test_a_folder_is_the_files_below_it_in_the_order_of_their_paths(write, tmp_path):
    for name, text in {
        "lib/b.txt": "two ",
        "lib/a/z.txt": "one ",
        "lib/c/d/e.md": "three",
        "lib/empty.txt": "",
        "lib/.hidden": b"\xff",
        "lib/.git/config": b"\xff",
    }.items():
        write(name, text)
    expected = [b"one ", b"two ", b"three"]
    for name in ("lib", "./lib", tmp_path / "lib", "lib/"):
        assert load(name) == expected, name
    assert load("texts", data_dir="lib") == load("lib", "test", kind="bytes") == expected
    assert load("lib,lib/b.txt", kind="texts") == [*expected, b"two "]
    assert load("lib", "train[2:9]+train[-2:]") == [b"e ", b"two ", b"t", b"ee"]


def test_a_dataset_goes_before_a_folder_of_its_name(write):
    write("kjv/x.txt", "my own")
    assert load("./kjv") == [b"my own"]
    write("lib/x.txt", "my own")
    assert datasets.is_file_dataset("lib") and not datasets.is_file_dataset("kjv")
    assert load("kjv", "train[:1]")[0].startswith(b"In the beginning")


texts = st.lists(st.text(alphabet="aä\n🙂", min_size=1, max_size=9), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(texts, st.integers(0, 100))
def test_slices_cut_by_position_and_lose_nothing(documents, percent):
    class Given(datasets.TextDataset):
        running = True

        def texts(self, split):
            return documents

    def cut(split):
        try:
            return _slicing.select(Given(), split, "given")
        except ValueError as error:
            assert "selects no texts" in str(error)
            return []

    first, last = cut(f"train[:{percent}%]"), cut(f"train[{percent}%:]")
    whole = "".join(documents)
    assert "".join(first) + "".join(last) == whole
    assert len("".join(first)) == round(len(whole) * percent / 100)
    assert len(first) + len(last) - len(documents) in (0, 1)


def test_slices_count_characters_or_bytes(write):
    write("a.txt", "äöü")
    assert load("a.txt", "train[:2]") == ["äö".encode()]
    assert load("a.txt", "train[:2]", kind="bytes") == ["ä".encode()]


@pytest.mark.parametrize("split", ["train", "validation", "test", "all"])
def test_every_split_is_the_whole_text(write, split):
    write("a.txt", "abc")
    assert load("a.txt", split) == [b"abc"]


def test_two_split_names_of_one_text(write):
    write("a.txt", "abc")
    with pytest.raises(ValueError, match="a.txt is one undivided set, .* means all texts; name"):
        load("a.txt", "train+test")


@pytest.mark.parametrize(
    ("content", "byte", "line"),
    [(b"a\nb\xfcc", 3, 2), (b"\xef\xbb\xbfa\xff", 4, 1), ("ä".encode() * 50 + b"\x80", 100, 1)],
    ids=["latin-1", "after a mark", "later"],
)
def test_bytes_that_are_not_utf8_are_named(write, content, byte, line):
    write("a.txt", content)
    with pytest.raises(ValueError, match=rf"a.txt is not UTF-8: byte {byte} \(line {line}\)"):
        load("a.txt")
    assert load("a.txt", kind="bytes") == load("a.txt", kind="bytes") == [content]


def test_the_file_of_a_folder_that_is_not_utf8_is_named(write):
    write("lib/a.txt", "fine")
    write("lib/b.png", b"\x89PNG")
    with pytest.raises(ValueError, match=r"lib/b.png is not UTF-8: byte 0 .* is 0x89"):
        load("lib")


def test_empty_files_and_folders(write, tmp_path):
    write("a.txt", "")
    (tmp_path / "lib").mkdir()
    for kind in ("texts", "bytes"):
        with pytest.raises(ValueError, match=r"^a\.txt is empty\.$"):
            load("a.txt", kind=kind)
        with pytest.raises(ValueError, match=r"^lib has no file with text in it\.$"):
            load("lib", kind=kind)


def test_missing_files(write):
    with pytest.raises(FileNotFoundError, match=r"There is no file missing\.txt\."):
        load("missing.txt")
    with pytest.raises(ValueError, match="Unknown dataset 'no-such'.* paths of files and folders"):
        load("no-such")


@pytest.mark.parametrize("data_dir", [None, "", [], ["a", ""], [1], 3])
def test_texts_needs_paths(data_dir):
    with pytest.raises(ValueError, match="needs the path of a text file or of a folder"):
        load("texts", data_dir=data_dir)


def test_one_line_of_50_megabytes(write):
    text = ("Ω" + "word " * 9)[:46] * 1_100_000
    path = write("long.txt", text)
    assert path.stat().st_size > 50e6
    (found,) = load("long.txt", "train[:90%]")
    assert found == text[: round(0.9 * len(text))].encode()


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("emoji_names/en-de", "texts", "emoji_names holds pairs, but texts are wanted"),
        ("emoji_names/en-de", "bytes", "emoji_names holds pairs, but texts are wanted"),
        ("kjv", "pairs", "kjv holds texts, but pairs are wanted"),
        ("kjv", "words", "`kind` must be None, 'pairs', 'captions', 'texts' or 'bytes'. Received:"),
    ],
)
def test_the_other_kind_is_refused(name, kind, message):
    with pytest.raises(ValueError, match=message):
        datasets.load(name, kind=kind)


def test_named_datasets_of_texts_as_bytes():
    assert load("kjv", "test[:2]", kind="bytes") == load("kjv", "test[:2]")


def test_a_dataset_without_texts_says_what_it_lacks():
    class Unfinished(datasets.TextDataset):
        pass

    with pytest.raises(NotImplementedError, match="Unfinished must define `texts"):
        _slicing.select(Unfinished(), "train", "unfinished")
