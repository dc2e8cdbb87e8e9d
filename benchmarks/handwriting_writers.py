"""Fine-tunes a preset on 100 words of each test writer, and reads this writer's other words.

python benchmarks/handwriting_writers.py --data-dir DIR
python benchmarks/handwriting_writers.py --preset FOLDER --sessions writer1d,writer2c --epochs 5
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if __name__ == "__main__":
    # A script's own folder comes first, where this file would be found by its name alone.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks import _command
from benchmarks._command import BadInputError, say

_DATA = "imadocsen_ondb"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs it; returns 0, 2 for input that is not right."""
    parser = _command.parser(
        "handwriting_writers",
        "Fine-tunes a preset on the first 100 words of each writer, and reads the others.",
    )
    parser.add_argument("--preset", default="handwriting_small_ink")
    parser.add_argument("--data", default=_DATA, help=f"whose sessions; by default {_DATA}")
    parser.add_argument("--data-dir", help="where the data are, if not at ZOO_DATA_DIR")
    parser.add_argument("--split", default="test", help="whose writers; by default test")
    parser.add_argument("--sessions", help="only these, with commas between")
    parser.add_argument("--epochs", type=int, default=10, help="by default 10")
    parser.add_argument("--batch-size", type=int, default=10, help="by default 10")
    parser.add_argument("--learning-rate", type=float, default=5e-4, help="by default 5e-4")
    parser.add_argument("--seed", type=int, default=0, help="by default 0")
    return _command.run("handwriting_writers", parser.parse_args(argv), _measure, _write)


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    for name in ("epochs", "batch_size", "learning_rate"):
        if not getattr(options, name) > 0:
            option = name.replace("_", "-")
            raise BadInputError(
                f"`--{option}` must be positive. Received: {getattr(options, name)}."
            )
    try:
        rows = list(measure(options))
    except (ValueError, FileNotFoundError) as error:
        raise BadInputError(str(error)) from error
    names = ("preset", "data", "split", "epochs", "batch_size", "learning_rate", "seed", "quick")
    return {**{name: getattr(options, name) for name in names}, "rows": rows, "all": overall(rows)}


def measure(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The error rates of each writer, before and after."""
    import keras

    from zoo import Application, datasets

    sessions = _sessions(options)
    if options.quick:
        sessions, options.epochs = sessions[:2], 1
    application = Application.from_preset(options.preset)
    application.compile(keras.optimizers.Adam(options.learning_rate, clipnorm=1.0))
    start = application.get_weights()
    application.optimizer.build(application.trainable_variables)
    fresh = [keras.ops.convert_to_numpy(variable) for variable in application.optimizer.variables]
    for number, session in enumerate(sessions, 1):
        # As if loaded anew, without compiling anything again.
        application.set_weights(start)
        for variable, value in zip(application.optimizer.variables, fresh, strict=True):
            variable.assign(value)
        keras.utils.set_random_seed(options.seed)
        train, test = (
            application.raw(datasets.load(f"{options.data}/{session}", split, options.data_dir))
            for split in ("train", "test")
        )
        if options.quick:
            test = (test[0][:8], test[1][:8])
        before = application.score(*test)
        application.fit(*train, batch_size=options.batch_size, epochs=options.epochs, verbose=0)
        after = application.score(*test)
        characters = sum(map(len, test[1]))
        say(
            f"[{number}/{len(sessions)}] {session}: CER {100 * before['cer']:.1f} -> "
            f"{100 * after['cer']:.1f} %, WER {100 * before['wer']:.1f} -> "
            f"{100 * after['wer']:.1f} %"
        )
        yield {
            "session": session,
            "trained_on": len(train[0]),
            "words": len(test[0]),
            "characters": characters,
            "before": before,
            "after": after,
        }


def _sessions(options: argparse.Namespace) -> list[str]:
    from zoo.datasets.imadocsen_ondb import sessions

    known = sessions(options.split, options.data_dir)
    if options.sessions is None:
        return known
    chosen = [name.strip() for name in options.sessions.split(",")]
    for name in chosen:
        if name not in known:
            raise BadInputError(
                f"`--sessions` must be of {options.split}: {', '.join(known)}. Received: {name}."
            )
    return chosen


def overall(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The rates of all writers' words together, and how many writers are read better."""
    found: dict[str, Any] = {"words": sum(row["words"] for row in rows)}
    for when in ("before", "after"):
        found[when] = {
            metric: sum(row[when][metric] * row[counted] for row in rows)
            / sum(row[counted] for row in rows)
            for metric, counted in (("cer", "characters"), ("wer", "words"))
        }
    found["better"] = sum(row["after"]["cer"] < row["before"]["cer"] for row in rows)
    found["worse"] = sum(row["after"]["cer"] > row["before"]["cer"] for row in rows)
    return found


def _write(found: Mapping[str, Any], options: argparse.Namespace) -> None:
    from benchmarks._report import Table

    every = found["all"]
    cells = [
        (row["session"], row["trained_on"], row["words"], row["before"], row["after"])
        for row in found["rows"]
    ]
    cells.append(("all", "", every["words"], every["before"], every["after"]))
    rows = [
        (
            name,
            str(trained),
            str(words),
            *(
                f"{100 * rates[metric]:.1f}"
                for metric in ("cer", "wer")
                for rates in (before, after)
            ),
        )
        for name, trained, words, before, after in cells
    ]
    header = ("writer", "trained on", "read", "CER %", "after", "WER %", "after")
    title = (
        f"{found['preset']}, fine-tuned for {found['epochs']} epochs (batch {found['batch_size']}, "
        f"rate {found['learning_rate']:g}, seed {found['seed']}): {every['better']} of "
        f"{len(found['rows'])} writers are read better, {every['worse']} worse"
    )
    _command.write_tables(found, found, [], [Table(title, header, rows, 1)], options)


if __name__ == "__main__":
    sys.exit(main())
