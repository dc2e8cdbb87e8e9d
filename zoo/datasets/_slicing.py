"""Which items a split such as `train[:10%]+validation` names, exactly as TFDS reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from ._base import Dataset

_NAME = r"[A-Za-z_][\w-]*"
_PART = rf"{_NAME}(?:\[[^\]]*\])?"
SPLIT_PATTERN = rf"{_PART}(?:\s*\+\s*{_PART})*"


class _Splits(Mapping[str, Any]):
    """The splits of a dataset as TFDS wants to see them, each read when it is first looked at."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._read: dict[str, Sequence[Any]] = {}

    def items_of(self, name: str) -> Sequence[Any]:
        name = self._dataset.split_aliases.get(name, name)
        if self._dataset.undivided:
            name = self._dataset.splits[0]
        if name not in self._read:
            self._read[name] = self._dataset.items(name)
        return self._read[name]

    def cut(self, name: str, start: int | None, end: int | None) -> list[Any]:
        """The items from one position to another; of running texts, the parts of them."""
        items = self.items_of(name)
        if not self._dataset.running:
            return list(items[start:end])
        size = sum(map(len, items))
        start, end, _ = slice(start, end).indices(size)
        parts, first = [], 0
        for text in items:
            part = text[max(0, start - first) : max(0, end - first)]
            if part:
                parts.append(part)
            first += len(text)
        return parts

    def __contains__(self, name: object) -> bool:
        return name in self._dataset.splits or name in self._dataset.split_aliases

    def __getitem__(self, name: str) -> SimpleNamespace:
        items = self.items_of(name)
        size = sum(map(len, items)) if self._dataset.running else len(items)
        return SimpleNamespace(name=name, num_examples=size, shard_lengths=[size])

    def __iter__(self) -> Iterator[str]:  # what `all` stands for
        return iter(self._dataset.splits[:1] if self._dataset.undivided else self._dataset.splits)

    def __len__(self) -> int:
        return len(list(iter(self)))


def check_split(split: str, known: Sequence[str], name: str) -> list[str]:
    """Returns the names in `split`, or says in one sentence what is wrong with it."""
    if not isinstance(split, str) or not re.fullmatch(SPLIT_PATTERN, split.strip()):
        raise ValueError(bad_split(split))
    parts = re.findall(rf"({_NAME})(?:\[[^\]]*\])?", split)
    for part in parts:
        if part not in known and part != "all":
            raise ValueError(f"Unknown split {part!r}; {name} has {', '.join(known)}.")
    return parts


def bad_split(split: Any, error: Exception | None = None) -> str:
    """The sentence about a split that TFDS cannot read, with TFDS's reason if it gave one."""
    # TFDS puts its reason on the last line, and a web address behind it.
    lines = str(error or "").strip().splitlines()
    reason = f" ({lines[-1].split('. ')[0].rstrip('.')})" if lines else ""
    return (
        "`split` must name a split, or slices of splits, as in 'train', 'train[:10%]', "
        f"'train[100:200]' or 'train+validation'. Received: split={split!r}{reason}."
    )


def select(dataset: Dataset, split: str, name: str) -> list[Any]:
    """Reads the pairs or texts that `split` names.

    Args:
        dataset: The dataset.
        split: A split in the notation of TFDS.
        name: What to call the dataset in messages.

    Returns:
        The items, slice after slice.

    Raises:
        ValueError: If the split is unknown, misspelt, out of range or empty.
    """
    parts = check_split(split, (*dataset.splits, *dataset.split_aliases), name)
    splits = _Splits(dataset)
    # Read before TFDS looks, so that what is wrong with the data is not taken for a bad slice.
    for part in splits if "all" in parts else parts:
        splits.items_of(part)
    import tensorflow_datasets as tfds

    try:
        slices = tfds.core.ReadInstruction.from_spec(split.strip()).to_absolute(splits)
    except (ValueError, NotImplementedError) as error:
        raise ValueError(bad_split(split, error)) from error
    if dataset.undivided and len({part.splitname for part in slices}) > 1:
        raise ValueError(
            f"{name} is one undivided set, in which every split means all {dataset.kind}; "
            f"name one split, sliced where needed. Received: split={split!r}."
        )
    items = [item for part in slices for item in splits.cut(part.splitname, part.from_, part.to)]
    if not items:
        raise ValueError(f"The split {split!r} of {name} selects no {dataset.kind}.")
    return items
