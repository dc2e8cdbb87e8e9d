"""The commands that train: train, finetune, quickstart."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

from ._output import Result, count, items, metric_table, short, table

_OWN = ("recipe", "out", "json", "restart", "tensorboard")


class Interrupted(KeyboardInterrupt):
    """Ctrl-C in the middle of a training; the message says what is left of it."""


def train(arguments: dict[str, Any]) -> Result:
    """`zoo train`"""
    from zoo import training

    path = Path(arguments["recipe"])
    overrides = _overrides(arguments)
    recipe = training.load_recipe(path, overrides)
    # A copy of the file keeps its comments; where the data lie is not part of what was trained.
    copied = path if set(overrides) <= {"data_dir"} else None
    default = recipe.name or _name(recipe.application or str(recipe.preset), recipe.data)
    out = Path(arguments.get("out") or training.new_folder(default))
    training.check_output(out, copied)
    prepared = training.prepare(recipe)
    _tell(prepared)
    vocabulary = _tell_vocabulary(prepared)
    history = _fit(prepared, out, copied, arguments)
    scores = _kept_scores(prepared, history)
    parts = []
    if scores:
        parts.append(metric_table({f"{recipe.data}:{recipe.validation_split}": scores}))
    losses = [[f"{epoch}", f"{loss:.4f}"] for epoch, loss in enumerate(history["loss"], start=1)]
    parts.insert(0, table(["epoch", "loss"], losses))
    parts.append(f"Saved in {out}.\nUse it: zoo run {out} ...")
    data: dict[str, Any] = {
        "preset_dir": os.path.abspath(out),
        "data": recipe.data,
        "split": recipe.split,
        "validation_split": recipe.validation_split,
        "metrics": scores,
        "history": history,
    }
    if vocabulary:
        data["vocabulary"] = vocabulary
    return Result(data, "\n\n".join(parts))


def finetune(arguments: dict[str, Any]) -> Result:
    """`zoo finetune`"""
    from zoo import training
    from zoo._measured import write_measured

    preset = arguments["preset"]
    overrides = _overrides(arguments)
    data, split = overrides.pop("data"), overrides.pop("split", None)
    del overrides["preset"]
    recipe = training.finetuning(preset, data, split, arguments.get("data_dir"), overrides)
    out = Path(arguments.get("out") or training.new_folder(_name(preset, data)))
    training.check_output(out)
    prepared = training.prepare(recipe)
    held_out = (
        recipe.validation_split == training.HELD_OUT[1] and "validation_split" not in overrides
    )
    _tell(prepared, f"the last 10 % of {data}, held out" if held_out else "")
    vocabulary = _tell_vocabulary(prepared)
    before = _score(prepared, prepared.start or prepared.application)
    _fit(prepared, out, None, arguments)
    after = _score(prepared, prepared.application)
    if after and recipe.dtype == "float32":
        write_measured(out, data, str(recipe.validation_split), after, seed=recipe.seed)
    parts = [f"Saved in {out}.\nUse it: zoo run {out} ..."]
    if after:
        parts.insert(0, metric_table({"before": before, "after": after}))
        parts.insert(1, _if_worse(prepared, before, after))
    result: dict[str, Any] = {
        "preset": preset,
        "data": data,
        "split": recipe.validation_split,
        "before": before,
        "after": after,
        "preset_dir": os.path.abspath(out),
    }
    if vocabulary:
        result["vocabulary"] = vocabulary
    return Result(result, "\n\n".join(filter(None, parts)))


def _if_worse(prepared: Any, before: dict[str, float], after: dict[str, float]) -> str:
    """What may help if the fine-tuned model is worse than the preset."""
    from zoo.metrics import LOWER_IS_BETTER

    monitor = prepared.application.monitor
    sign = -1 if monitor in LOWER_IS_BETTER else 1
    if sign * after[monitor] >= sign * before[monitor]:
        return ""
    rate = prepared.recipe.training.learning_rate / 10
    return (
        f"By {monitor} the preset was better before: a lower learning rate may help "
        f"(--learning-rate {rate:g}), or more data to train and to validate on."
    )


def quickstart(arguments: dict[str, Any]) -> Result:
    """`zoo quickstart`"""
    from zoo.quickstart import quickstart as start

    given = {name: value for name, value in arguments.items() if name != "json"}
    found = start(**given, verbose=_verbose(), tell=print)
    shown = [[short(text) for text in example] for example in found.examples]
    parts = [
        metric_table({"before": found.before, "after": found.after}),
        table(["English", "before", "after", "reference"], shown),
        f"The preset {found.preset} is for {found.licence} use."
        if found.licence == "research"
        else f"The licence of the preset {found.preset}: {found.licence}.",
        f"Saved in {found.folder}. What next:\n"
        f'  zoo run {found.folder} "red apple" "smiling face"\n'
        f"  zoo finetune {found.preset} --data your_pairs.tsv",
    ]
    data = {
        "before": found.before,
        "after": found.after,
        "preset_dir": os.path.abspath(found.folder),
    }
    return Result(data, "\n\n".join(parts))


def _overrides(arguments: dict[str, Any]) -> dict[str, Any]:
    from zoo.datasets import parse_spec

    overrides = {name: arguments[name] for name in arguments if name not in _OWN}
    if "data" in overrides:
        overrides["data"], split = parse_spec(overrides["data"], "")
        if split:
            overrides["split"] = split
    return overrides


def _name(start: str, data: str) -> str:
    """A name for what was trained: `translator_talk` from Translator and talk.en,talk.de."""
    first = re.sub(r"\W+", "_", Path(start).name.lower()).strip("_")
    last = re.sub(r"\W+", "_", Path(data.split(",")[0]).stem if "." in data else data)
    return f"{first}_{last.strip('_').lower()}"


def _tell(prepared: Any, validation: str = "") -> None:
    recipe = prepared.recipe
    print(f"Training on {recipe.data}:{recipe.split}, {items(prepared.data)}.")
    if prepared.validation is not None:
        what = validation or f"{recipe.data}:{recipe.validation_split}"
        print(f"Validating on {what}, {items(prepared.validation)}.")


def _tell_vocabulary(prepared: Any) -> dict[str, dict[str, int]]:
    """Says how well the vocabulary fits the training data before and after it has grown."""
    if prepared.start is None:
        return {}
    before = prepared.start.count_symbols(*prepared.data)
    after = prepared.application.count_symbols(*prepared.data)
    print(
        f"The vocabulary grows from {count(before['vocabulary_size'])} to "
        f"{count(after['vocabulary_size'])} symbols. Of the {count(before['characters'])} "
        f"characters of the training data, {count(before['unknown'])} were unknown, and "
        f"{count(after['unknown'])} are now; together they took {count(before['units'])} symbols, "
        f"and take {count(after['units'])}."
    )
    return {"before": before, "after": after}


def _score(prepared: Any, application: Any) -> dict[str, float]:
    from zoo import training

    if prepared.validation is None:
        return {}
    return training.evaluate(
        application,
        prepared.validation,
        seed=prepared.recipe.seed,
        verbose=int(sys.stderr.isatty()),
    )


def _fit(
    prepared: Any, out: Path, recipe_path: Path | None, arguments: dict[str, Any]
) -> dict[str, list[float]]:
    from zoo._continuing import training_folder

    card = out / "card.json"
    before = card.stat().st_mtime_ns if card.exists() else None
    try:
        return prepared.fit(
            out,
            recipe_path,
            _verbose(),
            restart=arguments["restart"],
            tensorboard=arguments.get("tensorboard"),
            tell=print,
        )
    except KeyboardInterrupt:
        parts = ["Interrupted"]
        if card.exists() and card.stat().st_mtime_ns != before:
            parts.append(f"the best epoch so far is saved in {out}")
        if training_folder(out).is_dir():
            parts.append("give the same command again to go on")
        raise Interrupted(f"{'; '.join(parts)}.") from None


def _kept_scores(prepared: Any, history: dict[str, list[float]]) -> dict[str, float]:
    """The validation metrics of the epoch that was kept."""
    from zoo.metrics import LOWER_IS_BETTER, UNITS

    monitor = prepared.application.monitor
    values = history.get(f"val_{monitor}", [])
    if not values:
        return {}
    epoch = len(values) - 1
    if prepared.recipe.training.keep_best:
        best = min if monitor in LOWER_IS_BETTER else max
        epoch = values.index(best(values))
    # What the application's `score` gives is measured in validation alone, but for what it is
    # judged by, which may be followed in training as well.
    names = [
        name
        for name in UNITS
        if f"val_{name}" in history and (name not in history or name == monitor)
    ]
    return {name: history[f"val_{name}"][epoch] for name in names}


def _verbose() -> int:
    """Keras's: a bar on a terminal, otherwise a line an epoch."""
    return 1 if sys.stderr.isatty() else 2
