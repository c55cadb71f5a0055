"""From the rows of a study to means, intervals and differences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from torch import Tensor

from loupe.errors import RunError
from loupe.metrics import Metric, headline_of
from loupe.models import ObjectiveName
from loupe.runs import RunFolder
from loupe.runs.metric_values import find_metric
from loupe.statistics import PairedDifference, PowerLaw, PredictedError, fit_power_law, predict_errors
from loupe.statistics.arms import ArmRun, Cell, Place, compare_arms, compare_overall
from loupe.studies import Study
from loupe.studies.folder import StudyRow
from loupe.studies.folds import Answers, join_folds

_CURVE_POINTS, _POINTS_BEYOND = 40, 8  # along a fitted law: over the sizes trained with, and beyond


@dataclass(frozen=True)
class Quantity:
    """What a study compares.

    Args:
        split: "test", or "validation" where the test set stayed locked; "train" for clean training images.
        metric: says how values are written, and which way is better.
    """

    split: str
    metric: Metric

    @property
    def name(self) -> str:
        """Split and title: "test accuracy"."""
        return f"{self.split} {self.metric.title}"

    @property
    def is_share(self) -> bool:
        """Whether values are written as percentages, and differences in points."""
        return self.metric.is_percent

    @property
    def counts_right_answers(self) -> bool:
        """Whether it is the share of right answers: then single images say more than their number."""
        return self.metric == headline_of("classification")

    @property
    def error_ceiling(self) -> float | None:
        """What a value is taken from to make an error that falls with more data; None where it is one."""
        return self.metric.high if self.metric.is_higher_better else None

    def to_error(self, value: float) -> float:
        """Return a value as an error, or an error as a value."""
        return value if self.error_ceiling is None else self.error_ceiling - value

    def of(self, row: StudyRow, split: str = "") -> float | None:
        """Return the figure of a run; None where it has none."""
        return row.value(f"{split or self.split}_{self.metric.name}")


@dataclass(frozen=True)
class Law:
    """A power law through the errors of an arm over an axis, and what it says of twice the axis' end.

    Args:
        arm: name of the arm.
        place: values on the other axes.
        sizes: training images at each value of the axis.
        errors: of the runs with each size, one a seed.
        law: the curve.
        curve: its error from the smallest size to twice the largest, each with its interval.
    """

    arm: str
    place: Place
    sizes: tuple[int, ...]
    errors: tuple[tuple[float, ...], ...]
    law: PowerLaw
    curve: tuple[PredictedError, ...]

    @property
    def twice(self) -> PredictedError:
        """The predicted error at twice the largest size."""
        return self.curve[-1]


@dataclass(frozen=True)
class AxisEffect:
    """What a numeric axis does from its first to its last value, everything else held.

    Args:
        axis: name of the axis.
        first: name of its first value.
        last: name of its last.
        difference: last minus first, on average over arms and the other axes.
    """

    axis: str
    first: str
    last: str
    difference: PairedDifference


@dataclass(frozen=True)
class StudyAnalysis:
    """What a study found.

    Args:
        study: the study.
        figure: what is compared.
        rows: of the arms, one a run; failed ones included.
        stage_rows: of the stages.
        runs: finished ones, as they are compared.
        cells: an arm at a place each; where a study has one arm, each place counts as an arm.
        reference: what differences are taken from; "" where nothing is compared.
        chosen: the arm and place with the best mean on validation.
        overall: difference of each arm from the reference on average over all places.
        effects: of the numeric axes.
        laws: fitted power laws, if the study asks for them.
        whole: the study as it was carried out: `study` is without its folds, whose rows are joined.
        fold_rows: of the arms, one a run, before they were joined; empty where there are no folds.
    """

    study: Study
    figure: Quantity
    rows: tuple[StudyRow, ...]
    stage_rows: tuple[StudyRow, ...]
    runs: tuple[ArmRun, ...]
    cells: tuple[Cell, ...]
    reference: str
    chosen: Cell | None
    overall: Mapping[str, PairedDifference]
    effects: tuple[AxisEffect, ...]
    laws: tuple[Law, ...]
    whole: Study
    fold_rows: tuple[StudyRow, ...] = ()

    @property
    def run_rows(self) -> tuple[StudyRow, ...]:
        """Of the arms, one a run on disk."""
        return self.fold_rows or self.rows

    @property
    def failed(self) -> tuple[StudyRow, ...]:
        """Runs without a result."""
        return tuple(row for row in (*self.run_rows, *self.stage_rows) if not row.is_finished)

    @property
    def num_without_answers(self) -> int:
        """Finished runs whose answers to single images are not at hand."""
        return sum(run.right is None for run in self.runs)

    @property
    def same_arms(self) -> list[list[str]]:
        """Arms that are one and the same: whatever they change, all their runs are those of another."""
        keys: dict[str, list[str]] = {}
        for row in self.rows:
            keys.setdefault(row.arm, []).append(row.key)
        same: dict[tuple[str, ...], list[str]] = {}
        for arm, of_arm in keys.items():
            same.setdefault(tuple(of_arm), []).append(arm)
        return [arms for arms in same.values() if len(arms) > 1]

    def find_cell(self, arm: str, place: Place) -> Cell | None:
        return next((cell for cell in self.cells if (cell.arm, cell.place) == (arm, place)), None)

    def validation_mean(self, cell: Cell) -> float:
        """Return the mean validation figure of a cell."""
        name = (cell.arm, cell.place)
        of_cell = [row for row in self.rows if row.is_finished and _name(self.study, row) == name]
        values = [value for row in of_cell if (value := self.figure.of(row, "validation")) is not None]
        return fmean(values) if values else float("nan")


def analyse_study(
    study: Study, rows: Sequence[StudyRow], pool: Path | None = None, *, figure: Quantity | None = None
) -> StudyAnalysis:
    """Return what a study's rows say.

    Args:
        study: the study.
        rows: of its `results.csv`.
        pool: the folder of its run folders, for the answers to single test images; without them only seeds
            count as drawn by chance.
        figure: what is compared; what the study says if left out.
    """
    arms = carried_out = tuple(row for row in rows if not row.stage)
    figure = figure or choose_figure(study, arms, pool)
    whole, answers = study, Answers()
    if study.folds is not None:
        study, arms, answers = join_folds(study, arms, pool)
    runs = [run for row in arms if (run := _read_run(study, row, figure, pool, answers)) is not None]
    chosen = choose_on_validation(study, arms, figure)
    reference = find_reference(study, chosen)
    cells = compare_arms(runs, reference, study.confidence, **figure.metric.bounds)
    others = dict.fromkeys(run.arm for run in runs if run.arm != reference) if reference else {}
    overall = {arm: compare_overall(runs, arm, reference, study.confidence) for arm in others}
    return StudyAnalysis(
        study=study,
        figure=figure,
        rows=arms,
        stage_rows=tuple(row for row in rows if row.stage),
        runs=tuple(runs),
        cells=tuple(cells),
        reference=reference,
        chosen=next((cell for cell in cells if (cell.arm, cell.place) == chosen), None),
        overall={arm: found for arm, found in overall.items() if found is not None},
        effects=tuple(_measure_axes(study, arms, figure)),
        laws=tuple(_fit_laws(study, arms, figure)) if study.fit else (),
        whole=whole,
        fold_rows=carried_out if whole.folds is not None else (),
    )


def choose_figure(study: Study, rows: Sequence[StudyRow], pool: Path | None = None) -> Quantity:
    """Return what is compared: on test where every finished run looked at it, else on validation.

    Raises:
        UnknownNameError: there is no such metric, neither registered nor in the results of the pool.
    """
    finished = [row for row in rows if row.is_finished]
    split = "test" if all(row.test_loss is not None for row in finished) else "validation"
    is_classifier = all(row.validation_accuracy is not None for row in finished)
    objective: ObjectiveName = "classification" if is_classifier else "reconstruction"
    if not is_classifier and study.compare == headline_of("classification").name:
        return Quantity(split, headline_of(objective))
    folders = (RunFolder(path) for row in finished if pool for path in pool.glob(f"*-{row.key}"))
    return Quantity(split, find_metric(study.compare, folders, objective))


def compares_places(study: Study) -> bool:
    """Return whether the places of a study with one arm are what is compared."""
    return len(study.arms) == 1 and find_numeric_axis(study) is None


def find_numeric_axis(study: Study) -> str | None:
    """Return the axis that figures have as their horizontal one: the longest numeric one; None without one.

    A study with one arm and several axes is a grid: its places are compared like arms.
    """
    if len(study.arms) == 1 and len(study.axes) > 1:
        return None
    numeric = [name for name, axis in study.axes.items() if axis.numbers is not None and len(axis.names) > 2]
    return max(numeric, key=lambda name: len(study.axes[name].names), default=None)


def find_reference(study: Study, chosen: tuple[str, Place] | None) -> str:
    """Return what differences are taken from: the stated arm, the one validation prefers, or the first.

    "" where there is nothing to compare.
    """
    if compares_places(study) and study.axes:
        return chosen[0] if chosen else ""
    if len(study.arms) < 2:
        return ""
    if study.reference is None and not study.axes and chosen is not None:
        return chosen[0]
    return study.reference_arm


def choose_on_validation(
    study: Study, rows: Sequence[StudyRow], figure: Quantity
) -> tuple[str, Place] | None:
    """Return the arm and place with the best mean on validation over all of the study's seeds."""
    values: dict[tuple[str, Place], list[float]] = {}
    for row in rows:
        value = figure.of(row, "validation") if row.is_finished else None
        if value is not None:
            values.setdefault(_name(study, row), []).append(value)
    most = max(map(len, values.values()), default=0)
    means = {name: fmean(found) for name, found in values.items() if len(found) == most}
    if not means:
        return None
    return max(means, key=lambda name: means[name] if figure.metric.is_higher_better else -means[name])


