"""Times training and recognition of ink against the same network made of Keras's LSTM.

python benchmarks/handwriting.py
python benchmarks/handwriting.py --only "small training" --rounds 15
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if __name__ == "__main__":
    # A script's own folder comes first, where this file would be found by its name alone.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks import _command
from benchmarks._command import CALLS, ROUNDS, nothing_chosen, say

if TYPE_CHECKING:
    from benchmarks._handwriting import Network
    from benchmarks._report import Table

_PRESET = "handwriting_small_ink"
_HEADER = (
    *("", "", "ours ms", "keras ms", "ours words/s", "keras words/s"),
    *("ours points/s", "keras points/s", "ratio", "quartiles"),
)


@dataclasses.dataclass(kw_only=True)
class Row:
    """A batch of words read by our network and by the same one of Keras's layers.

    Rates are words and points a second; `ratio` is Keras's time over ours.
    """

    config: str
    phase: str
    ours_ms: float
    peer_ms: float
    ours_words: float
    peer_words: float
    ours_points: float
    peer_points: float
    ratio: float
    ratio_low: float
    ratio_high: float


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; returns 0, 1 where a number is missing, 2 for input that is not right."""
    parser = _command.parser(
        "handwriting",
        "Times training and recognition of ink against the same network made of Keras's LSTM.",
        "what to measure: part of 'small training', 'live recognition' or 'decoding'",
    )
    parser.add_argument(
        "--preset", default=_PRESET, help=f"whose decoding is timed; by default {_PRESET}"
    )
    return _command.run("handwriting", parser.parse_args(argv), _measure, _write)


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    return measure(options.only, options.rounds, options.quick, options.preset)


def measure(
    only: str = "", rounds: int = ROUNDS, quick: bool = False, preset: str = _PRESET
) -> dict[str, Any]:
    """Measures everything whose name has the pattern `only` in it."""
    _command.backend(quick)
    from benchmarks import _machine
    from benchmarks._cases import matches
    from benchmarks._handwriting import NETWORKS, PHASES, decoding_rates
    from zoo import list_presets

    chosen = [
        (network.shrunk() if quick else network, phase)
        for network in NETWORKS
        for phase in PHASES
        if matches(only, f"{network.name} {phase}")
    ]
    decoding = matches(only, "decoding") and (preset in list_presets() or Path(preset).is_dir())
    if not chosen and not decoding:
        raise nothing_chosen(only)
    machine = _machine.description()
    say("what the machine can do at best")
    limits = _machine.limits(quick)
    rows = [
        row
        for network in dict.fromkeys(network for network, _ in chosen)
        for row in compare(
            network,
            [phase for other, phase in chosen if other == network],
            rounds,
            1 if quick else CALLS,
        )
    ]
    rates: list[tuple[str, float, float]] = []
    if decoding:
        say(f"decoding of {preset}")
        rates = decoding_rates(preset, 8 if quick else 128)
    faults = list(_faults(rows))
    if faults:
        raise RuntimeError(f"every number must be finite and positive, but {'; '.join(faults)}.")
    return {
        "quick": quick,
        "rounds": rounds,
        "machine": machine,
        "limits": limits,
        "networks": list(dict.fromkeys(network for network, _ in chosen)),
        "rows": rows,
        "preset": preset if decoding else None,
        "decoding": rates,
    }


def compare(network: Network, phases: Sequence[str], rounds: int, calls: int) -> list[Row]:
    """Measures phases of ours and of the peer, in the same rounds."""
    import numpy as np

    from benchmarks._handwriting import ready
    from benchmarks._timing import ratio, seconds

    both = ready(network)
    rows = []
    for phase in phases:
        say(f"{network.name} {phase}")
        times = seconds([work.function(phase) for work in both], rounds, calls)
        ours, peer = (float(value) for value in np.median(times, axis=(1, 2)))
        spread = ratio(times[1], times[0])
        rows.append(
            Row(
                config=network.name,
                phase=phase,
                ours_ms=1e3 * ours,
                peer_ms=1e3 * peer,
                ours_words=network.batch / ours,
                peer_words=network.batch / peer,
                ours_points=both[0].points / ours,
                peer_points=both[1].points / peer,
                ratio=spread.median,
                ratio_low=spread.low,
                ratio_high=spread.high,
            )
        )
    return rows


def _faults(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        for name, value in dataclasses.asdict(row).items():
            if isinstance(value, float) and not (math.isfinite(value) and value > 0):
                yield f"{name} of {row.config} {row.phase}: {value}"


def tables(found: Mapping[str, Any]) -> Iterator[Table]:
    """What was measured, and the networks."""
    from benchmarks._report import Table, milliseconds

    if found["rows"]:
        yield Table(
            "A batch of words. Ratio: Keras's time over ours",
            _HEADER,
            [
                (
                    row.config,
                    row.phase,
                    milliseconds(row.ours_ms),
                    milliseconds(row.peer_ms),
                    f"{row.ours_words:,.0f}",
                    f"{row.peer_words:,.0f}",
                    f"{row.ours_points:,.0f}",
                    f"{row.peer_points:,.0f}",
                    f"{row.ratio:.2f}",
                    f"{row.ratio_low:.2f}-{row.ratio_high:.2f}",
                )
                for row in found["rows"]
            ],
            2,
        )
        sizes = [(network.name, str(network)) for network in found["networks"]]
        yield Table("Networks", ("", "sizes"), sizes, 2)
    if found["decoding"]:
        yield Table(
            f"Decoding of {found['preset']}",
            ("", "words/s", "points/s"),
            [
                (name, f"{words:,.0f}", f"{points:,.0f}")
                for name, words, points in found["decoding"]
            ],
            1,
        )


def _write(found: Mapping[str, Any], options: argparse.Namespace) -> None:
    from benchmarks import _report

    head = _report.heading(found["machine"], found["limits"], found["rounds"])
    plain = {
        **found,
        "networks": [dataclasses.asdict(network) for network in found["networks"]],
        "rows": [dataclasses.asdict(row) for row in found["rows"]],
    }
    _command.write_tables(found, plain, head, list(tables(found)), options)


if __name__ == "__main__":
    sys.exit(main())
