"""A run in an MLflow store: its recipe as parameters, its curves and figures as metrics."""

import contextlib
import importlib
import json
import logging
import os
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from filelock import FileLock
from pydantic import AfterValidator, Field

from loupe.plugins import expand_path
from loupe.runs.writing import write_json
from loupe.trackers import TrackedRun, Tracker, refuse_missing_package, register_tracker

_STATUS = {"finished": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}
_MOST_PARAMS = 100  # that a store takes at once
_LONGEST_VALUE = 500  # characters of a parameter that every store takes
_PATIENCE_SECONDS = 300.0  # for another process to have made the store
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # a training asks nothing of the network by itself
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # by default, a server that is not there holds a training up
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",  # for minutes
}


def _find_store(store: str) -> str:
    return store if "://" in store else str(expand_path(store))


@register_tracker("mlflow")
class Mlflow(Tracker):
    """A run in an MLflow store: its recipe as parameters, its curves and figures as metrics.

    `mlflow ui --backend-store-uri sqlite:///mlflow.db` shows them. A resumed run goes on in the same MLflow
    run and writes the epochs that it does not hold yet.

    Raises:
        LoupeError: the package `mlflow` (or `mlflow-skinny`) is not installed.
    """

    def __init__(
        self,
        store: Annotated[
            str,
            Field(
                validate_default=True,
                description="An SQLite file (.db), a folder of files, or a server's address (http://…).",
            ),
            AfterValidator(_find_store),
        ] = "mlflow.db",
        experiment: Annotated[str, Field(min_length=1, description="The experiment of the runs.")] = "loupe",
    ) -> None:
        refuse_missing_package("mlflow", "mlflow")
        self._store = store
        self._experiment = experiment
        self._client: Any = None
        self._run_id = ""
        self._known: dict[str, set[int]] = {}

    def start(self, run: TrackedRun) -> None:
        if "://" not in self._store:
            Path(self._store).parent.mkdir(parents=True, exist_ok=True)
        _import_mlflow()
        with _quietly(), self._alone():
            self._client = _open_client(self._store)
            experiment = self._find_experiment()
            note = run.own_folder / "run.json"
            self._run_id = self._find_run(note) or self._create_run(run, experiment)
            self._client.update_run(self._run_id, status="RUNNING")
            metrics = self._client.get_run(self._run_id).data.metrics
            self._known = {name: self._find_steps(name) for name in metrics}
        run.own_folder.mkdir(parents=True, exist_ok=True)
        write_json(note, {"store": self._store, "run_id": self._run_id})

    def log_epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        new = {name: value for name, value in values.items() if epoch not in self._known.get(name, ())}
        self._log(new, epoch)

    def finish(self, status: str, summary: Mapping[str, float]) -> None:
        self._log({name: summary[name] for name in summary if self._is_new(name, summary[name])}, 0)
        with _quietly():
            self._client.set_terminated(self._run_id, _STATUS.get(status, "FINISHED"))

    def _log(self, values: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        with _quietly():
            metrics = [Metric(name, value, now, step) for name, value in values.items()]
            self._client.log_batch(self._run_id, metrics=metrics)

    def _is_new(self, name: str, value: float) -> bool:
        """Return whether a figure of the whole run is not yet there, or was another one before a resume."""
        with _quietly():
            return bool(self._client.get_run(self._run_id).data.metrics.get(name) != value)

    def _find_steps(self, name: str) -> set[int]:
        return {metric.step for metric in self._client.get_metric_history(self._run_id, name)}

    def _find_experiment(self) -> str:
        found = self._client.get_experiment_by_name(self._experiment)
        return str(found.experiment_id if found else self._client.create_experiment(self._experiment))

    def _find_run(self, note: Path) -> str | None:
        """Return the MLflow run of an earlier session, if it is still in the store."""
        from mlflow.exceptions import MlflowException

        if not note.exists():
            return None
        noted = json.loads(note.read_text(encoding="utf-8"))
        if noted["store"] != self._store:
            return None
        try:
            return str(self._client.get_run(noted["run_id"]).info.run_id)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None

    def _create_run(self, run: TrackedRun, experiment: str) -> str:
        from mlflow.entities import Param

        created = self._client.create_run(
            experiment, run_name=run.name, tags={"loupe.folder": str(run.folder.resolve())}
        )
        params = [Param(name, text[:_LONGEST_VALUE]) for name, text in flatten_recipe(run.recipe).items()]
        for start in range(0, len(params), _MOST_PARAMS):
            self._client.log_batch(created.info.run_id, params=params[start : start + _MOST_PARAMS])
        return str(created.info.run_id)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Be the only process on this machine that makes or opens this store, if it is on this machine."""
        if "://" in self._store:
            yield
            return
        with FileLock(f"{self._store}.lock", timeout=_PATIENCE_SECONDS):
            yield


def flatten_recipe(recipe: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return a recipe's fields by dotted name, as text; lists and tables within lists as JSON."""
    flat: dict[str, str] = {}
    for name, value in recipe.items():
        if isinstance(value, Mapping):
            flat |= flatten_recipe(value, f"{prefix}{name}.")
        elif isinstance(value, str):
            flat[f"{prefix}{name}"] = value
        else:
            flat[f"{prefix}{name}"] = json.dumps(value, ensure_ascii=False)
    return flat


def _import_mlflow() -> None:
    """Import MLflow, which sets how much it says; what the user set in the environment counts."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("mlflow")


def _open_client(store: str) -> Any:
    from mlflow import MlflowClient

    uri = store if "://" in store else f"sqlite:///{store}" if store.endswith(".db") else store
    return MlflowClient(tracking_uri=uri)


_TALKERS: Sequence[str] = ("mlflow", "alembic")


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Keep MLflow's own notes, and the warnings of what it rests on, from the user."""
    loggers = [logging.getLogger(name) for name in _TALKERS]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
