"""Recipes as data: their fields, reading them from YAML, and writing them."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

_WORDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a text",
    dict: "names with values",
    list: "a list",
    type(None): "null",
}


@dataclasses.dataclass
class Training:
    """How to train.

    Args:
        epochs: passes over the training split.
        batch_size: items a batch.
        optimizer: "adam" or "sgd".
        learning_rate: of the optimizer; the highest one, with a schedule.
        schedule: "constant", or "cosine", which falls to zero over the training.
        warmup_steps: batches over which the learning rate rises from zero.
        clipnorm: the largest norm of the whole gradient.
        keep_best: keep the epoch with the best validation score instead of the last one.
        patience: stop after so many epochs without a better validation score; null never does.
        average_after: average the weights from the first epoch on that is worse than the best of
            those so many epochs before it, see `zoo.callbacks.AveragedSGD`; null never does.
        on_nan: when the loss is no longer finite, "stop", or "roll_back" to the last checkpoint
            and go on with half the learning rate, at most three times.

    Raises:
        ValueError: a value is out of its range.

    Example:

    >>> from zoo.training import Training
    >>> Training(epochs=3).batch_size
    64
    """

    epochs: int = 10
    batch_size: int = 64
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    schedule: str = "constant"
    warmup_steps: int = 0
    clipnorm: float = 1.0
    keep_best: bool = True
    patience: int | None = None
    average_after: int | None = None
    on_nan: str = "stop"

    def __post_init__(self) -> None:
        _one_of(self, "optimizer", ("adam", "sgd"))
        _one_of(self, "schedule", ("constant", "cosine"))
        _one_of(self, "on_nan", ("stop", "roll_back"))
        for name in ("epochs", "batch_size", "patience", "average_after"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}.")
        for name in ("learning_rate", "clipnorm"):
            value = getattr(self, name)
            if not 0 < value < float("inf"):
                raise ValueError(f"`{name}` must be a positive number. Received: {name}={value}.")
        if self.warmup_steps < 0:
            raise ValueError(
                f"`warmup_steps` must not be negative. Received: warmup_steps={self.warmup_steps}."
            )


@dataclasses.dataclass
class Recipe:
    """What to train, on what, and what to say of it.

    Args:
        data: a dataset, see `zoo.datasets.load`.
        application: the registered name of an application, for a new model.
        config: its constructor's arguments.
        preset: a preset to start from, instead of `application`.
        data_dir: where the data are, if not at `ZOO_DATA_DIR`.
        split: what to train on.
        extra_data: more to train on, as `NAME` or `NAME:SPLIT` (by default `train`); nothing is
            validated on it.
        validation_split: what to validate on; null for nothing.
        clean: arguments of `zoo.datasets.clean` for the training split.
        grow_vocabulary: let the preset's vocabulary grow from the training split to at most so many
            symbols.
        training: how to train.
        search_space: changes of the application's search space, for `zoo tune`.
        seed: of the weights, the order and the dropouts.
        dtype: of the weights on disk, "float32" or "float16".
        name: of the preset, in its card; by default its folder's name.
        description: in a sentence, in the card.
        licence: "open", or "research" where the data have no stated licence.
        data_licence: the licence of the data, in the card.

    Raises:
        ValueError: a value is not one of those that are possible.

    Example:

    >>> from zoo.training import Recipe
    >>> Recipe(data="multi30k/en-de", application="Translator").validation_split
    'validation'
    """

    data: str
    application: str | None = None
    config: dict[str, Any] = dataclasses.field(default_factory=dict)
    preset: str | None = None
    data_dir: str | None = None
    split: str = "train"
    extra_data: list[str] = dataclasses.field(default_factory=list)
    validation_split: str | None = "validation"
    clean: dict[str, Any] | None = None
    grow_vocabulary: int | None = None
    training: Training = dataclasses.field(default_factory=Training)
    search_space: dict[str, Any] = dataclasses.field(default_factory=dict)
    seed: int = 0
    dtype: str = "float32"
    name: str = ""
    description: str = ""
    licence: str = "research"
    data_licence: str = ""

    def __post_init__(self) -> None:
        _one_of(self, "dtype", ("float32", "float16"))
        _one_of(self, "licence", ("open", "research"))
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"`seed` must be from 0 to 2**32 - 1. Received: seed={self.seed}.")
        for name in self.extra_data:
            if not isinstance(name, str) or not name:
                raise ValueError(
                    "`extra_data` must be a list of datasets, each NAME or NAME:SPLIT. "
                    f"Received: {name!r}."
                )


def load_recipe(path: str | Path, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """Reads a recipe from a YAML file; a field that does not exist is named, with the closest.

    Args:
        path: the file.
        overrides: values to put in the place of those in the file; mappings are merged.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not YAML, or a field is unknown, missing or of the wrong kind.

    Example:

    >>> import pathlib, tempfile
    >>> from zoo.training import load_recipe
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "recipe.yaml"
    >>> _ = path.write_text("data: multi30k/en-de\\ntraining: {epochs: 5}", encoding="utf-8")
    >>> load_recipe(path, {"training": {"batch_size": 32}}).training.epochs
    5
    """
    import yaml

    path = Path(path)
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no recipe at {path}.") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0].rstrip(".:")
        raise ValueError(f"{path} is not a YAML file: {reason}.") from None
    return build_recipe(values, str(path), overrides)


def save_recipe(recipe: Recipe, path: str | Path) -> None:
    """Writes what a recipe says beyond the defaults as YAML, but for `data_dir`.

    Where the data lie is a matter of the machine, and of nobody who receives the preset.

    Args:
        recipe: the recipe.
        path: the file.

    Example:

    >>> import pathlib, tempfile
    >>> from zoo.training import Recipe, Training, load_recipe, save_recipe
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "recipe.yaml"
    >>> save_recipe(Recipe(data="talk.tsv", training=Training(epochs=3)), path)
    >>> print(path.read_text(encoding="utf-8").strip())
    data: talk.tsv
    training:
      epochs: 3
    """
    import yaml

    values = _beyond_defaults(recipe)
    values.pop("data_dir", None)
    text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
    Path(path).write_text(text, encoding="utf-8")


def build_recipe(values: Any, where: str, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """Makes a recipe from plain values, checked; `where` is what messages call them."""
    if not isinstance(values, dict):
        raise ValueError(f"{where} must hold fields (`name: value`). Received: {values!r}.")
    values = _merged(values, overrides or {})
    check_names(where, "field", values, [field.name for field in dataclasses.fields(Recipe)])
    if "data" not in values:
        raise ValueError(f"{where} must say which `data` to train on.")
    training = values.get("training") or {}
    if not isinstance(training, dict):
        raise ValueError(f"{where}: `training` must be {_WORDS[dict]}. Received: {training!r}.")
    return _build(Recipe, {**values, "training": _build(Training, training, where)}, where)


def check_names(where: str, kind: str, names: Iterable[Any], known: Iterable[str]) -> None:
    """Raises a `ValueError` about the first of `names` that is not known, with the closest one."""
    known = sorted(known)
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}?" if close else f"it takes {', '.join(known)}."
            raise ValueError(f"{where} has no {kind} {str(name)!r}; {hint}")


def keywords(function: Callable[..., Any]) -> list[str]:
    """The names of a function's arguments that may be given by keyword."""
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    found = inspect.signature(function).parameters.values()
    return [parameter.name for parameter in found if parameter.kind in kinds]


