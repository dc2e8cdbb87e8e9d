"""Compares captioners with captions that are copied from the most similar picture.

python benchmarks/captioning.py --data flickr8k --split validation captioner_small_photos my_model
python benchmarks/captioning.py --features
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if __name__ == "__main__":
    # A script's own folder comes first, where this file would be found by its name alone.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

GREY = 127


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; returns 0, or 2 for input that is not right."""
    parser = argparse.ArgumentParser(prog="captioning", description=str(__doc__).split("\n")[0])
    parser.add_argument("presets", nargs="*", help="captioners: shipped presets or folders")
    parser.add_argument("--data", default="flickr8k", help="a dataset of pictures with captions")
    parser.add_argument("--train", default="train", help="the split that was trained on")
    parser.add_argument("--split", default="validation", help="the split to compare on")
    parser.add_argument("--data-dir", help="where the data are, if not at ZOO_DATA_DIR")
    parser.add_argument("--decoding", type=json.loads, default={}, help="options as a JSON object")
    parser.add_argument("--features", action="store_true", help="time the features of the pictures")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    try:
        found = measure(options)
    except (ValueError, OSError, ImportError, RuntimeError) as error:
        print(f"captioning: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(found))
        return 0
    for name, values in found.items():
        shown = ", ".join(f"{key} {value:.4g}" for key, value in values.items())
        print(f"{name}: {shown}")
    return 0


def measure(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """What each captioner and each baseline scores; how fast features are, if that is asked for."""
    from zoo import Captioner

    captioners = {str(name): Captioner.from_preset(name) for name in options.presets}
    train = load(options.data, options.train, options.data_dir)
    test = load(options.data, options.split, options.data_dir)
    found: dict[str, dict[str, float]] = {}
    if options.features:
        found["features"] = features([path for path, _ in test])
    reader = (
        next((one for one in captioners.values() if not one.train_encoder), None) or Captioner()
    )
    found["copied from the nearest"] = nearest(reader, train, test)
    for name, captioner in captioners.items():
        found[name] = score(captioner, [path for path, _ in test], test, options.decoding)
        found[f"{name}, blank pictures"] = score(
            captioner, [blank()] * len(test), test, options.decoding
        )
    return found


def load(data: str, split: str, data_dir: str | None = None) -> list[tuple[Any, list[str]]]:
    """Pictures with all captions of each."""
    from zoo import Captioner, datasets
    from zoo.applications._pictures import grouped

    inputs, captions = Captioner().raw(datasets.load(data, split, data_dir, kind="captions"))
    return [(inputs[group[0]], [captions[number] for number in group]) for group in grouped(inputs)]


def nearest(
    reader: Any, train: Sequence[tuple[Any, list[str]]], test: Sequence[tuple[Any, list[str]]]
) -> dict[str, float]:
    """What the captions of the most similar training pictures score.

    Pictures are similar by the cosine of their features, averaged over the grid. Of the captions of
    a picture the one is copied that is most like its others, by ROUGE-L.
    """
    import numpy as np

    from zoo.applications._caption_metrics import caption_scores

    def vectors(pictures: Sequence[tuple[Any, list[str]]]) -> np.ndarray:
        grids = reader.features_of([picture for picture, _ in pictures])
        means = np.stack([grid.astype("float32").mean(axis=0) for grid in grids])
        return means / np.linalg.norm(means, axis=1, keepdims=True)

    closest = (vectors(test) @ vectors(train).T).argmax(axis=1)
    typical = {number: most_typical(train[number][1]) for number in set(closest.tolist())}
    copied = [typical[number] for number in closest.tolist()]
    return caption_scores(copied, [captions for _, captions in test])


def most_typical(captions: list[str]) -> str:
    """The caption that shares most with the others of its picture."""
    from zoo.applications._caption_metrics import rouge_l

    if len(captions) == 1:
        return captions[0]
    return max(captions, key=lambda one: rouge_l([one] * len(captions), captions))


def score(
    captioner: Any,
    pictures: list[Any],
    test: Sequence[tuple[Any, list[str]]],
    decoding: dict[str, Any],
) -> dict[str, float]:
    """What a captioner's captions of pictures score, against the captions of `test`."""
    from zoo.applications._caption_metrics import caption_scores

    found = captioner.caption(pictures, **decoding)
    return caption_scores(found, [captions for _, captions in test])


def blank() -> Any:
    """A grey picture."""
    import numpy as np

    return np.full((224, 224, 3), GREY, "uint8")


def features(pictures: list[Any]) -> dict[str, float]:
    """How many pictures a second are computed, and how many are read from the disk."""
    from zoo import Captioner

    with tempfile.TemporaryDirectory() as folder:
        reader = Captioner()
        reader.feature_cache = Path(folder)
        reader.features_of(pictures[:16])  # compiles
        reader.feature_cache = Path(folder) / "fresh"
        rates = []
        for _ in range(2):
            start = time.perf_counter()
            reader.features_of(pictures)
            rates.append(len(pictures) / (time.perf_counter() - start))
    return {
        "computed a second": rates[0],
        "read a second": rates[1],
        "times faster": rates[1] / rates[0],
    }


if __name__ == "__main__":
    sys.exit(main())
