"""One contract over all trackers: every epoch once, no influence, no failure that ends a training."""

import csv
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import loupe
from loupe.errors import LoupeError, RecipeError
from loupe.runs import RunFolder
from loupe.trackers import TRACKERS
from tests.quick_runs import StopAfter, Train, is_same_weights
from tests.trackers.wandb_files import read_wandb

pytestmark = pytest.mark.thorough

Rows = list[tuple[int, float]]


def read_csv_table(run: RunFolder, place: Path) -> Rows:
    with (place / "tracked").open(encoding="utf-8") as file:
        return [(int(row["epoch"]), float(row["validation_loss"])) for row in csv.DictReader(file)]


def read_tensorboard(run: RunFolder, place: Path) -> Rows:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run.tensorboard_folder)).Reload()
    return [(event.step, event.value) for event in events.Scalars("loss/validation")]


def read_mlflow(run: RunFolder, place: Path) -> Rows:
    from mlflow import MlflowClient

    noted = json.loads((run.path / "trackers" / "mlflow" / "run.json").read_text(encoding="utf-8"))
    client = MlflowClient(tracking_uri=f"sqlite:///{noted['store']}")
    history = client.get_metric_history(noted["run_id"], "validation_loss")
    return [(metric.step, metric.value) for metric in history]


def read_wandb_offline(run: RunFolder, place: Path) -> Rows:
    history = read_wandb(run.path / "trackers" / "wandb").history
    return [(step, values["validation_loss"]) for step, values in history]


READERS: dict[str, Callable[[RunFolder, Path], Rows]] = {
    "csv": read_csv_table,
    "tensorboard": read_tensorboard,
    "mlflow": read_mlflow,
    "wandb": read_wandb_offline,
}
SETTINGS = {"csv": ", path='{place}/tracked'", "mlflow": ", store='{place}/tracked.db'"}
BROKEN = {
    "csv": ", path='{place}/file/tracked'",
    "mlflow": ", store='{place}/file/tracked.db'",
}
"""Settings with which a tracker cannot write: a folder is a file. The others write into the run folder."""


def name_in_recipe(name: str, place: Path, settings: dict[str, str] = SETTINGS) -> str:
    written = settings.get(name, "").format(place=place)
    return f"run.trackers=[{{name='{name}'{written}}}]"


@pytest.fixture(params=sorted(READERS))
def name(request: pytest.FixtureRequest) -> str:
    if request.param != "csv" and importlib.util.find_spec(request.param) is None:
        pytest.skip(
            f"the package {request.param} is not installed: pip install 'loupe-bench[{request.param}]'"
        )
    return str(request.param)


def test_every_registered_tracker_is_tried() -> None:
    ours = {name for name in TRACKERS if TRACKERS.get(name).__module__.startswith("loupe.trackers")}
    assert set(READERS) == ours


@pytest.mark.filterwarnings("ignore")  # of what MLflow rests on, when the test reads
def test_every_epoch_stands_once_also_after_a_resume(name: str, train: Train, tmp_path: Path) -> None:
    plain = train()
    expected = [(one.epoch, pytest.approx(one.validation_loss)) for one in plain.read_history()]
    tracked = train(name_in_recipe(name, tmp_path), observers=[StopAfter(2, KeyboardInterrupt())])
    assert READERS[name](tracked, tmp_path) == expected[:2]
    loupe.resume(tracked.path)
    assert READERS[name](tracked, tmp_path) == expected
    assert is_same_weights(plain.checkpoint_file, tracked.checkpoint_file), "tracking changed the training"
    assert tracked.read_result().warnings == plain.read_result().warnings, "it failed and was left out"


@pytest.mark.filterwarnings("ignore")
def test_a_tracker_that_loses_its_checkpoint_has_no_doubled_rows(
    name: str, train: Train, tmp_path: Path
) -> None:
    """As of a killed run: the tracker knows of epochs that no checkpoint holds; they are trained again."""
    run = train(name_in_recipe(name, tmp_path), observers=[StopAfter(2, KeyboardInterrupt())])
    run.checkpoint_file.unlink()
    loupe.resume(run.path)
    expected = [(one.epoch, pytest.approx(one.validation_loss)) for one in run.read_history()]
    assert READERS[name](run, tmp_path) == expected


@pytest.mark.filterwarnings("ignore")
def test_a_tracker_that_cannot_write_ends_no_training_and_says_so_once(
    name: str, train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name in BROKEN:
        (tmp_path / "file").write_text("a file, not a folder")
        run = train(name_in_recipe(name, tmp_path, BROKEN))
    else:
        builder: Any = TRACKERS.get(name)
        monkeypatch.setattr(builder, "log_epoch", fill_the_disk)
        run = train(name_in_recipe(name, tmp_path))
    result = run.read_result()
    assert result.status == "finished"
    (warning,) = (one for one in result.warnings if "tracker" in one)
    assert warning.startswith(f"The tracker {name} failed ")
    assert "the training was not affected: " in warning
    assert run.log_file.read_text(encoding="utf-8").count(f"The tracker {name} failed") == 1
    assert is_same_weights(train().checkpoint_file, run.checkpoint_file)


def fill_the_disk(*_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("package", ["tensorboard", "mlflow", "wandb"])
def test_a_missing_package_is_named_before_training(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == package else find(name, *rest)
    )
    with pytest.raises(LoupeError, match=rf"needs the package {package}(.|\n)*'loupe-bench\[{package}\]'"):
        loupe.load_recipe("digits", [f"run.trackers={package}"])


def test_names_and_settings_are_checked_with_all_else() -> None:
    with pytest.raises(RecipeError) as caught:
        loupe.load_recipe("digits", ["run.trackers=['csw', {name='csv', paht='x'}]", "train.epochs=0"])
    assert [one.where for one in caught.value.mistakes] == [
        "train.epochs",
        "run.trackers.0.name",
        "run.trackers.1.paht",
    ]
    with pytest.raises(RecipeError, match="each name once"):
        loupe.load_recipe("digits", ["run.trackers=['csv', 'csv']"])


def test_tensorboard_is_one_tracker_however_it_is_named(train: Train) -> None:
    pytest.importorskip("tensorboard", reason="the package tensorboard is not installed")
    run = train("run.tensorboard=true", "run.trackers=['tensorboard']")
    assert [step for step, _ in read_tensorboard(run, run.path)] == [1, 2, 3]
    assert len(list(run.tensorboard_folder.iterdir())) == 1
