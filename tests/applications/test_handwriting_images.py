"""A recogniser of images learns the digits 0 and 1, and reads them in every form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from zoo.applications import HandwritingRecognizer
from zoo.cli import main
from zoo.datasets.digit_strings import digits_of

TINY = {
    "input": "image",
    "image_height": 12,
    "filters": [8, 12],
    "units": 16,
    "depth": 1,
    "dropout": 0.0,
    "augmentation": 0.2,
}


def numbers(count: int, split: str, longest: int = 3) -> list[tuple[np.ndarray, str]]:
    """Zeros and ones next to each other, white on black."""
    images, labels = digits_of(split)
    generator = np.random.default_rng(count)
    known = np.flatnonzero(labels < 2)
    pairs = []
    for _ in range(count):
        chosen = generator.choice(known, generator.integers(1, longest + 1))
        image = np.concatenate([np.pad(images[n], 1) for n in chosen], axis=1)
        pairs.append((image, "".join(str(labels[n]) for n in chosen)))
    return pairs


@pytest.fixture(scope="module")
def learned() -> HandwritingRecognizer:
    keras.utils.set_random_seed(3)
    recognizer = HandwritingRecognizer(**TINY)
    recognizer.compile(keras.optimizers.Adam(0.02, global_clipnorm=1.0))
    recognizer.fit(numbers(200, "train"), batch_size=10, epochs=8, verbose=0)
    return recognizer


def test_it_has_learned_to_read(learned: HandwritingRecognizer) -> None:
    unseen = numbers(60, "test")
    assert learned.score(unseen)["cer"] < 0.08
    assert learned.score(unseen, beam_size=4)["cer"] < 0.08


def test_forms_of_input(learned: HandwritingRecognizer, tmp_path: Path) -> None:
    pairs = numbers(4, "train")
    images = [np.round(image * 255).astype("uint8") for image, _ in pairs]
    found = learned.recognize(images)
    assert found == [text for _, text in pairs]
    paths = [tmp_path / f"{number}.png" for number in range(4)]
    for image, path in zip(images, paths, strict=True):
        Image.fromarray(image).save(path)
    content = [path.read_bytes() for path in paths]
    assert learned.recognize(paths) == learned.recognize(list(map(str, paths))) == found
    assert learned.recognize(content) == found
    assert learned.recognize([Image.fromarray(image) for image in images]) == found
    assert learned.recognize(255 - image for image in images) == found
    for one in (images[0], paths[0], str(paths[0]), content[0], Image.fromarray(images[0])):
        assert learned.recognize(one) == found[0]
    assert learned.recognize(np.stack([images[0]] * 3, axis=-1)) == found[0]
    assert learned.recognize(np.stack([images[0]] * 2)) == [found[0]] * 2
    tf = pytest.importorskip("tensorflow")
    names = tf.data.Dataset.from_tensor_slices(list(map(str, paths)))
    assert learned.recognize(names) == found
    data = tf.data.Dataset.from_tensor_slices((content, [text for _, text in pairs]))
    assert learned.score(data)["cer"] == 0


def test_nothing_to_see(learned: HandwritingRecognizer) -> None:
    blank = np.ones((20, 30))
    assert learned.recognize([blank, numbers(1, "train")[0][0]])[0] == ""
    assert learned.recognize(np.zeros((1, 1))) == ""
    assert learned.align(blank) == []
    with pytest.warns(UserWarning, match="1 of 2 pairs are left out: item 1, '1', which needs 1"):
        learned.preprocess([numbers(1, "train")[0], (blank, "1")])


def test_search_and_alignment(learned: HandwritingRecognizer) -> None:
    image, text = next(pair for pair in numbers(9, "train") if len(set(pair[1])) == 2)
    best = learned.recognize(image, n_best=3)
    assert best[0][0] == text and best[0][1] <= 0
    assert learned.recognize(image, lexicon=["0", "1"]) in ("0", "1")
    found = learned.align(image)
    columns = learned.points(image)
    assert [letter for letter, _, _ in found] == list(text) and columns.shape[1] == 12
    assert all(a < b <= len(columns) for _, a, b in found)
    for _, first, end in found:  # where a digit is said to be, there is ink
        assert columns[max(0, first - 2) : end + 2].max() > 0.5


def test_a_batch_equals_its_items(learned: HandwritingRecognizer) -> None:
    examples = learned.featurize([image for image, _ in numbers(7, "test", longest=9)])
    together = learned.log_probabilities(examples)
    for example, table in zip(examples, together, strict=True):
        assert len(table) == -(-int(example["length"]) // 2)
        alone = learned.log_probabilities([example])[0]
        np.testing.assert_allclose(alone, table, atol=1e-5)


def test_presets(learned: HandwritingRecognizer, tmp_path: Path) -> None:
    learned.save_to_preset(tmp_path / "reader")
    loaded = HandwritingRecognizer.from_preset(tmp_path / "reader", dropout=0.3)
    images = [image for image, _ in numbers(5, "test")]
    assert loaded.recognize(images) == learned.recognize(images)


def test_command_line(
    learned: HandwritingRecognizer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    learned.save_to_preset(tmp_path / "reader")
    lines = []
    for number, (image, text) in enumerate(numbers(3, "train")):
        Image.fromarray(np.round(image * 255).astype("uint8")).save(tmp_path / f"{number}.png")
        lines.append(f"{number}.png,{text}\n")
    (tmp_path / "labels.csv").write_text("".join(lines))
    assert main(["run", str(tmp_path / "reader"), str(tmp_path / "0.png")]) == 0
    assert capsys.readouterr().out == lines[0].partition(",")[2]
    evaluation = ["--data", "word_images:train", "--data-dir", str(tmp_path), "--json"]
    assert main(["evaluate", str(tmp_path / "reader"), *evaluation]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"] == {"cer": 0.0, "wer": 0.0}
    assert main(["run", str(tmp_path / "reader"), "no.png"]) == 2
    assert capsys.readouterr().err == "zoo: Image 0, no.png, is missing: there is no such file.\n"


def test_training_images_vary(learned: HandwritingRecognizer) -> None:
    data = numbers(6, "train")
    one, same = (learned.preprocess(data, shuffle=True, seed=1)[0][0]["frames"] for _ in range(2))
    np.testing.assert_array_equal(one, same)
    batches = learned.preprocess(data, shuffle=True, seed=1)
    batches.on_epoch_end()
    other = batches[0][0]["frames"]
    assert one.shape != other.shape or (one != other).any()
    # Where an image is just wide enough for its text, it is not made narrower.
    dash = np.pad(np.ones((10, 6)), 3)
    example = learned.featurize([dash], ["01010"[: learned.example(dash, 0)["length"] // 2]])[0]
    for seed in range(20):
        varied = learned.varied(example, np.random.default_rng(seed))
        assert -(-int(varied["length"]) // 2) >= len(example["target"])


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"image_height": 7}, "`image_height` must be at least 8. Received: image_height=7"),
        ({"image_height": "a"}, "`image_height` must be a positive integer"),
        (
            {"filters": []},
            "`filters` must be a list of positive integers. Received: filters=\\[\\]",
        ),
        ({"filters": [8, 0]}, "`filters` must be a positive integer"),
    ],
)
def test_choices_that_cannot_be(choices: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HandwritingRecognizer("image", **choices)


def test_options_that_cannot_be(learned: HandwritingRecognizer) -> None:
    image = numbers(1, "train")[0][0]
    with pytest.raises(ValueError, match="`height` is for ink alone. Received: height=3"):
        learned.recognize(image, height=3)
    with pytest.raises(ValueError, match="`stream` is for ink alone"):
        learned.stream()
    with pytest.raises(ValueError, match="Image 1 must hold fractions"):
        learned.recognize([image, image * 16])
    with pytest.raises(ValueError, match="Image 0 has .* at most 20 are taken .`max_length`"):
        HandwritingRecognizer(**{**TINY, "max_length": 20}).featurize([np.tile(image, 9)])
