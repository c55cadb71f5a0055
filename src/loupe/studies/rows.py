"""One run of a study as a row: read from the run's folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from loupe.runs.folder import RunFolder
from loupe.runs.metric_values import Split, find_value
from loupe.runs.result import RunResult, Status
from loupe.statistics import Interval, compute_wilson_interval

SPLITS: tuple[Split, ...] = ("validation", "test")


@dataclass(frozen=True)
class StudyRow:
    """One run of a study, as it stands in `results.csv`.

    A field that comes later gets a default and stands last: tables without its column are read as before.

    Losses are negative log likelihoods in nats, or mean squared errors per pixel of an autoencoder; figures
    are those of the weights of the best epoch on validation.

    Args:
        stage: stage of the study; empty for the arms.
        arm: arm of the study; empty for a stage.
        at: value names by axis.
        seed: the run's seed.
        status: how the run ended.
        reason: why it is not finished, if it is not.
        best_epoch: epoch whose weights were kept.
        epochs: epochs trained.
        train_accuracy: on clean training images after the best epoch, in [0, 1].
        num_train: training images.
        seconds: training and validation of all epochs.
        key: names what determines the run's numbers.
        metrics: further metrics, by split and name: "test_macro_f1"; None where one is not defined.
        multiply_adds: of one image's forward pass; None where that is not on record.
    """

    stage: str
    arm: str
    at: Mapping[str, str]
    seed: int
    status: Status
    reason: str | None
    best_epoch: int | None
    epochs: int | None
    train_accuracy: float | None
    train_loss: float | None
    validation_accuracy: float | None
    validation_loss: float | None
    test_accuracy: float | None
    test_loss: float | None
    num_train: int | None
    num_test: int | None
    parameters: int | None
    seconds: float | None
    key: str
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    multiply_adds: int | None = None

    @property
    def is_finished(self) -> bool:
        return self.status == "finished"

    def judge_images(self, level: float) -> Interval | None:
        """Return Wilson's interval of the test accuracy over the test images; None without either."""
        if self.test_accuracy is None or not self.num_test:
            return None
        return compute_wilson_interval(round(self.test_accuracy * self.num_test), self.num_test, level)

    def value(self, column: str) -> float | None:
        """Return a figure by its column: "test_loss", "best_epoch", "test_macro_f1"; None without one."""
        value = self.metrics[column] if column in self.metrics else getattr(self, column, None)
        return None if value is None else float(value)


PLACE = ("stage", "arm", "at", "seed", "status", "reason", "key", "metrics")  # what names a run
FIGURES = tuple(column.name for column in fields(StudyRow) if column.name not in PLACE)
_COLUMNS = {column.name for column in fields(StudyRow)}


def find_run(pool: Path | None, row: StudyRow) -> RunFolder | None:
    """Return the folder of a run of a study, if it is in the pool of run folders."""
    found = next(iter(pool.glob(f"*-{row.key}")), None) if pool is not None else None
    return RunFolder(found) if found is not None else None


def make_row(
    run: RunFolder,
    *,
    stage: str,
    arm: str,
    at: Mapping[str, str],
    seed: int,
    key: str,
    failure: str = "",
    further: Sequence[str] = (),
) -> StudyRow:
    """Return the row of a run, from its folder.

    Args:
        failure: why there is no result, if the run broke down before it had one.
        further: metrics that the row is to have, whether the run's recipe names them or not.
    """
    result = run.read_result() if run.path.is_dir() else None
    figures = read_figures(result, run) if result is not None else {}
    return StudyRow(
        stage=stage,
        arm=arm,
        at=dict(at),
        seed=seed,
        status=result.status if result is not None else "failed",
        reason=(result.reason if result is not None else failure) or None,
        key=key,
        **{name: figures.get(name) for name in FIGURES},
        metrics=read_further(result, run, further) if result is not None else {},
    )


def read_figures(result: RunResult, run: RunFolder) -> dict[str, Any]:
    """Return the figures of a run by the names they have in a `StudyRow`."""
    figures: dict[str, Any] = {
        "num_train": result.num_images["train"],
        "num_test": result.num_images["test"],
        "parameters": result.parameters,
        "multiply_adds": result.multiply_adds,
        "seconds": result.seconds,
    }
    if result.best is None:
        return figures
    history = run.read_history()
    record = next((one for one in history if one.epoch == result.best.epoch), None)
    figures |= {"best_epoch": result.best.epoch, "epochs": len(history)}
    if record is not None:
        figures |= {"train_accuracy": record.clean_train_accuracy, "train_loss": record.clean_train_loss}
    for split, score in (("validation", result.best.validation), ("test", result.best.test)):
        for one in (score.headline, score.reported_loss) if score is not None else ():
            figures[f"{split}_{one.metric.name}"] = one.value
    return figures


def read_further(result: RunResult, run: RunFolder, names: Sequence[str] = ()) -> dict[str, float | None]:
    """Return further metrics of a run by column: those its recipe names, and others computed if need be.

    Raises:
        LoupeError: there is no such metric.
    """
    named = result.best.validation.metrics if result.best is not None else {}
    found = {}
    for name in dict.fromkeys([*named, *names]):
        for split in SPLITS:
            value = find_value(run, result, split, name)
            column = f"{split}_{name}"
            if value is not None and column not in _COLUMNS:
                found[column] = value.value
    return found
