"""Reads ink as a tablet gives it, and the same ink as mice draw it on a canvas.

python benchmarks/handwriting_mouse.py --data-dir DIR
python benchmarks/handwriting_mouse.py --preset FOLDER --split validation

A mouse gives whole pixels, letters of another size, and fewer points: only those where it was when
the browser asked. The hand is as steady as it was.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if __name__ == "__main__":
    # A script's own folder comes first, where this file would be found by its name alone.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks import _command
from benchmarks._command import BadInputError, say

MICE = ((60, 2), (30, 3), (15, 4), (8, 6))
"""The height of small letters in pixels, and of how many points of the tablet one is left."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs it; returns 0, 2 for input that is not right."""
    parser = _command.parser("handwriting_mouse", "Reads ink of a tablet, and as of mice.")
    parser.add_argument("--preset", default="handwriting_small_ink")
    parser.add_argument("--data", default="imadocsen_ondb/words")
    parser.add_argument("--data-dir", help="where the data are, if not at ZOO_DATA_DIR")
    parser.add_argument("--split", default="test", help="by default test")
    return _command.run("handwriting_mouse", parser.parse_args(argv), _measure, _write)


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    import numpy as np

    from zoo import Application, datasets
    from zoo.applications._ink import as_ink

    try:
        application = Application.from_preset(options.preset)
        data = datasets.load(options.data, options.split, options.data_dir)
        inks, texts = application.raw(data)
        packed = [as_ink(ink) for ink in inks]
    except (ValueError, TypeError, FileNotFoundError) as error:
        raise BadInputError(str(error)) from error
    if options.quick:
        packed, texts = packed[:20], texts[:20]
    rows = []
    for height, every in ((None, 1), *MICE):
        drawn = [ink if height is None else by_mouse(ink, height, every) for ink in packed]
        points = float(np.mean([len(ink) for ink in drawn]))
        metrics = application.score(drawn, texts)
        rows.append({"height": height, "every": every, "points": points, "metrics": metrics})
        say(f"{_name(rows[-1])}: CER {100 * metrics['cer']:.2f} %")
    names = ("preset", "data", "split", "quick")
    return {
        **{name: getattr(options, name) for name in names},
        "words": len(packed),
        "rows": rows,
    }


def by_mouse(ink: Any, height: float, every: int) -> Any:
    """Packed ink with every n-th point, in whole pixels, its small letters so many pixels high."""
    import numpy as np

    from zoo.applications._ink import UP
    from zoo.applications._ink_features import letter_height

    kept = np.arange(len(ink)) % every == 0
    kept |= ink[:, UP] > 0  # where the button is let go
    kept[1:] |= ink[:-1, UP] > 0  # where it is pressed
    ink = ink[kept].copy()
    ink[:, :2] = np.round(ink[:, :2] * (height / (letter_height(ink) or 1.0)))
    return ink


def _name(row: Mapping[str, Any]) -> str:
    if row["height"] is None:
        return "tablet, as it is"
    return f"mouse, letters of {row['height']} pixels, every {row['every']}. point"


def _write(found: Mapping[str, Any], options: argparse.Namespace) -> None:
    from benchmarks._report import Table

    rows = [
        (
            _name(row),
            f"{row['points']:.0f}",
            *(f"{100 * row['metrics'][metric]:.2f}" for metric in ("cer", "wer")),
        )
        for row in found["rows"]
    ]
    title = f"{found['preset']}, {found['words']:,} words of {found['data']}:{found['split']}"
    table = Table(title, ("drawn by", "points a word", "CER %", "WER %"), rows, 1)
    _command.write_tables(found, found, [], [table], options)


if __name__ == "__main__":
    sys.exit(main())
