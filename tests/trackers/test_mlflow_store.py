"""What a run leaves in an MLflow store, read back with MLflow."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

import loupe
from loupe.runs import RunFolder
from loupe.trackers.mlflow_store import flatten_recipe
from tests.quick_runs import StopAfter, Train

mlflow = pytest.importorskip(
    "mlflow", reason="the package mlflow is not installed: pip install 'loupe-bench[mlflow]'"
)
pytestmark = [pytest.mark.thorough, pytest.mark.filterwarnings("ignore")]  # of what MLflow rests on


def read(run: RunFolder, uri: str) -> Any:
    noted = json.loads((run.path / "trackers" / "mlflow" / "run.json").read_text(encoding="utf-8"))
    return mlflow.MlflowClient(tracking_uri=uri).get_run(noted["run_id"])


@pytest.mark.parametrize("kind", ["sqlite", "files"])
def test_recipe_curves_and_figures_are_there(kind: str, train: Train, tmp_path: Path) -> None:
    store = tmp_path / ("store.db" if kind == "sqlite" else "mlruns")
    tracker = f"run.trackers=[{{name='mlflow', store='{store}', experiment='mine'}}]"
    run = train(tracker, observers=[StopAfter(1, KeyboardInterrupt())])
    uri = f"sqlite:///{store}" if kind == "sqlite" else str(store)
    assert read(run, uri).info.status == "KILLED"
    loupe.resume(run.path)
    tracked, result = read(run, uri), run.read_result()
    assert tracked.info.status == "FINISHED"
    assert tracked.info.run_name == run.path.name
    assert tracked.data.tags["loupe.folder"] == str(run.path.resolve())
    assert tracked.data.params["train.epochs"] == "3"
    assert tracked.data.params["model.name"] == "cnn"
    assert tracked.data.params["data.name"] == "digits"
    assert tracked.data.metrics["best_test_accuracy"] == pytest.approx(result.best.test.accuracy)
    assert tracked.data.metrics["best_epoch"] == result.best.epoch
    client = mlflow.MlflowClient(tracking_uri=uri)
    assert len(client.search_runs([client.get_experiment_by_name("mine").experiment_id])) == 1
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_a_run_trained_anew_is_another_one_in_the_store(train: Train, tmp_path: Path) -> None:
    tracker = f"run.trackers=[{{name='mlflow', store='{tmp_path / 'store.db'}'}}]"
    for _ in range(2):
        train(tracker)
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'store.db'}")
    experiment = client.get_experiment_by_name("loupe").experiment_id
    assert len(client.search_runs([experiment])) == 2


def test_a_server_that_is_not_there_is_given_up_soon(train: Train) -> None:
    started = time.monotonic()
    run = train("run.trackers=[{name='mlflow', store='http://127.0.0.1:9'}]")
    assert time.monotonic() - started < 60
    (warning,) = (one for one in run.read_result().warnings if "tracker" in one)
    assert warning.startswith(
        "The tracker mlflow failed before the first epoch and was left out from there on"
    )


def test_a_recipe_is_flat_text() -> None:
    flat = flatten_recipe(
        {"name": "a", "train": {"epochs": 3, "optimizer": {"name": "sgd"}}, "seeds": [1, 2]}
    )
    assert flat == {"name": "a", "train.epochs": "3", "train.optimizer.name": "sgd", "seeds": "[1, 2]"}
