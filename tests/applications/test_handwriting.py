"""A recogniser learns a toy hand, reads it in every form, and while it is written."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.applications.scribbles import pairs, tiny, trained, write
from zoo.applications import HandwritingRecognizer, LanguageModel, raw_pairs
from zoo.applications._ink import pack


@pytest.fixture(scope="module")
def learned() -> HandwritingRecognizer:
    return trained()


@pytest.fixture(scope="module")
def forwards() -> HandwritingRecognizer:
    """Reads forwards only, and has learned nothing."""
    return tiny(bidirectional=False)


class Favours:
    """A language model that likes one letter of those that it knows."""

    def __init__(self, letter: str, vocabulary: str = "ABvzlo") -> None:
        self.vocabulary = list(vocabulary)
        self.liked = np.where([known == letter for known in vocabulary], -0.01, -20.0)

    def start(self, rows: int = 1) -> dict[str, np.ndarray]:
        return {"log_probabilities": np.tile(self.liked, (rows, 1))}

    def score(self, state: Any, tokens: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        return self.start(len(tokens))["log_probabilities"], self.start(len(tokens))


# Learned.


def test_it_has_learned_the_hand(learned: HandwritingRecognizer) -> None:
    unseen = pairs(40, seed=1000)
    assert learned.score(unseen)["cer"] < 0.02
    assert learned.score(unseen, beam_size=8)["cer"] < 0.02
    assert learned.history.history["loss"][-1] < 0.2


def test_forms_of_input(learned: HandwritingRecognizer, tmp_path: Path) -> None:
    words = ["lo", "vzz", "o"]
    inks = [write(word) for word in words]
    assert learned.recognize(inks) == words
    assert learned.recognize(ink for ink in inks) == words
    assert learned.recognize([pack(ink) for ink in inks]) == words
    canvas = [[stroke.T.tolist() for stroke in ink] for ink in inks]
    assert learned.recognize(canvas) == words
    assert [learned.recognize(ink) for ink in canvas] == words
    assert [learned.recognize(ink) for ink in inks] == words
    path = tmp_path / "ink.inkml"
    traces = "".join(
        f"<trace>{', '.join(f'{x} {y}' for x, y in stroke)}</trace>" for stroke in inks[1]
    )
    path.write_text(f"<ink>{traces}</ink>")
    assert learned.recognize(str(path)) == "vzz"
    packed = [pack(ink) for ink in inks]
    points, offsets = np.concatenate(packed), np.cumsum([0, *map(len, packed)])
    np.savez(tmp_path / "words.npz", xy=points[:, :2], pen_up=points[:, 2], offsets=offsets)
    np.savez(tmp_path / "word.npz", packed[1])
    assert learned.recognize(tmp_path / "words.npz") == words
    assert learned.recognize(str(tmp_path / "word.npz")) == "vzz"
    assert learned.recognize([]) == []
    assert learned.infer(inks, batch_size=2) == words
    tf = pytest.importorskip("tensorflow")
    spec = tf.TensorSpec([None, 3], "float64")
    data = tf.data.Dataset.from_generator(lambda: map(pack, inks), output_signature=spec)
    assert learned.recognize(data) == words


def test_other_pens(learned: HandwritingRecognizer) -> None:
    """Size, place and density of the points do not matter."""
    for word in ("lovz", "zol"):
        ink = write(word, seed=3)
        for size, place in ((0.01, 0.0), (1e4, -1e6)):
            assert learned.recognize([stroke * size + place for stroke in ink]) == word
        dense = []
        for stroke in ink:
            steps = np.linspace(0, len(stroke) - 1, 400)
            dense.append(
                np.stack([np.interp(steps, range(len(stroke)), axis) for axis in stroke.T], axis=1)
            )
        assert learned.recognize(dense) == word


def test_nothing_and_next_to_nothing(learned: HandwritingRecognizer) -> None:
    dot = [np.array([[3, 3]])]
    found = learned.recognize([[], dot, write("o"), [np.zeros((0, 2))]])
    assert found[0] == found[3] == "" and found[2] == "o" and isinstance(found[1], str)
    assert learned.recognize([[]], n_best=2) == [[("", 0.0)]]


def test_n_best_lexicon_and_language_model(learned: HandwritingRecognizer, tmp_path: Path) -> None:
    ink = write("lo")
    found = learned.recognize(ink, n_best=3)
    assert found[0][0] == "lo"
    assert [score for _, score in found] == sorted((s for _, s in found), reverse=True)
    assert found[0][1] <= 0
    table = learned.log_probabilities([learned.example(ink, 0)])[0]
    assert np.exp(table).sum(-1) == pytest.approx(np.ones(len(table)), abs=1e-4)
    words = tmp_path / "words.txt"
    words.write_text("zo\nlv\n")
    for lexicon in (["zo", "lv"], words, str(words)):
        assert learned.recognize(ink, lexicon=lexicon) in ("zo", "lv")
    with pytest.warns(UserWarning, match="1 words of `lexicon`, such as 'xx'"):
        assert learned.recognize(ink, lexicon=["lo", "xx"]) == "lo"
    assert set(learned.recognize(ink, language_model=Favours("v"), language_weight=5.0)) <= {"v"}
    assert learned.recognize(ink, language_model=Favours("v"), language_weight=0.0) == "lo"


def test_our_language_models_join(learned: HandwritingRecognizer, tmp_path: Path) -> None:
    """By the model, by its scorer and by its preset; those of other units cannot."""
    ink, model = write("lo"), LanguageModel(units=4, context="sentence")
    model.adapt(["Lo", "ov"])
    model.save_to_preset(tmp_path / "model")
    expected = learned.recognize([ink], language_model=model, n_best=2)
    for same in (model.scorer(), tmp_path / "model", str(tmp_path / "model")):
        assert learned.recognize([ink], language_model=same, n_best=2) == expected
    (plain, log_probability), fused = learned.recognize(ink, n_best=1)[0], expected[0][0]
    assert plain == fused[0] == "lo"
    said = sum(value for _, value in model.log_probabilities("Lo"))
    assert fused[1] == pytest.approx(log_probability + 0.5 * said, abs=0.02)
    words = LanguageModel(unit="word", units=4)
    words.adapt("lo ov")
    with pytest.raises(ValueError, match="must be one of characters.*a model of unit='word'"):
        learned.recognize(ink, language_model=words)


def test_alignment(learned: HandwritingRecognizer) -> None:
    ink = write("lozv")
    found = learned.align(ink)
    assert [letter for letter, _, _ in found] == list("lozv")
    starts, ends = [start for _, start, _ in found], [end for _, _, end in found]
    assert starts == sorted(starts) and all(a < b for a, b in zip(starts, ends, strict=True))
    assert ends[-1] <= len(learned.points(ink))
    assert learned.align(ink, "z")[0][0] == "z" and learned.align([]) == []
    with pytest.raises(ValueError, match="The alphabet lacks the character 'q'"):
        learned.align(ink, "q")


def test_a_batch_equals_its_items(learned: HandwritingRecognizer) -> None:
    examples = learned.featurize([ink for ink, _ in pairs(7, seed=5)])
    together = learned.log_probabilities(examples)
    for example, table in zip(examples, together, strict=True):
        alone = learned.log_probabilities([example])[0]
        np.testing.assert_allclose(alone, table, atol=1e-4)


def test_presets(learned: HandwritingRecognizer, tmp_path: Path) -> None:
    learned.save_to_preset(tmp_path / "hand")
    loaded = HandwritingRecognizer.from_preset(tmp_path / "hand")
    inks, texts = raw_pairs(pairs(6, seed=9))
    assert loaded.recognize(inks) == learned.recognize(inks) == texts


def test_varied_training_is_the_same_for_the_same_seed() -> None:
    recognizer = tiny(augmentation=1.0)
    batches = [recognizer.preprocess(pairs(6), shuffle=True, seed=seed) for seed in (1, 1, 2)]
    one, same, other = ([batch[0]["frames"] for batch in some] for some in batches)
    for first, second in zip(one, same, strict=True):
        np.testing.assert_array_equal(first, second)
    assert any(a.shape != b.shape or (a != b).any() for a, b in zip(one, other, strict=True))
    batches[0].on_epoch_end()
    again = [batch[0]["frames"] for batch in batches[0]]
    assert any(a.shape != b.shape or (a != b).any() for a, b in zip(one, again, strict=True))
    plain = recognizer.preprocess(pairs(6))
    np.testing.assert_array_equal(plain[0][0]["frames"], plain[0][0]["frames"])


# While it is written.


def test_a_stream_equals_the_whole(forwards: HandwritingRecognizer, tmp_path: Path) -> None:
    forwards.save_to_preset(tmp_path / "hand")
    for recognizer in (forwards, HandwritingRecognizer.from_preset(tmp_path / "hand")):
        for options in ({}, {"height": 20.0}):
            ink = write("zov", seed=4)
            stream, seen = recognizer.stream(**options), []
            assert stream.text == ""
            for stroke in ink:
                for first in range(0, len(stroke), 3):
                    stream.feed(stroke[first : first + 3])
                    part = [*seen, stroke[: first + 3]]
                    assert stream.text == recognizer.recognize([part], **options)[0]
                    example = recognizer.example(part, 0, **options)
                    whole = recognizer.log_probabilities([example])[0]
                    logits = stream.logits()
                    now = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
                    np.testing.assert_allclose(now, whole, atol=1e-4)
                stream.lift()
                seen.append(stroke)
            stream.lift()
            assert stream.text == recognizer.recognize([seen], **options)[0]


def test_a_stream_of_curves_equals_the_whole() -> None:
    recognizer = tiny(features="curves", reduction=1, bidirectional=False, units=8, depth=1)
    stream, seen = recognizer.stream(), []
    for stroke in write("zo"):
        for first in range(0, len(stroke), 5):
            stream.feed(stroke[first : first + 5])
            example = recognizer.example([*seen, stroke[: first + 5]], 0)
            whole = recognizer.log_probabilities([example])[0]
            logits = stream.logits()
            now = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
            np.testing.assert_allclose(now, whole, atol=1e-4)
        stream.lift()
        seen.append(stroke)
    assert stream.text == recognizer.recognize([seen])[0]
    assert len(recognizer.points(seen)) == len(stream.logits())
    late = HandwritingRecognizer(features="vicinity", bidirectional=False, units=4, depth=1)
    late.adapt(pairs(3))
    assert late.example(seen, 0)["frames"].shape == (len(late.points(seen)), 25)
    with pytest.raises(ValueError, match="`stream` needs features that do not change.*'vicinity'"):
        late.stream()


def test_streams_that_cannot_be(
    learned: HandwritingRecognizer, forwards: HandwritingRecognizer
) -> None:
    with pytest.raises(ValueError, match="`stream` needs a recognizer that reads forwards only"):
        learned.stream()
    with pytest.raises(ValueError, match="`height` must be None for a recognizer that reads in b"):
        learned.recognize([write("o")], height=3.0)
    with pytest.raises(ValueError, match="`height` must be a positive number. Received: height=0"):
        forwards.stream(height=0)
    with pytest.raises(ValueError, match="coordinates of the points must be finite"):
        forwards.stream().feed([[0, np.nan]])


# What is refused.


def test_targets_that_cannot_be_learned() -> None:
    recognizer = tiny()
    data = [(write("lo"), "lo"), ([np.array([[0, 0]])], "lll"), (write("o"), "")]
    with pytest.warns(UserWarning, match="2 of 3 pairs are left out: item 1, 'lll', which needs 5"):
        assert len(recognizer.preprocess(data).examples) == 1
    with pytest.raises(ValueError, match="2 of 3 pairs cannot be learned, such as item 1, 'lll'"):
        tiny(long_targets="refuse").preprocess(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match="holds nothing"):
            recognizer.preprocess(data[1:])
    with pytest.raises(ValueError, match="The alphabet lacks the characters 'W', 'é', found in 'W"):
        recognizer.preprocess([(write("lo"), "We\N{COMBINING ACUTE ACCENT}")])
    assert len(tiny(characters="W\N{LATIN SMALL LETTER E WITH ACUTE}").alphabet) == 7
    with pytest.raises(TypeError, match="Targets must be strings. Received as number 0: 3"):
        recognizer.preprocess([(write("lo"), 3)])


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"input": "sound"}, "`input` must be .*Received: input='sound'"),
        ({"features": "x"}, "`features` must be .*Received: features='x'"),
        ({"units": 0}, "`units` must be a positive integer"),
        ({"spacing": 0}, "`spacing` must be a number from 0.01 to 10. Received: spacing=0"),
        ({"recurrent": "lstn"}, "lstm"),
        ({"long_targets": "drop"}, "`long_targets` must be 'skip' or 'refuse'"),
    ],
)
def test_choices_that_cannot_be(choices: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HandwritingRecognizer(**choices)


def test_options_that_cannot_be(learned: HandwritingRecognizer) -> None:
    ink = write("o")
    for options, message in (
        ({"beam_size": 1, "lexicon": ["o"]}, "need a `beam_size` above 1"),
        ({"beam_size": 2, "n_best": 3}, "`n_best` must be at most `beam_size`"),
        ({"lexicon": ["x"]}, "`lexicon` must hold at least one word of the alphabet"),
        ({"lexicon": "no/such/file"}, "`lexicon` cannot be read"),
    ):
        with pytest.raises(ValueError, match=message):
            learned.recognize(ink, **options)
    model = Favours("o")
    model.score = None
    for wrong, lacking in ((model, "score"), (object(), "start"), (7, "start")):
        message = f"must be a `LanguageModel` of characters.*Received: .*, without `{lacking}`"
        with pytest.raises(TypeError, match=message):
            learned.recognize(ink, language_model=wrong)
    with pytest.raises(ValueError, match="no/such"):
        learned.recognize(ink, language_model="no/such")
    with pytest.raises(RuntimeError, match="has no network yet"):
        HandwritingRecognizer().recognize(ink)
    long = tiny(max_length=20)
    with pytest.raises(ValueError, match="Ink 0 has .* points at equal distances, but this"):
        long.recognize(write("zzzzz"))
