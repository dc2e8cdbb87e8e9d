"""Datasets by name."""

from __future__ import annotations

import difflib
import fnmatch
import functools
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from . import _tfds
from ._base import Dataset, PairDataset, PathLike, TextDataset
from ._slicing import SPLIT_PATTERN, select
from .captions import Captions
from .pairs import Pairs, as_paths
from .texts import Texts, as_text_paths

if TYPE_CHECKING:
    import tensorflow as tf

    from zoo.layers._registry import Registry

_Class = TypeVar("_Class", bound=type[Dataset])

_BUILT_IN = {
    "captions": "zoo.datasets.captions:Captions",
    "digit_strings": "zoo.datasets.digit_strings:DigitStrings",
    "emoji_names": "zoo.datasets.emoji_names:EmojiNames",
    "emoji_pictures": "zoo.datasets.emoji_pictures:EmojiPictures",
    "english": "zoo.datasets.english:English",
    "flickr8k": "zoo.datasets.flickr8k:Flickr8k",
    "hershey_images": "zoo.datasets.hershey_images:HersheyImages",
    "hershey_ink": "zoo.datasets.hershey_ink:HersheyInk",
    "iam_ondb": "zoo.datasets.iam_ondb:IAMOnDB",
    "imadocsen_images": "zoo.datasets.imadocsen_images:ImadocSenImages",
    "imadocsen_ondb": "zoo.datasets.imadocsen_ondb:ImadocSenOnDB",
    "kjv": "zoo.datasets.kjv:KingJamesBible",
    "multi30k": "zoo.datasets.multi30k:Multi30k",
    "pairs": "zoo.datasets.pairs:Pairs",
    "ptb": "zoo.datasets.ptb:PennTreebank",
    "texts": "zoo.datasets.texts:Texts",
    "tiny_shakespeare": "zoo.datasets.tiny_shakespeare:TinyShakespeare",
    "wikitext2": "zoo.datasets.wikitext2:WikiText2",
    "word_images": "zoo.datasets.word_images:WordImages",
}
_TABLES = (".tsv", ".csv")
_SUFFIXES = (*_TABLES, ".txt")
_KINDS = ("pairs", "captions", "texts", "bytes")
_HELD = {"bytes": "texts", "captions": "pairs"}


@functools.cache
def _registry() -> Registry:
    # Made on first use: zoo.layers imports Keras, which reading this package must not.
    from zoo.layers._registry import Registry

    return Registry("dataset", group="zoo.datasets", check=_check, entries=_BUILT_IN)


def _check(value: Any) -> None:
    if not (isinstance(value, type) and issubclass(value, PairDataset | TextDataset)):
        raise TypeError(
            "A dataset must be a class that derives from `zoo.datasets.PairDataset` or "
            f"`zoo.datasets.TextDataset`. Received: {value!r}."
        )


def register_dataset(name: str) -> Callable[[_Class], _Class]:
    """Decorator that makes a dataset of your own available by name.

    Other packages announce theirs in the entry-point group `zoo.datasets`.

    Args:
        name: The name, without a slash; what follows a slash is the configuration.

    Returns:
        A decorator for a subclass of `PairDataset` or `TextDataset`.

    Raises:
        TypeError: If the decorated object is no such class.
        ValueError: If the name is taken or has a character that names of datasets cannot have.

    Example:
        >>> from zoo import datasets
        >>> @datasets.register_dataset("greetings")
        ... class Greetings(datasets.PairDataset):
        ...     def pairs(self, split):
        ...         return [("hello", "hallo")]
        >>> "greetings" in datasets.list_datasets()
        True
    """
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z]\w*", name):
        raise ValueError(
            "`name` of a dataset must be letters, digits and underscores, a letter first. "
            f"Received: name={name!r}."
        )

    def decorate(cls: _Class) -> _Class:
        _registry().register(name, cls)
        return cls

    return decorate


