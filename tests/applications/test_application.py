"""What all applications share, proved on one that labels rows of numbers."""

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

import zoo
from tests.applications.number_application import SignReader, logits, pairs
from zoo.applications import Application, register_application
from zoo.applications._data import Batches

ROOT = Path(__file__).resolve().parents[2]
DATA = pairs(60)
OTHERS = pairs(20, seed=1)


def new(**choices: Any) -> SignReader:
    keras.utils.set_random_seed(7)
    application = SignReader(**choices)
    application.compile(keras.optimizers.Adam(0.03))
    return application


@pytest.fixture(scope="module")
def trained() -> SignReader:
    application = new(cell="gru")
    application.fit(DATA, epochs=6, batch_size=20, verbose=0)
    return application


# Training.


def data_in_all_forms() -> dict[str, Any]:
    rows, labels = [row for row, _ in DATA], [label for _, label in DATA]
    return {
        "pairs": {"x": DATA},
        "generator": {"x": (pair for pair in DATA)},
        "two lists": {"x": rows, "y": labels},
        "a tuple": {"x": (rows, np.array(labels))},
    }


def test_fit_takes_data_in_any_form() -> None:
    results = []
    for arguments in data_in_all_forms().values():
        application = new()
        history = application.fit(**arguments, epochs=1, batch_size=20, verbose=0)
        results.append((history.history["loss"], logits(application, OTHERS)))
    for loss, outputs in results[1:]:
        np.testing.assert_allclose(loss, results[0][0], rtol=1e-5)
        np.testing.assert_allclose(outputs, results[0][1], atol=1e-5)


def test_fit_takes_a_dataset() -> None:
    tf = pytest.importorskip("tensorflow")

    def read() -> Any:
        for row, label in DATA:
            yield np.float32(row), label.encode()

    signature = (tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.string))
    dataset = tf.data.Dataset.from_generator(read, output_signature=signature)
    application = new()
    history = application.fit(dataset, epochs=2, batch_size=20, verbose=0)
    assert application.labels == ["minus", "plus"]
    assert history.history["loss"][1] < history.history["loss"][0]
    assert application.evaluate(dataset, verbose=0, return_dict=True)["accuracy"] > 0.9


def test_it_learns(trained: SignReader) -> None:
    assert trained.score(OTHERS) == {"accuracy": 1.0}
    assert trained.infer(row for row, _ in OTHERS[:2]) == ["minus", "plus"]


def test_history() -> None:
    application = new()
    history = application.fit(DATA, epochs=2, validation_data=OTHERS, verbose=0).history
    assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert history["val_accuracy"][-1] == application.score(OTHERS)["accuracy"]
    unscored = (
        new().fit(DATA, epochs=1, validation_data=OTHERS, score_validation=False, verbose=0).history
    )
    assert set(unscored) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert set(new().fit(DATA, verbose=0).history) == {"loss", "accuracy"}


def test_the_score_of_raw_outputs_is_logged_before_other_callbacks_look() -> None:
    class Scored(SignReader):
        def score(self, data: Any, targets: Any = None, **decoding: Any) -> dict[str, float]:
            return {"seen": float(len(data)), **super().score(data, targets, **decoding)}

    keras.utils.set_random_seed(1)
    seen = []
    spy = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(dict(logs)))
    application = Scored()
    for validation in (OTHERS, iter(OTHERS), ([r for r, _ in OTHERS], [y for _, y in OTHERS])):
        history = application.fit(
            DATA, epochs=1, validation_data=validation, callbacks=[spy], verbose=0
        ).history
        assert history["val_seen"] == [20.0]
    assert [logs["val_seen"] for logs in seen] == [20.0] * 3


