"""Multi30k: image captions in four languages, read from a folder of the user's."""

from __future__ import annotations

from itertools import permutations

from ._base import PairDataset, find_folder
from ._reading import read_aligned

_FILES = {"train": "train", "validation": "val", "test": "test_2016_flickr"}


class Multi30k(PairDataset):
    """`multi30k/<src>-<tgt>`: captions of 31,014 photos in English, German, French and Czech.

    Any ordered pair of `en`, `de`, `fr` and `cs`; 29,000 pairs in `train`, 1,014 in `validation`
    (also `val`) and 1,000 in `test` (also `test_2016_flickr`), each a sentence and its
    translation, in the order of the files.

    Nothing is downloaded: the data has no stated licence and no published checksums. Put the
    files of https://github.com/multi30k/dataset (`data/task1/raw`, unpacked) into one folder:
    `train.<language>`, `val.<language>` and `test_2016_flickr.<language>`.

    Args:
        config: The languages, as in `"en-de"`.
        data_dir: That folder, or one up to two levels above it when it is called `multi30k`; by
            default the value of the environment variable `ZOO_DATA_DIR`.

    Raises:
        FileNotFoundError: If the folder or one of the files is missing.
        ValueError: If the files of two languages do not match, or are not UTF-8.

    Example:
        >>> import pathlib, tempfile
        >>> from zoo import datasets
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "val.en").write_text("A dog.", encoding="utf-8")
        >>> _ = (folder / "val.de").write_text("Ein Hund.", encoding="utf-8")
        >>> list(datasets.load("multi30k/de-en", "validation", folder).as_numpy_iterator())
        [(b'Ein Hund.', b'A dog.')]

    Paper:
        Elliott et al. 2016, "Multi30K: Multilingual English-German Image Descriptions".
    """

    languages = ("en", "de", "fr", "cs")
    split_aliases = {"val": "validation", "test_2016_flickr": "test"}

    @classmethod
    def configs(cls) -> tuple[str, ...]:
        return tuple("-".join(pair) for pair in permutations(cls.languages, 2))

    @classmethod
    def describe_configs(cls) -> str:
        return f"any two of {', '.join(cls.languages)}, as in en-de"

    def pairs(self, split: str) -> list[tuple[str, str]]:
        files = [f"{_FILES[split]}.{language}" for language in self.config.split("-")]
        folder = find_folder(self.data_dir, "multi30k", files)
        return read_aligned(*(folder / file for file in files))
