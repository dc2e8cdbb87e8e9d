"""The benchmark of language models trains the same network everywhere; nothing is about speed."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import _engines, _language, language_model
from benchmarks._language import NETWORKS, OURS, PEERS

TINY = {network.name: network.shrunk() for network in NETWORKS}


@pytest.fixture
def torch_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch on one thread: several wait long for each other where tests run side by side."""
    pytest.importorskip("torch")
    monkeypatch.setattr(_language, "cores", lambda: 1)


@pytest.mark.usefixtures("torch_alone")
@pytest.mark.parametrize("name", ["char 2", "word"])
def test_all_train_the_same_network(name: str) -> None:
    built = _language.ready(TINY[name], ["keras LSTM", "torch LSTM"])
    ours, keras, torch = ([float(np.ravel(each.step())[0]) for _ in range(4)] for each in built)
    # States are carried, gradients clipped and steps taken alike, or these would part.
    np.testing.assert_allclose(keras, ours, rtol=1e-5)
    assert len(set(ours)) == 4
    # Torch's LSTM has each bias twice, and so takes longer steps with it.
    assert torch[0] == pytest.approx(ours[0], rel=1e-5)
    np.testing.assert_allclose(torch, ours, rtol=2e-3)


def test_only_the_same_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    put = _language.KerasNetwork.put

    def wrongly(self: _language.KerasNetwork, weights: _language.Weights) -> None:
        put(self, weights)
        self.bias.assign(weights.bias + 1.0)

    monkeypatch.setattr(_language.KerasNetwork, "put", wrongly)
    with pytest.raises(RuntimeError, match="LanguageModel and keras LSTM must give the same sc"):
        _language.ready(TINY["char 1"], ["keras LSTM"])


def test_operations() -> None:
    network = _language.Network("x", "word", 5, 2, 3, 7, batch=2, window=11)
    layers = 4 * 5 * (3 + 5) + 4 * 5 * (5 + 5)
    assert network.units_a_step == 22
    assert network.gflop() == pytest.approx(2e-9 * 3 * 22 * (layers + 5 * 7))


def test_which_way_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """The peer takes four times as long as ours, which reads a hundred units in half a second."""
    times = np.array([np.full((3, 2), 0.5), np.full((3, 2), 2.0)])
    monkeypatch.setattr(_language, "ready", lambda *_: [_language.Trained(None, None)] * 2)
    monkeypatch.setattr("benchmarks._timing.seconds", lambda *_: times)
    network = _language.Network("x", "word", 5, 1, 3, 7, batch=10, window=10)
    (row,) = language_model.compare(network, ["torch LSTM"], rounds=3, calls=2)
    assert (row.ours_ms, row.peer_ms, row.ours_rate, row.peer_rate) == (500, 2000, 200, 50)
    assert (row.ratio, row.ratio_low, row.ratio_high) == (4, 4, 4)
    assert row.gflops == pytest.approx(4 * row.peer_gflops) == pytest.approx(network.gflop() / 0.5)


def make_row(network: _language.Network, peer: str) -> language_model.Row:
    numbers = dict.fromkeys(language_model.Row.__annotations__, 1234567.5)
    return language_model.Row(**{**numbers, "config": network.name, "unit": "word", "peer": peer})


def test_tables() -> None:
    rows = [make_row(network, peer) for network in NETWORKS for peer in PEERS]
    timed, sizes = language_model.tables(rows, NETWORKS)
    text = timed.text()
    for row in rows:
        assert row.config in text and row.peer in text and "1,234,568 words" in text
    assert "2 x 400, embedding 400, tied, 10,000 words, batch 20, window 70" in sizes.text()
    for table in (timed, sizes):
        assert {line.count("|") for line in table.markdown().splitlines()[2:]} == {
            len(table.header) + 1
        }
    rows[0].peer_ms = float("nan")
    assert [*language_model._faults(rows)] == ["peer_ms of char 1 against keras LSTM: nan"]


def test_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")  # so that what the run sets does not stay
    markdown = tmp_path / "found.md"
    code = language_model.main(
        ["--quick", "--rounds", "1", "--only", "char 1: *keras LSTM", "--json", "-"]
        + ["--markdown", str(markdown)]
    )
    captured = capsys.readouterr()
    assert code == 0, captured.err
    found = json.loads(captured.out)
    assert {row["config"] for row in found["rows"]} == {"char 1"}
    assert {row["peer"] for row in found["rows"]} <= {*PEERS[:2]}
    assert all(row["ours_rate"] > 0 and 0 < row["peak_share"] < 1 for row in found["rows"])
    assert found["quick"] and found["machine"]["cores"] == _engines.cores()
    assert f"| char 1 | {OURS} | keras LSTM |" in markdown.read_text()


def test_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert language_model.main(["--only", "gru"]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert captured.err.startswith(
        "benchmarks/language_model.py: `--only` must be part of what is compared. Received: --only"
    )
