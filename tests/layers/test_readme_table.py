"""The README's table of the layers: the number of weights in it is that of the layers."""

import re
from pathlib import Path
from typing import Any

import pytest

import zoo.layers

README = Path(__file__).resolve().parents[2] / "README.md"
SIZES = {"d": 3, "n": 4, "p": 2, "q": 5, "k": 7}


def _rows() -> list[tuple[str, str]]:
    """How each layer is built, and its number of weights, as formulas."""
    section = README.read_text("utf-8").split("\n## Layers")[1].split("\n##")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    cells = [line.strip("|").split("|") for line in lines]
    rows = [(row[0].split("`")[1], row[2].strip().strip("`")) for row in cells]
    return [
        (layer, rows[number - 1][1] if weights == "as above" else weights)
        for number, (layer, weights) in enumerate(rows)
    ]


def _value(formula: str) -> int:
    formula = formula.replace("²", "**2").replace("none", "0")
    return eval(re.sub(r"(?<=[\w)])(?=[a-z(])", "*", formula), {}, SIZES)


@pytest.mark.parametrize(("layer", "weights"), _rows())
def test_number_of_weights(layer: str, weights: str) -> None:
    if layer.startswith("DeepLSTM"):
        pytest.skip("the sum of its layers")
    names: dict[str, Any] = {"units": SIZES["n"], "projection_units": SIZES["p"]}
    built = eval(layer.replace("...", "units"), vars(zoo.layers), names)
    if "Attention" in layer:
        size = SIZES["k"] if "dot" in layer else SIZES["q"]
        built.build((None, size), (None, None, SIZES["k"]))
    else:
        built.build((None, None, SIZES["d"]))
    assert built.count_params() == _value(weights)


def test_every_layer_is_in_the_table() -> None:
    named = {re.split(r"\W", layer)[0] for layer, _ in _rows()}
    layers = {name for name in zoo.layers.__all__ if name.endswith(("LSTM", "RNN", "GRU"))}
    assert named >= layers | {"odyssey", "AdditiveAttention", "MultiplicativeAttention"}