def list_datasets(pattern: str = "*") -> list[str]:
    """Names of the zoo's datasets and of those that others have registered.

    Those that other packages announce are imported; a broken one is left out with a warning. The
    datasets of TFDS can be loaded too and are not listed; see `tfds.list_builders()`.

    Args:
        pattern: A shell-style pattern. With a slash it is compared with the names of all
            configurations, as in `"multi30k/*"`.

    Returns:
        The sorted names. Without a configuration, a name stands for its first one.

    Example:
        >>> from zoo import datasets
        >>> datasets.list_datasets("multi30k")
        ['multi30k']
        >>> datasets.list_datasets("multi30k/en-*")
        ['multi30k/en-cs', 'multi30k/en-de', 'multi30k/en-fr']
    """
    if "/" not in pattern:
        return _registry().working_names(pattern)
    names = _registry().working_names(pattern.split("/")[0])
    full = [f"{name}/{config}" for name in names for config in _registry().get(name).configs()]
    return sorted(name for name in full if fnmatch.fnmatchcase(name, pattern))


def is_file_dataset(name: PathLike | Sequence[PathLike]) -> bool:
    """Whether `load` takes `name` for files of the user's own.

    So it does with a path object, a sequence of paths, a string that ends in `.tsv`, `.csv` or
    `.txt`, holds a comma, starts with a dot, a slash or a tilde, is the path of a file, or of a
    folder and not the name of a dataset.

    Args:
        name: What `load` is given.

    Returns:
        Whether it is read as files.

    Example:
        >>> from zoo import datasets
        >>> datasets.is_file_dataset("talk.en,talk.de"), datasets.is_file_dataset("multi30k/en-de")
        (True, False)
    """
    if not isinstance(name, str):
        return isinstance(name, (os.PathLike, list, tuple))
    return (
        name.lower().endswith(_SUFFIXES)
        or "," in name
        or name.startswith((".", "~", os.sep))
        or Path(name).is_file()
        or (bool(name) and Path(name).is_dir() and not _is_dataset(name))
    )


def _is_dataset(name: str) -> bool:
    dataset = re.split("[/:]", name)[0]
    return dataset in _registry().names() or dataset in _tfds.dataset_names()


def parse_spec(spec: str, split: str = "test") -> tuple[str, str]:
    """Splits `NAME[:SPLIT]`, the way datasets are named on the command line.

    Args:
        spec: A name or path, and a split behind a colon if there is one.
        split: The split where `spec` names none.

    Returns:
        What to pass to `load` as `name` and `split`.

    Example:
        >>> from zoo import datasets
        >>> datasets.parse_spec("multi30k/en-de:train[:10%]+validation")
        ('multi30k/en-de', 'train[:10%]+validation')
        >>> datasets.parse_spec("talk.tsv")
        ('talk.tsv', 'test')
    """
    match = re.fullmatch(rf"(.+?):({SPLIT_PATTERN})", spec)
    if match is None or Path(spec).exists():
        return spec, split
    return match[1], match[2]


def load(
    name: PathLike | Sequence[PathLike],
    split: str = "train",
    data_dir: PathLike | Sequence[PathLike] | None = None,
    kind: str | None = None,
) -> tf.data.Dataset:
    """Loads a dataset of raw `(input, target)` pairs, or of texts.

    Args:
        name: One of `list_datasets()`, with a configuration behind a slash (`"multi30k/en-de"`);
            a dataset by its TFDS name, which must have been prepared; or files of your own: pairs
            from `"talk.tsv"`, `"talk.csv"` or `"talk.en,talk.de"` (see `Pairs`), texts from
            `"book.txt"` or a folder (see `Texts`). Names of TFDS give the
            pairs that TFDS declares, `"ted_hrlr_translate/pt_to_en"` from Portuguese to English;
            `"ted_hrlr_translate/en_to_pt"` swaps them, and a last `/SOURCE-TARGET` names two of
            the languages: `"ted_multi_translate/fr-en"`, `"opus/medical/en-de"`. A last
            `/FEATURE` names that which holds the texts: `"pg19/book_text"`.
        split: `train`, `validation` or `test`, sliced and added as in TFDS: `train[:10%]`,
            `train[100:200]`, `train[-50:]`, `train+validation`, `all`. Where not every example has
            both languages, slices count examples, of which those are left out that lack one.
            Slices of running texts (files, `tiny_shakespeare`, `ptb`, `wikitext2`) count
            characters.
        data_dir: The folder of the data, or one up to two levels above it; by default the value of
            the environment variable `ZOO_DATA_DIR`. Embedded datasets and paths need none.
        kind: What is wanted: `"pairs"`; `"captions"`, pairs of a picture (its path, or the bytes of
            its file) and a caption; `"texts"`; or `"bytes"`, texts of any encoding as they
            are, whose slices count bytes. By default what a dataset has; of one file or folder,
            pairs if its name ends in `.tsv` or `.csv`, texts otherwise; of two files, pairs.

    Returns:
        A `tf.data.Dataset` of pairs or of scalar strings, in a fixed order; texts are scalar
        strings in UTF-8.

    Raises:
        FileNotFoundError: If data is missing; the message says what is expected where.
        ValueError: If the name, configuration or split is unknown, the data is not of that kind,
            or a file cannot be read.

    Example:
        >>> from zoo import datasets
        >>> pairs = datasets.load("emoji_names/en-fr", split="test[:20]")
        >>> int(pairs.cardinality())
        20
    """
    if kind is not None and kind not in _KINDS:
        raise ValueError(
            f"`kind` must be None, {', '.join(map(repr, _KINDS[:-1]))} or {_KINDS[-1]!r}. "
            f"Received: kind={kind!r}."
        )
    if is_file_dataset(name):
        return _to_tf(_open_files(name, kind), split, _shown(name))
    if not isinstance(name, str) or not name:
        raise TypeError(f"`name` must be the name of a dataset or a path. Received: name={name!r}.")
    dataset, _, config = name.partition("/")
    if dataset in _registry().names():
        return _to_tf(_open(dataset, config, data_dir, kind), split, dataset)
    if not isinstance(data_dir, (str, os.PathLike, type(None))):
        raise TypeError(f"`data_dir` of {name} must be one path. Received: data_dir={data_dir!r}.")
    found = _tfds.load(name, split, data_dir, "texts" if kind == "bytes" else kind)
    if found is None:
        raise ValueError(_unknown(name))
    return found


