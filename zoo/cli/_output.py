"""What commands print: a table for people, or one JSON object for programs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.metrics import UNITS


@dataclasses.dataclass
class Result:
    """What a command has found out: an object for `--json`, and a text for everybody else."""

    data: dict[str, Any]
    text: str

    def as_json(self) -> str:
        """The object on one line."""
        return json.dumps(plain(self.data), ensure_ascii=False)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows of texts in aligned columns."""
    every = [tuple(header), *map(tuple, rows)]
    widths = [max(len(row[column]) for row in every) for column in range(len(header))]
    every.insert(1, tuple("-" * width for width in widths))
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in every
    )
    return "\n".join(line.rstrip() for line in lines)


def metric_table(columns: Mapping[str, Mapping[str, float]]) -> str:
    """Metrics as rows, what they were measured of as columns."""
    names = list(dict.fromkeys(name for values in columns.values() for name in values))
    rows = [
        [
            name,
            *(metric(name, values[name]) if name in values else "" for values in columns.values()),
        ]
        for name in names
    ]
    return table(["metric", *columns], rows)


def metric(name: str, value: float) -> str:
    """A number with its unit."""
    unit = UNITS.get(name, "")
    if unit == "%":
        return f"{100 * value:.2f} %"
    digits = 3 if unit == "of 10" else 2  # what differs between models
    return f"{value:.{digits}f} {unit}".rstrip()


def size(number: float) -> str:
    """Bytes in the unit that people would take."""
    for unit in ("B", "kB"):
        if number < 1000:
            return f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:.1f} MB"


def count(number: int) -> str:
    """A whole number with commas."""
    return f"{number:,}"


def items(data: tuple[list[Any], list[Any] | None]) -> str:
    """How many items raw data have: pairs, or inputs without targets."""
    number = len(data[0])
    return f"{number:,} {'item' if data[1] is None else 'pair'}{'s' * (number != 1)}"


def options(values: Mapping[str, Any]) -> str:
    """Names with their values on one line."""
    return ", ".join(f"{name} {value}" for name, value in values.items()) or "the defaults"


def short(text: str, length: int = 36) -> str:
    """A text that fits into a column, its end cut off where it is too long."""
    return text if len(text) <= length else f"{text[: length - 3]}..."


def plain(value: Any) -> Any:
    """What JSON can say of a value: arrays as lists, named tuples as objects."""
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, Mapping):
        return {str(name): plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if hasattr(value, "tolist"):
        return value.tolist()
    return value if isinstance(value, str | int | float | bool | None) else str(value)
