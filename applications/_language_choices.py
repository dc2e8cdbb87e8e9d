"""The choices of a language model, checked, and the units that they ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.layers._arguments import positive_integer, rate

from ._contexts import CONTEXTS
from ._units import Bytes, Characters, Units
from ._words import Subwords, WordGroups, Words

UNITS = ("char", "byte", "bpe", "word", "ngram")
_KINDS: dict[str, Any] = {
    "char": Characters,
    "byte": Bytes,
    "bpe": Subwords,
    "word": Words,
    "ngram": WordGroups,
}
_SIZES = {"bpe": 4000, "word": 10000, "ngram": 10000}
_RATES = ("dropout", "embedding_dropout", "recurrent_weight_dropout")


def check_choices(choices: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments of a `LanguageModel`, or names the one that cannot be."""
    _one_of("unit", choices["unit"], UNITS)
    _one_of("context", choices["context"], CONTEXTS)
    _one_of("unknown", choices["unknown"], (None, "error", "replace"))
    if choices["unknown"] is not None and choices["unit"] in ("byte", "bpe"):
        raise ValueError(
            f"`unknown` must be None with `unit={choices['unit']!r}`, which knows all texts. "
            f"Received: unknown={choices['unknown']!r}."
        )
    if isinstance(choices["units"], list | tuple):
        choices["units"] = [positive_integer("units", size) for size in choices["units"]]
        if choices["depth"] not in (1, len(choices["units"])) or not choices["units"]:
            raise ValueError(
                "`depth` must be left out where `units` names the size of each layer. "
                f"Received: units={choices['units']}, depth={choices['depth']}."
            )
    else:
        positive_integer("units", choices["units"])
    for name in ("depth", "ngram_order", "window"):
        positive_integer(name, choices[name])
    for name in ("embedding_size", "projection_units", "vocabulary_size", "sampled_softmax"):
        if choices[name] is not None:
            positive_integer(name, choices[name])
    for name in _RATES:
        rate(name, choices[name])
    for name in ("input_dropout", "output_dropout"):
        if choices[name] is not None:
            rate(name, choices[name])
    for name in ("activation_regularization", "temporal_activation_regularization"):
        value = choices[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            raise ValueError(f"`{name}` must not be negative. Received: {name}={value!r}.")
    return choices


def learned(texts: Sequence[Any], choices: Mapping[str, Any]) -> Units:
    """Learns from texts the units that the choices ask for."""
    unit = choices["unit"]
    size = choices["vocabulary_size"] or _SIZES.get(unit)
    if unit == "byte":
        return Bytes()
    if unit == "bpe":
        return Subwords.learn(texts, size or _SIZES[unit])
    if size is not None and size < 5:
        raise ValueError(
            "`vocabulary_size` must be at least 5, for 4 units are special ones. "
            f"Received: vocabulary_size={size}."
        )
    if unit == "char":
        return Characters.learn(texts, size, _replaces(choices))
    order = choices["ngram_order"] if unit == "ngram" else 1
    return _KINDS[unit].learn(texts, size, _replaces(choices), order)


def restored(text: str, choices: Mapping[str, Any]) -> Units:
    """Returns the units that `Units.to_json` wrote."""
    return _KINDS[choices["unit"]].from_json(text, _replaces(choices))


def _replaces(choices: Mapping[str, Any]) -> bool:
    """Whether what the vocabulary lacks is read as the unknown unit."""
    if choices["unknown"] is None:
        return choices["unit"] in ("word", "ngram")
    return choices["unknown"] == "replace"


def _one_of(name: str, value: Any, known: tuple[Any, ...]) -> None:
    if value not in known:
        listed = ", ".join(map(repr, known))
        raise ValueError(f"`{name}` must be one of {listed}. Received: {name}={value!r}.")
