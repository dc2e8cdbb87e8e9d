"""The user's own files, right and wrong."""

import pytest

from zoo import datasets


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a file into the current folder; texts are encoded as UTF-8."""
    monkeypatch.chdir(tmp_path)

    def write(name, content):
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


def load(name, split="train", data_dir=None):
    loaded = datasets.load(name, split, data_dir).as_numpy_iterator()
    return [(source.decode(), target.decode()) for source, target in loaded]


TWO = [("yes, ä", "ja"), ("no", "nein\u2028doch")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", "yes, ä\tja\nno\tnein\u2028doch\n"),
        ("a.tsv", "yes, ä\tja\r\n\r\nno\tnein\u2028doch"),
        ("a.tsv", "yes, ä\tja\tsome licence\nno\tnein\u2028doch\n"),
        ("a.tsv", "source\ttarget\nyes, ä\tja\nno\tnein\u2028doch\n"),
        ("a.tsv", "\ufeffid\tTarget\tInput\n1\tja\tyes, ä\n2\tnein\u2028doch\tno\n"),
        ("a.csv", '"yes, ä",ja\nno,nein\u2028doch\n'),
        ("a.csv", 'source,target\r\n"yes, ä",ja\r\n\r\nno,nein\u2028doch\r\n'),
        ("a.CSV", '\ufefftarget,note,input\nja,,"yes, ä"\nnein\u2028doch,x,no\n'),
    ],
)
def test_tables(write, name, content):
    path = write(name, content)
    assert load(name) == load(path) == load(str(path)) == load("pairs", data_dir=path) == TWO


def test_a_file_of_any_name_has_pairs_if_they_are_wanted(write):
    write("a.txt", "yes, ä\tja\nno\tnein\u2028doch\n")
    found = datasets.load("a.txt", kind="pairs").as_numpy_iterator()
    assert [(source.decode(), target.decode()) for source, target in found] == TWO
    assert load("pairs", data_dir="a.txt") == TWO


def test_quoted_fields_may_span_lines(write):
    write("a.csv", '"one\ntwo ""2""",eins\n')
    assert load("a.csv") == [('one\ntwo "2"', "eins")]


def test_a_very_long_field(write):
    text = "word " * 40_000
    write("a.csv", f"{text},lang\n")
    assert load("a.csv") == [(text, "lang")]


def test_two_aligned_files(write):
    source = write("talk.en", "one\n\nthree\n")
    target = write("talk.de", "eins\r\nzwei\r\ndrei")
    expected = [("one", "eins"), ("", "zwei"), ("three", "drei")]
    assert load("talk.en,talk.de") == load("talk.en, talk.de") == expected
    assert load((source, target)) == load([str(source), str(target)]) == expected
    assert load("pairs", data_dir=[source, target]) == expected
    assert load("pairs", data_dir="talk.en,talk.de") == expected


def test_a_comma_in_the_name_of_a_file(write):
    write("a,b.tsv", "x\ty\n")
    assert load("a,b.tsv") == [("x", "y")]


@pytest.mark.parametrize("split", ["train", "validation", "test", "all"])
def test_every_split_is_the_whole_file(write, split):
    write("a.tsv", "".join(f"{n}\t{n}\n" for n in range(10)))
    assert len(load("a.tsv", split)) == 10


def test_slices_divide_a_file(write):
    write("a.tsv", "".join(f"{n}\t{n}\n" for n in range(10)))
    parts = [load("a.tsv", f"train{part}") for part in ("[:70%]", "[70%:90%]", "[-1:]")]
    assert [len(part) for part in parts] == [7, 2, 1]
    assert sum(parts, []) == load("a.tsv")


def test_adding_splits_of_a_file_would_repeat_it(write):
    path = write("a.tsv", "x\ty\n")
    with pytest.raises(ValueError, match="one undivided set.*Received: split='train\\+test'"):
        datasets.load(path, "train+test")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tsv", b"", "a.tsv is empty"),
        ("a.csv", b" \n\n", "a.csv is empty"),
        ("a.tsv", b"source\ttarget\n", "has a header but no pairs"),
        ("a.csv", b"input,target\n", "has a header but no pairs"),
        ("a.tsv", b"a\tb\n\nno tab here\n", "Line 3 of .*a.tsv has no tab.*'no tab here'"),
        ("a.tsv", b"x" * 99, "Line 1 of .*'x{40}\\.\\.\\.'"),
        ("a.tsv", b"id\tsource\ttarget\n1\ta\n", "Line 2 of .* 2 columns, but .* in column 3"),
        ("a.csv", b"a,b\nHello, world,Hallo\n", "Line 2 of .* has 3 columns instead of 2"),
        ("a.csv", b"a;b\n", "Line 1 of .* has 1 column instead of 2"),
        ("a.csv", b"source,target\na\n", "Line 2 of .* has 1 column, but .* in column 2"),
        ("a.csv", b'a,b\n"c"d,e\n', "Line 2 of .* is not CSV"),
        ("a.csv", b'a,b\n"c,d\n', "Line [23] of .* is not CSV"),
        ("a.tsv", b"a\tb\nc\t\xfcber\n", r"a.tsv is not UTF-8: byte 6 \(line 2\) is 0xfc"),
        ("a.tsv", b"\xef\xbb\xbfa\tb\nc\t\xfc\n", r"not UTF-8: byte 9 \(line 2\) is 0xfc"),
        ("a.csv", "a,b\n".encode("utf-16"), r"not UTF-8: byte 0 \(line 1\) is 0xff"),
    ],
)
def test_bad_files(write, name, content, message):
    path = write(name, content)
    with pytest.raises(ValueError, match=message) as caught:
        datasets.load(path)
    assert "\n" not in str(caught.value) and "`split`" not in str(caught.value)


def test_a_missing_file(write):
    with pytest.raises(FileNotFoundError, match="There is no file .*missing.tsv"):
        datasets.load("missing.tsv")
    write("talk.en", "one\n")
    with pytest.raises(FileNotFoundError, match="There is no file talk.de"):
        datasets.load("talk.en,talk.de")


def test_a_folder(write, tmp_path):
    (tmp_path / "corpus").mkdir()
    for name in ("corpus", "./corpus", tmp_path / "corpus"):
        with pytest.raises(ValueError, match="corpus is a folder; give the path of a file"):
            datasets.load(name, kind="pairs")


def test_unaligned_files(write):
    write("talk.en", "one\ntwo\n")
    write("talk.de", "eins\n")
    with pytest.raises(ValueError, match="talk.en has 2, talk.de has 1"):
        datasets.load("talk.en,talk.de")


@pytest.mark.parametrize("data_dir", [None, "", "a,b,c", [], ["a", ""], [1, 2], 3])
def test_pairs_needs_one_path_or_two(data_dir):
    with pytest.raises(ValueError, match="needs the path of a TSV or CSV file"):
        datasets.load("pairs", data_dir=data_dir)


def test_is_file_dataset(write):
    path = write("talk", "x\ty\n")
    for name in ("a.tsv", "a.CSV", "a.txt", "x.en,x.de", "./x", "~/x", "talk", path, [path]):
        assert datasets.is_file_dataset(name), name
    for name in ("multi30k/en-de", "emoji_names", "wmt14_translate/de-en:1.0.0", "nothing", 3):
        assert not datasets.is_file_dataset(name), name
