"""The benchmark measures what it says; nothing here is about how fast anything is."""

import json
import re
import time
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from benchmarks import _cases, _engines, _picture, _report, _results, _timing, layers
from benchmarks._cases import CONFIGS, GROUPS, PHASES, Config, Contender, Goal, Group, Peer
from benchmarks._contenders import inputs, ready

EVERYTHING = {"zoo", "keras", "rnn", "torch"}
LIMITS = {"matmul_gflops": 300.0, "copy_gbs": 25.0, "cache_copy_gbs": 60.0}
MACHINE = {
    "date": "2026-01-01",
    "backend": "tensorflow",
    "active_kernel": "tensorflow",
    "accelerator": None,
    "cpu": "A processor",
    "cores": 2,
    "python": "3.11.0",
    "zoo": "0.1.0",
    "versions": {"keras": "3.15.1", "torch": None},
}


def make_row(config: str, group: Group, peer: Peer, phase: str, ratio: float) -> _results.Row:
    row = _results.Row(
        config=config,
        phase=phase,
        ours=group.ours.label,
        peer=peer.contender.label,
        ours_ms=1234.5,
        peer_ms=4321.5,
        ratio=ratio,
        ratio_low=ratio * 0.97,
        ratio_high=ratio * 1.02,
        smaller_is_better=peer.smaller_is_better,
        gflops=200.0,
        peer_gflops=150.0,
        weights_gbs=20.0,
    )
    row.judge(peer.goal(config, phase), peer.smaller_is_better)
    row.share(LIMITS["matmul_gflops"])
    return row


@pytest.fixture
def rows() -> list[_results.Row]:
    """A row for every comparison there is."""
    return [
        make_row(config, chosen, peer, phase, 10.25)
        for group in GROUPS
        for config, chosen in group.selected(EVERYTHING, True, "")
        for phase in PHASES
        for peer in chosen.peers
    ]


