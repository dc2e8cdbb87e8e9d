"""Times the training of our language model against the same network in Keras and PyTorch.

python benchmarks/language_model.py
KERAS_BACKEND=jax python benchmarks/language_model.py --only "word: *torch" --rounds 15
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
    from benchmarks._language import Network
    from benchmarks._report import Table

_HEADER = (
    *("", "ours", "against", "ours ms", "peer ms", "ours a second", "peer a second"),
    *("ratio", "quartiles", "GFLOP/s", "peak %", "peer's"),
)


@dataclasses.dataclass(kw_only=True)
class Row:
    """A training step of ours against one of a peer's.

    `ours_rate` and `peer_rate` are the characters or words that are read in a second; `ratio` is
    the peer's time over ours. Shares are of the machine's best rate of matrix products.
    """

    config: str
    unit: str
    peer: str
    ours_ms: float
    peer_ms: float
    ours_rate: float
    peer_rate: float
    ratio: float
    ratio_low: float
    ratio_high: float
    gflops: float
    peer_gflops: float
    peak_share: float = math.nan
    peer_peak_share: float = math.nan


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; returns 0, 1 where a number is missing, 2 for input that is not right."""
    parser = _command.parser(
        "language_model",
        "Times the training of our language model against the same network in Keras and PyTorch.",
        "what to measure: part of 'char 2: LanguageModel / torch LSTM'",
    )
    options = parser.parse_args(argv)
    return _command.run("language_model", options, _measure, _write)


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    return measure(options.only, options.rounds, options.quick)


def measure(only: str = "", rounds: int = ROUNDS, quick: bool = False) -> dict[str, Any]:
    """Measures everything whose name has the pattern `only` in it."""
    backend = _command.backend(quick)
    from benchmarks import _machine
    from benchmarks._cases import matches
    from benchmarks._language import NETWORKS, OURS, PEERS

    available = [
        peer
        for peer in PEERS
        if (backend == "tensorflow" or not peer.endswith("jit"))
        and (_machine.has_torch() or not peer.startswith("torch"))
    ]
    chosen = []
    for network in NETWORKS:
        peers = [peer for peer in available if matches(only, f"{network.name}: {OURS} / {peer}")]
        if peers:
            chosen.append((network.shrunk() if quick else network, peers))
    if not chosen:
        raise nothing_chosen(only)
    machine = _machine.description()
    say("what the machine can do at best")
    limits = _machine.limits(quick)
    rows: list[Row] = []
    for number, (network, peers) in enumerate(chosen, 1):
        say(f"[{number}/{len(chosen)}] {network.name}: {OURS} / {', '.join(peers)}")
        rows += compare(network, peers, rounds, 1 if quick else CALLS)
    limits = _machine.better(limits, _machine.limits(quick))
    for row in rows:
        row.peak_share = row.gflops / limits["matmul_gflops"]
        row.peer_peak_share = row.peer_gflops / limits["matmul_gflops"]
    faults = list(_faults(rows))
    if faults:
        raise RuntimeError(f"every number must be finite and positive, but {'; '.join(faults)}.")
    return {
        "quick": quick,
        "rounds": rounds,
        "machine": machine,
        "limits": limits,
        "networks": [network for network, _ in chosen],
        "rows": rows,
    }


def compare(network: Network, peers: list[str], rounds: int, calls: int) -> list[Row]:
    """Measures a training step of ours and of the peers, in the same rounds."""
    import numpy as np

    from benchmarks._language import ready
    from benchmarks._timing import ratio, seconds

    times = seconds([built.step for built in ready(network, peers)], rounds, calls)
    middle = np.median(times, axis=(1, 2))
    rows = []
    for number, peer in enumerate(peers, 1):
        spread = ratio(times[number], times[0])
        rows.append(
            Row(
                config=network.name,
                unit=network.unit,
                peer=peer,
                ours_ms=1e3 * float(middle[0]),
                peer_ms=1e3 * float(middle[number]),
                ours_rate=network.units_a_step / float(middle[0]),
                peer_rate=network.units_a_step / float(middle[number]),
                ratio=spread.median,
                ratio_low=spread.low,
                ratio_high=spread.high,
                gflops=network.gflop() / float(middle[0]),
                peer_gflops=network.gflop() / float(middle[number]),
            )
        )
    return rows


def _faults(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        for name, value in dataclasses.asdict(row).items():
            if isinstance(value, float) and not (math.isfinite(value) and value > 0):
                yield f"{name} of {row.config} against {row.peer}: {value}"


def tables(rows: Sequence[Row], networks: Sequence[Network]) -> Iterator[Table]:
    """What was measured, and the networks."""
    from benchmarks._report import Table

    yield Table(
        "Training: forward pass, gradients, clipping and Adam. Ratio: peer's time over ours",
        _HEADER,
        [_cells(row) for row in rows],
        3,
    )
    sizes = [(network.name, str(network)) for network in networks]
    yield Table("Networks", ("", "sizes"), sizes, 2)


def _cells(row: Row) -> tuple[str, ...]:
    from benchmarks._language import OURS
    from benchmarks._report import milliseconds

    return (
        row.config,
        OURS,
        row.peer,
        milliseconds(row.ours_ms),
        milliseconds(row.peer_ms),
        f"{row.ours_rate:,.0f} {row.unit}s",
        f"{row.peer_rate:,.0f}",
        f"{row.ratio:.2f}",
        f"{row.ratio_low:.2f}-{row.ratio_high:.2f}",
        f"{row.gflops:.0f}",
        f"{100 * row.peak_share:.0f}",
        f"{100 * row.peer_peak_share:.0f}",
    )


def _write(found: Mapping[str, Any], options: argparse.Namespace) -> None:
    from benchmarks import _report

    head = _report.heading(found["machine"], found["limits"], found["rounds"])
    plain = {
        **found,
        "networks": [dataclasses.asdict(network) for network in found["networks"]],
        "rows": [dataclasses.asdict(row) for row in found["rows"]],
    }
    shown = list(tables(found["rows"], found["networks"]))
    _command.write_tables(found, plain, head, shown, options)


if __name__ == "__main__":
    sys.exit(main())
