"""Every kind of translator trains, all of its weights do, and it comes back as it was saved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests.applications.digits import PROBES, behaviour, pairs, tiny
from zoo.applications import Translator
from zoo.layers import list_cells, register_cell

ROOT = Path(__file__).resolve().parents[2]
DATA = [pair for pair in pairs(60) if len(pair[0].split()) < 3][:20]
PROJECTED = {"projected_lstm": {"projection_units": 6}}


def fit(translator: Translator, **options: Any) -> dict[str, list[float]]:
    """A few eager steps, for a graph takes seconds to make."""
    translator.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
    return translator.fit(DATA, batch_size=10, verbose=0, **options).history


@pytest.fixture
def own_cell() -> str:
    @register_cell("leaky_test_cell")
    class LeakyTestCell(keras.layers.Layer):
        def __init__(self, units: int, leak: float = 0.5, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.units = self.state_size = units
            self.leak = leak
            self.dense = keras.layers.Dense(units, activation="tanh")

        def build(self, input_shape: Any) -> None:
            self.dense.build((None, input_shape[-1] + self.units))
            self.built = True

        def call(self, inputs: Any, states: Any) -> tuple[Any, Any]:
            seen = self.dense(ops.concatenate([inputs, states[0]], axis=-1))
            state = self.leak * states[0] + (1 - self.leak) * seen
            return state, [state]

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "units": self.units, "leak": self.leak}

    return "leaky_test_cell"


# Training.


@pytest.mark.parametrize("cell", list_cells())
def test_any_cell_trains_and_every_weight_with_it(cell: str) -> None:
    translator = tiny(
        recurrent=cell, depth=2, decoder_depth=2, tied_embeddings=False, **PROJECTED.get(cell, {})
    )
    before = translator.get_weights()
    history = fit(translator, epochs=4)
    assert history["loss"][-1] < history["loss"][0]
    for weight, old in zip(translator.weights, before, strict=True):
        change = np.abs(ops.convert_to_numpy(weight) - old)
        assert change.max() > 1e-5, weight.path
    assert all(isinstance(text, str) for text in translator.translate(PROBES, max_length=3))


def test_a_cell_of_ones_own(own_cell: str) -> None:
    translator = tiny(recurrent=own_cell, recurrent_options={"leak": 0.3})
    assert translator.decoder.cells[0].leak == 0.3
    assert translator.encoder[0].forward_layer.cell.leak == 0.3
    history = fit(translator, epochs=2)
    assert history["loss"][1] < history["loss"][0]
    assert translator.encode("one two").shape == (16,)


@pytest.mark.parametrize("attention", ["additive", None])
def test_fit_in_a_graph(attention: str | None) -> None:
    translator = tiny(attention=attention)
    translator.compile(keras.optimizers.Adam(0.01))
    history = translator.fit(
        DATA, batch_size=8, epochs=3, validation_data=pairs(6, 1), verbose=0
    ).history
    assert history["loss"][-1] < history["loss"][0]
    assert {"val_bleu", "val_chrf", "val_loss", "val_accuracy"} < set(history)
    assert history["val_chrf"][-1] == pytest.approx(translator.score(pairs(6, 1))["chrf"])
    if attention is None:
        with pytest.raises(ValueError, match="needs a translator with attention"):
            translator.translate("one", return_attention=True)
        assert len(translator.translate(PROBES, beam_size=2, max_length=4)) == len(PROBES)


def test_seeds_are_reproducible() -> None:
    results = []
    for _ in range(2):
        translator = tiny(units=8, dropout=0.3)
        results.append((fit(translator, epochs=2)["loss"], translator.get_weights()))
    assert results[0][0] == results[1][0]
    for one, other in zip(results[0][1], results[1][1], strict=True):
        np.testing.assert_array_equal(one, other)


def test_sentences_that_are_too_long_do_not_stop_a_fit() -> None:
    long = [("seven " * 10_000, "sieben"), ("seven", "")]
    translator = tiny()
    translator.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
    with pytest.warns(UserWarning, match="2 of 22 pairs are left out"):
        translator.fit(DATA + long, verbose=0)
    steps = int(translator.optimizer.iterations)
    with pytest.raises(ValueError, match="Sentence 0 has"):
        translator.fit(DATA, validation_data=long, epochs=3, verbose=0)
    assert int(translator.optimizer.iterations) == steps  # it says so before it trains


# Choices.


def lstm_parameters(features: int, units: int, output: int | None = None) -> int:
    projection = 0 if output is None else units * output
    return 4 * units * (features + (output or units) + 1) + projection


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("attention", ["additive", None])
@pytest.mark.parametrize("projection", [None, 6])
def test_parameters(tied: bool, attention: str | None, projection: int | None) -> None:
    translator = tiny(
        recurrent="lstm" if projection is None else "projected_lstm",
        projection_units=projection,
        depth=2,
        decoder_depth=2,
        tied_embeddings=tied,
        attention=attention,
    )
    size, units = 12, 16
    half = None if projection is None else projection // 2
    width = projection or units
    encoder = 2 * (lstm_parameters(size, 8, half) + lstm_parameters(width, 8, half))
    decoder = lstm_parameters(2 * size, units, projection)
    decoder += lstm_parameters(width, units, projection)
    bridges = 2 * (width + units) * (width + 1)
    combine = (width + width + 1) * size
    looking = units * (width + width + 1) if attention else 0
    embeddings = translator.tokenizer.vocabulary_size * size * (1 if tied else 3)
    assert translator.count_params() == (
        embeddings + encoder + decoder + bridges + combine + looking
    )


def test_summary_is_the_last_output_of_each_direction() -> None:
    """Whatever pads the batch; the encoder written down with its own layers."""
    translator = tiny(recurrent="gru")
    sources = [example["source"] for example in translator.featurize(["one two", "one " * 9])]
    padded = np.zeros((2, 20), "int32")
    for row, source in zip(padded, sources, strict=True):
        row[: len(source)] = source
    memory, summary, mask = translator.read(ops.convert_to_tensor(padded))
    both = translator.encoder[0]
    for row, source in enumerate(sources):
        embedded = translator.source_embedding(source[None])
        forward = ops.convert_to_numpy(both.forward_layer(embedded))
        backward = ops.convert_to_numpy(both.backward_layer(embedded))[:, ::-1]
        expected = np.concatenate([forward[:, -1], backward[:, 0]], axis=-1)
        np.testing.assert_allclose(summary[row], expected[0], atol=1e-5)
        together = np.concatenate([forward, backward], axis=-1)
        np.testing.assert_allclose(memory[row, : len(source)], together[0], atol=1e-5)
        assert ops.convert_to_numpy(mask[row]).sum() == len(source)


def test_padding_changes_nothing(digits: Translator) -> None:
    examples = digits.featurize(*zip(*pairs(3), strict=True))
    outputs = []
    for length in (24, 40):
        features = {
            name: np.stack([np.pad(item[name], (0, length - len(item[name]))) for item in examples])
            for name in ("source", "previous")
        }
        outputs.append(ops.convert_to_numpy(digits(features)))
    for row, example in enumerate(examples):
        real = slice(0, len(example["previous"]))
        np.testing.assert_allclose(outputs[0][row, real], outputs[1][row, real], atol=1e-4)


def test_label_smoothing_is_used() -> None:
    losses = {}
    for smoothing in (0.0, 0.3):
        translator = tiny(label_smoothing=smoothing)
        translator.compile(run_eagerly=True)
        losses[smoothing] = translator.evaluate(DATA[:8], verbose=0)[0]
        (example,) = translator.featurize([DATA[0][0]], [DATA[0][1]])
        logits = translator.predict(DATA[:1], verbose=0)[0][: len(example["target"])]
        log_probabilities = ops.convert_to_numpy(ops.log_softmax(logits))
        picked = np.take_along_axis(log_probabilities, example["target"][:, None], axis=-1)
        expected = -(1 - smoothing) * picked.mean() - smoothing * log_probabilities.mean()
        assert translator.evaluate(DATA[:1], verbose=0)[0] == pytest.approx(expected, rel=1e-4)
    assert losses[0.0] != losses[0.3]


def test_dropout_is_used_in_training_alone() -> None:
    translator = tiny(dropout=0.4, depth=2)
    features = translator.preprocess(DATA)[0][0]
    plain = translator(features)
    np.testing.assert_array_equal(translator(features), plain)
    assert np.abs(translator(features, training=True) - plain).max() > 1e-3
    without = tiny(dropout=0.0, depth=2)
    without.set_weights(translator.get_weights())
    np.testing.assert_allclose(without(features, training=True), plain, atol=1e-5)
    source = ops.convert_to_tensor(features["source"])
    memory, summary, _ = translator.read(source, training=True)
    assert (ops.convert_to_numpy(memory[:, 0]) == 0).mean() > 0.2
    recurrent = tiny(recurrent_options={"recurrent_dropout": 0.5})
    first, second = (recurrent(features, training=True) for _ in range(2))
    assert np.abs(first - second).max() > 1e-4
    np.testing.assert_array_equal(recurrent(features), recurrent(features))


@pytest.mark.parametrize("how", ["global policy", "argument"])
def test_mixed_float16(how: str) -> None:
    before = keras.config.dtype_policy()
    try:
        if how == "global policy":
            keras.config.set_dtype_policy("mixed_float16")
            translator = tiny()
        else:
            translator = tiny(dtype="mixed_float16")
        features = translator.preprocess(DATA)[0][0]
        memory, summary, _ = translator.read(ops.convert_to_tensor(features["source"]))
        assert memory.dtype == summary.dtype == "float16"
        for layer in translator._flatten_layers():
            assert layer.compute_dtype == "float16", layer.name
        assert {weight.dtype for weight in translator.trainable_weights} == {"float32"}
        history = fit(translator, epochs=3)
        assert history["loss"][-1] < history["loss"][0]
        assert np.isfinite(history["loss"]).all()
        assert len(translator.translate(PROBES, beam_size=2, max_length=3)) == len(PROBES)
    finally:
        keras.config.set_dtype_policy(before)


# Keeping.


def same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found["greedy"] == expected["greedy"]
    assert {**found["config"], "name": ""} == {**expected["config"], "name": ""}
    np.testing.assert_allclose(found["vectors"], expected["vectors"], atol=1e-5)
    for ours, theirs in zip(expected["beam"], found["beam"], strict=True):
        assert [text for text, _ in ours] == [text for text, _ in theirs]
        np.testing.assert_allclose([s for _, s in ours], [s for _, s in theirs], atol=1e-3)


def test_presets_and_keras_files(digits: Translator, tmp_path: Path) -> None:
    expected = json.loads(json.dumps(behaviour(digits)))
    digits.save_to_preset(tmp_path / "preset")
    digits.save(tmp_path / "model.keras")
    loaded = Translator.from_preset(tmp_path / "preset", dropout=0.1)
    assert loaded.dropout == 0.1
    assert loaded.translate(PROBES) == expected["greedy"]
    again = zoo.load_model(tmp_path / "model.keras")
    assert int(again.optimizer.iterations) == int(digits.optimizer.iterations)
    assert again.translate(PROBES) == expected["greedy"]

    # Another process, the other backend.
    backend = pytest.importorskip("jax").__name__
    result = subprocess.run(
        [sys.executable, "-m", "tests.applications.digits", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == [backend]
    found = json.loads((tmp_path / "found.json").read_text())
    same(found["preset"], expected)
    same(found["keras"], expected)


def test_a_preset_is_tuned(digits: Translator, tmp_path: Path) -> None:
    digits.save_to_preset(tmp_path / "preset", dtype="float16")
    tuned = Translator.from_preset(tmp_path / "preset")
    assert tuned.translate(PROBES[:4]) == digits.translate(PROBES[:4])
    swapped = [(german, english) for english, german in DATA]
    history = fit_on(tuned, swapped)
    assert history["loss"][-1] < history["loss"][0]
    tuned.save_to_preset(tmp_path / "tuned")
    again = Translator.from_preset(tmp_path / "tuned")
    assert again.translate(PROBES[:4]) == tuned.translate(PROBES[:4])


def fit_on(translator: Translator, data: list[tuple[str, str]]) -> dict[str, list[float]]:
    translator.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
    return translator.fit(data, batch_size=10, epochs=3, verbose=0).history
