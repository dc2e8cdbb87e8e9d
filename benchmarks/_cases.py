"""What is compared with what, at which sizes, and the goals: the data of the benchmark."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

PHASES = ("train", "forward")


@dataclasses.dataclass(frozen=True)
class Config:
    """Sizes of a layer and of what it reads; `projection` is for projected layers alone."""

    batch: int
    time: int
    features: int
    units: int
    projection: int = 0

    def shrunk(self) -> Config:
        """So small that only the machinery is tried."""
        return Config(min(self.batch, 4), 12, 4, 8, 4 if self.projection else 0)

    def recurrent_bytes(self, phase: str) -> int:
        """Bytes of an LSTM's recurrent weights, which each step reads; in training, twice."""
        return 4 * self.units * 4 * self.units * (2 if phase == "train" else 1)

    def __str__(self) -> str:
        projected = f", projected to {self.projection}" if self.projection else ""
        return f"batch {self.batch}, T {self.time}, {self.features} features, H {self.units}" + (
            projected
        )


CONFIGS = {
    "A": Config(32, 100, 128, 256),
    "B": Config(64, 50, 512, 512),
    "C": Config(16, 400, 128, 128),
    "D": Config(128, 200, 256, 256),
    "PA": Config(32, 100, 128, 256, 128),
    "PB": Config(64, 50, 512, 512, 256),
    "PC": Config(16, 400, 128, 128, 64),
    "PD": Config(128, 200, 256, 256, 128),
    "Q": Config(32, 50, 256, 1024, 256),
    "batch 1": Config(1, 50, 512, 512),
    "batch 4": Config(4, 50, 512, 512),
    "batch 16": Config(16, 50, 512, 512),
    "batch 64": Config(64, 50, 512, 512),
}
SMALL_BATCHES = ("batch 1", "batch 4", "batch 16", "batch 64")
MEMORY_CONFIG = CONFIGS["A"]
MEMORY_TIMES = (100, 400, 1600)


@dataclasses.dataclass(frozen=True)
class Contender:
    """A layer of some library; `rnn` is `keras.layers.RNN` over our cell, as Keras has none."""

    label: str
    library: str  # zoo, keras, rnn or torch
    layer: str  # LSTM, PeepholeLSTM, CoupledGateLSTM, ProjectedLSTM or GRU
    jit: bool = False
    masked: bool = False
    memory: str = "keep"

    def multiplications(self, config: Config) -> int:
        """Those of a forward pass that are inside matrix products."""
        gates = {"CoupledGateLSTM": 3, "GRU": 3}.get(self.layer, 4)
        projection = config.projection if self.layer == "ProjectedLSTM" else 0
        recurrent = projection or config.units
        a_step = (config.features + recurrent) * gates * config.units + config.units * projection
        return config.batch * config.time * a_step

    def gflop(self, config: Config, phase: str) -> float:
        """10^9 operations in matrix products; a backward pass has twice those of a forward one."""
        return 2e-9 * self.multiplications(config) * (3 if phase == "train" else 1)


class Goal(NamedTuple):
    """What to aim at, and what must be reached."""

    goal: float
    floor: float

    def verdict(self, ratio: float, smaller_is_better: bool) -> str:
        """Which of the two a ratio reaches."""
        sign = -1 if smaller_is_better else 1
        if sign * ratio >= sign * self.goal:
            return "goal"
        return "floor" if sign * ratio >= sign * self.floor else "none"


@dataclasses.dataclass(frozen=True)
class Peer:
    """What ours is compared with.

    `goals` maps names of configurations (those of one letter in one string) to the goals of PHASES.
    The ratio is the peer's time over ours, or ours over the peer's if `smaller_is_better`. `same`
    says that equal weights must give equal outputs.
    """

    contender: Contender
    goals: Mapping[Sequence[str], tuple[Goal, Goal]] = dataclasses.field(default_factory=dict)
    same: bool = True
    smaller_is_better: bool = False

    def goal(self, config: str, phase: str) -> Goal | None:
        for configs, goals in self.goals.items():
            if config in configs:
                return goals[PHASES.index(phase)]
        return None