@pytest.fixture
def torch_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch on one thread: several wait long for each other where tests run side by side."""
    pytest.importorskip("torch")
    monkeypatch.setattr(_engines, "cores", lambda: 1)


def test_rounds_are_interleaved(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    seen: list[str] = []

    def takes(name: str, seconds: float) -> None:
        seen.append(name)
        clock[0] += seconds

    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: takes("-", 100.0))
    functions = [lambda: takes("a", 1.0), lambda: takes("b", 3.0)]
    times = _timing.seconds(functions, rounds=3, calls=2)
    assert "".join(seen) == "aabb" + "-aaa-bbb" + "-bbb-aaa" + "-aaa-bbb"
    np.testing.assert_array_equal(times, [np.full((3, 2), 1.0), np.full((3, 2), 3.0)])


def test_ratios_are_taken_round_by_round() -> None:
    # The second round ran on a disturbed machine; one call of the third was disturbed alone.
    ours = np.array([[1.0, 1.0, 1.0], [9.0, 9.0, 9.0], [1.0, 1.0, 70.0]])
    theirs = np.array([[2.0, 2.0, 2.0], [27.0, 27.0, 27.0], [4.0, 4.0, 4.0]])
    assert _timing.ratio(theirs, ours) == (3.0, 2.5, 3.5)


def test_which_way_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """The peer takes four times as long as ours."""
    times = np.array([np.full((3, 2), 0.5), np.full((3, 2), 2.0)])
    monkeypatch.setattr(_results, "ready", lambda group, config: [_engines.Phases(None, None)] * 2)
    monkeypatch.setattr(_results, "seconds", lambda functions, rounds, calls: times)
    config = Config(batch=1, time=10, features=1000, units=1000)
    for smaller_is_better, ratio in ((False, 4.0), (True, 0.25)):
        peer = Peer(_cases.KERAS_LSTM, smaller_is_better=smaller_is_better)
        group = Group(("A",), _cases.LSTM, (peer,))
        rows = _results.compare("A", config, group, rounds=3, calls=2)
        for row, passes in zip(rows, (3, 1), strict=True):
            assert (row.ratio, row.ratio_low, row.ratio_high) == (ratio, ratio, ratio)
            assert (row.ours_ms, row.peer_ms) == (500, 2000)
            assert row.gflops == pytest.approx(passes * 0.16 / 0.5)
            assert row.peer_gflops == pytest.approx(passes * 0.16 / 2)
            row.share(0.64)
            assert row.peak_share == pytest.approx(passes / 2)
        assert [row.weights_gbs for row in rows] == pytest.approx([0.64, 0.32])


@pytest.mark.parametrize(
    ("ratio", "smaller_is_better", "verdict"),
    [
        (2.0, False, "goal"),
        (1.99, False, "floor"),
        (1.6, False, "floor"),
        (1.59, False, "none"),
        (0.8, True, "goal"),
        (0.81, True, "floor"),
        (1.05, True, "floor"),
        (1.06, True, "none"),
    ],
)
def test_verdicts(ratio: float, smaller_is_better: bool, verdict: str) -> None:
    goal = Goal(0.8, 1.05) if smaller_is_better else Goal(2.0, 1.6)
    assert goal.verdict(ratio, smaller_is_better) == verdict


def test_goals_are_of_configurations_that_are_measured() -> None:
    for group in GROUPS:
        for peer in group.peers:
            for configs, goals in peer.goals.items():
                assert set(configs) <= set(group.configs)
                assert len(goals) == len(PHASES)
                for goal in goals:
                    assert goal.verdict(goal.floor, peer.smaller_is_better) == "floor"


def test_operations() -> None:
    config = Config(batch=2, time=3, features=5, units=7, projection=4)
    steps = 2 * 3
    counts = {
        "LSTM": steps * 4 * 7 * (5 + 7),
        "CoupledGateLSTM": steps * 3 * 7 * (5 + 7),
        "GRU": steps * 3 * 7 * (5 + 7),
        "ProjectedLSTM": steps * (4 * 7 * (5 + 4) + 7 * 4),
    }
    for layer, count in counts.items():
        contender = Contender(layer, "zoo", layer)
        assert contender.gflop(config, "forward") == pytest.approx(2e-9 * count)
        assert contender.gflop(config, "train") == pytest.approx(6e-9 * count)


def test_what_is_selected() -> None:
    def names(available: set[str], jit: bool, pattern: str) -> list[str]:
        return [
            f"{config} {peer.contender.label}"
            for group in GROUPS
            for config, chosen in group.selected(available, jit, pattern)
            for peer in chosen.peers
        ]

    assert names(EVERYTHING, True, "c: lstm / *keras") == ["C keras LSTM", "C keras LSTM, jit"]
    assert names(EVERYTHING, False, "C: LSTM / *keras") == ["C keras LSTM"]
    assert names(EVERYTHING - {"torch"}, True, "torch") == []


def test_only_the_same_is_compared() -> None:
    """Without a mask, Keras's LSTM goes on where ours stops."""
    masked = Contender("LSTM, mask", "zoo", "LSTM", masked=True)
    group = Group(("A",), Contender("LSTM", "zoo", "LSTM"), (Peer(masked),))
    with pytest.raises(RuntimeError, match="LSTM and LSTM, mask must give the same outputs"):
        ready(group, CONFIGS["A"].shrunk())


@pytest.mark.parametrize("layer", ["LSTM", "ProjectedLSTM", "GRU"])
@pytest.mark.usefixtures("torch_alone")
def test_torch_is_given_the_same_weights(layer: str) -> None:
    config = CONFIGS["PB"].shrunk()
    ours = Contender(layer, "zoo", layer)
    built = ready(Group(("PB",), ours, (Peer(Contender("torch", "torch", layer)),)), config)
    ours_first, theirs_first = (np.asarray(contender.train()[0]) for contender in built)
    np.testing.assert_allclose(theirs_first, ours_first, atol=1e-4)


@pytest.mark.usefixtures("torch_alone")
def test_torch_packs_what_is_masked() -> None:
    ours, theirs = (
        Contender(library, library, "LSTM", masked=True) for library in ("zoo", "torch")
    )
    config = CONFIGS["A"].shrunk()
    outputs = np.asarray(ready(Group(("A",), ours, (Peer(theirs),)), config)[1].forward())
    _, mask = inputs(config)
    assert not mask.all() and (np.abs(outputs).max(axis=-1) > 0).tolist() == mask.tolist()