def name_grid_place(row: StudyRow) -> str:
    """Return what a place is called where places are compared like arms: "rate 0.01, batch 32"."""
    return ", ".join(f"{axis} {value}" for axis, value in row.at.items())


def _name(study: Study, row: StudyRow) -> tuple[str, Place]:
    if compares_places(study) and study.axes:
        return name_grid_place(row), ()
    return row.arm, tuple(row.at[axis] for axis in study.axes)


def _read_run(
    study: Study,
    row: StudyRow,
    figure: Quantity,
    pool: Path | None,
    answers: Mapping[str, tuple[Tensor | None, str]],
) -> ArmRun | None:
    value = figure.of(row) if row.is_finished else None
    if value is None:
        return None
    arm, place = _name(study, row)
    right, images = None, ""
    if pool is not None and figure.counts_right_answers:
        right, images = answers[row.key] if row.key in answers else _read_answers(row, figure, pool)
    return ArmRun(arm, place, row.seed, value, right, images)


def _read_answers(row: StudyRow, figure: Quantity, pool: Path) -> tuple[Tensor | None, str]:
    """Return which images of the compared split a run names rightly, and the digest of these images."""
    folder = next(iter(pool.glob(f"*-{row.key}")), None)
    if folder is None:
        return None, ""
    try:
        predictions = RunFolder(folder).read_predictions().get(figure.split)
        digest = str(RunFolder(folder).read_environment()["data_digests"][figure.split])
    except (RunError, KeyError):
        return None, ""
    return (predictions.is_right, digest) if predictions is not None else (None, "")


