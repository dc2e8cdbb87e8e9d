"""Constructor arguments: gathered, and checked with a sentence that names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def arguments(scope: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a constructor out of its `locals()`."""
    return {
        name: value for name, value in scope.items() if name not in ("self", "kwargs", "__class__")
    }


def positive_integer(name: str, value: Any) -> int:
    """Returns `value` as an int, or raises a `ValueError` that names the argument."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or int(value) <= 0:
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}.")
    return int(value)


def rate(name: str, value: Any) -> float:
    """Returns `value` as a float in [0, 1), or raises a `ValueError` that names the argument."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise ValueError(f"`{name}` must be a number in [0, 1). Received: {name}={value!r}.")
    return float(value)
