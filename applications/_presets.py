"""Preset folders: find, show, save and load them."""

from __future__ import annotations

import difflib
import inspect
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._cards import (
    CARD,
    CARD_KEYS,
    Name,
    check_card,
    list_presets,
    preset_folder,
    read_card,
    update_card,
)
from ._manifest import (
    CONFIG,
    WEIGHTS,
    PresetError,
    read_json,
    recover,
    verify,
    whole_folder,
    write_json,
)
from ._requires import REQUIRES, missing, require_backend, requiring

if TYPE_CHECKING:
    import keras

__all__ = [
    "PresetError",
    "list_presets",
    "load_preset",
    "preset_folder",
    "read_card",
    "save_preset",
    "update_card",
    "verify",
]

_KERAS_ARGUMENTS = ("name", "dtype", "trainable")
_CODE = ("Lambda", "__lambda__", "TFSMLayer")


def save_preset(
    application: keras.Model,
    directory: Name,
    card: dict[str, Any] | None = None,
    recipe: Name | None = None,
    dtype: str | None = "float32",
) -> None:
    """Writes an application as a preset folder, all of it or nothing.

    An older preset at `directory` is replaced in one step. A folder that holds anything else is
    left alone and refused.

    Args:
        application: an application that has its weights; `write_assets(folder)` is called on it.
        directory: the folder to write.
        card: values for any of `CARD_KEYS`. `application`, `parameters`, `bytes` (of all files but
            the card and the manifest) and `requires` (packages of others, with their versions, that
            hold the application or a cell) are always filled in; the name defaults to the folder's,
            the licence to "research".
        recipe: the YAML file that made it, copied along.
        dtype: of floating-point weights on the disk, "float32", "float16" (half the size; weights
            with larger values stay float32), or None for as they are.

    Raises:
        PresetError: the application is not registered or has no weights, a weight is not finite,
            something at `directory` would be lost, the card or the recipe is wrong, or the disk
            refuses.
    """
    kind = _registered_name(type(application))
    if not application.weights:
        raise PresetError(f"This {kind} has no weights yet: call `adapt` or `fit` before saving.")
    card = dict(card or {})
    check_card(card, "`card`")
    directory = Path(os.path.realpath(directory))
    recover(directory)
    recipe = _recipe(recipe)
    mine = (recipe.name,) if recipe and recipe.resolve().parent == directory else ()
    from ._weights import write_weights

    with whole_folder(directory, mine) as fresh:
        config = application.get_config()
        choices = {name: config[name] for name in config if name not in _KERAS_ARGUMENTS}
        write_json(fresh / CONFIG, {"class_name": kind, "config": choices})
        application.write_assets(fresh)
        write_weights(application, fresh / WEIGHTS, dtype)
        if recipe:
            shutil.copyfile(recipe, fresh / recipe.name)
        defaults = {
            "name": directory.name,
            "description": "",
            "licence": "research",
            "data": "",
            "data_licence": "",
            "command": "",
            "metrics": [],
        }
        facts = {
            "application": kind,
            "parameters": sum(_count(weight.shape) for weight in application.weights),
            "bytes": sum(path.stat().st_size for path in fresh.iterdir()),
        }
        values = {**defaults, **card, **facts}
        written = {key: values[key] for key in CARD_KEYS}
        write_json(fresh / CARD, requiring(written, application))


def load_preset(
    name_or_folder: Name, expected: type | None = None, **overrides: Any
) -> keras.Model:
    """Makes an application from a preset folder, trusting nothing in it before it is checked.

    Nothing is allocated for weights before the shapes of all of them were compared with those in
    the file: `read_assets` runs where Keras only notes the variables to make. It must therefore
    build the network (with symbolic inputs or `build`), not compute with it.

    Args:
        name_or_folder: see `preset_folder`.
        expected: the class that the preset must be of.
        **overrides: constructor arguments to change, such as `dropout=0.3`.

    Raises:
        PresetError: with one sentence on what is wrong.
        RuntimeError: on a backend that applications do not run on.
    """
    import keras

    from ._weights import checked_weights

    require_backend()
    folder = preset_folder(name_or_folder)
    verify(folder)
    class_name, config = _read_config(folder / CONFIG)
    with _packages_told(folder), _told(f"{folder / CONFIG} is of no known application"):
        cls = _registry().get(class_name)
    if expected is not None and not issubclass(cls, expected):
        raise PresetError(
            f"The preset {folder.name!r} is a {class_name}, not a {expected.__name__}: "
            f"use `{class_name}.from_preset`."
        )
    _check_overrides(cls, config, overrides)
    with _packages_told(folder), _told(f"{folder / CONFIG} does not fit {class_name}"):
        application = cls.from_config({**config, **overrides})
    with _deferred_variables():
        with (
            _packages_told(folder),
            _told(f"The preset at {folder} cannot be built"),
            keras.StatelessScope(initialize_variables=False),
        ):
            application.read_assets(folder)
        with checked_weights(application, folder / WEIGHTS) as fill:
            # Leaving a scope is how Keras allocates what it noted.
            with keras.StatelessScope():
                pass
            fill()
    return application


