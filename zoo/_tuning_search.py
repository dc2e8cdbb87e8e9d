"""KerasTuner's oracles and tuner, made to survive being killed; each trial a process of its own."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine import base_tuner

from ._recipes import Recipe
from ._tuning_space import applied
from ._tuning_trial import (
    LOG,
    NO_ROOM,
    PRESET,
    RESULT,
    run_trial,
    write_atomically,
    write_recipe,
)

_RUNNING, _COMPLETED, _FAILED = "RUNNING", "COMPLETED", "FAILED"
_PAUSE = 0.2  # seconds between two questions whether there is something to do


def memory() -> float | None:
    """The memory that this process holds now, in MB; None where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return None
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


class _Safe:
    """What KerasTuner's oracles lack: files that are whole, and a state that fits the trials."""

    trials: dict[str, Any]

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The first trial is the recipe as it is."""
        found = super().populate_space(trial_id)  # type: ignore[misc]
        if not self.trials and found["status"] == _RUNNING:
            space = self.hyperparameters.copy()  # type: ignore[attr-defined]
            space.values = {}
            for entry in space.space:  # a condition stands before what depends on it
                if space.is_active(entry):
                    space.values[entry.name] = entry.default
            own = {name: value for name, value in found["values"].items() if "tuner/" in name}
            found["values"] = {**space.values, **own}
        return found

    def save(self) -> None:
        write_atomically(Path(self._get_oracle_fname()), self.get_state())  # type: ignore[attr-defined]

    def _save_trial(self, trial: Any) -> None:
        folder = Path(self._get_trial_dir(trial.trial_id))  # type: ignore[attr-defined]
        write_atomically(folder / "trial.json", trial.get_state())

    def get_state(self) -> dict[str, Any]:
        state = super().get_state()  # type: ignore[misc]
        generator = getattr(self, "_random_state", None)
        if generator is not None:
            kind, keys, *rest = generator.get_state()
            state["random_state"] = [kind, keys.tolist(), *rest]
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        # A trial that the oracle's file does not know was being made when the process was killed;
        # it is made again, as it was.
        for trial_id in [name for name in self.trials if name not in state["start_order"]]:
            del self.trials[trial_id]
        super().set_state(state)  # type: ignore[misc]
        if "random_state" in state:
            self._random_state.set_state(tuple(state["random_state"]))  # type: ignore[attr-defined]

    def reload(self) -> None:
        super().reload()  # type: ignore[misc]
        ended = [t for t in self.start_order if self.trials[t].status in (_COMPLETED, _FAILED)]  # type: ignore[attr-defined]
        # A trial's own file is written before the oracle's.
        self.end_order += [t for t in ended if t not in self.end_order]  # type: ignore[attr-defined]
        self._retry_queue = [t for t in reversed(self.start_order) if t not in ended]  # type: ignore[attr-defined]
        for name in self._retry_queue:
            trial = self.trials[name]
            trial.metrics = type(trial.metrics)()  # of a trial that had not quite ended


class _Random(_Safe, keras_tuner.oracles.RandomSearchOracle):
    pass


class _Bayesian(_Safe, keras_tuner.oracles.BayesianOptimizationOracle):
    pass


class _Hyperband(_Safe, keras_tuner.oracles.HyperbandOracle):
    pass


ALGORITHMS = {"random": _Random, "bayesian": _Bayesian, "hyperband": _Hyperband}


def make_oracle(
    algorithm: str, space: Any, objective: str, lower: bool, trials: int, epochs: int, seed: int
) -> Any:
    """Returns an oracle: what decides which values are tried next.

    Args:
        algorithm: one of `ALGORITHMS`.
        space: KerasTuner's hyperparameters.
        objective: the logged metric.
        lower: whether lower is better.
        trials: how many; Hyperband decides that itself.
        epochs: the most epochs of a trial, for Hyperband.
        seed: of what is drawn.
    """
    options: dict[str, Any] = {
        "objective": keras_tuner.Objective(objective, "min" if lower else "max"),
        "hyperparameters": space,
        "allow_new_entries": False,
        "seed": seed + 1,  # zero means any to KerasTuner
        "max_consecutive_failed_trials": 10**9,  # a failed trial is a result
    }
    if algorithm == "hyperband":
        options["max_epochs"] = epochs
    else:
        options["max_trials"] = trials
    if algorithm == "bayesian":
        options["num_initial_points"] = max(3, trials // 3)
    oracle: Any = ALGORITHMS[algorithm](**options)
    oracle.verbose = 0
    return oracle


class _DiskError(keras_tuner.errors.FatalError, OSError):
    """What KerasTuner must not take for the failure of a trial."""


class Search(base_tuner.BaseTuner):
    """Runs the trials of an oracle, or of the coordinator's.

    Args:
        oracle: what `make_oracle` returned.
        recipe: what is tuned.
        folder: where everything of the search lies.
        isolate: whether each trial is a process of its own, which gives its memory back.
        tell: takes a sentence for each trial.
    """

    def __init__(
        self,
        oracle: Any,
        recipe: Recipe,
        folder: Path,
        *,
        isolate: bool = True,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self.recipe = recipe
        self.isolate = isolate
        self.tell = tell or (lambda _: None)
        self._error = ""
        with contextlib.redirect_stdout(io.StringIO()):  # KerasTuner prints
            super().__init__(oracle, directory=str(folder.parent), project_name=folder.name)

    def _populate_initial_space(self) -> None:
        """Nothing: the oracle has the space."""

    def _get_tuner_fname(self) -> str:
        # The tuner itself has no state; KerasTuner looks for this file to see whether to reload.
        return os.path.join(self.project_dir, "oracle.json")

    def save(self) -> None:
        if not self._is_worker():
            self.oracle.save()

    def pre_create_trial(self) -> None:
        time.sleep(_PAUSE)

    def search(self, *arguments: Any, **options: Any) -> None:
        """Runs the trials that are left.

        Raises:
            RuntimeError: the disk refuses; nothing that was found is lost.
        """
        try:
            super().search(*arguments, **options)
        except OSError as error:
            raise RuntimeError(
                f"The search in {self.project_dir} cannot be written down: "
                f"{error.strerror or error}. Mend that, and start the same search again: it goes "
                "on where it was."
            ) from error

    def run_trial(self, trial: Any, *arguments: Any, **options: Any) -> dict[str, float]:
        folder = Path(self.get_trial_dir(trial.trial_id))
        self._error = ""
        try:
            result = self._result(folder) or self._run(folder, trial.hyperparameters.values)
        except OSError as error:
            raise _DiskError(error.errno, error.strerror) from error
        if "error" in result:
            self._error = result["error"]
            raise keras_tuner.errors.FailedTrialError(result["error"])
        return {self.oracle.objective.name: result["value"]}

    def on_trial_end(self, trial: Any) -> None:
        super().on_trial_end(trial)
        path = Path(self.get_trial_dir(trial.trial_id)) / RESULT
        result = self._result(path.parent) or {"error": trial.message}
        write_atomically(path, {**result, "search_memory_mb": memory()})
        name = self.oracle.objective.name
        ended = self.oracle.get_trial(trial.trial_id)
        self.tell(
            f"Trial {trial.trial_id}: "
            + (f"failed. {self._error}" if ended.score is None else f"{name} {ended.score:.4g}.")
        )
        best = self.oracle.get_best_trials(1)[0]
        if best.status == _COMPLETED:
            self._keep(best)

    def _run(self, folder: Path, values: dict[str, Any]) -> dict[str, Any]:
        try:
            write_recipe(folder, applied(self.recipe, values, values.get("tuner/epochs")))
        except ValueError as error:
            impossible = {"error": str(error)}
            write_atomically(folder / RESULT, impossible)
            return impossible
        if not self.isolate:
            return run_trial(folder)
        # The child ends when its standard input does, which is when this process ends.
        with (folder / LOG).open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "zoo._tuning_trial", str(folder)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
            try:
                code = child.wait()
            finally:
                if child.poll() is None:
                    child.kill()
                    child.wait()
                assert child.stdin is not None
                child.stdin.close()
        result = self._result(folder)
        if result is None and code == NO_ROOM:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if result is None:
            how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            hint = ", perhaps for want of memory" if code == -9 else f", see {folder / LOG}"
            result = {"error": f"Its process {how}{hint}."}
            write_atomically(folder / RESULT, result)
        return result

    def _result(self, folder: Path) -> dict[str, Any] | None:
        path = folder / RESULT
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def _keep(self, best: Any) -> None:
        """Removes the presets of trials that are worse than the best."""
        sign = 1 if self.oracle.objective.direction == "min" else -1
        for path in Path(self.project_dir).glob(f"trial_*/{RESULT}"):
            value = json.loads(path.read_text(encoding="utf-8")).get("value")
            if path.parent.name != f"trial_{best.trial_id}" and (
                value is None or sign * value > sign * best.score
            ):
                shutil.rmtree(path.parent / PRESET, ignore_errors=True)
