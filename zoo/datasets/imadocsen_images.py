"""Pictures of the words of ImadocSen-OnDB."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from ._base import PairDataset, find_folder
from .imadocsen_ondb import SESSIONS, of_session

_NAME = "imadocsen_images"
_ARCHIVE = "words_h32.npz"
_ARRAYS = ("pixels", "offsets", "label", "writer", "split")
_SPLITS = {"train": "train", "validation": "extra", "test": "test"}
"""Our names of the splits, and those in the file."""


class ImadocSenImages(PairDataset):
    """`imadocsen_images/words`: handwritten English words as pictures, and what they say.

    16,423 words in lower case from 54 sessions of 51 people, 32 pixels high, black on white, drawn
    from the strokes of `imadocsen_ondb`, with the same splits: 8,446 words of 27 sessions in
    `train`, 6,686 of 23 in `test`, and the 1,291 of the 4 sessions in neither list in `validation`.

    An input is an array (32, columns), uint8; the target is the text.

    `imadocsen_images/<session>`, such as `imadocsen_images/writer1d`, has the words of one session,
    divided as in `imadocsen_ondb`.

    Nothing is downloaded: the data has no stated licence and no published checksums. Put there
    `words_h32.npz` with the arrays `pixels` (32, all columns), `offsets`, `label`, `writer`
    and `split` ("train", "test" or "extra").

    Args:
        config: `words` or a session.
        data_dir: the folder with that file, or one up to two levels above it when it is called
            `imadocsen_images` or `imadocsen_word_images`; by default the value of the environment
            variable `ZOO_DATA_DIR`.

    Raises:
        FileNotFoundError: the folder or the file is missing.
        ValueError: the file is damaged.

    Example:

    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from zoo import datasets
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> np.savez(
    ...     folder / "words_h32.npz",
    ...     pixels=np.zeros((32, 50), "uint8"),
    ...     offsets=[0, 20, 50],
    ...     label=["so", "far"],
    ...     writer=["writer3", "writer4"],
    ...     split=["train", "test"],
    ... )
    >>> for image, text in datasets.load("imadocsen_images", "test", folder):
    ...     print(text.numpy(), image.shape)
    b'far' (32, 30)
    """

    @classmethod
    def configs(cls) -> tuple[str, ...]:
        return ("words", *SESSIONS)

    @classmethod
    def describe_configs(cls) -> str:
        return "words, and sessions such as writer1d"

    def pairs(self, split: str) -> list[tuple[np.ndarray, str]]:
        folder = find_folder(self.data_dir, (_NAME, "imadocsen_word_images"), [_ARCHIVE])
        arrays = _read(folder / _ARCHIVE)
        pixels, offsets, texts = arrays["pixels"], arrays["offsets"], arrays["label"].tolist()
        if self.config in SESSIONS:
            chosen = np.flatnonzero(arrays["writer"] == self.config)[of_session(split)]
        else:
            chosen = np.flatnonzero(arrays["split"] == _SPLITS[split])
        return [(pixels[:, offsets[item] : offsets[item + 1]], texts[item]) for item in chosen]


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in _ARRAYS}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is damaged: {str(error).strip(chr(34))}.") from error
    pixels, offsets = arrays["pixels"], arrays["offsets"]
    count = len(arrays["label"])
    whole = (
        pixels.ndim == 2
        and len(arrays["split"]) == len(arrays["writer"]) == count == len(offsets) - 1
        and (np.diff(offsets) > 0).all()
        and offsets[0] == 0
        and offsets[-1] == pixels.shape[1]
    )
    if not whole:
        raise ValueError(f"{path} is damaged: its arrays do not fit together.")
    return arrays
