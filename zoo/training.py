"""Training by recipe: a YAML file that says which application is trained on which data, and how."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._finetuning import FINETUNING, HELD_OUT, finetuning, grow, is_undivided
from ._folders import check_output, new_folder
from ._recipes import Recipe, Training, check_names, keywords, load_recipe, save_recipe

if TYPE_CHECKING:
    import keras

    from zoo.applications import Application

__all__ = [
    "FINETUNING",
    "HELD_OUT",
    "Prepared",
    "Recipe",
    "Training",
    "card",
    "check_output",
    "evaluate",
    "finetuning",
    "load_recipe",
    "new_folder",
    "prepare",
    "save_recipe",
    "train",
]

Raw = tuple[list[Any], list[Any] | None]

_RECIPE = "recipe.yaml"


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
    ) -> dict[str, list[float]]:
        """Trains, and returns the history by metric; the arguments are those of `train`."""
        if out is None:
            return self._fit(None, None, verbose)
        check_output(out, recipe_path)
        with tempfile.TemporaryDirectory() as folder:
            if recipe_path is None:
                recipe_path = Path(folder) / _RECIPE
                save_recipe(self.recipe, recipe_path)
            return self._fit(out, recipe_path, verbose)

    def _fit(
        self, out: str | Path | None, recipe_path: str | Path | None, verbose: Any
    ) -> dict[str, list[float]]:
        recipe, application, settings = self.recipe, self.application, self.recipe.training
        batches = application.preprocess(
            self.data, batch_size=settings.batch_size, shuffle=True, seed=recipe.seed
        )
        application.compile(optimizer=_optimizer(settings, len(batches)))
        kept: dict[str, Any] = {
            "card": card(recipe, Path(recipe_path).name if recipe_path else _RECIPE),
            "recipe": recipe_path,
            "dtype": recipe.dtype,
        }
        history = application.fit(
            batches,
            epochs=settings.epochs,
            validation_data=self.validation,
            callbacks=[] if self.validation is None else self._watchers(out, kept),
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
    data = application.raw(datasets.load(recipe.data, split, recipe.data_dir, kind))
    if recipe.clean is not None:
        data = datasets.clean(data, **recipe.clean)
    validation = None
    if validation_split is not None:
        validation = application.raw(
            datasets.load(recipe.data, validation_split, recipe.data_dir, kind)
        )
    if not application.adapted:
        application.adapt(*data)
    larger = grow(application, recipe, data)
    start = None if larger is application else application
    return Prepared(recipe, larger, data, validation, start)


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
        recipe_path: the file that the recipe came from, to keep beside the preset as it is; by
            default the recipe is written anew.
        verbose: Keras's.

    Returns:
        The application, and the history of its training by metric.

    Raises:
        ValueError: the recipe cannot be followed, or something at `out` would be lost.
        FileNotFoundError: data are missing.

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
    if out is not None:
        check_output(out, recipe_path)
    prepared = prepare(recipe)
    history = prepared.fit(out, recipe_path, verbose)
    return prepared.application, history


def evaluate(
    application: Application,
    data: Any,
    split: str = "test",
    data_dir: str | None = None,
    *,
    seed: int = 0,
    decoding: Mapping[str, Any] | None = None,
    verbose: int = 0,
    report: str | Path | None = None,
) -> dict[str, float]:
    """Measures an application on raw data.

    Args:
        application: the application.
        data: the name of a dataset or a file, see `zoo.datasets.load`; or raw data.
        split: which part of the dataset.
        data_dir: where the data are.
        seed: for applications that decode at random.
        decoding: arguments of its `infer`.
        verbose: 1 shows a progress bar.
        report: a folder to write every output, the mistakes and the worst items into, for an
            application with a `review`, as `HandwritingRecognizer` has.

    Returns:
        The application's metrics by name.

    Raises:
        ValueError: an option of decoding is wrong, or there can be no report.

    Example:

    >>> from zoo import Translator
    >>> from zoo.training import evaluate
    >>> translator = Translator(units=16, embedding_size=16, vocabulary_size=300)
    >>> translator.adapt([("a dog", "ein Hund"), ("a cat", "eine Katze")])
    >>> sorted(evaluate(translator, "emoji_names/en-de", "test[:4]"))
    ['bleu', 'chrf']
    """
    import keras

    from zoo import datasets

    from ._decoding import check_decoding, progress

    options = {**progress(application, verbose), **check_decoding(application, decoding or {})}
    if report is not None:
        if not hasattr(application, "review"):
            raise ValueError(
                "`report` needs an application with a `review`, such as HandwritingRecognizer. "
                f"Received: {type(application).__name__}."
            )
        Path(report).mkdir(parents=True, exist_ok=True)
    if isinstance(data, (str, Path)):
        data = datasets.load(data, split, data_dir, application.data_kind)
    keras.utils.set_random_seed(seed)
    if report is None:
        return application.score(data, **options)
    review = application.review(data, **options)
    review.write(report)
    return review.scores


def card(recipe: Recipe, recipe_name: str = _RECIPE) -> dict[str, Any]:
    """Returns what a recipe says of the preset that it makes."""
    values = {
        "name": recipe.name,
        "description": recipe.description,
        "licence": recipe.licence,
        "data": f"{recipe.data}:{recipe.split}",
        "data_licence": recipe.data_licence,
        "command": f"zoo train {recipe_name}",
    }
    if recipe.preset is not None:
        from zoo.applications._presets import read_card

        base = read_card(recipe.preset)
        if base["licence"] == "research" and recipe.licence != "research":
            raise ValueError(
                f"`licence` must be 'research', as that of the preset {base['name']} from which "
                f"training starts. Received: licence={recipe.licence!r}."
            )
        values["description"] = recipe.description or f"{base['name']}, tuned on {recipe.data}."
        if base["data_licence"]:
            ours = recipe.data_licence or "not stated"
            values["data_licence"] = f"{ours}; before, for {base['name']}: {base['data_licence']}"
    return {key: value for key, value in values.items() if value}


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