def describe(kind: Any) -> str:
    """Says in words which values a type takes."""
    return " or ".join(
        _WORDS.get(typing.get_origin(part) or part, "a value") for part in _any(kind)
    )


def _merged(values: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(values)
    for name, value in overrides.items():
        old = result.get(name)
        if isinstance(old, dict) and isinstance(value, dict):
            value = _merged(old, value)
        result[name] = value
    return result


def _build(kind: type, values: dict[str, Any], where: str) -> Any:
    hints = typing.get_type_hints(kind)
    check_names(f"{where}: training" if kind is Training else where, "field", values, hints)
    converted = {name: _converted(name, values[name], hints[name], where) for name in values}
    try:
        return kind(**converted)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _converted(name: str, value: Any, kind: Any, where: str) -> Any:
    for part in _any(kind):
        plain = typing.get_origin(part) or part
        if type(value) is plain:
            return value
        if plain is float and type(value) in (int, str):
            try:  # YAML takes 1e-3 for a text
                return float(value)
            except ValueError:
                continue
    raise ValueError(f"{where}: `{name}` must be {describe(kind)}. Received: {name}={value!r}.")


def _any(kind: Any) -> tuple[Any, ...]:
    is_union = typing.get_origin(kind) in (typing.Union, types.UnionType)
    return typing.get_args(kind) if is_union else (kind,)


def _one_of(values: Any, name: str, known: tuple[str, ...]) -> None:
    if getattr(values, name) not in known:
        raise ValueError(
            f"`{name}` must be {' or '.join(map(repr, known))}. "
            f"Received: {name}={getattr(values, name)!r}."
        )


def _beyond_defaults(values: Any) -> dict[str, Any]:
    found = {}
    for field in dataclasses.fields(values):
        value = getattr(values, field.name)
        if dataclasses.is_dataclass(value):
            value = _beyond_defaults(value)
            if value:
                found[field.name] = value
            continue
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        if default is dataclasses.MISSING or value != default:
            found[field.name] = value
    return found
