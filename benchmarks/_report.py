"""The tables, as text of up to 120 columns and as Markdown."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks._cases import CONFIGS, KERAS_LSTM, MEMORY_CONFIG, PHASES, SMALL_BATCHES
from benchmarks._results import MemoryRow, Row

_TITLES = {
    "train": "Training: forward pass and the gradients of all weights and of the inputs",
    "forward": "Forward pass, training=False",
}
_HEADER = (
    *("", "ours", "against", "ours ms", "peer ms", "ratio", "quartiles"),
    *("goal/floor", "met", "GFLOP/s", "peak %", "peer"),
)


@dataclasses.dataclass
class Table:
    """A title, columns with their names, and rows of texts; the first columns are words."""

    title: str
    header: Sequence[str]
    rows: list[Sequence[str]]
    words: int

    def text(self) -> str:
        every = [self.header, *self.rows]
        widths = [max(len(row[column]) for row in every) for column in range(len(self.header))]
        every.insert(1, ["-" * width for width in widths])
        lines = []
        for row in every:
            cells = [
                cell.ljust(width) if column < self.words else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append("  ".join(cells).rstrip())
        return "\n".join([self.title, "", *lines])

    def markdown(self) -> str:
        rules = ["---"] * self.words + ["---:"] * (len(self.header) - self.words)
        rows = [self.header, rules, *self.rows]
        return "\n".join([f"**{self.title}**", "", *(f"| {' | '.join(row)} |" for row in rows)])


def heading(machine: Mapping[str, Any], limits: Mapping[str, Any], rounds: int) -> list[str]:
    """What was measured, on what."""
    versions = machine["versions"]
    versions = ", ".join(f"{name} {versions[name] or 'not installed'}" for name in versions)
    device = machine["accelerator"] or f"{machine['cpu']}, {machine['cores']} cores"
    rates = [f"matrix products {limits['matmul_gflops']:.0f} GFLOP/s"]
    if limits["copy_gbs"] is not None:
        rates.append(f"copying memory {limits['copy_gbs']:.1f} GB/s")
        rates.append(f"copying in caches {limits['cache_copy_gbs']:.1f} GB/s")
    return [
        f"{machine['date']}, backend {machine['backend']}, kernel {machine['active_kernel']}",
        f"{device}; float32",
        f"Python {machine['python']}, zoo {machine['zoo']}, {versions}",
        f"At best: {', '.join(rates)}; {rounds} rounds",
    ]


def tables(
    rows: Sequence[Row], memory: Sequence[MemoryRow], limits: Mapping[str, Any]
) -> Iterator[Table]:
    """All tables for which there are numbers."""
    large = [row for row in rows if row.config not in SMALL_BATCHES]
    for phase in PHASES:
        title = f"{_TITLES[phase]}. Ratio: peer's time over ours"
        chosen = [row for row in large if row.phase == phase and not row.smaller_is_better]
        if chosen:
            yield Table(title, _HEADER, [_row(row) for row in chosen], 3)
    masked = [row for row in large if row.smaller_is_better]
    if masked:
        header = ("phase", *_HEADER)
        cells = [(row.phase, *_row(row)) for row in masked]
        yield Table("With a mask. Ratio: time with it over time without", header, cells, 4)
    small = [row for row in rows if row.config in SMALL_BATCHES]
    if small:
        yield _small(small, limits)
    if memory:
        yield _memory(memory)
    used = dict.fromkeys(row.config for row in rows)
    if used:
        sizes = [(name, str(CONFIGS[name])) for name in used]
        yield Table("Configurations", ("", "sizes"), sizes, 2)


def _row(row: Row) -> tuple[str, ...]:
    return (
        row.config,
        row.ours,
        row.peer,
        milliseconds(row.ours_ms),
        milliseconds(row.peer_ms),
        f"{row.ratio:.2f}",
        f"{row.ratio_low:.2f}-{row.ratio_high:.2f}",
        *_goal(row),
        f"{row.gflops:.0f}",
        f"{100 * row.peak_share:.0f}",
        f"{100 * row.peer_peak_share:.0f}",
    )


def milliseconds(value: float) -> str:
    """A time with three digits."""
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}" if value < 100 else f"{value:.1f}"


def _goal(row: Row | MemoryRow) -> tuple[str, str]:
    if row.verdict is None:
        return "", ""
    return f"{row.goal:g}/{row.floor:g}", row.verdict


def _small(rows: Sequence[Row], limits: Mapping[str, Any]) -> Table:
    """Ours at small batches, one line for all its peers."""
    peers = list(dict.fromkeys(row.peer for row in rows))
    lines = []
    for config, phase in dict.fromkeys((row.config, row.phase) for row in rows):
        same = {row.peer: row for row in rows if (row.config, row.phase) == (config, phase)}
        row = next(iter(same.values()))
        lines.append(
            (
                config,
                phase,
                milliseconds(row.ours_ms),
                f"{row.gflops:.0f}",
                f"{100 * row.peak_share:.0f}",
                f"{row.weights_gbs:.1f}",
                *(_share(row.weights_gbs, limits[name]) for name in ("copy_gbs", "cache_copy_gbs")),
                *(
                    f"{same[peer].ratio:.2f} ({same[peer].ratio_low:.2f}-"
                    f"{same[peer].ratio_high:.2f})"
                    if peer in same
                    else ""
                    for peer in peers
                ),
            )
        )
    header = (
        *("", "phase", "ours ms", "GFLOP/s", "peak %"),
        *("weights GB/s", "memory %", "caches %"),
        *peers,
    )
    title = (
        "LSTM at small batches: each step reads the recurrent weights, in training twice. "
        "Last: ratios to peers"
    )
    return Table(title, header, lines, 2)


def _share(value: float, limit: float | None) -> str:
    return "" if limit is None else f"{100 * value / limit:.0f}"


def _memory(rows: Sequence[MemoryRow]) -> Table:
    times = list(rows[0].peak_mib)
    header = (
        "layer",
        *(f"T {time}" for time in times),
        f"over {KERAS_LSTM.label}'s at T {times[-1]}",
        "goal/floor",
        "met",
    )
    lines = [
        (
            row.layer,
            *(f"{row.peak_mib[time]:.0f}" for time in times),
            f"{row.ratio:.2f}",
            *_goal(row),
        )
        for row in rows
    ]
    sizes = str(MEMORY_CONFIG).replace(f", T {MEMORY_CONFIG.time}", "")
    title = f"Peak memory of training, MiB above what there was before it: {sizes}"
    return Table(title, header, lines, 1)
