"""Pictures and captions in the user's own files."""

from __future__ import annotations

from pathlib import Path

from ._pictures import PictureDataset, Pictures, by_picture, read_captions
from .pairs import as_paths

TABLES = ("captions.csv", "captions.tsv", "captions.txt", "metadata.csv")
_SUFFIXES = (".csv", ".tsv", ".txt")
_IMAGES = ("images", "Images", "photos", "pictures")


class Captions(PictureDataset):
    """`captions`: a folder with pictures and a table of captions, or the table itself.

    These are the same, for a captioner: `load("captions", data_dir="holidays")`,
    `load("holidays", kind="captions")` and `load("holidays/captions.csv", kind="captions")`.

    The table is called `captions.csv` (or `.tsv`, `.txt`), or is the only one in the folder. A line
    holds the name of a picture and a caption; columns may be named in the first line (`image` or
    `file_name`, `caption` or `text`), and then stand anywhere. Names are paths from the folder, or
    from `images` in it. A picture on several lines has several captions. Lines without a caption
    are left out with a warning; a picture that is missing is an error that names it.

    It is one undivided set: every split means all of it, and slices, which count pictures, divide
    it: train on `train[:90%]`, validate on `train[90%:]`.

    Args:
        config: Not used.
        data_dir: The folder, or the table.

    Raises:
        FileNotFoundError: If the folder, the table or a picture does not exist.
        ValueError: If the table is damaged or holds no captions.

    Example:
        >>> import pathlib, tempfile
        >>> from PIL import Image
        >>> from zoo import datasets
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> Image.new("RGB", (9, 9), "red").save(folder / "a.png")
        >>> _ = (folder / "captions.csv").write_text("image,caption\\na.png,a red square\\n")
        >>> [caption.numpy() for _, caption in datasets.load(folder, kind="captions")]
        [b'a red square']
    """

    undivided = True

    def pictures(self, split: str) -> Pictures:
        paths = as_paths(self.data_dir)
        if len(paths) != 1:
            raise ValueError(
                "The dataset captions needs one folder or one table. "
                f"Received: {', '.join(map(str, paths))}."
            )
        table = _table_in(paths[0]) if paths[0].is_dir() else paths[0]
        rows = read_captions(table)
        names = [row["image"].strip() for _, row in rows]
        # Where the first picture is, the others should be.
        places = [table.parent, *(table.parent / name for name in _IMAGES)]
        folder = next((place for place in places if (place / names[0]).is_file()), None)
        if folder is None:
            some = [place for place in places if any((place / name).is_file() for name in names)]
            folder = some[0] if some else places[0]
        return by_picture(rows, folder, table)


def _table_in(folder: Path) -> Path:
    for name in TABLES:
        if (folder / name).is_file():
            return folder / name
    tables = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    if len(tables) == 1:
        return tables[0]
    raise FileNotFoundError(
        f"The folder {folder} must hold a table captions.csv with the names of pictures and their "
        f"captions; it has {len(tables)} tables."
    )
