"""ImadocSen-OnDB: English words and sentences, written on tablets by 51 people."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ._base import PairDataset, find_folder

_NAME = "imadocsen_ondb"
_TASK = "task1.txt"
_ARRAYS = ("xy", "pen_up", "offsets", "label", "writer", "train_writers", "test_writers")
_HEADINGS = {"## training set ##": "train", "## test set ##": "test"}
SESSIONS = tuple(
    f"writer{name}"
    for name in (
        "10 12 12b 13 13b 14b 16 17 19 1d 1k 21 22 23 25 26 27 27b 28 29 2c 2d 3 30 31 32 33 34 35 "
        "36 37 38 39 3b 4 40 41 42 43 44 45 46 48 49 4b 50 51 6 6c 7 7b 8 9"
    ).split()
)

Lists = dict[str, set[str]]
Written = tuple[str, np.ndarray, str]


class ImadocSenOnDB(PairDataset):
    """`imadocsen_ondb/words` and `/sentences`: pen strokes and what they say.

    16,423 words, or the 1,057 sentences that they are cut from, in lower case, from 54 sessions.
    The splits are by writer, as `task1.txt` has them: 8,446 words of 27 sessions in `train`, 6,686
    of 23 in `test`; the 1,291 words of the 4 sessions that are in neither list are `validation`.

    An input is an array (points, 3), float32: x, y (downwards), and 1 at the last point of each
    stroke. The target is the text.

    `imadocsen_ondb/<session>`, such as `imadocsen_ondb/writer1d`, has the words of one session, in
    the order in which they were written: `train` is the first 100, `validation` the next 25, and
    `test` all that follow the first 100, so that it does not depend on whether 25 were set apart.

    Nothing is downloaded: the data has no stated licence and no published checksums. Put there
    what was published (`task1.txt` and `data/words/<session>/*.inkml`), or files `words.npz` and
    `sentences.npz` with the arrays `xy`, `pen_up`, `offsets`, `label`, `writer`, `train_writers`
    and `test_writers`.

    Args:
        config: `words`, `sentences` or a session.
        data_dir: that folder, or one up to two levels above it when it is called `imadocsen_ondb`;
            by default the value of the environment variable `ZOO_DATA_DIR`.

    Raises:
        FileNotFoundError: the folder or a file is missing.
        ValueError: a file is damaged.

    Example:

    >>> import pathlib, tempfile
    >>> from zoo import datasets
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "task1.txt").write_text("## training set ##\\nann\\n## test set ##\\nbob")
    >>> (folder / "data" / "words" / "ann").mkdir(parents=True)
    >>> _ = (folder / "data" / "words" / "ann" / "sentence1.inkml").write_text(
    ...     '<ink><traceGroup><annotationXML type="Ground truth"><type>Word</type><label>so</label>'
    ...     "</annotationXML><trace>0 0, 9 5</trace></traceGroup></ink>"
    ... )
    >>> for ink, text in datasets.load("imadocsen_ondb/words", "train", folder):
    ...     print(text.numpy(), ink.shape)
    b'so' (2, 3)
    """

    @classmethod
    def configs(cls) -> tuple[str, ...]:
        return ("words", "sentences", *SESSIONS)

    @classmethod
    def describe_configs(cls) -> str:
        return "words, sentences, and sessions such as writer1d"

    def pairs(self, split: str) -> Sequence[tuple[Any, Any]]:
        unit = self.config if self.config == "sentences" else "words"
        lists, written = _read(self.data_dir, unit)
        if self.config in ("words", "sentences"):
            return [
                (ink, text) for session, ink, text in written if _split(session, lists) == split
            ]
        own = [(ink, text) for session, ink, text in written if session == self.config]
        return own[of_session(split)]


def of_session(split: str) -> slice:
    """Which of the words of one session, in the order of writing, belong to a split."""
    return {"train": slice(100), "validation": slice(100, 125), "test": slice(100, None)}[split]


def sessions(split: str, data_dir: Any = None) -> list[str]:
    """The sessions of a split, sorted; see `ImadocSenOnDB`."""
    lists, written = _read(data_dir, "words")
    return sorted({session for session, _, _ in written if _split(session, lists) == split})


def _split(session: str, lists: Lists) -> str:
    return next((split for split, names in lists.items() if session in names), "validation")


def _read(data_dir: Any, unit: str) -> tuple[Lists, list[Written]]:
    """The sessions of each split, and everything written: session, ink (points, 3) and text."""
    archive = f"{unit}.npz"
    try:
        return _read_archive(find_folder(data_dir, _NAME, [archive]) / archive)
    except FileNotFoundError:
        folder = find_folder(data_dir, _NAME, [_TASK])
    files = sorted(folder.glob("data/words/*/*.inkml")) or sorted(folder.glob("words/*/*.inkml"))
    if not files:
        raise FileNotFoundError(
            f"The folder {folder} of the dataset {_NAME} lacks {archive}, or "
            "data/words/<session>/*.inkml."
        )
    return _read_lists(folder / _TASK), _read_files(files, unit)


def _read_archive(path: Path) -> tuple[Lists, list[Written]]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in _ARRAYS}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is damaged: {str(error).strip(chr(34))}.") from error
    points = np.concatenate([found["xy"], found["pen_up"][:, None]], axis=1).astype("float32")
    inks = np.split(points, found["offsets"][1:-1])
    lists = {split: set(found[f"{split}_writers"].tolist()) for split in ("train", "test")}
    sessions, texts = found["writer"].tolist(), found["label"].tolist()
    return lists, list(zip(sessions, inks, texts, strict=True))


def _read_lists(path: Path) -> Lists:
    lists: Lists = {"train": set(), "test": set()}
    split = None
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        split = _HEADINGS.get(line.strip(), split)
        if split and line.strip() and not line.startswith("#"):
            lists[split].add(line.strip())
    if not lists["train"] or not lists["test"]:
        raise ValueError(f"{path} names no writers under {' and '.join(map(repr, _HEADINGS))}.")
    return lists


def _read_files(files: list[Path], unit: str) -> list[Written]:
    from zoo.applications._ink_reading import read_groups

    kind = {"words": "Word", "sentences": "Sentence"}[unit]
    written = []
    for path in files:
        for ink, text in read_groups(path, kind):
            written.append((path.parent.name, ink.astype("float32"), text))
    return written
