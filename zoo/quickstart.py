"""The first command: a pretrained translator, tuned on the names of emoji."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

PRESET = "translator_small_en_de"
DATA = "emoji_names/en-de"
FOLDER = "translator_emoji_en_de"
EPOCHS = 5
BATCH_SIZE = 64
LEARNING_RATE = 1e-3
EXAMPLES = 6
DECODING: dict[str, Any] = {"beam_size": 5}


@dataclasses.dataclass
class Quickstart:
    """What `quickstart` has found out.

    Args:
        before: the metrics of the preset on the test split.
        after: those of the tuned one.
        folder: where that one is saved.
        preset: where training started.
        licence: what that preset may be used for.
        examples: source, translation before, translation after and reference, of the first items
            of the test split.
    """

    before: dict[str, float]
    after: dict[str, float]
    folder: Path
    preset: str
    licence: str
    examples: list[tuple[str, str, str, str]]


def quickstart(
    preset: str = PRESET,
    out: str | Path | None = None,
    *,
    epochs: int = EPOCHS,
    batch_size: int = BATCH_SIZE,
    learning_rate: float = LEARNING_RATE,
    seed: int = 0,
    verbose: Any = "auto",
    tell: Callable[[str], None] = print,
) -> Quickstart:
    """Tunes a translator from English to German on names of emoji, and measures what that gives.

    The names come with the package `emoji`; those of the test split are of emoji of which no
    variant is in the training split.

    Args:
        preset: the translator to start from.
        out: the folder for the tuned preset; by default a new one in the current folder.
        epochs, batch_size, learning_rate: of the training.
        seed: of the order of the pairs and the dropouts.
        verbose: Keras's.
        tell: takes a sentence about each step.

    Returns:
        The metrics before and after, examples, and where the tuned preset is.

    Raises:
        ValueError: the preset is no translator, or something at `out` would be lost.
    """
    from zoo.applications import Translator
    from zoo.applications._data import raw_pairs
    from zoo.applications._presets import read_card
    from zoo.datasets import load
    from zoo.training import check_output, finetuning, new_folder, prepare

    from ._measured import write_measured

    out = Path(out) if out is not None else new_folder(FOLDER)
    settings = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
    }
    recipe = finetuning(preset, DATA, overrides={"seed": seed, "training": settings})
    check_output(out)
    card = read_card(preset)
    tell(f"Loading {preset}: {card['description'] or card['application']}")
    prepared = prepare(recipe)
    translator = prepared.application
    if not isinstance(translator, Translator):
        raise ValueError(
            f"`preset` must be a translator. Received: {preset}, a {type(translator).__name__}."
        )
    sources, references = raw_pairs(load(DATA, "test"))
    tell(f"Translating the names of {len(sources)} emoji that training will not see.")
    before = translator.translate(sources, **DECODING)
    tell(f"Training on the names of {len(prepared.data[0])} others.")
    prepared.fit(out, verbose=verbose)
    tell("Translating the first ones again.")
    after = translator.translate(sources, **DECODING)
    found = Quickstart(
        _metrics(before, references),
        _metrics(after, references),
        out,
        preset,
        card["licence"],
        list(zip(sources, before, after, references, strict=True))[:EXAMPLES],
    )
    write_measured(out, DATA, "test", found.after, seed=seed, decoding=DECODING)
    return found


def _metrics(translations: list[str], references: list[str]) -> dict[str, float]:
    from .metrics import bleu, chrf

    return {"bleu": bleu(translations, references), "chrf": chrf(translations, references)}
