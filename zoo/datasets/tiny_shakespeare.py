"""Tiny Shakespeare, as TFDS has prepared it or as it is published: one file."""

from __future__ import annotations

from . import _tfds
from ._base import TextDataset, find_folder
from ._reading import read_text


class TinyShakespeare(TextDataset):
    """`tiny_shakespeare`: 1.1 million characters from the plays of Shakespeare.

    One document a split, divided as TFDS does it: the first 90 % of the characters are `train`,
    and the rest is halved into `validation` and `test`. Slices count characters.

    It is read as TFDS has prepared it, or else from `input.txt` of
    https://github.com/karpathy/char-rnn (`data/tinyshakespeare`) in a folder of its own. Nothing
    is downloaded.

    Args:
        config: Not used.
        data_dir: The folder of TFDS, or that of `input.txt`, or one up to two levels above it
            when it is called `tiny_shakespeare`; by default the value of the environment variable
            `ZOO_DATA_DIR`, and TFDS's own folder.

    Raises:
        FileNotFoundError: If it is found in neither form; the message is what to do.

    Example:
        >>> import pathlib, tempfile
        >>> from zoo import datasets
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "input.txt").write_text("To be, or not to be!", encoding="utf-8")
        >>> list(datasets.load("tiny_shakespeare", "test", folder).as_numpy_iterator())
        [b'!']

    Source:
        Karpathy 2015, "The Unreasonable Effectiveness of Recurrent Neural Networks".
    """

    running = True

    def texts(self, split: str) -> list[str]:
        return _tfds.prepared_texts("tiny_shakespeare", split, self.data_dir) or [
            _cut(self._read(), split)
        ]

    def _read(self) -> str:
        try:
            folder = find_folder(self.data_dir, "tiny_shakespeare", ["input.txt"])
        except FileNotFoundError as error:
            command = _tfds.command("tiny_shakespeare", self.data_dir)
            raise FileNotFoundError(f"{error} Or prepare it with TFDS: {command}") from None
        return read_text(folder / "input.txt")


def _cut(text: str, split: str) -> str:
    first = int(len(text) * 0.9)
    second = first + int((len(text) - first) * 0.5)
    return {"train": text[:first], "validation": text[first:second], "test": text[second:]}[split]
