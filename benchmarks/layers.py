"""Times our recurrent layers against those of Keras and PyTorch, side by side in one process.

python benchmarks/layers.py
KERAS_BACKEND=jax python benchmarks/layers.py --only "C: LSTM" --rounds 15
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if __name__ == "__main__":
    # A script's own folder comes first, where this file would be found by the name `layers`.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks import _command
from benchmarks._command import CALLS, ROUNDS, BadInputError, nothing_chosen, say


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; returns 0, 1 where a number is missing, 2 for input that is not right."""
    parser = _command.parser(
        "layers",
        "Times our recurrent layers against those of Keras and PyTorch.",
        "what to measure: part of 'C: LSTM / torch LSTM' or of 'memory'",
    )
    parser.add_argument("--plot", metavar="PATH", help="draws the ratios, as PNG, SVG or PDF")
    options = parser.parse_args(argv)
    return _command.run("layers", options, _measure, _write, ("json", "markdown", "plot"))


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    if options.plot and Path(options.plot).suffix.lower() not in (".png", ".svg", ".pdf"):
        raise BadInputError(
            f"`--plot` must end in .png, .svg or .pdf. Received: --plot {options.plot}."
        )
    return measure(options.only, options.rounds, options.quick)


def measure(only: str = "", rounds: int = ROUNDS, quick: bool = False) -> dict[str, Any]:
    """Measures everything whose name has the pattern `only` in it."""
    backend = _command.backend(quick)
    from benchmarks import _machine, _memory, _results
    from benchmarks._cases import CONFIGS, GROUPS, KERAS_LSTM, MEMORY, MEMORY_TIMES, matches

    available = {"zoo", "keras", "rnn", *(["torch"] if _machine.has_torch() else [])}
    jit = backend == "tensorflow"
    chosen = []
    for group in GROUPS:
        found = list(group.selected(available, jit, only))
        chosen += found[:1] if quick else found  # tiny, a group's configurations are all alike
    with_memory = matches(only, "memory")
    if not chosen and not with_memory:
        raise nothing_chosen(only)

    machine = _machine.description()
    say("what the machine can do at best")
    limits = _machine.limits(quick)
    rows = []
    for number, (name, group) in enumerate(chosen, 1):
        peers = ", ".join(peer.contender.label for peer in group.peers)
        say(f"[{number}/{len(chosen)}] {name}: {group.ours.label} / {peers}")
        config = CONFIGS[name].shrunk() if quick else CONFIGS[name]
        calls = 1 if quick else CALLS
        rows += _results.compare(name, config, group, rounds, calls, with_goals=not quick)
    limits = _machine.better(limits, _machine.limits(quick))
    for row in rows:
        row.share(limits["matmul_gflops"])
    memory = []
    if with_memory and _memory.can_measure() and not machine["accelerator"]:
        say("memory")
        contenders = [contender for contender in MEMORY if jit or not contender.jit]
        times = MEMORY_TIMES
        if quick:
            contenders, times = [MEMORY[0], KERAS_LSTM], (12,)
        memory = _results.memory(contenders, times, with_goals=not quick)
    faults = _results.faults([*rows, *memory])
    if faults:
        raise RuntimeError(f"every number must be finite and positive, but {'; '.join(faults)}.")
    return {
        "quick": quick,
        "rounds": rounds,
        "machine": machine,
        "limits": limits,
        "rows": rows,
        "memory": memory,
    }


def _write(found: dict[str, Any], options: argparse.Namespace) -> None:
    from benchmarks import _picture, _report

    head = _report.heading(found["machine"], found["limits"], found["rounds"])
    tables = list(_report.tables(found["rows"], found["memory"], found["limits"]))
    plain = {
        **found,
        "rows": [dataclasses.asdict(row) for row in found["rows"]],
        "memory": [dataclasses.asdict(row) for row in found["memory"]],
    }
    _command.write_tables(found, plain, head, tables, options)
    if options.plot:
        _picture.draw(found["rows"], found["machine"], Path(options.plot))


if __name__ == "__main__":
    sys.exit(main())