@dataclasses.dataclass(frozen=True)
class Group:
    """One of our layers and its peers, measured in the same rounds."""

    configs: tuple[str, ...]
    ours: Contender
    peers: tuple[Peer, ...]

    def selected(self, available: set[str], jit: bool, pattern: str) -> Iterator[tuple[str, Group]]:
        """The group at each configuration, with the peers that are there and that are asked for."""
        for config in self.configs:
            peers = tuple(
                peer
                for peer in self.peers
                if peer.contender.library in available
                and (jit or not peer.contender.jit)
                and matches(pattern, f"{config}: {self.ours.label} / {peer.contender.label}")
            )
            if peers:
                yield config, dataclasses.replace(self, peers=peers)


def matches(pattern: str, name: str) -> bool:
    """Whether a name has the pattern in it, in which * stands for anything."""
    return fnmatchcase(name.lower(), f"*{pattern.lower()}*")


def _both(goal: float, floor: float) -> tuple[Goal, Goal]:
    return Goal(goal, floor), Goal(goal, floor)


LSTM = Contender("LSTM", "zoo", "LSTM")
MASKED = Contender("LSTM, mask", "zoo", "LSTM", masked=True)
KERAS_LSTM = Contender("keras LSTM", "keras", "LSTM")
KERAS_JIT = Contender("keras LSTM, jit", "keras", "LSTM", jit=True)
PROJECTED = Contender("ProjectedLSTM", "zoo", "ProjectedLSTM")

GROUPS = (
    Group(
        ("A", "B", "C", "D"),
        LSTM,
        (
            Peer(
                KERAS_LSTM,
                {"ABC": (Goal(2.0, 1.6), Goal(1.5, 1.1)), "D": (Goal(1.4, 1.15), Goal(1.3, 1.1))},
            ),
            Peer(KERAS_JIT, {"C": (Goal(3.5, 2.9), Goal(1.3, 1.0))}),
            Peer(
                Contender("torch LSTM", "torch", "LSTM"),
                {"ABCD": (Goal(1.1, 0.85), Goal(1.0, 0.6))},
            ),
        ),
    ),
    Group(
        ("A", "B", "C", "D"),
        Contender("PeepholeLSTM", "zoo", "PeepholeLSTM"),
        (
            Peer(
                Contender("keras RNN(peephole)", "rnn", "PeepholeLSTM"),
                {"ABC": (Goal(2.0, 1.6), Goal(1.6, 1.2))},
            ),
        ),
    ),
    Group(
        ("PA", "PB", "PC", "PD"),
        PROJECTED,
        (
            Peer(
                Contender("keras RNN(projected)", "rnn", "ProjectedLSTM"),
                {("PA", "PB", "PC", "PD"): (Goal(2.0, 1.6), Goal(1.5, 1.2))},
            ),
            Peer(
                Contender("torch LSTM(proj)", "torch", "ProjectedLSTM"),
                {("PA", "PB", "PC", "PD"): _both(2.5, 2.0)},
            ),
        ),
    ),
    Group(
        ("A", "B", "C", "D"),
        Contender("GRU", "zoo", "GRU"),
        (
            Peer(Contender("keras GRU", "keras", "GRU"), {"ABC": (Goal(1.5, 1.1), Goal(1.3, 1.0))}),
            Peer(Contender("keras GRU, jit", "keras", "GRU", jit=True)),
            Peer(Contender("torch GRU", "torch", "GRU")),
        ),
    ),
    Group(
        ("A", "B", "C", "D"),
        Contender("CoupledGateLSTM", "zoo", "CoupledGateLSTM"),
        (Peer(LSTM, {"ABCD": _both(1.2, 1.1)}, same=False),),
    ),
    Group(("Q",), PROJECTED, (Peer(LSTM, {"Q": _both(1.8, 1.4)}, same=False),)),
    Group(
        ("A", "B", "C", "D"),
        MASKED,
        (
            Peer(LSTM, {"ABCD": _both(1.05, 1.2)}, same=False, smaller_is_better=True),
            Peer(Contender("keras LSTM, mask", "keras", "LSTM", masked=True)),
            Peer(Contender("torch LSTM, packed", "torch", "LSTM", masked=True)),
        ),
    ),
    Group(
        SMALL_BATCHES,
        LSTM,
        (Peer(KERAS_LSTM), Peer(Contender("torch LSTM", "torch", "LSTM"))),
    ),
)

MEMORY = (
    LSTM,
    Contender('LSTM, memory="recompute"', "zoo", "LSTM", memory="recompute"),
    KERAS_LSTM,
    KERAS_JIT,
)
MEMORY_GOALS = {MEMORY[0].label: Goal(0.8, 1.05), MEMORY[1].label: Goal(0.5, 0.8)}
