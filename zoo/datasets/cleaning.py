"""Leaving out pairs that would harm training."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any

_LOGGER = logging.getLogger("zoo.datasets")

Characters = str | re.Pattern[str] | Collection[str]


def clean(
    data: Any,
    min_length: int = 1,
    max_length: int | None = None,
    max_ratio: float | None = None,
    deduplicate: bool = True,
    characters: Characters | None = None,
    target_characters: Characters | None = None,
    unit: str = "word",
    report: bool = False,
) -> Any:
    """Leaves out pairs of texts that are too short, too long, ill-matched, repeated or foreign.

    Texts are judged as they are and never changed. A pair is counted under the first reason, in
    the order of the arguments, for which it is left out.

    Args:
        data: A list or generator of `(input, target)` pairs of strings (or UTF-8 bytes), a tuple
            of two parallel lists, or a `tf.data.Dataset` of pairs.
        min_length: The least length of either text.
        max_length: The greatest length of either text, or None for no limit.
        max_ratio: How many times as long as the other one of the texts may be, or None.
        deduplicate: Whether to leave out pairs that came before, white space aside.
        characters: The characters that texts may have besides white space: a string as it stands
            between the brackets of a regular expression (`"a-zäöüß.,!?'-"`), or a collection of
            characters; or a compiled pattern that must match a whole text. None allows all.
        target_characters: The same for targets, where they differ.
        unit: What lengths count: `"word"` (between white space) or `"character"`, for languages
            without spaces.
        report: Whether to return the counts too.

    Returns:
        Pairs of the kind that `data` was: list, generator, tuple of two lists or
        `tf.data.Dataset`. With `report=True`, a tuple of these and a dictionary of counts: `seen`,
        `kept`, `too_short`, `too_long`, `ratio`, `duplicate`, `characters`. Those of a generator
        grow as it is read. They are also logged, by the logger `zoo.datasets` at level INFO.

    Raises:
        ValueError: If an argument is out of range, or an element is not a pair of texts.

    Example:
        >>> from zoo import datasets
        >>> pairs = [("a dog", "ein Hund"), ("a dog", "ein Hund"), ("", "leer"), ("no", "нет")]
        >>> kept, counts = datasets.clean(pairs, characters="a-zA-Z", report=True)
        >>> kept
        [('a dog', 'ein Hund')]
        >>> counts["duplicate"], counts["too_short"], counts["characters"]
        (1, 1, 1)
    """
    _check_arguments(min_length, max_length, max_ratio, unit)
    if target_characters is None:
        target_characters = characters
    allowed = _pattern(characters, "characters"), _pattern(target_characters, "target_characters")
    counts = dict.fromkeys(
        ("seen", "kept", "too_short", "too_long", "ratio", "duplicate", "characters"), 0
    )

    def reason(given: str, wanted: str, seen: set[tuple[str, str]]) -> str:
        words = given.split(), wanted.split()
        lengths = [len(part) for part in (words if unit == "word" else (given, wanted))]
        if min(lengths) < min_length:
            return "too_short"
        if max_length is not None and max(lengths) > max_length:
            return "too_long"
        if max_ratio is not None and max(lengths) > max_ratio * min(lengths):
            return "ratio"
        key = " ".join(words[0]), " ".join(words[1])
        if deduplicate and key in seen:
            return "duplicate"
        seen.add(key)
        for pattern, text in zip(allowed, (given, wanted), strict=True):
            if pattern is not None and not pattern.fullmatch(text):
                return "characters"
        return "kept"

    def keep(pairs: Iterable[Any]) -> Iterator[Any]:
        seen: set[tuple[str, str]] = set()
        for index, pair in enumerate(pairs):
            why = reason(*_texts(pair, index), seen)
            counts["seen"] += 1
            counts[why] += 1
            if why == "kept":
                yield pair
        left_out = {name: n for name, n in counts.items() if n and name not in ("seen", "kept")}
        _LOGGER.info("Kept %d of %d pairs; left out: %s", counts["kept"], counts["seen"], left_out)

    kept = _in_kind(data, keep)
    return (kept, counts) if report else kept


def _in_kind(data: Any, keep: Any) -> Any:
    """Passes the pairs in `data` through `keep`, and returns them as the kind that `data` is."""
    if isinstance(data, list):
        return list(keep(data))
    if _is_parallel(data):
        if len(data[0]) != len(data[1]):
            raise ValueError(
                "`data` must be two lists of one length. "
                f"Received: lengths {len(data[0])} and {len(data[1])}."
            )
        kept = list(keep(zip(*data, strict=True)))
        return [pair[0] for pair in kept], [pair[1] for pair in kept]
    if hasattr(data, "element_spec"):
        return _clean_tf(data, keep)
    if isinstance(data, Iterable) and not isinstance(data, (str, bytes, dict)):
        return keep(data)
    raise ValueError(
        "`data` must be pairs: a list, a generator, two parallel lists or a `tf.data.Dataset`. "
        f"Received: data of type {type(data).__name__}."
    )


def _is_parallel(data: Any) -> bool:
    return isinstance(data, tuple) and len(data) == 2 and all(isinstance(x, list) for x in data)


def _clean_tf(data: Any, keep: Any) -> Any:
    import tensorflow as tf

    if data.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError("`data` must be finite; call `clean` before `repeat`.")
    kept = list(keep(data.as_numpy_iterator()))
    columns = [tf.constant([pair[side] for pair in kept], tf.string) for side in (0, 1)]
    return tf.data.Dataset.from_tensor_slices(tuple(columns))


def _texts(pair: Any, index: int) -> tuple[str, str]:
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise ValueError(f"Element {index} of `data` is not an (input, target) pair: {pair!r}.")
    return _text(pair[0], index), _text(pair[1], index)


def _text(value: Any, index: int) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise ValueError(f"Element {index} of `data` is not UTF-8: {value!r}.") from error
    raise ValueError(
        f"Element {index} of `data` must be a pair of texts. Received: {type(value).__name__}."
    )


def _pattern(characters: Characters | None, argument: str) -> re.Pattern[str] | None:
    if characters is None or isinstance(characters, re.Pattern):
        return characters
    if isinstance(characters, str):
        inside = characters
    else:
        inside = "".join(re.escape(character) for character in sorted(characters))
    try:
        return re.compile(rf"(?:[{inside}]|\s)*")
    except re.error as error:
        raise ValueError(
            f"`{argument}` must be as between the brackets of a regular expression. "
            f"Received: {argument}={characters!r} ({error})."
        ) from error


def _check_arguments(
    min_length: int, max_length: int | None, max_ratio: float | None, unit: str
) -> None:
    if not isinstance(min_length, int) or min_length < 0:
        raise ValueError(
            f"`min_length` must be a non-negative integer. Received: min_length={min_length!r}."
        )
    if max_length is not None and (not isinstance(max_length, int) or max_length < min_length):
        raise ValueError(
            "`max_length` must be None or an integer of at least `min_length`. "
            f"Received: max_length={max_length!r}, min_length={min_length}."
        )
    if max_ratio is not None and not max_ratio >= 1:
        raise ValueError(
            f"`max_ratio` must be None or at least 1. Received: max_ratio={max_ratio!r}."
        )
    if unit not in ("word", "character"):
        raise ValueError(f"`unit` must be 'word' or 'character'. Received: unit={unit!r}.")
