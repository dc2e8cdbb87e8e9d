"""Nothing untrusted gets past the door of a preset, and each refusal is one sentence."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.applications.fake_application import Counter, change_json, one_sentence
from zoo.applications._manifest import write_manifest
from zoo.applications._presets import PresetError, load_preset


def change_weights(preset: Path, change: Callable[[dict[str, np.ndarray]], Any]) -> None:
    weights = load_file(preset / "model.safetensors")
    change(weights)
    save_file(weights, preset / "model.safetensors")
    write_manifest(preset)


def test_another_application_is_refused(preset: Path) -> None:
    with pytest.raises(PresetError, match="is a Speller, not a Counter") as error:
        load_preset(preset, Counter)
    one_sentence(error)


def test_sizes_are_checked_before_anything_is_allocated(preset: Path) -> None:
    """Ten million units would take 3 petabytes."""
    change_json(preset / "config.json", lambda content: content["config"].update(units=10**7))
    write_manifest(preset)
    with pytest.raises(PresetError, match="has the shape .* but the network needs") as error:
        load_preset(preset)
    one_sentence(error)
    # The next variables that Keras makes must not drag the refused ones along.
    with keras.StatelessScope():
        keras.layers.Dense(2).build((None, 2))


def broken_json(name: str, text: str) -> Callable[[Path], None]:
    def change(preset: Path) -> None:
        (preset / name).write_text(text, "utf-8")
        if name != "manifest.json":
            write_manifest(preset)

    return change


def flipped_byte(preset: Path) -> None:
    path = preset / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


def cut_short(preset: Path) -> None:
    path = preset / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    write_manifest(preset)


def renamed_in_manifest(name: str) -> Callable[[Path], None]:
    def change(preset: Path) -> None:
        def rename(content: dict[str, Any]) -> None:
            content["files"][name] = content["files"].pop("alphabet.json")

        shutil.copy(preset / "alphabet.json", preset.parent / "alphabet.json")
        change_json(preset / "manifest.json", rename)

    return change


def linked(preset: Path) -> None:
    outside = preset.parent / "outside"
    (preset / "alphabet.json").rename(outside)
    (preset / "alphabet.json").symlink_to(outside)


def in_config(**values: Any) -> Callable[[Path], None]:
    def change(preset: Path) -> None:
        change_json(preset / "config.json", lambda content: content.update(values))
        write_manifest(preset)

    return change


def in_weights(change: Callable[[dict[str, np.ndarray]], Any]) -> Callable[[Path], None]:
    return lambda preset: change_weights(preset, change)


def layer_of(**values: Any) -> dict[str, Any]:
    return {"units": {"class_name": "Dense", "config": {}, "module": "keras.layers", **values}}


KERNEL = "head.layers.1.kernel"
BAD: dict[str, tuple[Callable[[Path], Any], str]] = {
    "flipped byte": (flipped_byte, "model.safetensors is damaged or was edited"),
    "wrong size": (lambda preset: (preset / "alphabet.json").write_text("ab"), "has 2 bytes"),
    "missing file": (lambda preset: (preset / "alphabet.json").unlink(), "is missing"),
    "unlisted file": (lambda preset: (preset / "evil.json").write_text("1"), "is not listed"),
    "no manifest": (lambda preset: (preset / "manifest.json").unlink(), "no manifest.json"),
    "manifest is a list": (broken_json("manifest.json", "[]"), "must hold a JSON object"),
    "manifest without files": (broken_json("manifest.json", "{}"), '"files"'),
    "manifest without weights": (broken_json("manifest.json", '{"files": {}}'), "does not list"),
    "manifest without sizes": (
        broken_json("manifest.json", '{"files": {"config.json": {}}}'),
        "must give `size` and `sha256`",
    ),
    "deep manifest": (broken_json("manifest.json", "[" * 100_000), "cannot be read as JSON"),
    "path out of the folder": (renamed_in_manifest("../alphabet.json"), "plain names"),
    "Windows path": (renamed_in_manifest("..\\alphabet.json"), "plain names"),
    "absolute path": (renamed_in_manifest("/etc/hostname"), "plain names"),
    "folder as file": (renamed_in_manifest(".."), "plain names"),
    "link": (linked, "is a link"),
    "hidden link": (lambda preset: (preset / ".x.json").symlink_to("/etc/hostname"), "is a link"),
    "pipe": (
        lambda preset: [
            (preset / "alphabet.json").unlink(),
            os.mkfifo(preset / "alphabet.json"),
        ],
        "is not a file",
    ),
    "config not JSON": (broken_json("config.json", "{"), "cannot be read as JSON"),
    "config with NaN": (broken_json("config.json", '{"a": NaN}'), "NaN is not JSON"),
    "config key twice": (broken_json("config.json", '{"a": 1, "a": 2}'), "written twice"),
    "config of another form": (broken_json("config.json", '{"a": 1}'), "`class_name`"),
    "config not an object": (in_config(config=[1]), "object of constructor arguments"),
    "unregistered class": (in_config(class_name="Spelller"), "did you mean 'Speller'"),
    "class of a module": (in_config(class_name="os.system"), "Unknown application"),
    "unknown argument": (in_config(config={"unit": 3}), "config.json does not fit Speller"),
    "bad argument": (in_config(config={"units": 0}), "`units` must be a positive integer"),
    "foreign class inside": (in_config(config=layer_of(module="os")), "asks for os.Dense"),
    "code inside": (in_config(config=layer_of(class_name="Lambda")), "asks for keras.layers.Lam"),
    "broken asset": (
        lambda preset: [
            (preset / "alphabet.json").write_bytes(b"\xff"),
            write_manifest(preset),
        ],
        "cannot be built: 'utf-8' codec",
    ),
    "another asset": (
        lambda preset: [(preset / "alphabet.json").write_text("abc"), write_manifest(preset)],
        "has the shape",
    ),
    "cut weights": (cut_short, "cannot be read as safetensors"),
    "wrong shape": (
        in_weights(lambda weights: weights.update({KERNEL: weights[KERNEL].T.copy()})),
        r"'head.layers.1.kernel' has the shape \(5, 3\)",
    ),
    "same size, other shape": (
        in_weights(lambda weights: weights.update({KERNEL: weights[KERNEL].ravel()})),
        r"has the shape \(15,\)",
    ),
    "wrong type": (
        in_weights(lambda weights: weights.update({KERNEL: weights[KERNEL].astype("int32")})),
        "is of type I32",
    ),
    "weight missing": (
        in_weights(lambda weights: weights.pop(KERNEL)),
        "'head.layers.1.kernel' is in the network but not in",
    ),
    "weight too many": (
        in_weights(lambda weights: weights.update(extra=weights[KERNEL])),
        "'extra' is in .* but not in the network",
    ),
    "NaN": (
        in_weights(lambda weights: weights[KERNEL].__setitem__((0, 0), np.nan)),
        "'head.layers.1.kernel' in .* is not finite",
    ),
    "infinite in float32": (
        in_weights(lambda weights: weights.update({KERNEL: np.full((3, 5), 1e300, np.float64)})),
        "is not finite in float32",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_presets_are_refused_in_one_sentence(case: str, preset: Path) -> None:
    spoil, message = BAD[case]
    spoil(preset)
    with pytest.raises(PresetError, match=message) as error:
        load_preset(preset)
    one_sentence(error)
