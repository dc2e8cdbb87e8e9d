"""How a language model learns: carried states, the regularisers, sampled units, any cell."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from tests.applications.tiny_language import TEXT, fit, tiny
from zoo import LanguageModel
from zoo.applications._head import UnitScores
from zoo.applications._losses import SmoothedCrossentropy
from zoo.applications._streams import Windows
from zoo.callbacks import KeepBest
from zoo.layers import list_cells, register_cell


def in_one_go(model: LanguageModel, previous: np.ndarray) -> np.ndarray:
    return ops.convert_to_numpy(model({"previous": previous}))


@pytest.mark.parametrize("training", [True, False])
def test_windows_go_on_from_the_states_before(training: bool) -> None:
    model = tiny(depth=2)
    windows = model.preprocess(TEXT * 3, batch_size=3)
    model.expect(windows, windows)
    features = [batch[0] for batch in windows]
    whole = in_one_go(model, np.concatenate([f["previous"] for f in features], axis=1))
    for _ in range(2):  # the second epoch starts anew
        parts = [ops.convert_to_numpy(model(f, training=training)) for f in features]
        np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=1e-5)


def test_evaluation_leaves_the_states_of_training_alone() -> None:
    model = tiny()
    windows = model.preprocess(TEXT * 3, batch_size=3)
    others = model.preprocess(TEXT, batch_size=2)
    model.expect(windows, others)
    model(windows[0][0], training=True)
    before = [ops.convert_to_numpy(v) for v in model.training_states.held]
    model(others[0][0], training=False)
    model.score(TEXT)
    model.generate("To", max_units=2, seed=1)
    after = [ops.convert_to_numpy(v) for v in model.training_states.held]
    np.testing.assert_array_equal(before, after)
    assert np.abs(before).max() > 0


def test_states_are_no_weights() -> None:
    model = tiny(projection_units=4)
    count = len(model.weights)
    fit(model, validation_data=TEXT)
    assert len(model.weights) == count == len(model.get_weights())
    held = model.training_states.held
    assert [v.shape for v in held] == [(3, 4), (3, 6)]
    assert min(np.abs(ops.convert_to_numpy(v)).max() for v in held) > 0
    fit(model, TEXT[:30], batch_size=2)  # fewer rows
    assert [v.shape for v in model.training_states.held] == [(2, 4), (2, 6)]


def test_compiled_training_learns_and_scores_the_validation_data() -> None:
    keras.utils.set_random_seed(1)
    model = LanguageModel(units=24, depth=2, window=16, dropout=0.1)
    best = KeepBest("val_nll", lower_is_better=True)
    history = model.fit(
        TEXT * 12, batch_size=4, epochs=3, validation_split=0.2, callbacks=[best], verbose=0
    ).history
    assert history["loss"][-1] < history["loss"][0]
    held_out = (TEXT * 12)[round(len(TEXT) * 12 * 0.8) :]
    assert model.score(held_out)["nll"] == pytest.approx(min(history["val_nll"]), abs=1e-5)
    # The loss reads the text in four parts, of which three start without what stands before.
    assert history["val_loss"][0] == pytest.approx(history["val_nll"][0], abs=0.05)
    evaluated = model.evaluate(held_out, batch_size=1, verbose=0)
    assert evaluated == pytest.approx(model.score(held_out)["nll"], abs=0.02)
    logits = model.predict(["To be", "or"], verbose=0)
    assert logits.shape[-1] == model.symbols.size and len(logits) == 1


def test_the_loss_of_one_row_is_the_score() -> None:
    model = tiny(context="sentence", window=30)
    line = "or not to be?"
    assert model.evaluate(line, verbose=0) == pytest.approx(model.score(line)["nll"], abs=1e-5)


@pytest.mark.parametrize("share", [0.0001, 0.99999])
def test_a_split_that_leaves_nothing(share: float) -> None:
    with pytest.raises(ValueError, match="`validation_split` must leave some text on both sides"):
        tiny().fit("to be", validation_split=share)


def test_validation_data_are_refused_before_the_first_epoch() -> None:
    with pytest.raises(ValueError, match="does not know: 'z'"):
        tiny().fit(TEXT, validation_data="zz", verbose=0)
    with pytest.raises(TypeError, match="has no targets"):
        tiny().fit([TEXT], [TEXT])


@pytest.mark.parametrize("cell", list_cells())
def test_any_cell_trains_and_every_weight_with_it(cell: str) -> None:
    projected = {"projection_units": 4} if cell == "projected_lstm" else {}
    model = tiny(recurrent=cell, depth=2, embedding_size=5, context="sentence", **projected)
    before = model.get_weights()
    history = fit(model, epochs=3)
    assert history["loss"][-1] < history["loss"][0]
    for weight, old in zip(model.weights, before, strict=True):
        assert np.abs(ops.convert_to_numpy(weight) - old).max() > 1e-5, weight.path
    assert len(model.generate("To", max_units=3, temperature=0)) <= 5


# Regularisers.


def spied(model: LanguageModel, name: str) -> list[np.ndarray]:
    """What a layer gives while a model trains on one window."""
    found, layer = [], getattr(model, name)

    def spy(values: Any, training: bool = False) -> Any:
        result = layer(values, training=training)
        found.append(ops.convert_to_numpy(result))
        return result

    model.__dict__[name] = spy
    previous = np.tile(np.array([4, 5, 4, 6, 4, 5]), (30, 1))
    model({"previous": previous}, training=True)
    model.__dict__[name] = layer
    return found


def test_dropout_is_the_same_at_all_steps() -> None:
    model = tiny(units=20, depth=2, dropout=0.4, output_dropout=0.2, input_dropout=0.6)
    for name, rate in (("input_drop", 0.6), ("drop", 0.4), ("output_drop", 0.2)):
        (values,) = spied(model, name)
        dropped = values == 0
        assert (dropped == dropped[:, :1]).all()
        assert dropped.mean() == pytest.approx(rate, abs=0.1)


def test_embedding_dropout_drops_units_wherever_they_stand() -> None:
    model = tiny(units=20, embedding_dropout=0.5)
    rows = []
    for _ in range(30):
        (values,) = spied(model, "input_drop")
        dropped = (values == 0).all(-1)
        assert (dropped == (values == 0).any(-1)).all()
        assert (dropped == dropped[:1]).all()  # in all rows alike
        one = dropped[0]
        assert one[0] == one[2] == one[4] and one[1] == one[5]
        rows.append(one)
        kept = values[0][~one]
        table = ops.convert_to_numpy(model.embedding.embeddings)
        np.testing.assert_allclose(kept, 2 * table[[4, 5, 4, 6, 4, 5]][~one], rtol=1e-5)
    assert 0.2 < np.mean(rows) < 0.8


def test_recurrent_weights_are_dropped_where_the_cell_can() -> None:
    model = tiny(recurrent_weight_dropout=0.5)
    assert model.stack[0].cell.recurrent_weight_dropout == 0.5
    features = {"previous": np.array([[4, 5, 6, 7]])}
    one, two = (ops.convert_to_numpy(model(features, training=True)) for _ in range(2))
    assert np.abs(one - two).max() > 1e-3


def test_a_cell_that_cannot_drop_weights_says_so() -> None:
    register_cell("keras_gru_for_language")(type("OwnCell", (keras.layers.GRUCell,), {}))
    assert LanguageModel(recurrent="keras_gru_for_language", units=4).units == 4
    with pytest.raises(TypeError, match="recurrent_weight_dropout"):
        LanguageModel(recurrent="keras_gru_for_language", recurrent_weight_dropout=0.5)


def test_activations_and_their_changes_are_regularised() -> None:
    plain, both = {}, {"activation_regularization": 2.0, "temporal_activation_regularization": 3.0}
    texts = ["to be", "or"]  # the second is padded
    losses = []
    for choices in (plain, both):
        model = tiny(context="sentence", **choices)
        windows = model.preprocess(texts, batch_size=2)
        model.expect(windows, windows)
        (features, target) = windows[0]
        model.compile()
        logits = model(features, training=True)
        losses.append(float(model.compute_loss(features, target, logits, training=True)))
    outputs, _ = model.read(features["previous"], model.initial_states(2))
    outputs = ops.convert_to_numpy(outputs)
    real = features["previous"] != 0
    change = (outputs[:, 1:] - outputs[:, :-1])[real[:, 1:]]
    penalty = 2 * np.square(outputs[real]).mean() + 3 * np.square(change).mean()
    assert losses[1] - losses[0] == pytest.approx(penalty, rel=1e-5)


# Sampled softmax.


def test_sampled_scores_are_corrected_by_how_often_they_are_drawn() -> None:
    """Summed over a large sample, exp(score) estimates what the softmax of all units sums."""
    keras.utils.set_random_seed(2)
    head = UnitScores(12, sampled=20000, first=3)
    head.build((None, None, 4))
    head.bias.assign(np.linspace(-1, 1, 12).astype("float32"))
    generator = np.random.default_rng(3)
    outputs = generator.normal(size=(2, 3, 4)).astype("float32")
    target = generator.integers(3, 12, (2, 3)).astype("int32")
    full = ops.convert_to_numpy(head(outputs)).astype("float64")
    sampled = ops.convert_to_numpy(head.among(outputs, target)).astype("float64")
    assert sampled.shape == (2, 3, 20002) and (sampled[..., 0] < -1e8).all()
    right = np.take_along_axis(full, target[..., None], -1)[..., 0]
    others = np.exp(full[..., 3:]).sum(-1) - np.exp(right)
    np.testing.assert_allclose(np.exp(sampled[..., 2:]).sum(-1), others, rtol=0.1)
    ranks = target - 3
    share = np.log((ranks + 2) / (ranks + 1)) / np.log(10)
    np.testing.assert_allclose(sampled[..., 1], right - np.log(20000 * share), rtol=1e-4)


@pytest.mark.parametrize("tied", [True, False])
def test_sampled_units_train_and_evaluation_is_exact(tied: bool) -> None:
    model = tiny(unit="word", sampled_softmax=5, tied_embeddings=tied, context="sentence")
    before = model.score(TEXT)
    history = fit(model, epochs=20, validation_data=TEXT, score_validation=False, rate=0.03)
    after = model.score(TEXT)
    assert after["nll"] < 0.7 * before["nll"] and history["loss"][-1] < history["loss"][0]
    exact = LanguageModel.from_config({**model.get_config(), "sampled_softmax": None})
    exact.restore(model.assets())
    exact.set_weights(model.get_weights())
    assert exact.score(TEXT) == after
    lines = [line for line in TEXT.split("\n") if line]
    assert exact.evaluate(lines, batch_size=3, verbose=0) == pytest.approx(
        history["val_loss"][-1], abs=1e-4
    )


def test_tied_embeddings_are_one_table() -> None:
    assert tiny().head.tied and not tiny(tied_embeddings=False).head.tied
    assert not tiny(embedding_size=5).head.tied
    assert tiny(embedding_size=5, projection_units=5, tied_embeddings=True).head.tied
    names = [weight.path.split("/")[-1] for weight in tiny().weights]
    assert names.count("embeddings") == 1 and "kernel" in names and names[-1] == "bias"
    assert tiny(units=[9, 7, 6]).embedding.output_dim == 6


def test_the_loss_without_smoothing_is_that_of_keras() -> None:
    generator = np.random.default_rng(1)
    target = generator.integers(0, 5, (3, 4))
    logits = generator.normal(size=(3, 4, 5)).astype("float32")
    each = ops.convert_to_numpy(
        ops.sparse_categorical_crossentropy(target, logits, from_logits=True)
    )
    found = float(SmoothedCrossentropy()(target, logits))
    assert found == pytest.approx(each[target > 0].mean(), rel=1e-5)


def test_a_line_of_50_megabytes_becomes_batches() -> None:
    line = "ab c" * (50_000_000 // 4)
    model = LanguageModel(units=4)
    model.adapt(line)
    windows = model.preprocess(line, batch_size=64)
    assert isinstance(windows, Windows) and len(windows) == math.ceil(len(line) / 64 / 100)
    features, target = windows[len(windows) - 1]
    assert features["previous"].shape == target.shape == (64, 56)  # padded to an edge
