"""A recipe as KerasTuner's hypermodel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras_tuner

from ._preparing import Prepared, prepare
from ._recipes import Recipe
from ._tuning_space import applied, declare


class RecipeHyperModel(keras_tuner.HyperModel):
    """See `zoo.tuning.hypermodel`.

    Args:
        recipe: the recipe.
        space: the whole search space.
    """

    def __init__(self, recipe: Recipe, space: Mapping[str, Any]) -> None:
        super().__init__(name=recipe.application)
        self.recipe = recipe
        self.space = space
        self._prepared: Prepared | None = None

    def declare_hyperparameters(self, hp: keras_tuner.HyperParameters) -> None:
        hp.merge(declare(self.space, self.recipe))

    def build(self, hp: keras_tuner.HyperParameters) -> Any:
        self.declare_hyperparameters(hp)
        values = {
            entry.name: hp.values.get(entry.name, entry.default)
            for entry in hp.space
            if hp.is_active(entry)
        }
        self._prepared = prepare(applied(self.recipe, values))
        application = self._prepared.application
        application.compile()
        return application

    def fit(
        self, hp: keras_tuner.HyperParameters, model: Any, *arguments: Any, **options: Any
    ) -> dict[str, float]:
        assert self._prepared is not None and self._prepared.application is model
        from .metrics import LOWER_IS_BETTER

        history = self._prepared.fit(verbose=options.get("verbose", 0))
        name = f"val_{model.monitor}"
        best = min if model.monitor in LOWER_IS_BETTER else max
        return {name: best(history[name])}
