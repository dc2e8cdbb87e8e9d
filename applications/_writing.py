"""Texts that a language model writes: unit after unit, in compiled loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from keras import ops

from zoo.layers._arguments import positive_integer

from ._contexts import EndRules
from ._decoding import beam_search, check_draw, choose, sample

if TYPE_CHECKING:
    from ._language_network import LanguageNetwork


class Manner(NamedTuple):
    """How to write; see `LanguageModel.generate`."""

    max_units: int = 256
    until: str | None = None
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    beam_size: int = 1
    length_penalty: float = 0.0

    def check(self, context: str) -> None:
        """Refuses what is out of range or contradicts itself."""
        positive_integer("max_units", self.max_units)
        positive_integer("beam_size", self.beam_size)
        if self.until not in (None, "sentence", "paragraph"):
            raise ValueError(
                f"`until` must be None, 'sentence' or 'paragraph'. Received: until={self.until!r}."
            )
        if context == "sentence" and self.until == "paragraph":
            raise ValueError(
                "`until='paragraph'` needs a language model that has read more than sentences; "
                "this one has `context='sentence'`."
            )
        if not self.temperature >= 0:
            raise ValueError(
                f"`temperature` must not be negative. Received: temperature={self.temperature!r}."
            )
        check_draw(self.temperature or 1.0, self.top_k, self.top_p)
        drawing = {"temperature": 1.0, "top_k": None, "top_p": None}
        for name, default in drawing.items():
            if self.beam_size > 1 and getattr(self, name) != default:
                raise ValueError(
                    f"A beam search draws nothing at random, so with `beam_size={self.beam_size}` "
                    f"leave out `{name}`. Received: {name}={getattr(self, name)!r}."
                )
        if self.length_penalty and self.beam_size == 1:
            raise ValueError(
                "`length_penalty` is for beam searches, with a `beam_size` of more than 1. "
                f"Received: length_penalty={self.length_penalty!r}."
            )

    @property
    def key(self) -> tuple[Any, ...]:
        """What a compiled function depends on: of the temperature, only whether there is one."""
        return tuple(self._replace(temperature=float(self.temperature > 0)))


class Writing:
    """Writes in a given manner with a network; its methods are compiled by who calls them.

    The features are `last` (rows,), the unit before the first one to be written; `states`, of the
    network before that unit; `seen` (rows,), whether text other than white space stands before;
    `temperature` (rows,); and `uniforms` (rows, max_units), the numbers that decide each draw.
    """

    def __init__(self, network: LanguageNetwork, manner: Manner) -> None:
        self.network = network
        self.manner = manner
        symbols = network.symbols
        has_end = network.context != "stream"
        # What ends a whole needs no other rule to end it.
        until = None if manner.until == network.context else manner.until
        self.rules = EndRules(symbols.pieces, until)
        never = np.arange(symbols.size) < symbols.first_id
        never[symbols.end_id] = not has_end
        self.never = np.where(never, -np.inf, 0).astype("float32")
        self.only_end = np.full(symbols.size, -np.inf, "float32")
        self.only_end[symbols.end_id] = 0

    def start(self, features: dict[str, Any]) -> dict[str, Any]:
        """The states before the first unit."""
        seen = features["seen"]
        return {
            "network": features["states"],
            "begun": ops.zeros_like(seen),
            "rules": self.rules.start(seen),
            "temperature": features["temperature"],
        }

    def step(self, symbols: Any, states: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The scores of the next unit: where a text has ended, the end symbol alone is left."""
        ended, rules = self.rules.step(symbols, states["rules"])
        begun = states["begun"] > 0
        rules = ops.where(ops.expand_dims(begun, 1), rules, states["rules"])
        outputs, network = self.network.read(ops.expand_dims(symbols, 1), states["network"])
        logits = ops.cast(self.network.logits(outputs)[:, 0], "float32") + self.never
        if self.manner.beam_size == 1 and self.manner.temperature:
            logits = logits / ops.expand_dims(states["temperature"], 1)
        ended = ops.expand_dims(ops.logical_and(begun, ended), 1)
        logits = ops.where(ended, self.only_end, logits)
        return logits, {
            **states,
            "network": network,
            "begun": ops.ones_like(states["begun"]),
            "rules": rules,
        }

    def all(self, features: dict[str, Any]) -> Any:
        """Writes to the end: units (rows, max_units), filled up with the end symbol."""
        manner = self.manner
        arguments = {
            "rows": ops.shape(features["last"])[0],
            "max_length": manner.max_units,
            "start": features["last"],
            "end": self.network.symbols.end_id,
        }
        if manner.beam_size > 1:
            found = beam_search(
                self.step,
                self.start(features),
                beams=manner.beam_size,
                length_penalty=manner.length_penalty,
                **arguments,
            )
            return found.symbols[:, 0]
        return sample(
            self.step,
            self.start(features),
            uniforms=ops.transpose(features["uniforms"]) if manner.temperature else None,
            top_k=manner.top_k,
            top_p=manner.top_p,
            **arguments,
        ).symbols

    def one(self, features: dict[str, Any]) -> dict[str, Any]:
        """Writes one unit: `chosen` (rows,) and the new `states`, which take the place of the old.

        The features are `last`, `states` as `start` gives them, and `uniforms` (rows, 1).
        """
        logits, states = self.step(features["last"], features["states"])
        uniforms = features["uniforms"][:, 0] if self.manner.temperature else None
        log_probabilities = ops.log_softmax(logits, axis=-1)
        chosen = choose(
            log_probabilities, uniforms, top_k=self.manner.top_k, top_p=self.manner.top_p
        )
        return {"chosen": chosen, "states": states}
