"""The commands that use presets as they are: list, show, evaluate, run."""

from __future__ import annotations

import sys
from typing import Any

from ._output import Result, count, items, metric, metric_table, options, plain, size, table
from ._parser import DECODING_SHORTCUTS


def show_list(arguments: dict[str, Any]) -> Result:
    """`zoo list`"""
    from zoo.applications import list_applications, list_presets
    from zoo.applications._presets import read_card
    from zoo.datasets import list_datasets
    from zoo.layers import list_cells

    keys = ("name", "application", "description", "licence", "parameters", "bytes", "metrics")
    presets = []
    for name in list_presets():
        card = {**read_card(name), "name": name}
        presets.append({key: card[key] for key in keys})
    data: dict[str, list[Any]] = {
        "presets": presets,
        "cells": list_cells(),
        "applications": list_applications(),
        "datasets": list_datasets(),
    }
    rows = [
        [
            card["name"],
            card["application"],
            card["licence"],
            count(card["parameters"]),
            size(card["bytes"]),
            _first_metrics(card["metrics"]),
        ]
        for card in presets
    ]
    header = ["preset", "application", "licence", "parameters", "size", "measured"]
    parts = [table(header, rows) if rows else "No presets are shipped."]
    for kind in ("cells", "applications", "datasets"):
        parts.append(f"{kind}: {', '.join(data[kind])}")
    parts[-1] += (
        "; files of your own (pairs.tsv, book.txt, a folder of texts); and whatever TensorFlow "
        "Datasets has prepared on this machine, by its name there (ted_hrlr_translate/pt_to_en, "
        "ted_multi_translate/fr-en, lm1b)"
    )
    return Result(data, "\n\n".join(parts))


def show(arguments: dict[str, Any]) -> Result:
    """`zoo show`"""
    from zoo.applications._presets import preset_folder, read_card, verify

    verify(preset_folder(arguments["preset"]))
    card = read_card(arguments["preset"])
    shown = {**card, "parameters": count(card["parameters"]), "bytes": size(card["bytes"])}
    if "requires" in card:
        shown["requires"] = options(card["requires"])
    keys = [key for key in shown if key != "metrics" and shown[key] != ""]
    width = max(map(len, keys))
    parts = ["\n".join(f"{key.ljust(width)}  {shown[key]}" for key in keys)]
    for entry in card["metrics"]:
        where = f"{entry.get('data')}:{entry.get('split')}"
        how = f"decoding: {options(entry.get('decoding') or {})}; seed {entry.get('seed', 0)}"
        parts.append(f"{metric_table({where: entry.get('values') or {}})}\n{how}")
    return Result(card, "\n\n".join(parts))


def evaluate(arguments: dict[str, Any]) -> Result:
    """`zoo evaluate`"""
    from zoo import datasets, training
    from zoo._measured import measured, write_measured
    from zoo.applications import Application

    preset = arguments["preset"]
    name, split = datasets.parse_spec(arguments["data"])
    application = Application.from_preset(preset)
    stated = measured(preset, name, split)
    decoding = {**(stated.get("decoding") or {}), **_decoding(arguments)}
    seed = arguments.get("seed", stated.get("seed", 0))
    found = datasets.load(name, split, arguments.get("data_dir"), application.data_kind)
    data = application.raw(found)
    values = training.evaluate(
        application,
        data,
        seed=seed,
        decoding=decoding,
        verbose=int(sys.stderr.isatty()),
        report=arguments.get("report"),
    )
    text = metric_table({f"{name}:{split}": values})
    text += f"\n{items(data)}; decoding: {options(decoding)}; seed {seed}"
    if arguments["update_card"]:
        write_measured(preset, name, split, values, seed=seed, decoding=decoding)
        text += f"\nThe card of {preset} says so now."
    result = {"preset": preset, "data": name, "split": split, "metrics": values}
    if "report" in arguments:
        text += f"\nSee {arguments['report']}: items.csv, confusions.csv and .png, worst.png."
        result["report"] = arguments["report"]
    return Result(result, text)


def run(arguments: dict[str, Any]) -> Result:
    """`zoo run`"""
    import keras

    from zoo._decoding import check_decoding, progress
    from zoo.applications import Application

    inputs = arguments["text"] or _lines()
    application = Application.from_preset(arguments["preset"])
    decoding = check_decoding(application, _decoding(arguments))
    if "seed" in arguments:
        keras.utils.set_random_seed(arguments["seed"])
    shown = progress(application, int(sys.stderr.isatty() and len(inputs) > 1))
    outputs = application.infer(inputs, **{**shown, **decoding})
    lines = (output if isinstance(output, str) else str(plain(output)) for output in outputs)
    data = {"preset": arguments["preset"], "inputs": inputs, "outputs": outputs}
    return Result(data, "\n".join(lines))


def _decoding(arguments: dict[str, Any]) -> dict[str, Any]:
    given = {name: arguments[name] for name in DECODING_SHORTCUTS if name in arguments}
    return {**arguments.get("decoding", {}), **given}


def _lines() -> list[str]:
    if sys.stdin is None or sys.stdin.isatty():
        print("Type one input a line; end with Ctrl-D.", file=sys.stderr)
    try:
        text = sys.stdin.read() if sys.stdin is not None else ""
    except UnicodeDecodeError as error:
        raise ValueError("Standard input is not UTF-8; give it text in UTF-8.") from error
    # Line feeds alone end a line: sentences may hold U+2028, at which `splitlines` would cut too.
    lines = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]
    if not text:
        raise ValueError("There is no input: give texts as arguments, or lines on standard input.")
    return lines


def _first_metrics(metrics: list[dict[str, Any]]) -> str:
    if not metrics:
        return "not measured"
    values = metrics[0].get("values") or {}
    shown = ", ".join(f"{name} {metric(name, value)}" for name, value in values.items())
    return f"{shown} ({metrics[0].get('data')}:{metrics[0].get('split')})"