def _registry() -> Any:
    from ._registry import applications

    return applications


def _registered_name(cls: type) -> str:
    name = _registry().find(cls)
    if name is not None:
        return name
    raise PresetError(
        f"{cls.__name__} is not a registered application, so its preset could not be loaded: "
        "register it with `zoo.register_application`."
    )


def _read_config(path: Path) -> tuple[str, dict[str, Any]]:
    content = read_json(path)
    class_name, config = content.get("class_name"), content.get("config")
    if set(content) != {"class_name", "config"}:
        raise PresetError(f"{path} must hold `class_name` and `config`. Received: {[*content]}.")
    if not isinstance(class_name, str) or not isinstance(config, dict):
        raise PresetError(f"{path} must hold a class name and an object of constructor arguments.")
    _check_code_free(config, path)
    return class_name, config


def _check_code_free(value: Any, path: Path) -> None:
    """Refuses Keras's way to name a class of any module, and its pickled functions."""
    if isinstance(value, dict):
        if "class_name" in value and "config" in value:
            module = value.get("module") or "keras"
            if str(module).split(".")[0] != "keras" or value["class_name"] in _CODE:
                raise PresetError(
                    f"{path} asks for {module}.{value['class_name']}: a preset may name no class "
                    "but Keras's own."
                )
        value = list(value.values())
    if isinstance(value, list):
        for entry in value:
            _check_code_free(entry, path)


def _check_overrides(cls: type, config: dict[str, Any], overrides: dict[str, Any]) -> None:
    known = {*inspect.signature(cls).parameters, *config, *_KERAS_ARGUMENTS} - {"kwargs"}
    for name in overrides:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            takes = ", ".join(sorted(known))
            hint = f"did you mean {close[0]!r}?" if close else f"it takes {takes}."
            raise PresetError(f"{cls.__name__} has no argument {name!r}; {hint}")


def _recipe(recipe: Name | None) -> Path | None:
    if recipe is None:
        return None
    path = Path(recipe)
    if path.suffix != ".yaml" or not path.is_file():
        raise PresetError(f"`recipe` must be a .yaml file that exists. Received: {str(path)!r}.")
    return path


def _count(shape: Any) -> int:
    return math.prod(int(size) for size in shape)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Turns what constructors, hooks and backends raise over bad input into one sentence."""
    try:
        yield
    except PresetError:
        raise
    except Exception as error:  # a tampered argument may end anywhere in Keras
        reason = str(error).split("Exception encountered: ")[-1].strip().splitlines() or [
            repr(error)
        ]
        raise PresetError(f"{what}: {reason[0]}") from error


@contextmanager
def _packages_told(folder: Path) -> Iterator[None]:
    """Says which package the preset was made with and is missing, where that stops its loading."""
    try:
        yield
    except PresetError as error:
        try:
            absent = missing(read_card(folder).get(REQUIRES, {}))
        except PresetError:  # a preset may be without a card
            absent = ""
        if absent:
            raise PresetError(f"The preset at {folder} needs {absent}") from error
        raise


@contextmanager
def _deferred_variables() -> Iterator[None]:
    """Forgets variables that were noted and are not to be made, should the block fail.

    Keras would otherwise allocate them at the end of the next scope, whosever it is.
    """
    from keras.src.backend.common import global_state

    name = "uninitialized_variables"
    before = list(global_state.get_global_attribute(name, []))
    try:
        yield
    except BaseException:
        global_state.set_global_attribute(name, before)
        raise
