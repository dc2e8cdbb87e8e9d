"""A captioner says what it sees, keeps what it is, and refuses what it cannot take."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

from tests.applications.colours import eye, new, pictures, tiny, trained
from zoo.applications import Captioner
from zoo.applications._weights import weight_paths

PICTURES = [pixels for pixels, _ in pictures()]
CAPTIONS = [caption for _, caption in pictures()]


@pytest.fixture(scope="module")
def attentive() -> Captioner:
    """Show, attend and tell; not to be trained on."""
    return trained()


@pytest.fixture(scope="module")
def untrained() -> Captioner:
    return tiny()


# Learned.


def test_it_says_what_it_sees(attentive: Captioner) -> None:
    assert attentive.caption(PICTURES, beam_size=1) == CAPTIONS
    assert attentive.caption(PICTURES) == CAPTIONS
    assert attentive.score(pictures()) == {
        "cider": pytest.approx(7.5),  # they have no four words in a row
        "bleu1": 100,
        "bleu2": 100,
        "bleu3": 100,
        "bleu4": 0,
        "rouge_l": pytest.approx(100),
    }
    blank = np.full((8, 8, 3), 127, "uint8")
    assert len(set(attentive.caption([blank] * 3))) == 1


def test_it_looks_where_the_word_is(attentive: Captioner) -> None:
    """At the left half for the first word, at the right half for the last."""
    looks = []
    for found in attentive.caption(PICTURES, return_attention=True):
        assert found.tokens == [*found.text.split(), "[END]"]
        assert found.attention.shape == (4, 1, 2)
        np.testing.assert_allclose(found.attention.sum(axis=(1, 2)), 1, atol=1e-3)
        looks.append(found.attention[:, 0])
    mean = np.mean(looks, axis=0)
    assert mean[0, 0] > 0.6 and mean[2, 1] > 0.6


@pytest.mark.parametrize("inject", ["first", "initial", "every"])
def test_show_and_tell(inject: str) -> None:
    captioner = trained(attention=None, inject=inject, units=64)
    found = captioner.caption(PICTURES, beam_size=1)
    right = sum(text == caption for text, caption in zip(found, CAPTIONS, strict=True))
    assert right >= 14


# The network.


@pytest.mark.parametrize("options", [{}, {"inject": "first"}, {"attention": None}])
def test_training_and_search_see_the_same(options: dict[str, Any]) -> None:
    """The score of a caption found is the log-probability that the network gives it."""
    captioner = tiny(**options)
    (found,) = captioner.caption(PICTURES[:1], n=3, length_penalty=0.0)
    for text, score in found:
        row = captioner.symbols.encode(text)
        example = {**captioner.seen(PICTURES[:1])[0], **captioner.targets(row)}
        target = example.pop("target")
        logits = captioner({name: np.asarray(value)[None] for name, value in example.items()})
        table = ops.convert_to_numpy(ops.log_softmax(captioner.scored(logits)))[0]
        if len(row) == captioner.max_length:  # cut off without an end
            target, table = target[:-1], table[:-1]
        assert table[np.arange(len(target)), target].sum() == pytest.approx(score, abs=1e-4)


def test_what_is_no_word_is_never_written(untrained: Captioner) -> None:
    logits = untrained.scored(np.zeros((1, untrained.symbols.size), "float32"))
    chances = ops.convert_to_numpy(ops.softmax(logits))[0]
    assert (chances[[0, 1, 3]] == 0).all()
    assert (chances[[2, 4]] > 0.1).all()


def test_the_attention_penalty() -> None:
    """What is added to the loss, by its equation."""
    captioner = tiny(attention_penalty=2.0)
    batch = captioner.preprocess(pictures()[:3], batch_size=3)[0][0]
    captioner(batch, training=True)
    (added,) = captioner.losses
    weights = ops.convert_to_numpy(captioner.attention_weights(batch))
    real = (batch["previous"] != 0)[..., None]
    expected = 2.0 * ((1 - (weights * real).sum(axis=1)) ** 2).sum() / real.sum()
    assert float(added) == pytest.approx(float(expected), rel=1e-4)
    captioner(batch)
    assert captioner.losses == []


def test_scheduled_sampling() -> None:
    captioner = tiny(scheduled_sampling=0.9)
    previous = np.array([[1, 5, 6, 7, 0, 0]] * 200, "int32")
    logits = np.full((200, 6, captioner.symbols.size), -1e9, "float32")
    logits[:, :, 8] = 0  # what the model is sure of
    mixed = ops.convert_to_numpy(captioner._mixed(previous, logits))
    assert (mixed[:, 0] == 1).all()
    assert (mixed[:, 4:] == 0).all()
    own = mixed[:, 1:4] == 8
    assert 0.8 < own.mean() < 0.98
    np.testing.assert_array_equal(mixed[:, 1:4][~own], previous[:, 1:4][~own])
    captioner.fit(pictures(), epochs=1, verbose=0)


@pytest.mark.parametrize("cell", ["gru", "projected_lstm", "odyssey_fgr"])
def test_any_cell(cell: str) -> None:
    options = {"projection_units": 8} if cell == "projected_lstm" else {}
    captioner = tiny(recurrent=cell, units=16, embedding_size=8, **options)
    captioner.fit(pictures(), epochs=1, verbose=0)
    assert len(captioner.caption(PICTURES[:2])) == 2


# Training.


def test_a_picture_with_several_captions(untrained: Captioner) -> None:
    one = PICTURES[0]
    expanded = untrained.raw([(one, ["red", "blue"]), (one, "green")])
    assert expanded[1] == ["red", "blue", "green"]
    score = untrained.score([one, one, PICTURES[1]], ["red beside red", "red", "blue"])
    assert sorted(score) == ["bleu1", "bleu2", "bleu3", "bleu4", "cider", "rouge_l"]


def test_validation_divides_pictures() -> None:
    inputs, targets = new().raw([(pixels, [text] * 3) for pixels, text in pictures()])
    (kept, kept_texts), (held, _) = new().divide(inputs, targets, 0.25)
    assert (len(kept), len(held), len(kept_texts)) == (36, 12, 36)
    assert not {one.tobytes() for one in kept} & {one.tobytes() for one in held}


def test_captions_that_are_left_out(untrained: Captioner) -> None:
    captions = ["red", " ...", "red " * 9, "blue"]
    with pytest.warns(UserWarning, match="2 of 4 captions are left out, such as number 1, ' ...'"):
        examples = untrained.featurize(PICTURES[:4], captions)
    assert len(examples) == 2


@pytest.mark.parametrize("train_encoder", [False, True])
def test_variations_of_training_pictures(train_encoder: bool) -> None:
    name = "pixels" if train_encoder else "grid"
    captioner = tiny(variations=3, train_encoder=train_encoder)
    data = pictures()[1:3]
    plain = captioner.preprocess(data, batch_size=2)[0][0][name]
    np.testing.assert_array_equal(captioner.preprocess(data, batch_size=2)[0][0][name], plain)
    batches = captioner.preprocess(data, batch_size=2, shuffle=True, seed=1)
    epochs = []
    for _ in range(6):
        epochs.append(batches[0][0][name].tobytes())
        assert batches[0][0][name].shape == plain.shape
        batches.on_epoch_end()
    assert len(set(epochs)) > 2
    captioner.fit(data, epochs=1, verbose=0)


def test_rare_words_are_unknown() -> None:
    captioner = new(min_count=2, unit="word")
    captioner.adapt(PICTURES[:3], ["A red cat.", "a RED dog", "a, red"])
    assert captioner.symbols.names[4:] == ["a", "red"]
    assert captioner.symbols.encode("a red cat").tolist() == [4, 5, 3]


def test_parts_of_words() -> None:
    captioner = new(unit="bpe", vocabulary_size=300, max_length=20)
    captioner.fit(PICTURES[:2], ["紅い", "青い"], epochs=1, verbose=0)
    assert captioner.symbols.decode(captioner.symbols.encode("青い")) == "青い"


def test_the_encoder_can_be_trained_too(tmp_path: Path) -> None:
    convolution = keras.layers.Conv2D(4, 4, 4, activation="relu")
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), convolution, keras.layers.BatchNormalization()]
    )
    frozen = tiny(encoder=model)
    captioner = frozen.with_trainable_encoder()
    captioner.feature_cache = None
    assert captioner.caption(PICTURES) == frozen.caption(PICTURES)
    before = convolution.get_weights()[0].copy()
    captioner.fit(pictures(), epochs=1, verbose=0)
    trained_kernel = captioner.eye.layers[0].get_weights()[0]
    assert np.abs(trained_kernel - before).max() > 1e-5
    captioner.save_to_preset(tmp_path / "whole")
    again = Captioner.from_preset(tmp_path / "whole", encoder=model)
    np.testing.assert_array_equal(again.eye.layers[0].get_weights()[0], trained_kernel)
    assert again.caption(PICTURES) == captioner.caption(PICTURES)


def test_more_words(attentive: Captioner) -> None:
    data = [(PICTURES[0], "red beside crimson"), (PICTURES[1], "crimson")]
    larger = attentive.grow_vocabulary(data, vocabulary_size=20)
    larger.feature_cache = None
    assert larger.symbols.names[-1] == "crimson"
    assert larger.count_symbols(data)["unknown"] == 0
    assert attentive.count_symbols(data)["unknown"] == 14
    assert larger.caption(PICTURES, beam_size=1) == CAPTIONS


# Kept.


def test_a_preset_without_the_encoder(attentive: Captioner, tmp_path: Path) -> None:
    attentive.save_to_preset(tmp_path / "it")
    assert not [name for name in weight_paths(attentive) if name.startswith("eye")]
    again = Captioner.from_preset(tmp_path / "it", encoder=eye())
    again.feature_cache = None
    assert again.caption(PICTURES) == CAPTIONS
    alone = Captioner.from_preset(tmp_path / "it")
    with pytest.raises(ValueError, match="give it the Keras model"):
        alone.caption(PICTURES[:1])


def test_the_encoder_must_be_the_same(tmp_path: Path) -> None:
    def model(weight: float) -> keras.Model:
        made = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 4, 4)])
        made.set_weights([np.full((4, 4, 3, 2), weight), np.zeros(2)])
        return made

    tiny(encoder=model(0.01)).save_to_preset(tmp_path / "it")
    Captioner.from_preset(tmp_path / "it", encoder=model(0.01)).caption(PICTURES[:1])
    other = Captioner.from_preset(tmp_path / "it", encoder=model(0.02))
    with pytest.raises(ValueError, match="has other weights than the one with which"):
        other.caption(PICTURES[:1])


# What goes in and what comes out.


def test_forms_of_pictures(attentive: Captioner, tmp_path: Path) -> None:
    pixels, expected = PICTURES[1], CAPTIONS[1]
    path = tmp_path / "picture.png"
    Image.fromarray(pixels).save(path)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    for one in (pixels, pixels / 255, path, str(path), buffer.getvalue(), Image.open(path)):
        assert attentive.caption(one) == expected
        assert attentive.caption([one, one]) == [expected] * 2
    assert attentive.caption(np.stack(PICTURES)) == CAPTIONS
    assert attentive.caption(picture for picture in PICTURES[:2]) == CAPTIONS[:2]
    assert attentive.caption([]) == []
    assert attentive.infer([str(path).encode()], beam_size=2) == [expected]


def test_the_best_captions(attentive: Captioner) -> None:
    found = attentive.caption(PICTURES[:2], n=5)
    for captions, expected in zip(found, CAPTIONS, strict=False):
        assert len(captions) == 5
        assert captions[0][0] == expected
        scores = [score for _, score in captions]
        assert scores == sorted(scores, reverse=True)
    assert attentive.caption(PICTURES[0], n=1)[0][0] == CAPTIONS[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inject": "always"}, "`inject` must be 'initial' or 'first' or 'every'"),
        ({"inject": "every"}, '`inject="every"` needs `attention=None`'),
        ({"unit": "letter"}, "`unit` must be 'word' or 'bpe'"),
        ({"variations": -1}, "`variations` must be a whole number that is not negative"),
        ({"min_count": 0}, "`min_count` must be a positive integer"),
        ({"scheduled_sampling": 1.0}, "`scheduled_sampling` must be a number in"),
        ({"attention_penalty": -1}, "`attention_penalty` must be a number that is not negative"),
        ({"attention": "soft"}, "`attention` must be None or one of"),
        ({"recurrent": "ltsm"}, "Unknown cell 'ltsm'"),
    ],
)
def test_bad_choices(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        new(**arguments)


def test_what_cannot_be_captioned(untrained: Captioner, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="Picture 1, .*absent.png, is missing"):
        untrained.caption([PICTURES[0], str(tmp_path / "absent.png")])
    with pytest.raises(ValueError, match="Picture 0 is no picture that can be read"):
        untrained.caption(b"\x89PNG\r\n\x1a\n\0\0")
    with pytest.raises(TypeError, match="Picture 0 must be a path"):
        untrained.caption([3])
    with pytest.raises(TypeError, match="Captions must be strings. Received as number 0: 3"):
        untrained.featurize(PICTURES[:1], [3])
    with pytest.raises(RuntimeError, match="has no network yet"):
        new().caption(PICTURES)
    with pytest.raises(ValueError, match="at least one caption that is not empty"):
        new().adapt(PICTURES[:1], ["..."])
    with pytest.raises(ValueError, match="as often as `min_count` asks"):
        new(min_count=5).adapt(PICTURES[:1], ["a cat"])


# Seen.


def test_plot_attention(attentive: Captioner) -> None:
    figure = attentive.plot_attention(PICTURES[1])
    assert [ax.get_title() for ax in figure.axes] == ["", *CAPTIONS[1].split()]
    given = attentive.plot_attention(PICTURES[1], caption="Blue, beside red!")
    assert [ax.get_title() for ax in given.axes] == ["", "blue", "beside", "red"]
    with pytest.raises(ValueError, match="leave out 'beam_size'"):
        attentive.plot_attention(PICTURES[1], caption="blue", beam_size=2)
    with pytest.raises(ValueError, match="`caption` must not be empty"):
        attentive.plot_attention(PICTURES[1], caption=" .")
    with pytest.raises(ValueError, match="needs a captioner with attention"):
        tiny(attention=None).plot_attention(PICTURES[1])
