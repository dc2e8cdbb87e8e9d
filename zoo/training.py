"""Training by recipe: a YAML file that says which application is trained on which data, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._finetuning import FINETUNING, HELD_OUT, finetuning
from ._folders import check_output, new_folder
from ._preparing import Prepared, prepare
from ._recipe_cards import card
from ._recipes import Recipe, Training, load_recipe, save_recipe

if TYPE_CHECKING:
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


def train(
    recipe: Recipe,
    out: str | Path | None = None,
    recipe_path: str | Path | None = None,
    verbose: Any = "auto",
    *,
    restart: bool = False,
    tensorboard: str | Path | None = None,
    tell: Callable[[str], None] | None = None,
) -> tuple[Application, dict[str, list[float]]]:
    """Trains what a recipe says, or goes on with it where it was interrupted.

    With `out`, checkpoints are kept beside it, in `<out>.training`, until the preset is saved. The
    same call goes on at the exact step, see `zoo.callbacks.ResumableTraining`.

    Args:
        recipe: the recipe.
        out: a folder for the preset; written whenever the validation score is the best so far, so
            that an interrupted training leaves the best epoch behind.
        recipe_path: the file that the recipe came from, to keep beside the preset as it is; by
            default the recipe is written anew.
        verbose: Keras's.
        restart: begin anew, and remove the checkpoints.
        tensorboard: a folder for what TensorBoard shows.
        tell: takes a sentence when training goes on.

    Returns:
        The application, and the history of its training by metric.

    Raises:
        ValueError: the recipe cannot be followed, something at `out` would be lost, or the
            checkpoints are of another recipe or other data.
        RuntimeError: the loss is not finite.
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
    history = prepared.fit(
        out, recipe_path, verbose, restart=restart, tensorboard=tensorboard, tell=tell
    )
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
