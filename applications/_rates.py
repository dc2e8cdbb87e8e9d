"""Trainings that diverge, and learning rates that are lowered on the way."""

from __future__ import annotations

from typing import Any

import keras


class DivergedError(RuntimeError):
    """The loss or a weight is no longer a finite number; the message says what was done."""


class RolledBack(Exception):
    """Training is to go on from the last checkpoint; for `Application.fit`, which starts anew."""


@keras.saving.register_keras_serializable(package="zoo")
class Lowered(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule whose rates are halved some times.

    Args:
        schedule: the schedule.
        halvings: how often.
    """

    def __init__(
        self, schedule: keras.optimizers.schedules.LearningRateSchedule, halvings: int
    ) -> None:
        super().__init__()
        self.schedule = schedule
        self.halvings = halvings

    def __call__(self, step: Any) -> Any:
        return self.schedule(step) * 0.5**self.halvings

    def get_config(self) -> dict[str, Any]:
        schedule = keras.saving.serialize_keras_object(self.schedule)
        return {"schedule": schedule, "halvings": self.halvings}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Lowered:
        schedule = keras.saving.deserialize_keras_object(config["schedule"], custom_objects)
        return cls(schedule, config["halvings"])


def lower_rate(model: keras.Model, halvings: int, *, anew: bool) -> None:
    """Trains with the rate of a model's optimizer halved some times.

    Args:
        model: the model, compiled, its train function made.
        halvings: how often in all.
        anew: whether the last one is new; a rate that is a variable has seen the others.
    """
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    rate = optimizer._learning_rate
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        optimizer.learning_rate = Lowered(getattr(rate, "schedule", rate), halvings)
        model.make_train_function(force=True)  # what was compiled holds the old schedule
    elif anew:
        rate.assign(rate * 0.5)
