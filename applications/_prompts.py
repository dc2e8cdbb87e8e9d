"""Prompts read by a language model, and what it writes after them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from ._contexts import first_end, goes_beyond
from ._reading import walk
from ._writing import Manner, Writing

if TYPE_CHECKING:
    from .language_model import LanguageModel

_ROWS = 32


def write(
    model: LanguageModel, prompts: Sequence[Any], manner: Manner, seed: int | None, verbose: int = 0
) -> list[str]:
    """Writes on from each prompt to the end, many at a time; returns what was written."""
    seed = random.randrange(2**31) if seed is None else seed
    run = model._kept.compiled(model, ("write", manner.key), Writing(model, manner).all)
    texts, features = _read(model, prompts, manner)
    results = []
    bar = keras.utils.Progbar(len(texts), verbose=verbose)
    for first in range(0, len(texts), _ROWS):
        chosen = list(range(first, min(first + _ROWS, len(texts))))
        rows = 1 << (len(chosen) - 1).bit_length()
        filled = [*chosen, *chosen[:1] * (rows - len(chosen))]
        batch = keras.tree.map_structure(lambda values, at=filled: values[at], features)
        # Each prompt has numbers of its own, so that what shares its batch changes nothing.
        drawn = [_numbers(seed, number).random(manner.max_units) for number in filled]
        batch["uniforms"] = np.array(drawn, "float32")
        found = run(batch)
        for row, number in enumerate(chosen):
            results.append(_text(model, found[row], texts[number], manner.until))
        if verbose:
            bar.update(first + len(chosen))
    return results


def write_on(
    model: LanguageModel, prompt: Any, manner: Manner, most: int | None, seed: int | None
) -> Iterator[str]:
    """Writes on from a prompt; yields what comes, where it is sure to stay."""
    numbers = _numbers(random.randrange(2**31) if seed is None else seed, 0)
    writing = Writing(model, manner)
    (text,), features = _read(model, [prompt], manner)
    begin = model._kept.compiled(model, ("begin", manner.key), writing.start)
    step = model._kept.compiled(model, ("step", manner.key), writing.one)

    def pieces() -> Iterator[str]:
        last, states = features.pop("last"), begin(features)
        writer, written, shown = model.symbols.writer(text), "", 0
        number, over = 0, False
        while not over and (most is None or number < most):
            uniforms = np.array([[numbers.random()]], "float32")
            found = step({"last": last, "states": states, "uniforms": uniforms})
            last, states = found["chosen"], found["states"]
            number += 1
            over = int(last[0]) == model.symbols.end_id
            written += writer.finish() if over else writer.add(int(last[0]))
            sure = len(written)
            if manner.until is not None:
                end = first_end(written, manner.until, text)
                over = over or end is not None
                # White space may turn out to stand behind the end.
                sure = len(written.rstrip()) if end is None else end
            if sure > shown:
                yield written[shown:sure]
                shown = sure
        if not over or manner.until is None or first_end(written, manner.until, text) is None:
            written += "" if over else writer.finish()
            if len(written) > shown:
                yield written[shown:]

    return pieces()


def _read(
    model: LanguageModel, prompts: Sequence[Any], manner: Manner
) -> tuple[list[str], dict[str, Any]]:
    """Reads prompts: their texts, and the features of `Writing` but for the draws."""
    texts = [_checked(model, number, prompt) for number, prompt in enumerate(prompts)]
    start = np.array([model.symbols.start_id], "int32")
    units = [np.append(start, model.symbols.encode(text)).astype("int32") for text in texts]
    _, states = walk(model, units)
    shown = [text.decode("utf-8", "replace") if isinstance(text, bytes) else text for text in texts]
    return shown, {
        "last": np.array([row[-1] for row in units], "int32"),
        "states": [np.stack(values) for values in zip(*states, strict=True)],
        "seen": np.array([bool(text) and not text[-1].isspace() for text in shown], "float32"),
        "temperature": np.full(len(units), manner.temperature or 1.0, "float32"),
    }


def _checked(model: LanguageModel, number: int, prompt: Any) -> Any:
    text = model.text("Prompt", number, prompt)
    if goes_beyond(text, model.context):
        end = {"sentence": "line end", "paragraph": "blank line"}[model.context]
        raise ValueError(
            f"Prompt {number} is longer than the context: it has a {end}, and this model reads one "
            f"{model.context} at a time (`context={model.context!r}`); give the last one alone."
        )
    return text


def _text(model: LanguageModel, units: np.ndarray, before: str, until: str | None) -> str:
    """The text of units up to the end symbol, or to the first end of the kind asked for."""
    ends = np.flatnonzero(units == model.symbols.end_id)
    text = model.symbols.decode(units[: ends[0]] if len(ends) else units, before)
    end = None if until is None else first_end(text, until, before)
    return text if end is None else text[:end]


def _numbers(seed: int, number: int) -> np.random.Generator:
    return np.random.default_rng([seed, number])
