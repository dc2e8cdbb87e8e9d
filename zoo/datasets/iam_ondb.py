"""IAM-OnDB: lines of English, written on a whiteboard by 221 people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ._base import PairDataset, find_folder

_NAME = "iam_ondb"
_LISTS = {
    "train": "trainset.txt",
    "validation": "testset_v.txt",
    "validation2": "testset_t.txt",
    "test": "testset_f.txt",
}
_TOPS = ("task1", "task2", ".")
_FORM = re.compile(r"([a-z]\d\d)-(\d\d\d)([a-z]?)")


class IAMOnDB(PairDataset):
    """`iam_ondb`: lines of handwriting as pen strokes, and what they say.

    The splits are those of the task lists: `train` is `trainset.txt`, `validation`
    `testset_v.txt`, `validation2` `testset_t.txt` and `test` `testset_f.txt`. An input is an array
    (points, 3), float32: x, y (downwards), and 1 at the last point of each stroke; a target is a
    line of text.

    Nothing is downloaded, for the collection must be registered for. Put there, unpacked as
    published: `lineStrokes/a01/a01-000/a01-000u-01.xml` and so on,
    `ascii/a01/a01-000/a01-000u.txt` and so on, and the task lists, also in a folder of their own.

    Args:
        config: not used.
        data_dir: that folder, or one up to two levels above it when it is called `iam_ondb`; by
            default the value of the environment variable `ZOO_DATA_DIR`.

    Raises:
        FileNotFoundError: the folder or a file is missing.
        ValueError: a file is damaged, or a form has more lines of ink than of text.

    Example:

    >>> from zoo import datasets
    >>> datasets.IAMOnDB.splits
    ('train', 'validation', 'validation2', 'test')

    Paper:
        Liwicki and Bunke 2005, "IAM-OnDB, an on-line English sentence database acquired from
        handwritten text on a whiteboard".
    """

    splits = tuple(_LISTS)

    def pairs(self, split: str) -> list[tuple[np.ndarray, str]]:
        folder = self._folder(_LISTS[split])
        name = _LISTS[split]
        path = next(folder / top / name for top in _TOPS if (folder / top / name).is_file())
        forms = path.read_text(encoding="latin-1").split()
        pairs = [pair for form in forms for pair in _lines(folder, form, path)]
        if not pairs:
            raise ValueError(f"{path} names no form.")
        return pairs

    def _folder(self, name: str) -> Path:
        for top in _TOPS[:-1]:
            try:
                return find_folder(self.data_dir, _NAME, [f"{top}/{name}"])
            except FileNotFoundError:
                continue
        return find_folder(self.data_dir, _NAME, [name])


def _lines(folder: Path, form: str, where: Path) -> Iterator[tuple[np.ndarray, str]]:
    match = _FORM.fullmatch(form)
    if match is None:
        raise ValueError(f"{where} must name forms such as a01-000u. It has {form!r}.")
    place = Path(match[1]) / f"{match[1]}-{match[2]}"
    files = sorted((folder / "lineStrokes" / place).glob(f"{form}-*.xml"))
    if not files:
        raise FileNotFoundError(
            f"{folder / 'lineStrokes' / place} lacks {form}-01.xml, which {where.name} names."
        )
    texts = _texts(folder / "ascii" / place / f"{form}.txt")
    for path in files:
        number = int(path.stem.rpartition("-")[2])
        if not 1 <= number <= len(texts):
            raise ValueError(f"{path} is line {number} of a text of {len(texts)} lines.")
        yield _ink(path), texts[number - 1]


def _texts(path: Path) -> list[str]:
    """The lines behind "CSR:", the corrected ones."""
    try:
        content = path.read_text(encoding="latin-1")
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing.") from None
    _, heading, corrected = content.partition("CSR:")
    if not heading:
        raise ValueError(f"{path} has no part CSR.")
    return [" ".join(line.split()) for line in corrected.splitlines() if line.strip()]


def _ink(path: Path) -> np.ndarray:
    from zoo.applications._ink import pack
    from zoo.applications._ink_reading import parse_xml

    strokes = []
    for number, stroke in enumerate(parse_xml(path).iter("Stroke")):
        try:
            points = [(float(point.get("x")), float(point.get("y"))) for point in stroke]
        except (TypeError, ValueError):
            raise ValueError(f"{path}: stroke {number} has a point without numbers.") from None
        strokes.append(np.array(points).reshape(-1, 2))
    return pack(strokes).astype("float32")