def test_validation_split_takes_the_last_pairs() -> None:
    wrong = [(row, "minus" if label == "plus" else "plus") for row, label in OTHERS[:15]]
    application = new()
    history = application.fit(
        DATA + wrong, epochs=6, batch_size=20, validation_split=0.2, verbose=0
    ).history
    assert history["accuracy"][-1] == 1.0
    assert history["val_accuracy"][-1] == 0.0
    for split in (0.001, 0.999):
        with pytest.raises(ValueError, match=r"`validation_split` must leave .*, 60 pairs\."):
            new().fit(DATA, validation_split=split)


def test_early_stopping_on_a_score() -> None:
    stop = keras.callbacks.EarlyStopping(monitor="val_accuracy", mode="max", patience=1)
    history = new().fit(
        DATA, epochs=40, batch_size=20, validation_data=OTHERS, callbacks=[stop], verbose=0
    )
    assert len(history.epoch) < 20


def test_preprocess_then_fit(trained: SignReader) -> None:
    batches = trained.preprocess(DATA, batch_size=7, shuffle=True, seed=3)
    assert isinstance(batches, Batches) and len(batches) == 9
    assert trained.preprocess(batches) is batches
    application = new()
    application.adapt(DATA)
    validation = application.preprocess(OTHERS)
    history = application.fit(batches, epochs=3, validation_data=validation, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    loss, accuracy = application.evaluate(validation, verbose=0)
    assert (loss, accuracy) == pytest.approx(
        (history["val_loss"][-1], history["val_accuracy"][-1]), rel=1e-5
    )


def test_training_is_reproducible_by_seed() -> None:
    outputs = []
    for shuffle in (True, True, False):
        application = new()
        application.fit(DATA, epochs=2, batch_size=16, shuffle=shuffle, verbose=0)
        outputs.append(logits(application, OTHERS))
    np.testing.assert_array_equal(outputs[0], outputs[1])
    assert np.abs(outputs[0] - outputs[2]).max() > 1e-5


def test_compile_keeps_what_it_is_told() -> None:
    application = SignReader()
    application.compile()
    optimizer = application.optimizer
    assert (type(optimizer), optimizer.clipnorm) == (keras.optimizers.Adam, 1.0)
    application = SignReader()
    application.compile("sgd", loss=keras.losses.MeanSquaredError(), metrics=[])
    assert isinstance(application.optimizer, keras.optimizers.SGD)
    assert isinstance(application.loss, keras.losses.MeanSquaredError)
    optimizer = keras.optimizers.RMSprop(0.01)
    application = SignReader()
    application.compile(optimizer)
    application.fit(DATA, verbose=0)
    assert application.optimizer is optimizer
    assert int(optimizer.iterations) == 1


# Evaluation and prediction.


def test_evaluate_does_not_depend_on_batches(trained: SignReader) -> None:
    loss, accuracy = trained.evaluate(DATA, verbose=0)
    assert accuracy == 1.0
    again = trained.evaluate(*zip(*DATA, strict=True), batch_size=7, verbose=0, return_dict=True)
    assert again["loss"] == pytest.approx(loss, rel=1e-4)
    keras.utils.set_random_seed(0)
    fresh = SignReader()
    fresh.adapt(DATA)
    assert fresh.evaluate(OTHERS, verbose=0)[0] > loss  # compiled as by default


def test_predict_does_not_depend_on_batches(trained: SignReader) -> None:
    outputs = trained.predict(OTHERS, verbose=0)
    assert outputs.shape == (20, 2)
    for batch_size in (1, 3, 20):
        again = trained.predict(iter(OTHERS), batch_size=batch_size, verbose=0)
        np.testing.assert_allclose(again, outputs, atol=1e-5)
    labels = [trained.labels[column] for column in outputs.argmax(-1)]
    assert labels == trained.infer([row for row, _ in OTHERS])
    for number in (0, 7):
        alone = trained.predict([OTHERS[number]], verbose=0)[0]
        np.testing.assert_allclose(alone, outputs[number], atol=1e-5)


def test_run_gives_one_result_an_item_in_order(trained: SignReader) -> None:
    examples = trained.featurize([row for row, _ in OTHERS])
    for batch_size in (1, 3, 32):
        results = trained.run(
            ("sums", batch_size),
            lambda features: {
                "sum": keras.ops.sum(features["numbers"], axis=(1, 2)),
                "length": (keras.ops.sum(features["real"], axis=1),),
            },
            examples,
            batch_size=batch_size,
        )
        for (row, _), result in zip(OTHERS, results, strict=True):
            assert result["sum"] == pytest.approx(sum(row) / trained.scale, rel=1e-4)
            assert result["length"][0] == len(row)
    assert trained.run("none", lambda features: features, []) == []


# Saving.


def test_keras_file_in_a_new_process_on_another_backend(
    trained: SignReader, tmp_path: Path
) -> None:
    trained.save(tmp_path / "model.keras")
    expected = logits(trained, pairs(12, seed=3))
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert (loaded.labels, loaded.units, loaded.name) == (trained.labels, 8, trained.name)
    np.testing.assert_allclose(logits(loaded, pairs(12, seed=3)), expected, atol=1e-6)
    backend = pytest.importorskip("jax").__name__
    result = subprocess.run(
        [sys.executable, "-m", "tests.applications.number_application", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == [backend]
    np.testing.assert_allclose(np.load(tmp_path / "jax.npy"), expected, atol=1e-5)


def test_training_goes_on_after_loading(trained: SignReader, tmp_path: Path) -> None:
    trained.save(tmp_path / "model.keras")
    loaded = zoo.load_model(tmp_path / "model.keras")
    steps = int(loaded.optimizer.iterations)
    assert steps == 18
    history = loaded.fit(DATA, batch_size=20, verbose=0).history
    assert history["accuracy"] == [1.0]
    assert int(loaded.optimizer.iterations) == steps + 3


def test_an_application_before_adapt_is_saved_and_loaded(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="has not yet been built"):
        SignReader(units=3).save(tmp_path / "model.keras")
    loaded = zoo.load_model(tmp_path / "model.keras")
    assert loaded.units == 3 and not loaded.adapted


def test_preset(trained: SignReader, tmp_path: Path) -> None:
    register_application("SignReader")(SignReader)
    trained.save_to_preset(tmp_path / "p", card={"licence": "open"})
    assert json.loads((tmp_path / "p" / "config.json").read_text())["class_name"] == "SignReader"
    assert json.loads((tmp_path / "p" / "signs.json").read_text())["labels"] == ["minus", "plus"]
    for cls in (SignReader, Application):
        loaded = cls.from_preset(tmp_path / "p")
        assert type(loaded) is SignReader
        np.testing.assert_allclose(logits(loaded, OTHERS), logits(trained, OTHERS), atol=1e-6)
    with pytest.raises(ValueError, match="is a SignReader, not a Translator"):
        zoo.Translator.from_preset(tmp_path / "p")


def test_config_holds_what_the_user_gave() -> None:
    application = SignReader("lstm", units=4, name="mine", dtype="mixed_bfloat16")
    config = json.loads(json.dumps(application.get_config()))
    assert (config["cell"], config["units"], config["name"]) == ("lstm", 4, "mine")
    again = SignReader.from_config(config)
    assert again.get_config() == application.get_config()
    with pytest.raises(TypeError, match=r"SignReader has no argument `unit`\."):
        SignReader.from_config({**config, "unit": 3})


# Precision.


def test_mixed_precision() -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        application = new()
        history = application.fit(DATA, epochs=6, batch_size=20, verbose=0).history
        assert application.reader.compute_dtype == "bfloat16"
        assert {weight.dtype for weight in application.weights} == {"float32"}
        assert history["loss"][-1] < history["loss"][0]
        assert application.score(OTHERS) == {"accuracy": 1.0}
    finally:
        keras.config.set_dtype_policy(before)
