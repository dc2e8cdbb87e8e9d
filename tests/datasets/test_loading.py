"""Names, splits and slices: the same behaviour for every kind of dataset."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo import datasets
from zoo.datasets import _loading


class Numbers(datasets.PairDataset):
    """A hundred and one pairs in train, twenty-three in validation, seven in test."""

    sizes = {"train": 101, "validation": 23, "test": 7}
    split_aliases = {"val": "validation"}
    reads: list[str] = []

    def pairs(self, split):
        self.reads.append(split)
        return [(f"{split} {n}", f"{n}") for n in range(self.sizes[split])]


@pytest.fixture
def numbers():
    Numbers.reads.clear()
    return datasets.register_dataset("numbers")(Numbers)


def inputs(name, split="train", data_dir=None):
    loaded = datasets.load(name, split, data_dir)
    return [text.decode() for text, _ in loaded.as_numpy_iterator()]


def test_importing_the_package_loads_no_engine():
    script = (
        "import sys, zoo.datasets; "
        "print([m for m in ('keras', 'tensorflow', 'tensorflow_datasets') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_load_gives_scalar_strings(numbers):
    import tensorflow as tf

    loaded = datasets.load("numbers", "test")
    assert isinstance(loaded, tf.data.Dataset)
    assert loaded.element_spec == (tf.TensorSpec((), tf.string), tf.TensorSpec((), tf.string))
    assert int(loaded.cardinality()) == 7
    assert next(iter(loaded.as_numpy_iterator())) == (b"test 0", b"0")


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ("train[:10%]", [f"train {n}" for n in range(10)]),
        ("train[99:]", ["train 99", "train 100"]),
        ("test[-2:]", ["test 5", "test 6"]),
        ("test[:-5]", ["test 0", "test 1"]),
        ("test[5:]+train[:1]", ["test 5", "test 6", "train 0"]),
        (" val[21:] + test[6:] ", ["validation 21", "validation 22", "test 6"]),
        ("test[:1]+test[:2]", ["test 0", "test 0", "test 1"]),
    ],
)
def test_slices(numbers, split, expected):
    assert inputs("numbers", split) == expected


def test_all_is_every_split_once(numbers):
    assert len(inputs("numbers", "all")) == 131


def test_only_the_splits_asked_for_are_read(numbers):
    inputs("numbers", "test[:3]+test[4:]")
    assert Numbers.reads == ["test"]


boundary = st.one_of(
    st.just(""), st.integers(-101, 101).map(str), st.integers(-100, 100).map("{}%".format)
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(Numbers.sizes)), boundary, boundary), min_size=1))
def test_slices_are_those_of_tfds(parts):
    import tensorflow_datasets as tfds

    split = "+".join(
        f"{name}[{start}:{stop}]" if start or stop else name for name, start, stop in parts
    )
    infos = {
        name: SimpleNamespace(num_examples=size, shard_lengths=[size])
        for name, size in Numbers.sizes.items()
    }
    dataset = Numbers()
    try:
        slices = tfds.core.ReadInstruction.from_spec(split).to_absolute(infos)
    except ValueError:
        expected = []
    else:
        expected = [
            pair for part in slices for pair in dataset.pairs(part.splitname)[part.from_ : part.to]
        ]
    if expected:
        assert _loading.select(dataset, split, "numbers") == expected
    else:
        with pytest.raises(ValueError, match="split"):
            _loading.select(dataset, split, "numbers")


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ("train[", "must name a split.*Received: split='train\\['"),
        ("train[:x]", "must name a split"),
        ("", "must name a split"),
        (None, "must name a split"),
        ("train[:102]", "incompatible with 101 examples"),
        ("train[:101%]", r"\[-100, 100\]"),
        ("all[:5%]", "does not support slice"),
        ("dev", "Unknown split 'dev'; numbers has train, validation, test, val"),
        ("train+dev[:2]", "Unknown split 'dev'"),
        ("train[4:4]", r"'train\[4:4\]' of numbers selects no pairs"),
    ],
)
def test_bad_splits(numbers, split, message):
    with pytest.raises(ValueError, match=message) as caught:
        datasets.load("numbers", split)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("numbrs", "Unknown dataset 'numbrs'; did you mean 'numbers'"),
        ("multi30q/en-de", "did you mean 'multi30k'"),
        ("ted_hrlr_translat", "did you mean 'ted_hrlr_translate'"),
        ("no way!", "Unknown dataset 'no way!'; known are .*emoji_names, .*english, "),
        ("numbers/x", "Unknown configuration 'x' of the dataset numbers; it has none"),
        ("multi30k/en-xx", "Unknown configuration 'en-xx' .* any two of en, de, fr, cs"),
        ("multi30k/en-en", "any two of en, de, fr, cs"),
        ("emoji_names/en-xx", "any two of ar, de, en, es, fa, fr, id, it, ja, ko, pt, ru, tr, zh"),
    ],
)
def test_unknown_names(numbers, name, message):
    with pytest.raises(ValueError, match=message):
        datasets.load(name)


@pytest.mark.parametrize("name", ["", 3, None])
def test_names_of_a_wrong_type(name):
    with pytest.raises(TypeError, match="`name` must be the name of a dataset or a path"):
        datasets.load(name)


def test_register_dataset_refuses_what_is_no_dataset():
    with pytest.raises(TypeError, match="must be a class that derives from"):
        datasets.register_dataset("thing")(dict)
    with pytest.raises(ValueError, match="multi30k"):
        datasets.register_dataset("multi30k")(Numbers)
    with pytest.raises(ValueError, match="letters, digits and underscores"):
        datasets.register_dataset("a/b")


def test_a_dataset_without_pairs_says_what_it_lacks():
    @datasets.register_dataset("unfinished")
    class Unfinished(datasets.PairDataset):
        pass

    with pytest.raises(NotImplementedError, match="Unfinished must define"):
        datasets.load("unfinished")


def test_the_first_configuration_is_the_default():
    @datasets.register_dataset("toys")
    class Toys(datasets.PairDataset):
        @classmethod
        def configs(cls):
            return ("small", "large")

        def pairs(self, split):
            return [(self.config, split)]

    assert inputs("toys") == ["small"]
    assert inputs("toys/large") == ["large"]
    with pytest.raises(ValueError, match="it has small, large"):
        datasets.load("toys/huge")


def test_list_datasets(numbers):
    names = datasets.list_datasets()
    assert {"emoji_names", "multi30k", "numbers", "pairs"} <= set(names)
    assert names == sorted(names)
    assert datasets.list_datasets("multi*") == ["multi30k"]
    assert len(datasets.list_datasets("multi30k/*")) == 12
    assert len(datasets.list_datasets("emoji_names/*-*")) == 182
    assert datasets.list_datasets("*/de-cs") == ["multi30k/de-cs"]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("multi30k/en-de", ("multi30k/en-de", "test")),
        ("multi30k/en-de:val", ("multi30k/en-de", "val")),
        ("multi30k/en-de:train[:10%]", ("multi30k/en-de", "train[:10%]")),
        ("a.tsv:train[5:9]+test", ("a.tsv", "train[5:9]+test")),
        ("ted_hrlr_translate/pt_to_en:1.0.0", ("ted_hrlr_translate/pt_to_en:1.0.0", "test")),
        ("ted_hrlr_translate/pt_to_en:1.0.0:train", ("ted_hrlr_translate/pt_to_en:1.0.0", "train")),
        ("talk.en,talk.de", ("talk.en,talk.de", "test")),
        ("C:\\talk.tsv", ("C:\\talk.tsv", "test")),
    ],
)
def test_parse_spec(spec, expected):
    assert datasets.parse_spec(spec) == expected


def test_parse_spec_takes_an_existing_file_as_it_is(tmp_path):
    file = tmp_path / "talk:train"
    file.write_text("a\tb\n")
    assert datasets.parse_spec(str(file), "validation") == (str(file), "validation")
