"""The numbers in a preset's card, and how each was measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def measured(preset: str | Path, data: str, split: str) -> dict[str, Any]:
    """The card's first entry for these data, with `seed` and `decoding`; empty if it has none."""
    from zoo.applications._presets import read_card

    for entry in read_card(preset)["metrics"]:
        if (entry.get("data"), entry.get("split")) == (data, split):
            return entry
    return {}


def write_measured(
    preset: str | Path,
    data: str,
    split: str,
    values: Mapping[str, float],
    *,
    seed: int = 0,
    decoding: Mapping[str, Any] | None = None,
) -> None:
    """Writes what was measured into a preset's card, in the place of an older entry for it.

    There is one for each decoding of the same data.
    """
    from zoo.applications._presets import preset_folder, read_card, update_card

    entry = {
        "data": data,
        "split": split,
        "seed": seed,
        "decoding": dict(decoding or {}),
        "values": dict(values),
    }
    folder = preset_folder(preset)
    metrics = read_card(folder)["metrics"]
    same = ("data", "split", "decoding")
    places = [
        place
        for place, old in enumerate(metrics)
        if all(old.get(key) == entry[key] for key in same)
    ]
    if places:
        metrics[places[0]] = entry
    else:
        metrics.append(entry)
    update_card(folder, metrics=metrics)