def test_tables(rows: list[_results.Row]) -> None:
    memory = [
        _results.MemoryRow(layer=contender.label, peak_mib={100: 1234.5, 1600: 3456.7}, ratio=1.0)
        for contender in _cases.MEMORY
    ]
    memory[0].judge(_cases.MEMORY_GOALS["LSTM"], smaller_is_better=True)
    tables = list(_report.tables(rows, memory, LIMITS))
    text = "\n".join(table.text() for table in tables)
    assert max(map(len, text.splitlines())) <= 120
    training = next(
        line.split() for line in text.splitlines() if re.match("C +LSTM +keras LSTM  ", line)
    )
    assert training[4:9] == ["1234", "4322", "10.25", "9.94-10.46", "2/1.6"]
    assert training[9:] == ["goal", "200", "67", "50"]
    for row in rows:
        assert row.ours in text and row.peer in text and row.config in text
    for table in tables:
        lines = table.markdown().splitlines()[2:]
        assert {line.count("|") for line in lines} == {len(table.header) + 1}
    head = "\n".join(_report.heading(MACHINE, LIMITS, 9))
    assert "torch not installed" in head and "2 cores" in head and "300 GFLOP/s" in head


def test_picture(rows: list[_results.Row]) -> None:
    figure = _picture.picture(rows, MACHINE)
    shown = [
        row for row in rows if not row.smaller_is_better and row.config not in _cases.SMALL_BATCHES
    ]
    for axes, phase in zip(figure.axes, PHASES, strict=True):
        assert len(axes.patches) == len([row for row in shown if row.phase == phase])
        # Bars start at 1.
        assert {bar.get_x() for bar in axes.patches} == {1}
        assert {round(bar.get_width(), 6) for bar in axes.patches} == {9.25}
    figure.draw_without_rendering()
    plt.close(figure)


def test_faults(rows: list[_results.Row]) -> None:
    rows = rows[:2]
    assert _results.faults(rows) == []
    rows[0].peer_ms = float("nan")
    rows[1].gflops = 0.0
    memory = _results.MemoryRow(layer="LSTM", peak_mib={100: -1.0}, ratio=1.0)
    assert [fault.split(" of ")[0] for fault in _results.faults([*rows, memory])] == [
        "peer_ms",
        "gflops",
        "peak_mib[100]",
    ]


def test_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")  # so that what the run sets does not stay
    files = {name: tmp_path / f"found.{name}" for name in ("markdown", "png")}
    code = layers.main(
        ["--quick", "--rounds", "1", "--only", "PB: *keras RNN", "--json", "-"]
        + ["--markdown", str(files["markdown"]), "--plot", str(files["png"])]
    )
    captured = capsys.readouterr()
    assert code == 0, captured.err
    found = json.loads(captured.out)
    assert [(row["config"], row["phase"]) for row in found["rows"]] == [("PB", p) for p in PHASES]
    assert all(0 < row["peak_share"] < 1 and row["goal"] is None for row in found["rows"])
    assert found["memory"] == [] and found["machine"]["cores"] == _engines.cores()
    assert "| PB | ProjectedLSTM | keras RNN(projected) |" in files["markdown"].read_text()
    assert files["png"].read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--rounds", "0"], "`--rounds` must be a positive integer. Received: --rounds 0."),
        (["--json", "/no/such/x"], "`--json` must be in a folder that exists. Received: "),
        (["--plot", "x.txt"], "`--plot` must end in .png, .svg or .pdf. Received: --plot x.txt."),
        (["--only", "lstn"], "`--only` must be part of what is compared. Received: --only lstn."),
    ],
)
def test_bad_input(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert layers.main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"benchmarks/layers.py: {sentence}")
    assert captured.err.count("\n") == 1


def test_products_are_timed_alone(capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks import products

    if keras.backend.backend() != "tensorflow":
        pytest.skip("measured on TensorFlow")
    assert products.main(["--quick", "--rounds", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["A", "B", "C", "D"]
    # One product with 8 x 4 weights for each of 4 x 12 inputs, of 4 numbers each, and so on.
    operations = {"inputs": 12288, "forward": 24576, "backward": 24576, "weights": 49152}
    for name, column in found["A"].items():
        assert column["ms"] * column["gflops"] * 1e6 == pytest.approx(operations[name])
    with pytest.raises(SystemExit):
        products.main(["--rounds", "0"])
    assert "positive integer" in capsys.readouterr().err