def _open_files(name: Any, kind: str | None) -> Dataset:
    if kind is None:
        paths = as_text_paths(name)
        is_table = len(paths) == 1 and paths[0].suffix.lower() in _TABLES
        kind = "pairs" if is_table or len(paths) == 2 else "texts"
    if kind == "captions":
        return Captions(data_dir=as_paths(name))
    if kind == "pairs":
        return Pairs(data_dir=as_paths(name))
    return Texts(data_dir=as_text_paths(name), encoding=None if kind == "bytes" else "utf-8")


def _shown(name: Any) -> str:
    return " and ".join(map(str, as_text_paths(name)))


def _open(name: str, config: str, data_dir: Any, kind: str | None) -> Dataset:
    cls = _registry().get(name)
    configs = cls.configs()
    if config and config not in configs:
        known = f"it has {cls.describe_configs()}" if configs else "it has none"
        raise ValueError(f"Unknown configuration {config!r} of the dataset {name}; {known}.")
    wanted = _HELD.get(kind or "", kind)
    if wanted not in (None, cls.kind):
        raise ValueError(f"The dataset {name} holds {cls.kind}, but {wanted} are wanted.")
    if kind == "bytes" and issubclass(cls, Texts):
        return cls(config, data_dir, encoding=None)
    return cls(config or (configs[0] if configs else ""), data_dir)


def _unknown(name: str) -> str:
    ours = _registry().names()
    close = difflib.get_close_matches(
        name.partition("/")[0], [*ours, *_tfds.dataset_names()], n=3, cutoff=0.6
    )
    known = f"known are {', '.join(ours)}, the datasets of TFDS, and paths of files and folders."
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else known
    return f"Unknown dataset {name!r}; {hint}"


def _to_tf(dataset: Dataset, split: str, name: str) -> tf.data.Dataset:
    items = dataset.expand(select(dataset, split, name))
    import tensorflow as tf

    if dataset.kind == "texts":
        return tf.data.Dataset.from_tensor_slices(tf.constant(items, tf.string))
    inputs, targets = zip(*items, strict=True)
    first = inputs[0]
    if not hasattr(first, "shape"):
        return tf.data.Dataset.from_tensor_slices((list(inputs), list(targets)))
    # Arrays of several lengths along some axes.
    shape = [
        size if all(item.shape[axis] == size for item in inputs) else None
        for axis, size in enumerate(first.shape)
    ]
    spec = tf.TensorSpec(shape, first.dtype)
    pairs = tf.data.Dataset.from_generator(
        lambda: iter(items), output_signature=(spec, tf.TensorSpec([], tf.string))
    )
    return pairs.apply(tf.data.experimental.assert_cardinality(len(items)))
