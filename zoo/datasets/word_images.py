"""Pictures of words or lines in a folder of the user's own."""

from __future__ import annotations

import os
from pathlib import Path

from ._base import DATA_DIR_VARIABLE, PairDataset
from ._reading import read_lines, read_table, read_text

_LABELS = ("labels.csv", "labels.tsv", "labels.txt")
_SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")


class WordImages(PairDataset):
    """`word_images`: a folder of pictures, and a file that says what is written on them.

    `data_dir` is a folder with one of these, or the path of the file:

    - `labels.csv`: a line `file,text` for each picture, with texts that hold commas in double
      quotes; columns may be named `file` and `text` in the first line, and then stand anywhere;
    - `labels.tsv`: the same with tabs;
    - `labels.txt`: a line with the file and, behind the first tab or space, the text;
    - none of them, but beside each picture a `.txt` file of the same name with its text.

    Files are named relative to the folder. An input is the path of a picture, a target its text.
    The pictures are one undivided set: every split means all of them; slices divide it: train on
    `train[:90%]`, validate on `train[90%:]`.

    Args:
        config: not used.
        data_dir: the folder or the file.

    Raises:
        FileNotFoundError: the folder, a picture or its text is missing.
        ValueError: a picture is named twice, or has no text; or a line cannot be read.

    Example:

    >>> import pathlib, tempfile
    >>> from zoo import datasets
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "1.png").write_bytes(b"...")
    >>> _ = (folder / "labels.csv").write_text("file,text\\n1.png,so far")
    >>> for path, text in datasets.load("word_images", data_dir=folder):
    ...     print(pathlib.Path(path.numpy().decode()).name, text.numpy())
    1.png b'so far'
    """

    undivided = True

    def pairs(self, split: str) -> list[tuple[str, str]]:
        given = self.data_dir or os.environ.get(DATA_DIR_VARIABLE)
        if not isinstance(given, str | os.PathLike):
            raise ValueError(
                "The dataset word_images needs as `data_dir` a folder with pictures and a file "
                f"{' or '.join(_LABELS)}. Received: data_dir={given!r}."
            )
        path = Path(given).expanduser()
        if path.is_dir():
            files = [path / name for name in _LABELS if (path / name).is_file()]
            if not files:
                return _beside(path)
            if len(files) > 1:
                raise ValueError(
                    f"{path} has {' and '.join(file.name for file in files)}; keep one of them."
                )
            path = files[0]
        return _checked(path, _read(path))


def _read(path: Path) -> list[tuple[str, str]]:
    if path.suffix.lower() != ".txt":
        return read_table(path)
    pairs = []
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        file, tab, text = line.partition("\t")
        if not tab:
            file, _, text = line.strip().partition(" ")
        if not text.strip():
            raise ValueError(f"Line {number} of {path} has no text behind {file!r}.")
        pairs.append((file, text))
    return pairs


def _checked(labels: Path, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    folder = labels.parent
    found: dict[str, str] = {}
    for file, text in pairs:
        name, text = file.strip(), text.strip()
        if not text:
            raise ValueError(f"{labels} has no text for {name!r}.")
        path = os.path.normpath(folder / name)
        if path in found:
            raise ValueError(f"{labels} names {name!r} twice.")
        found[path] = text
    missing = [path for path in found if not os.path.isfile(path)]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise FileNotFoundError(f"{labels} names pictures that are missing: {missing[0]}{more}.")
    return list(found.items())


def _beside(folder: Path) -> list[tuple[str, str]]:
    pictures = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    if not pictures:
        raise FileNotFoundError(
            f"The folder {folder} of the dataset word_images has neither {' nor '.join(_LABELS)}, "
            "nor pictures with `.txt` files beside them."
        )
    pairs = []
    for path in pictures:
        text = path.with_suffix(".txt")
        if not text.is_file():
            raise FileNotFoundError(
                f"{path} has no text: {text} is missing, and {folder} has no file "
                f"{' or '.join(_LABELS)}."
            )
        pairs.append((str(path), read_text(text).strip()))
    return pairs
