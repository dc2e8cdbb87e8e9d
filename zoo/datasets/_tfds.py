"""Datasets that TFDS has, from prepared files only: looking for them never touches the network."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._base import DATA_DIR_VARIABLE, PathLike
from ._slicing import bad_split, check_split

if TYPE_CHECKING:
    import tensorflow as tf

_NAME = re.compile(r"(?P<dataset>[A-Za-z]\w*)(?:/(?P<config>[\w.\-]+))?(?::[\d.*]+)?")


def dataset_names() -> list[str]:
    """The names of the datasets that TFDS has code for."""
    import tensorflow_datasets as tfds

    # Community datasets are left out: their list is fetched from the network.
    return tfds.list_builders(with_community_datasets=False)


def load(name: str, split: str, data_dir: PathLike | None) -> tf.data.Dataset | None:
    """Loads prepared pairs.

    Args:
        name: A dataset as TFDS names it, with a config and a version where it has some.
        split: A split in the notation of TFDS.
        data_dir: The folder in which TFDS prepared it, or the dataset's own folder, or one two
            levels above; by default `ZOO_DATA_DIR` and then TFDS's own default.

    Returns:
        The pairs, or None if TFDS knows no such dataset.

    Raises:
        FileNotFoundError: If the dataset is not prepared; the message is the command that does it.
        ValueError: If the config or split is unknown, or the dataset has no pairs.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    builder = _prepared(name, match["dataset"], data_dir) or _from_code(name, match, data_dir)
    if builder is None:
        return None
    if builder.info.splits:
        check_split(split, tuple(builder.info.splits), name)
    import tensorflow_datasets as tfds

    try:
        examples = builder.as_dataset(
            split=split,
            as_supervised=builder.info.supervised_keys is not None,
            # One file after the other: slices then follow the order of the positions.
            read_config=tfds.ReadConfig(interleave_cycle_length=1),
        )
    except AssertionError as error:  # how TFDS says that nothing has been prepared
        raise FileNotFoundError(_not_prepared(name, data_dir)) from error
    except (ValueError, NotImplementedError) as error:
        raise ValueError(bad_split(split, error)) from error
    return _as_pairs(examples, name)


def _prepared(name: str, dataset: str, data_dir: PathLike | None) -> Any:
    """A builder for the files in the first folder that has them."""
    from tensorflow_datasets.core import read_only_builder, registered

    for folder in _folders(dataset, data_dir):
        try:
            return read_only_builder.builder_from_files(name, data_dir=folder)
        except registered.DatasetNotFoundError:
            continue
    return None


def _folders(dataset: str, data_dir: PathLike | None) -> Iterator[str]:
    given = data_dir or os.environ.get(DATA_DIR_VARIABLE)
    if given:
        top = Path(given).expanduser()
        below = (path.parent for path in sorted(top.glob(f"*/{dataset}")))
        yield from map(str, (top, top.parent, *below))
    if data_dir is None:
        from tensorflow_datasets.core.utils import file_utils

        yield from map(str, file_utils.list_data_dirs())


def _from_code(name: str, match: re.Match[str], data_dir: PathLike | None) -> Any:
    """A builder from TFDS's code, whose files are missing; None for an unknown name."""
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core import registered

    try:
        builder = tfds.builder_cls(match["dataset"])
    except registered.DatasetNotFoundError:
        return None
    configs = list(builder.builder_configs)
    if match["config"] and match["config"] not in configs:
        known = f"it has {', '.join(configs)}" if configs else "it has none"
        raise ValueError(
            f"Unknown config {match['config']!r} of the dataset {match['dataset']}; {known}."
        )
    return tfds.builder(name, data_dir=data_dir)


def _not_prepared(name: str, data_dir: PathLike | None) -> str:
    where = f", data_dir={os.fspath(data_dir)!r}" if data_dir is not None else ""
    return (
        f"The dataset {name} is not prepared on this machine; prepare it, with a network, by: "
        f'python -c "import tensorflow_datasets as tfds; tfds.load({name!r}{where})"'
    )


def _as_pairs(examples: tf.data.Dataset, name: str) -> tf.data.Dataset:
    spec = examples.element_spec
    if isinstance(spec, tuple) and len(spec) == 2:
        return examples
    if isinstance(spec, dict) and len(spec) == 2:
        first, second = spec
        return examples.map(lambda example: (example[first], example[second]))
    raise ValueError(
        f"The dataset {name} has no (input, target) pairs; an example of it has "
        f"{', '.join(spec) if isinstance(spec, dict) else spec}."
    )
