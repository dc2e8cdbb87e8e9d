"""Pictures of the attention: what is drawn, how it is labelled, and what cannot be drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib
import numpy as np
import pytest
from keras import ops
from matplotlib import font_manager, pyplot
from matplotlib.figure import Figure

from tests.applications.digits import tiny
from zoo.applications import Translator
from zoo.applications._plots import attention_map, fonts_for

SOURCE = "nine eight one"


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def untrained() -> Translator:
    return tiny(depth=2, decoder_depth=2, attention="general")


def drawn(figure: Figure) -> np.ndarray:
    return np.asarray(figure.axes[0].images[0].get_array())


def labels(figure: Figure) -> tuple[list[str], list[str]]:
    axes = figure.axes[0]
    columns, rows = axes.get_xticklabels(), axes.get_yticklabels()
    return [label.get_text() for label in columns], [label.get_text() for label in rows]


def by_hand(translator: Translator, source: str, target: str) -> np.ndarray:
    """The weights of the attention, one step of the decoder after the other."""
    (example,) = translator.featurize([source], [target])
    states, constants = translator.decoder.start(*translator.read(example["source"][None]))
    rows = []
    for symbol in example["previous"]:
        embedded = translator.target_embedding(np.array([symbol]))
        _, states, weights = translator.decoder.step(embedded, states, constants)
        rows.append(ops.convert_to_numpy(weights)[0])
    return np.array(rows)


@pytest.mark.parametrize("target", ["eins acht neun", "ein Wort, das es nicht gibt"])
@pytest.mark.parametrize("which", ["digits", "untrained"])
def test_a_given_target(which: str, target: str, request: pytest.FixtureRequest) -> None:
    translator = request.getfixturevalue(which)
    figure = translator.plot_attention(SOURCE, target=target)
    weights = drawn(figure)
    np.testing.assert_allclose(weights, by_hand(translator, SOURCE, target), atol=1e-5)
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
    across, down = labels(figure)
    assert (len(down), len(across)) == weights.shape
    assert "".join(across) == "␣nine␣eight␣one[END]"
    assert "".join(down) == f"␣{target}[END]".replace(" ", "␣")


@pytest.mark.parametrize("options", [{}, {"beam_size": 3}, {"max_length": 2}])
def test_its_own_translation(digits: Translator, options: dict[str, Any]) -> None:
    figure = digits.plot_attention(SOURCE, **options)
    found = digits.translate(SOURCE, return_attention=True, **options)
    np.testing.assert_array_equal(drawn(figure), found.attention)
    if not options:
        np.testing.assert_allclose(found.attention, by_hand(digits, SOURCE, found.text), atol=1e-5)
    tokens = (found.source_tokens, found.target_tokens)
    assert labels(figure) == tuple([token.replace("▁", "␣") for token in row] for row in tokens)


def test_the_figure(digits: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    figure = digits.plot_attention(SOURCE, target="eins acht neun")
    axes, scale = figure.axes
    assert axes.images[0].get_clim() == (0, 1)
    assert axes.get_xlabel() == "source" and axes.get_ylabel() == "translation"
    assert scale.get_ylabel() == "attention"
    *_, word, end = axes.get_xticklabels()
    assert end.get_color() != word.get_color()
    figure.canvas.draw()
    assert figure.number in pyplot.get_fignums()
    # A notebook shows the figure that a cell returns, and all of pyplot's.
    monkeypatch.setattr(matplotlib, "get_backend", lambda: "module://x.backend_inline")
    figure = digits.plot_attention("six", target="sechs")
    assert figure not in [pyplot.figure(number) for number in pyplot.get_fignums()]


def test_axes_of_the_users_own(digits: Translator) -> None:
    figure, both = pyplot.subplots(1, 2)
    for axes, text in zip(both, ["six", "nine"], strict=True):
        assert digits.plot_attention(text, ax=axes) is figure
        assert len(axes.images) == 1
    assert len(figure.axes) == 2
    inside = figure.subfigures(1, 1)
    assert digits.plot_attention("six", ax=inside.subplots()) is figure


def test_labels_of_every_kind() -> None:
    """Without a warning, which is an error in tests."""
    pieces = ["▁$", "$x$", "$\\frac$", "\\n", "▁", "_^{", "▁Donaudampfschifffahrtsgesellschaft"]
    for inputs, outputs in ((pieces, ["▁x"]), (["▁x"], pieces)):
        figure = attention_map(np.ones((len(outputs), len(inputs))), inputs, outputs)
        figure.canvas.draw()
        assert figure.axes[0].get_window_extent().height > 20
    assert "$x$" in labels(figure)[1]


def drawn_by(family: str) -> set[int]:
    path = font_manager.findfont(font_manager.FontProperties(family=[family]))
    return set(font_manager.get_font(path).get_charmap())


@pytest.mark.parametrize("backwards", [False, True])
def test_letters_that_the_font_lacks(backwards: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    # matplotlib lists the installed fonts in an order that differs from machine to machine.
    fonts = sorted(font_manager.fontManager.ttflist, key=lambda font: font.fname)
    monkeypatch.setattr(font_manager.fontManager, "ttflist", fonts[::-1] if backwards else fonts)
    families = matplotlib.rcParams["font.family"]
    assert fonts_for(["a", "ß", "€"]) == families
    letters = drawn_by("STIXGeneral") - drawn_by(families[0])
    letter = next(chr(code) for code in sorted(letters) if chr(code).isprintable())
    *first, other = fonts_for(["a", f"b{letter}"])
    assert first == families and ord(letter) in drawn_by(other)
    attention_map([[1]], [letter], ["a"]).canvas.draw()
    assert fonts_for(["\U0010fffd"]) == families  # nobody has it


def test_a_letter_that_only_another_weight_of_a_font_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Matplotlib draws with the regular weight, so that naming the font would give a box."""
    bold = next(
        font
        for font in font_manager.fontManager.ttflist
        if font.name == "STIXNonUnicode" and font.style == "normal" and font.weight == 700
    )
    (letter, *_) = set(font_manager.get_font(bold.fname).get_charmap()) - drawn_by(bold.name)
    families = [*matplotlib.rcParams["font.family"], "A font that is not installed"]
    monkeypatch.setitem(matplotlib.rcParams, "font.family", families)
    assert bold.name not in fonts_for([chr(letter)])
    assert fonts_for(["a"]) == families


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"text": ""}, ValueError, "`text` must not be empty. Received: text=''"),
        ({"text": "six", "target": " "}, ValueError, "`target` must not be empty"),
        ({"text": ["six"]}, TypeError, r"must be strings. Received as number 0: \['six'\]"),
        ({"text": None}, TypeError, "must be strings. Received as number 0: None"),
        ({"text": "six", "target": 6}, TypeError, "must be strings. Received as number 0: 6"),
        ({"text": "six " * 400}, ValueError, "takes at most 255"),
        ({"text": "six", "target": "a", "beam_size": 2}, ValueError, "leave out 'beam_size'"),
        ({"text": "six", "target": "a", "ax": "left"}, ValueError, "`ax` must be .* ax='left'"),
        ({"text": "six", "beam_size": 0}, ValueError, "`beam_size` must be a positive integer"),
    ],
)
def test_what_cannot_be_drawn(
    digits: Translator, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        digits.plot_attention(**arguments)
    assert pyplot.get_fignums() == []


def test_translators_without_attention_or_network() -> None:
    with pytest.raises(ValueError, match="needs a translator with attention. .*attention=None"):
        tiny(attention=None).plot_attention("six")
    with pytest.raises(RuntimeError, match="This Translator has no network yet"):
        Translator().plot_attention("six")


@pytest.mark.parametrize("weights", [np.ones((2, 3)), np.ones(2), np.ones((0, 0))])
def test_weights_that_do_not_fit(weights: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"`weights` must have a row for each .* Received: shape"):
        attention_map(weights, ["a"] * (2 if weights.size else 0), ["b"] * (2 * weights.ndim - 2))