def _measure_axes(study: Study, rows: Sequence[StudyRow], figure: Quantity) -> Iterator[AxisEffect]:
    """Yield what each numeric axis does; its values are compared like arms, at places of all else."""
    for name, axis in study.axes.items():
        if axis.numbers is None or len(axis.names) < 2:
            continue
        runs = []
        for row in rows:
            value = figure.of(row) if row.is_finished else None
            if value is not None:
                held = (row.arm, *(row.at[one] for one in study.axes if one != name))
                runs.append(ArmRun(row.at[name], held, row.seed, value))
        first, last = axis.names[0], axis.names[-1]
        difference = compare_overall(runs, last, first, study.confidence)
        if difference is not None:
            yield AxisEffect(name, first, last, difference)


def _fit_laws(study: Study, rows: Sequence[StudyRow], figure: Quantity) -> Iterator[Law]:
    """Yield the law of each arm and place that has four sizes or more, each with all seeds."""
    axis = find_numeric_axis(study)
    if axis is None or (figure.metric.is_higher_better and figure.error_ceiling is None):
        return
    errors: dict[tuple[str, Place], dict[int, dict[int, float]]] = {}
    for row in rows:
        value = figure.of(row)
        if row.is_finished and value is not None and row.num_train is not None:
            place = tuple(name for other, name in row.at.items() if other != axis)
            of_place = errors.setdefault((row.arm, place), {})
            of_place.setdefault(row.seed, {})[row.num_train] = figure.to_error(value)
    for (arm, place), by_seed in errors.items():
        sizes = sorted({size for of_seed in by_seed.values() for size in of_seed})
        if len(sizes) < 4:
            continue
        table = [[of_seed.get(size, float("nan")) for size in sizes] for of_seed in by_seed.values()]
        along = np.geomspace(sizes[0], sizes[-1], _CURVE_POINTS).tolist()[:-1]
        beyond = [sizes[-1] * 2 ** (step / _POINTS_BEYOND) for step in range(_POINTS_BEYOND + 1)]
        curve = predict_errors(sizes, table, [*along, *beyond], confidence=study.confidence)
        measured = tuple(
            tuple(of_seed[size] for of_seed in by_seed.values() if size in of_seed) for size in sizes
        )
        yield Law(arm, place, tuple(sizes), measured, fit_power_law(sizes, table), tuple(curve))
