"""Flickr8k: photos, each described by five people."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ._base import find_folder
from ._pictures import PictureDataset, Pictures, by_picture, read_captions

_FOLDERS = ("flickr8k", "Flickr8k", "flickr8k_1000")
# As its authors, Kaggle, and excerpts name them.
_TABLES = ("Flickr8k.token.txt", "captions.txt", "captions.csv", "captions.tsv")
_IMAGES = ("Flicker8k_Dataset", "Flickr8k_Dataset", "Images", "images")
_LISTS = {
    "train": "Flickr_8k.trainImages.txt",
    "validation": "Flickr_8k.devImages.txt",
    "test": "Flickr_8k.testImages.txt",
}
_COLUMN = "official_split"


class Flickr8k(PictureDataset):
    """`flickr8k`: photos of people and animals, five English captions each.

    Nothing is downloaded, for the photos belong to their authors, who allow research only. Put
    there, as published, the folder of photos (`Flicker8k_Dataset`, `Images` or `images`) and the
    captions (`Flickr8k.token.txt`, or Kaggle's `captions.txt`).

    Where the lists `Flickr_8k.trainImages.txt`, `.devImages.txt` and `.testImages.txt` lie beside
    them, they are the splits. A table with a column `official_split` has its own: `train`, of which
    every tenth photo, by a hash of its name, is in `validation`, and all others, the `test`.
    Without either, a hash of the name puts 80, 10 and 10 percent of the photos into the splits.

    Slices count photos. An input is the path of a photo.

    Args:
        config: not used.
        data_dir: that folder, or one up to two levels above it when it is called `flickr8k`; by
            default the value of the environment variable `ZOO_DATA_DIR`.

    Raises:
        FileNotFoundError: the folder or a file is missing.
        ValueError: the captions are damaged.

    Example:

    >>> from zoo import datasets
    >>> datasets.Flickr8k.splits
    ('train', 'validation', 'test')

    Paper:
        Hodosh, Young and Hockenmaier 2013, "Framing image description as a ranking task".
    """

    def pictures(self, split: str) -> Pictures:
        folder, table = self._table()
        rows = read_captions(table)
        listed = self._listed(folder)
        chosen = [(number, row) for number, row in rows if self._split_of(row, listed) == split]
        if not chosen:
            raise ValueError(f"{table} has no captions of the split {split}.")
        images = next((folder / name for name in _IMAGES if (folder / name).is_dir()), None)
        if images is None:
            raise FileNotFoundError(
                f"The folder {folder} of the dataset flickr8k lacks a folder of photos, "
                f"{' or '.join(_IMAGES)}."
            )
        return by_picture(chosen, images, table)

    def _table(self) -> tuple[Path, Path]:
        for name in _TABLES:
            try:
                folder = find_folder(self.data_dir, _FOLDERS, [name])
            except FileNotFoundError:
                continue
            return folder, folder / name
        folder = find_folder(self.data_dir, _FOLDERS, _TABLES[:1])
        return folder, folder / _TABLES[0]

    @staticmethod
    def _listed(folder: Path) -> dict[str, str]:
        """The split of each photo, where the lists of all are there."""
        if not all((folder / name).is_file() for name in _LISTS.values()):
            return {}
        return {
            photo: split
            for split, name in _LISTS.items()
            for photo in (folder / name).read_text(encoding="utf-8").split()
        }

    @staticmethod
    def _split_of(row: dict[str, str], listed: dict[str, str]) -> str:
        if listed:
            return listed.get(row["image"], "")
        tenth = int.from_bytes(hashlib.sha256(f"flickr8k{row['image']}".encode()).digest()[:8]) % 10
        if _COLUMN in row:
            if row[_COLUMN] != "train":
                return "test"
            return "validation" if tenth == 1 else "train"
        return {0: "test", 1: "validation"}.get(tenth, "train")
