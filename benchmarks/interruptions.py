"""Interrupts a training or a search at random moments; its end is that of an undisturbed one.

python benchmarks/interruptions.py
python benchmarks/interruptions.py --what search --full
KERAS_BACKEND=jax python benchmarks/interruptions.py --what language_model --kills 5

A moment is any event of the training (a batch, an epoch, an evaluation begins or ends) and any
system call with which a file is written; a file is killed half written. With --full it is the disk
that is full from that moment on, until the next start, every second time. The first line of numbers
is the undisturbed one's, the last one that of what was interrupted each time it had been started
again. Every life is a process of its own.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if __name__ == "__main__":
    # A script's own folder comes first, where this file would be found by its name alone.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks._lives import live
from benchmarks._victims import TRAININGS, search, train, unreadable


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the lives; returns 0 if the ends are equal and nothing is left behind."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--what", choices=(*TRAININGS, "search"), default="adder")
    parser.add_argument("--kills", type=int, default=20, help="how often it is interrupted")
    parser.add_argument("--full", action="store_true", help="the disk is full, every second time")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    # Only once, for all lives; none of this computes anything.
    import zoo.callbacks  # noqa: F401
    import zoo.tuning  # noqa: F401
    from zoo.applications import LanguageModel, Translator  # noqa: F401

    searches = options.what == "search"
    work = search if searches else partial(train, options.what)
    moments = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        before = Path(folder) / "undisturbed"
        undisturbed = live(partial(work, before), before)
        events = undisturbed["events"]
        if not options.json:
            print(f"undisturbed: {undisturbed['end']}, {events} moments", flush=True)
        place = Path(folder) / "interrupted"
        kills = []
        # Spread over all of the work: a life begins at the latest where the one before has ended.
        ends = sorted(moments.choices(range(1, events + 1), k=options.kills))
        for number, (start, end_at) in enumerate(itertools.pairwise((0, *ends))):
            at = max(1, end_at - start)
            life = live(partial(work, place), place, at, options.full and number % 2 == 1)
            kills.append(_told(life))
            if not options.json:
                print(f"{number + 1}: {kills[-1]}", flush=True)
        end = live(partial(work, place), place)
        # A search is kept with its page; of a training nothing but the best preset is.
        left = unreadable(place) if searches else _left(place)
    found = {
        "undisturbed": undisturbed["end"],
        "killed": end["end"],
        "kills": kills,
        "left": left,
        "equal": undisturbed["end"] == end["end"],
    }
    if options.json:
        print(json.dumps(found))
    else:
        print(f"interrupted: {end['end']}: {'equal' if found['equal'] else 'DIFFERENT'}")
        print(f"left behind: {', '.join(left)}")
    unexpected = [name for name in left if searches or name.split("/")[0] != "preset"]
    return int(not found["equal"] or bool(unexpected))


def _told(life: dict[str, str]) -> str:
    if "full" in life:
        return f"disk full, {life['full']}: {life['error']}"
    return f"killed, {life['killed']}" if "killed" in life else "not any more"


def _left(place: Path) -> list[str]:
    return sorted(str(path.relative_to(place)) for path in place.rglob("*"))


if __name__ == "__main__":
    sys.exit(main())
