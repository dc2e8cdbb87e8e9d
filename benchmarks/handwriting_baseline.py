"""Reads words by their nearest template: dynamic time warping over all training ink.

python benchmarks/handwriting_baseline.py --data-dir DIR
python benchmarks/handwriting_baseline.py --words 1000 --split validation
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if __name__ == "__main__":
    # A script's own folder comes first, where this file would be found by its name alone.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks import _command
from benchmarks._command import BadInputError, say

_DATA, _QUICK = "imadocsen_ondb/words", "hershey_ink/lower"
_POINTS, _BAND = 48, 8


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the baseline; returns 0, 2 for input that is not right."""
    parser = _command.parser(
        "handwriting_baseline",
        "Reads a sample of words as the nearest of all training words, by dynamic time warping.",
    )
    parser.add_argument("--data", default=None, help=f"by default {_DATA}")
    parser.add_argument("--data-dir", help="where the data are, if not at ZOO_DATA_DIR")
    parser.add_argument("--split", default="test", help="what is read; by default test")
    parser.add_argument("--words", type=int, default=200, help="how many of it; by default 200")
    parser.add_argument("--templates", type=int, help="how many training words; by default all")
    parser.add_argument("--seed", type=int, default=0, help="of the samples; by default 0")
    return _command.run("handwriting_baseline", parser.parse_args(argv), _measure, _write)


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    for name in ("words", "templates"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise BadInputError(f"`--{name}` must be a positive integer. Received: {value}.")
    words, templates = (20, 200) if options.quick else (options.words, options.templates)
    data = options.data or (_QUICK if options.quick else _DATA)
    try:
        return measure(data, options.data_dir, options.split, words, templates, options.seed)
    except (ValueError, FileNotFoundError) as error:
        raise BadInputError(str(error)) from error


def measure(
    data: str, data_dir: str | None, split: str, words: int, templates: int | None, seed: int
) -> dict[str, Any]:
    """Reads words of a split as the nearest words of `train`."""
    import numpy as np

    from benchmarks._dtw import distances
    from zoo.metrics import cer, wer

    generator = np.random.default_rng(seed)
    known, labels = _shapes(data, data_dir, "train", templates, generator)
    wanted, texts = _shapes(data, data_dir, split, words, generator)
    start, read = time.perf_counter(), []
    for number, shape in enumerate(wanted, 1):
        read.append(labels[int(distances(shape, known, _BAND).argmin())])
        if number % 20 == 0:
            say(f"{number} of {len(wanted)} words, CER {cer(read, texts[:number]):.3f}")
    return {
        "quick": words == 20,
        "data": data,
        "split": split,
        "words": len(wanted),
        "templates": len(known),
        "vocabulary": len(set(labels)),
        "out_of_vocabulary": sum(text not in set(labels) for text in texts) / len(texts),
        "seed": seed,
        "seconds": time.perf_counter() - start,
        "metrics": {"cer": cer(read, texts), "wer": wer(read, texts)},
    }


def _shapes(
    data: str, data_dir: str | None, split: str, count: int | None, generator: Any
) -> tuple[Any, list[str]]:
    """A sample of words: (words, points, features), and the texts."""
    import numpy as np

    from zoo import datasets

    pairs = [
        (ink, text.decode())
        for ink, text in datasets.load(data, split, data_dir).as_numpy_iterator()
    ]
    if count is not None and count < len(pairs):
        chosen = np.sort(generator.choice(len(pairs), count, replace=False))
        pairs = [pairs[place] for place in chosen]
    return np.stack([shape(ink) for ink, _ in pairs]), [text for _, text in pairs]


def shape(ink: Any) -> Any:
    """Ink as points at equal distances, as many for every word: x, y, and the direction (2)."""
    import numpy as np

    from zoo.applications._ink import as_ink
    from zoo.applications._ink_features import normalise, segments

    normal = normalise(as_ink(ink))
    starts, vectors = segments(normal)
    lengths = np.hypot(*vectors.T)
    if not lengths.any():  # dots alone
        return np.zeros((_POINTS, 4), "float32")
    along = np.concatenate([[0], np.cumsum(lengths)])
    wanted = np.linspace(0, along[-1], _POINTS)
    piece = np.clip(np.searchsorted(along, wanted, side="right") - 1, 0, len(lengths) - 1)
    length = np.maximum(lengths[piece], 1e-9)[:, None]
    places = starts[piece] + vectors[piece] * ((wanted - along[piece])[:, None] / length)
    return np.concatenate([places, vectors[piece] / length], axis=1).astype("float32")


def _write(found: Mapping[str, Any], options: argparse.Namespace) -> None:
    from benchmarks._report import Table

    metrics = found["metrics"]
    rows = [
        ("CER", f"{100 * metrics['cer']:.1f} %"),
        ("WER", f"{100 * metrics['wer']:.1f} %"),
        ("words read", f"{found['words']:,} of {found['data']}:{found['split']}"),
        ("templates", f"{found['templates']:,} of {found['vocabulary']:,} different words"),
        ("words that no template has", f"{100 * found['out_of_vocabulary']:.1f} %"),
        ("seed", str(found["seed"])),
        ("seconds", f"{found['seconds']:.0f}"),
    ]
    table = Table("The nearest template by dynamic time warping", ("", ""), rows, 2)
    _command.write_tables(found, found, [], [table], options)


if __name__ == "__main__":
    sys.exit(main())
