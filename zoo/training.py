"""Recipes: a YAML file that says which application is trained on which data, and how."""

from __future__ import annotations

import dataclasses
import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from zoo.applications import Application


@dataclasses.dataclass
class Training:
    """How to train.

    Args:
        epochs: passes over the training split.
        batch_size: items a batch.
        learning_rate: of Adam; the highest one, with a schedule.
        schedule: "constant", or "cosine", which falls to zero over the training.
        warmup_steps: batches over which the learning rate rises from zero.
        clipnorm: the largest norm of the whole gradient.
        keep_best: keep the epoch with the best validation score instead of the last one.
        patience: stop after so many epochs without a better validation score; None never does.
    """

    epochs: int = 10
    batch_size: int = 64
    learning_rate: float = 1e-3
    schedule: str = "constant"
    warmup_steps: int = 0
    clipnorm: float = 1.0
    keep_best: bool = True
    patience: int | None = None


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
        validation_split: what to validate on; None for nothing.
        clean: arguments of `zoo.datasets.clean` for the training split.
        training: how to train.
        seed: of the weights, the order and the dropouts.
        dtype: of the weights on disk, "float32" or "float16".
        name, description, licence, data_licence: what the card says.
    """

    data: str
    application: str | None = None
    config: dict[str, Any] = dataclasses.field(default_factory=dict)
    preset: str | None = None
    data_dir: str | None = None
    split: str = "train"
    validation_split: str | None = "validation"
    clean: dict[str, Any] | None = None
    training: Training = dataclasses.field(default_factory=Training)
    seed: int = 0
    dtype: str = "float32"
    name: str = ""
    description: str = ""
    licence: str = "research"
    data_licence: str = ""


def load_recipe(path: str | Path) -> Recipe:
    """Reads a recipe from a YAML file; a field that does not exist is named, with the closest."""
    import yaml

    path = Path(path)
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no recipe at {path}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path} is not a YAML file: {reason}.") from None
    return _build(Recipe, values, str(path))


def _build(kind: type, values: Any, where: str) -> Any:
    if not isinstance(values, dict):
        raise ValueError(f"{where} must hold fields (`name: value`). Received: {values!r}.")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for name in values:
        if name not in fields:
            close = difflib.get_close_matches(str(name), fields, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f": it takes {', '.join(fields)}."
            raise ValueError(f"{where} has no field {name!r}{hint}")
    values = dict(values)
    if kind is Recipe:
        if "data" not in values:
            raise ValueError(f"{where} must say which `data` to train on.")
        values["training"] = _build(Training, values.get("training") or {}, f"{where}: training")
    return kind(**values)


def train(
    recipe: Recipe,
    out: str | Path | None = None,
    recipe_path: str | Path | None = None,
    verbose: Any = "auto",
) -> tuple[Application, dict[str, list[float]]]:
    """Trains what a recipe says.

    Args:
        recipe: the recipe.
        out: a folder for the preset; written whenever the validation score is the best so far, so
            that an interrupted training leaves the best epoch behind.
        recipe_path: the file that the recipe came from, to keep beside the preset.
        verbose: Keras's.

    Returns:
        The application, and the history of its training by metric.

    Example:

    >>> from zoo.training import Recipe, Training, train
    >>> recipe = Recipe(
    ...     data="emoji_names/en-de",
    ...     split="train[:64]",
    ...     validation_split=None,
    ...     application="Translator",
    ...     config={"units": 16, "embedding_size": 16, "vocabulary_size": 300},
    ...     training=Training(epochs=1),
    ... )
    >>> translator, history = train(recipe, verbose=0)
    >>> len(history["loss"])
    1
    """
    import keras

    from zoo import datasets
    from zoo.applications import Application
    from zoo.applications._data import raw_pairs
    from zoo.applications._registry import applications

    if (recipe.application is None) == (recipe.preset is None):
        raise ValueError(
            "A recipe must name either an `application` or a `preset` to start from. "
            f"Received: application={recipe.application!r}, preset={recipe.preset!r}."
        )
    keras.utils.set_random_seed(recipe.seed)
    if recipe.preset is not None:
        application = Application.from_preset(recipe.preset, **recipe.config)
    else:
        application = applications.get(str(recipe.application))(**recipe.config)
    pairs = raw_pairs(datasets.load(recipe.data, recipe.split, recipe.data_dir))
    if recipe.clean is not None:
        pairs = datasets.clean(pairs, **recipe.clean)
    validation = None
    if recipe.validation_split is not None:
        validation = datasets.load(recipe.data, recipe.validation_split, recipe.data_dir)
    if not application.adapted:
        application.adapt(pairs)
    settings = recipe.training
    batches = application.preprocess(
        pairs, batch_size=settings.batch_size, shuffle=True, seed=recipe.seed
    )
    application.compile(optimizer=_optimizer(settings, len(batches)))
    callbacks: list[keras.callbacks.Callback] = []
    if validation is not None:
        from .callbacks import KeepBest

        monitor = f"val_{application.monitor}"
        if settings.keep_best:
            callbacks.append(
                KeepBest(monitor, out, card=card(recipe), recipe=recipe_path, dtype=recipe.dtype)
            )
        if settings.patience is not None:
            callbacks.append(
                keras.callbacks.EarlyStopping(monitor, patience=settings.patience, mode="max")
            )
    history = application.fit(
        batches,
        epochs=settings.epochs,
        validation_data=validation,
        callbacks=callbacks,
        verbose=verbose,
    )
    if out is not None:
        application.save_to_preset(out, card=card(recipe), recipe=recipe_path, dtype=recipe.dtype)
    return application, history.history


def _optimizer(settings: Training, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    import keras

    steps = settings.epochs * steps_per_epoch
    if settings.schedule not in ("constant", "cosine"):
        raise ValueError(
            f"`schedule` must be 'constant' or 'cosine'. Received: schedule={settings.schedule!r}."
        )
    warmup = min(settings.warmup_steps, steps - 1)
    rate: Any = settings.learning_rate
    if settings.schedule == "cosine" or warmup:
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if warmup else settings.learning_rate,
            max(1, steps - warmup),
            alpha=0.0 if settings.schedule == "cosine" else 1.0,
            warmup_target=settings.learning_rate if warmup else None,
            warmup_steps=warmup,
        )
    return keras.optimizers.Adam(rate, global_clipnorm=settings.clipnorm)


def card(recipe: Recipe) -> dict[str, Any]:
    """Returns what a recipe says of the preset that it makes."""
    return {
        "name": recipe.name,
        "description": recipe.description,
        "licence": recipe.licence,
        "data": f"{recipe.data}:{recipe.split}",
        "data_licence": recipe.data_licence,
    }
