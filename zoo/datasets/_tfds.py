"""Datasets that TFDS has, from prepared files only: looking for them never touches the network."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._base import DATA_DIR_VARIABLE, PathLike
from ._slicing import bad_split, check_split
from ._tfds_captions import read_captions
from ._tfds_pairs import Pairing
from ._tfds_texts import holds_texts, read_texts

if TYPE_CHECKING:
    import tensorflow as tf

_NAME = re.compile(
    r"(?P<own>(?P<dataset>[A-Za-z]\w*)(?:/(?P<config>[\w.\-]+))?(?P<version>:[\d.*]+)?)"
    r"(?:/(?P<pair>[\w.\-]+))?"
)


def dataset_names() -> list[str]:
    """The names of the datasets that TFDS has code for."""
    import tensorflow_datasets as tfds

    # Community datasets are left out: their list is fetched from the network.
    return tfds.list_builders(with_community_datasets=False)


def load(
    name: str, split: str, data_dir: PathLike | None, kind: str | None = None
) -> tf.data.Dataset | None:
    """Loads prepared pairs or texts.

    Args:
        name: A dataset as TFDS names it, with a config and a version where it has some. Then
            `/SOURCE-TARGET` may name two of its languages (or features), the input and the target.
            A config that is written the other way round (`en_to_pt` for `pt_to_en`) swaps them.
            Of texts, `/FEATURE` may name the feature that holds them.
        split: A split in the notation of TFDS.
        data_dir: The folder in which TFDS prepared it, or the dataset's own folder, or one two
            levels above; by default `ZOO_DATA_DIR` and then TFDS's own default.
        kind: What is wanted, "pairs", "captions" or "texts"; None for what the dataset has.

    Returns:
        The pairs or texts, or None if TFDS knows no such dataset.

    Raises:
        FileNotFoundError: If the dataset is not prepared; the message is the command that does it.
        ValueError: If the config, pair or split is unknown, or the dataset has no pairs.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    own, pairing = match["own"], Pairing(match["own"], match["pair"])
    builder = _prepared(own, match["dataset"], data_dir)
    if builder is None:
        own, pairing = _read_name(match)
        builder = _prepared(own, match["dataset"], data_dir) or _from_code(own, data_dir)
    if builder is None:
        return None
    if builder.info.splits:
        check_split(split, tuple(builder.info.splits), own)
    import tensorflow_datasets as tfds

    def read(as_supervised: bool = False, decoders: Any = None) -> tf.data.Dataset:
        # One file after the other: slices then follow the order of the positions.
        config = tfds.ReadConfig(interleave_cycle_length=1)
        try:
            return builder.as_dataset(
                split=split, as_supervised=as_supervised, read_config=config, decoders=decoders
            )
        except AssertionError as error:  # how TFDS says that nothing has been prepared
            raise FileNotFoundError(_not_prepared(own, data_dir)) from error
        except (ValueError, NotImplementedError) as error:
            raise ValueError(bad_split(split, error)) from error

    if kind == "captions":
        return read_captions(own, builder.info, read)
    if kind == "texts" or (kind is None and pairing.wanted is None and holds_texts(builder.info)):
        return read_texts(own, builder.info, pairing.wanted, read)
    return pairing.of(builder.info, read)


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


def _read_name(match: re.Match[str]) -> tuple[str, Pairing]:
    """The name of which TFDS has code, and the pair; what it calls no config may be a pair."""
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core import registered

    dataset, config, pair = match["dataset"], match["config"], match["pair"]
    try:
        configs = list(tfds.builder_cls(dataset).builder_configs)
    except registered.DatasetNotFoundError:
        configs = []
    if config is None or config in configs:
        return match["own"], Pairing(match["own"], pair)
    version = match["version"] or ""
    if pair is None and not configs:
        return f"{dataset}{version}", Pairing(dataset, config)
    if pair is None and _turned(config) in configs:
        own = f"{dataset}/{_turned(config)}{version}"
        return own, Pairing(own, turned=True)
    close = difflib.get_close_matches(config, configs, n=3)
    known = f"it has {', '.join(configs)}." if configs else "it has none."
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else known
    raise ValueError(f"Unknown config {config!r} of the dataset {dataset}; {hint}")


def _turned(config: str) -> str:
    """A config of two languages the other way round."""
    for separator in ("_to_", "-"):
        first, found, last = config.partition(separator)
        if found:
            return f"{last}{separator}{first}"
    return config[2:] + config[:2] if len(config) == 4 else ""


def _from_code(name: str, data_dir: PathLike | None) -> Any:
    """A builder from TFDS's code, whose files are missing; None for an unknown name."""
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core import registered

    try:
        return tfds.builder(name, data_dir=data_dir)
    except registered.DatasetNotFoundError:
        return None
    except (ValueError, AssertionError) as error:  # of an unknown version, say
        reason = str(error).rpartition('}": ')[2].splitlines()[0].rstrip(".")
        raise ValueError(f"TFDS cannot make the dataset {name}: {reason}.") from error


def prepared_texts(name: str, split: str, data_dir: Any) -> list[str] | None:
    """The texts of a split if TFDS has prepared them, or else None; `data_dir` as in `load`."""
    if not isinstance(data_dir, (str, os.PathLike, type(None))):
        return None
    try:
        found = load(name, split, data_dir, "texts")
    except FileNotFoundError:
        return None
    return None if found is None else [text.decode() for text in found.as_numpy_iterator()]


def command(name: str, data_dir: Any) -> str:
    """The command that prepares a dataset."""
    where = f", data_dir={os.fspath(data_dir)!r}" if data_dir is not None else ""
    return f'python -c "import tensorflow_datasets as tfds; tfds.load({name!r}{where})"'


def _not_prepared(name: str, data_dir: PathLike | None) -> str:
    return (
        f"The dataset {name} is not prepared on this machine; prepare it, with a network, by: "
        f"{command(name, data_dir)}"
    )
