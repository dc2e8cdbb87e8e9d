"""The texts of a language model: raw in, units out."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from ._contexts import cut
from ._data import Batches, Example, plain, raw_inputs, unwrapped
from ._growing import GrowingVocabulary, Grown
from ._language_choices import learned, restored
from ._streams import UNITS, Windows
from ._units import Units


class LanguageTexts(GrowingVocabulary):
    """An application whose raw data are texts without targets, cut into units of one kind.

    A subclass has the choices that `LanguageModel` explains.
    """

    paired = False

    symbols: Units
    unit: str
    context: str
    window: int
    sampled_softmax: int | None

    @property
    def data_kind(self) -> str:
        return "bytes" if self.unit == "byte" else "texts"

    def raw(self, data: Any, targets: Any = None) -> tuple[list[Any], None]:
        data = [data] if isinstance(data, str | bytes) else data
        items, _ = raw_inputs(data, targets, unwrapped)
        return [self.text("Text", number, item) for number, item in enumerate(items)], None

    def text(self, what: str, number: int, item: Any) -> Any:
        """Returns a text as the model reads it, or says what is wrong with it."""
        if isinstance(item, bytes) and self.unit != "byte":
            try:
                return plain(item)
            except ValueError as error:
                raise ValueError(
                    f"{what} {number} is not UTF-8 (byte {error.__cause__.start}); save it as "  # type: ignore[union-attr]
                    'UTF-8, or make the model with `unit="byte"`, which takes any bytes.'
                ) from None
        if not isinstance(item, str | bytes):
            raise TypeError(
                f"{what}s must be strings. Received as number {number}: {reprlib.repr(item)} "
                f"({type(item).__name__})."
            )
        return item

    def divide(self, inputs: list[Any], targets: list[Any] | None, share: float) -> tuple[Any, Any]:
        """Cuts the last `share` of all characters off; a text may be cut in two."""
        rest = round(sum(map(len, inputs)) * (1 - share))
        parts: tuple[list[Any], list[Any]] = ([], [])
        for text in inputs:
            parts[0].append(text[: max(0, rest)])
            parts[1].append(text[max(0, rest) :])
            rest -= len(text)
        if not (any(parts[0]) and any(parts[1])):
            raise ValueError(
                "`validation_split` must leave some text on both sides. "
                f"Received: validation_split={share}."
            )
        return (parts[0], None), (parts[1], None)

    def adapt(self, data: Any, targets: Any = None) -> None:
        """Learns the vocabulary from texts and builds the network."""
        self._require_new()
        texts = _with_text(self.raw(data, targets)[0])
        self.symbols = learned(texts, self.choices)
        self.build_network()

    def assets(self) -> dict[str, str]:
        return {"tokenizer.json": self.symbols.to_json()}

    def restore(self, assets: Mapping[str, str]) -> None:
        self.symbols = restored(assets["tokenizer.json"], self.choices)
        self.build_network()

    def featurize(self, inputs: list[Any], targets: list[Any] | None = None) -> list[Example]:
        found = [units for text in _with_text(inputs) for units in self.encoded(text)]
        if self.context == "stream" and len(found) > 1:
            found = [np.concatenate([found[0], *(units[1:] for units in found[1:])])]
        return [{UNITS: units} for units in found]

    def encoded(self, text: Any) -> list[np.ndarray]:
        """The contexts of a text: the start symbol, the units, and the end symbol if there is."""
        ends = [] if self.context == "stream" else [self.symbols.end_id]
        found = []
        for part in cut(text, self.context):
            units = self.symbols.encode(part)
            parts = ([self.symbols.start_id], units, ends)
            found.append(np.concatenate([np.asarray(part, units.dtype) for part in parts]))
        return found

    def arrange(
        self, examples: list[Example], batch_size: int, *, shuffle: bool, seed: int
    ) -> Batches:
        return Windows(
            examples,
            batch_size,
            window=self.window,
            shuffle=shuffle,
            seed=seed,
            with_target=self.sampled_softmax is not None,
        )

    def grown(self, data: Any, targets: Any, vocabulary_size: int) -> Grown:
        if vocabulary_size <= self.symbols.size:
            raise ValueError(
                f"`vocabulary_size` must be more than {self.symbols.size}, the units that this "
                f"{type(self).__name__} has. Received: vocabulary_size={vocabulary_size}."
            )
        symbols, parts = self.symbols.grown(self.raw(data, targets)[0], vocabulary_size)
        choices = {"vocabulary_size": vocabulary_size}
        return Grown(choices, {"tokenizer.json": symbols.to_json()}, parts)

    def count_symbols(self, data: Any, targets: Any = None) -> dict[str, int]:
        self._require_adapted()
        texts, _ = self.raw(data, targets)
        return {
            "vocabulary_size": self.symbols.size,
            "characters": sum(map(self.symbols.count_characters, texts)),
            "unknown": sum(map(self.symbols.count_unknown, texts)),
            "units": sum(self.symbols.count(text) for text in texts),
        }


def _with_text(texts: list[Any]) -> list[Any]:
    if not any(text.strip() for text in texts):
        what = "the text is" if len(texts) == 1 else f"all {len(texts)} texts are"
        raise ValueError(f"`data` must hold some text, but {what} empty.")
    return texts
