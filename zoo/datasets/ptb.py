"""The Penn Treebank as language models use it, read from a folder of the user's."""

from __future__ import annotations

from ._base import TextDataset, find_folder
from ._reading import read_text

_FILES = {"train": "train", "validation": "valid", "test": "test"}


class PennTreebank(TextDataset):
    """`ptb`: news of 1989 with 10,000 words, lower case, numbers as `N`, rare words as `<unk>`.

    One document a split, the file as it is: a sentence a line, a space around every word. Slices
    count characters.

    Nothing is downloaded: the text may not be passed on. Put `ptb.train.txt`, `ptb.valid.txt` and
    `ptb.test.txt` (`simple-examples/data` of Mikolov's `simple-examples.tgz`) into one folder.

    Args:
        config: Not used.
        data_dir: That folder, or one up to two levels above it when it is called `ptb`,
            `penn-treebank` or `simple-examples/data`; by default the value of the environment
            variable `ZOO_DATA_DIR`.

    Raises:
        FileNotFoundError: If the folder or the file of the split is missing.
        ValueError: If the file is empty or not UTF-8.

    Example:
        >>> import pathlib, tempfile
        >>> from zoo import datasets
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "ptb.valid.txt").write_text(" no it was n't black monday \\n")
        >>> list(datasets.load("ptb", "validation", folder).as_numpy_iterator())
        [b" no it was n't black monday \\n"]

    Paper:
        Mikolov et al. 2010, "Recurrent neural network based language model".
    """

    running = True
    split_aliases = {"valid": "validation"}

    def texts(self, split: str) -> list[str]:
        file = f"ptb.{_FILES[split]}.txt"
        names = ("ptb", "penn-treebank", "simple-examples/data")
        return [read_text(find_folder(self.data_dir, names, [file]) / file)]
