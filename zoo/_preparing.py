"""A recipe with its application and its data, ready to be trained."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._continuing import resumable
from ._continuing import tensorboard as tensorboard_callback
from ._finetuning import HELD_OUT, grow, is_undivided
from ._folders import check_output
from ._recipe_cards import RECIPE_NAME, card
from ._recipes import Recipe, Training, check_names, keywords, save_recipe

if TYPE_CHECKING:
    import keras

    from zoo.applications import Application

Raw = tuple[list[Any], list[Any] | None]


@dataclasses.dataclass
class Prepared:
    """A recipe with its application and its data, before training; made by `prepare`.

    Args:
        recipe: the recipe.
        application: the application, which has its network.
        data: what to train on, inputs and targets (None where the application takes none).
        validation: what to validate on, or None.
        start: the application before its vocabulary has grown, where it has.
    """

    recipe: Recipe
    application: Application
    data: Raw
    validation: Raw | None
    start: Application | None = None

    def fit(
        self,
        out: str | Path | None = None,
        recipe_path: str | Path | None = None,
        verbose: Any = "auto",
        *,
        restart: bool = False,
        tensorboard: str | Path | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> dict[str, list[float]]:
        """Trains, and returns the history by metric; the arguments are those of `train`."""
        more = [] if tensorboard is None else [tensorboard_callback(tensorboard)]
        if out is None:
            return self._fit(None, None, verbose, more)
        check_output(out, recipe_path)
        going_on = resumable(self.recipe, out, restart, tell)
        try:
            with tempfile.TemporaryDirectory() as folder:
                if recipe_path is None:
                    recipe_path = Path(folder) / RECIPE_NAME
                    save_recipe(self.recipe, recipe_path)
                history = self._fit(out, recipe_path, verbose, [*more, going_on])
            going_on.checkpoints.remove()
        finally:
            if not going_on.checkpoints.steps():  # a training that failed before its first step
                going_on.checkpoints.remove()
            going_on.release()
        return history

    def _fit(
        self,
        out: str | Path | None,
        recipe_path: str | Path | None,
        verbose: Any,
        callbacks: list[keras.callbacks.Callback],
    ) -> dict[str, list[float]]:
        recipe, application, settings = self.recipe, self.application, self.recipe.training
        batches = application.preprocess(
            self.data, batch_size=settings.batch_size, shuffle=True, seed=recipe.seed
        )
        application.compile(optimizer=_optimizer(settings, len(batches)))
        kept: dict[str, Any] = {
            "card": card(recipe, Path(recipe_path).name if recipe_path else RECIPE_NAME),
            "recipe": recipe_path,
            "dtype": recipe.dtype,
        }
        history = application.fit(
            batches,
            epochs=settings.epochs,
            validation_data=self.validation,
            callbacks=[
                *([] if self.validation is None else self._watchers(out, kept)),
                *callbacks,
            ],
            verbose=verbose,
        )
        if out is not None:
            application.save_to_preset(out, **kept)
        return history.history

    def _watchers(
        self, out: str | Path | None, kept: dict[str, Any]
    ) -> list[keras.callbacks.Callback]:
        import keras

        from .callbacks import AveragedSGD, KeepBest
        from .metrics import LOWER_IS_BETTER

        settings, monitor = self.recipe.training, f"val_{self.application.monitor}"
        lower = self.application.monitor in LOWER_IS_BETTER
        callbacks: list[keras.callbacks.Callback] = []
        if settings.average_after is not None:
            averaged = AveragedSGD(monitor, settings.average_after, higher_is_better=not lower)
            callbacks.append(averaged)
        if settings.keep_best:
            callbacks.append(KeepBest(monitor, out, lower_is_better=lower, **kept))
        if settings.patience is not None:
            mode = "min" if lower else "max"
            callbacks.append(
                keras.callbacks.EarlyStopping(monitor, patience=settings.patience, mode=mode)
            )
        return callbacks


def prepare(recipe: Recipe) -> Prepared:
    """Makes or loads a recipe's application, and reads its data.

    Args:
        recipe: the recipe.

    Raises:
        ValueError: the recipe names something that does not exist, or contradicts itself.
        FileNotFoundError: data are missing.

    Example:

    >>> from zoo.training import Recipe, prepare
    >>> prepared = prepare(
    ...     Recipe(
    ...         data="emoji_names/en-de",
    ...         split="train[:64]",
    ...         validation_split=None,
    ...         application="Translator",
    ...         config={"units": 16, "embedding_size": 16, "vocabulary_size": 300},
    ...     )
    ... )
    >>> prepared.application.units
    16
    """
    import keras

    from zoo import datasets
    from zoo.applications import Application
    from zoo.applications._registry import applications

    if (recipe.application is None) == (recipe.preset is None):
        raise ValueError(
            "A recipe must name either an `application` or a `preset` to start from. "
            f"Received: application={recipe.application!r}, preset={recipe.preset!r}."
        )
    card(recipe)  # what it says must be possible before hours are spent
    split, validation_split = recipe.split, recipe.validation_split
    if validation_split is not None and is_undivided(recipe.data):
        if "[" not in split or "[" not in validation_split:
            raise ValueError(
                f"{recipe.data} is one undivided set, so `split` and `validation_split` must be "
                f"slices of it, as in {HELD_OUT[0]} and {HELD_OUT[1]}. Received: split={split!r}, "
                f"validation_split={validation_split!r}."
            )
    if validation_split is None and recipe.training.average_after is not None:
        raise ValueError(
            "`average_after` needs a `validation_split`, which says when to begin. "
            "Received: validation_split=None."
        )
    if recipe.clean is not None:
        check_names("`clean`", "argument", recipe.clean, keywords(datasets.clean))
    keras.utils.set_random_seed(recipe.seed)
    if recipe.preset is not None:
        application = Application.from_preset(recipe.preset, **recipe.config)
    else:
        kind = applications.get(str(recipe.application))
        known = {*keywords(kind), "name", "dtype", "trainable"}
        check_names(str(recipe.application), "argument", recipe.config, known)
        application = kind(**recipe.config)
    if recipe.clean is not None and not application.paired:
        raise ValueError(
            f"`clean` is for pairs, but a {type(application).__name__} takes plain items. "
            f"Received: clean={recipe.clean!r}."
        )
    kind = application.data_kind

    def read(name: str, part: str) -> Raw:
        return application.raw(datasets.load(name, part, recipe.data_dir, kind))

    extra = [datasets.parse_spec(spec, "train") for spec in recipe.extra_data]
    data = _joined([read(recipe.data, split), *(read(*more) for more in extra)])
    if recipe.clean is not None:
        data = datasets.clean(data, **recipe.clean)
    validation = None if validation_split is None else read(recipe.data, validation_split)
    if not application.adapted:
        application.adapt(*data)
    larger = grow(application, recipe, data)
    start = None if larger is application else application
    return Prepared(recipe, larger, data, validation, start)


def _joined(parts: list[Raw]) -> Raw:
    inputs = [item for part, _ in parts for item in part]
    if parts[0][1] is None:
        return inputs, None
    return inputs, [target for _, targets in parts for target in targets or ()]


def _optimizer(settings: Training, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    import keras

    steps = settings.epochs * steps_per_epoch
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
    kind = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD}[settings.optimizer]
    return kind(rate, global_clipnorm=settings.clipnorm)
