"""WikiText-2, read from a folder of the user's."""

from __future__ import annotations

from ._base import TextDataset, find_folder
from ._reading import read_text

_FILES = {"train": "train", "validation": "valid", "test": "test"}
_LAYOUTS = {
    "tokens": ("wikitext2", "wikitext-2", "wikitext-2-v1"),
    "raw": ("wikitext2", "wikitext-2-raw", "wikitext-2-raw-v1"),
}


class WikiText2(TextDataset):
    """`wikitext2`: two million words of good articles of Wikipedia.

    `wikitext2/tokens`, the default, has 33,278 words, a space around each and `<unk>` for all
    others; `wikitext2/raw` has the characters as they were. One document a split, the file as it
    is: a paragraph a line, headings between equals signs. Slices count characters.

    Nothing is downloaded. Put `wiki.train.tokens`, `wiki.valid.tokens` and `wiki.test.tokens` (for
    `raw`, the files that end in `.raw`) into one folder, as the published archives have them.

    Args:
        config: `"tokens"` or `"raw"`.
        data_dir: That folder, or one up to two levels above it when it is called `wikitext2`,
            `wikitext-2`, `wikitext-2-v1`, `wikitext-2-raw` or `wikitext-2-raw-v1`; by default the
            value of the environment variable `ZOO_DATA_DIR`.

    Raises:
        FileNotFoundError: If the folder or the file of the split is missing.
        ValueError: If the file is empty or not UTF-8.

    Example:
        >>> import pathlib, tempfile
        >>> from zoo import datasets
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "wiki.test.tokens").write_text(" \\n = Robert <unk> = \\n \\n")
        >>> list(datasets.load("wikitext2", "test", folder).as_numpy_iterator())
        [b' \\n = Robert <unk> = \\n \\n']

    Paper:
        Merity et al. 2016, "Pointer Sentinel Mixture Models".
    """

    running = True
    split_aliases = {"valid": "validation"}

    @classmethod
    def configs(cls) -> tuple[str, ...]:
        return tuple(_LAYOUTS)

    def texts(self, split: str) -> list[str]:
        config = self.config or "tokens"
        file = f"wiki.{_FILES[split]}.{config}"
        return [read_text(find_folder(self.data_dir, _LAYOUTS[config], [file]) / file)]
