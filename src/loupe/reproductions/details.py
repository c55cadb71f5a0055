"""What a page tells of runs beyond their rows of results: how training went, and what was taken for what.

Kept beside a study's results as `<study>-details.json`, so that a page can be made where the runs are not.
"""

import json
from collections.abc import Container, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from loupe.errors import RunError
from loupe.metrics import Metrics
from loupe.runs import RunFolder
from loupe.runs.reading import read_text, reading
from loupe.runs.writing import write_json
from loupe.studies.plan import PlannedRun
from loupe.studies.run import PreparedStudy


@dataclass(frozen=True)
class RunDetails:
    """How the training of one run of a study went, and how its network does class by class.

    Args:
        key: names what determines the run's numbers.
        stage: stage of the study; "" for the arms.
        arm: arm of the study; "" for a stage.
        at: value names by axis.
        seed: the run's seed.
        num_epochs: as planned.
        is_finished: whether the run is at its end.
        course: validation accuracy in [0, 1] after each epoch so far; empty for an autoencoder.
        class_names: as confusion has them.
        confusion: counts on the test images, of the best epoch's weights; row = true class, column =
            predicted class. Empty before the end, and where the test set stays shut.
    """

    key: str
    stage: str
    arm: str
    at: dict[str, str]
    seed: int
    num_epochs: int
    is_finished: bool
    course: tuple[float, ...]
    class_names: tuple[str, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()

    @property
    def recalls(self) -> dict[str, float]:
        """Part of each class's test images that the network got right, by class."""
        pairs = zip(self.class_names, self.confusion, strict=True)
        return {name: row[place] / (sum(row) or 1) for place, (name, row) in enumerate(pairs)}

    def count_confused(self, true: str, predicted: str) -> int:
        """Return how many test images of a class were taken for another."""
        return self.confusion[self.class_names.index(true)][self.class_names.index(predicted)]


def gather_details(prepared: PreparedStudy, wanted: Container[str]) -> list[RunDetails]:
    """Return the details of a study's runs that have trained at least one epoch here.

    A run whose folder is damaged is left out: its row of results stands.

    Args:
        prepared: the study.
        wanted: keys of the runs that are asked for.
    """
    found = []
    for planned, key in prepared.scheduler.planned:
        for run in map(RunFolder, prepared.pool.glob(f"*-{key}") if key in wanted else ()):
            with suppress(RunError):
                found.append(describe_run(run, planned, key))
    return [one for one in found if one is not None]


def describe_run(run: RunFolder, planned: PlannedRun, key: str) -> RunDetails | None:
    """Return the details of a run as far as it got; None before the end of its first epoch."""
    history, result = run.read_history(), run.read_result()
    accuracies = [record.validation_accuracy for record in history]
    course = tuple(one for one in accuracies if one is not None)
    if not course:
        return None
    names: tuple[str, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    is_finished = result is not None and result.status == "finished"
    if result is not None and is_finished and result.best is not None:
        score = result.best.test
        if isinstance(score, Metrics):
            confusion = score.confusion
            names = score.class_names
    return RunDetails(
        key=key,
        stage=planned.stage,
        arm=planned.arm,
        at={axis: str(value) for axis, value in planned.at.items()},
        seed=planned.seed,
        num_epochs=planned.recipe.train.epochs,
        is_finished=is_finished,
        course=course,
        class_names=names,
        confusion=confusion,
    )


def keep_details(
    file: Path, here: Sequence[RunDetails], known: Path | None, *, wanted: Container[str]
) -> list[RunDetails]:
    """Write the details of runs, those that another machine has taken further too; return them all.

    Args:
        file: receives them.
        here: of the runs of this machine.
        known: such a file of another machine, if there is one.
        wanted: keys of the runs to keep; those of an earlier form of the study are dropped.
    """
    by_key = {one.key: one for place in (known, file) if place is not None for one in read_details(place)}
    for one in here:
        earlier = by_key.get(one.key)
        if earlier is None or _how_far(one) >= _how_far(earlier):
            by_key[one.key] = one
    details = [one for one in by_key.values() if one.key in wanted]
    details.sort(key=lambda one: (one.stage, one.arm, sorted(one.at.items()), one.seed))
    if details or file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, {"runs": [asdict(one) for one in details]})
    return details


def _how_far(run: RunDetails) -> tuple[bool, int]:
    return run.is_finished, len(run.course)


def read_details(file: Path) -> list[RunDetails]:
    """Return the details that a file holds; none if it is not there.

    Raises:
        RunError: the file is damaged.
    """
    if not file.is_file():
        return []
    with reading(file):
        return [
            RunDetails(
                **{
                    **values,
                    "course": tuple(values["course"]),
                    "class_names": tuple(values["class_names"]),
                    "confusion": tuple(tuple(row) for row in values["confusion"]),
                }
            )
            for values in json.loads(read_text(file))["runs"]
        ]
