"""From the rows of a study to means, intervals and differences."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from torch import Tensor

from loupe.errors import RunError
from loupe.statistics.arm_runs import ArmRun, Place
from loupe.statistics.arms import Cell, compare_arms, compare_ends
from loupe.statistics.conclusions import Difference
from loupe.statistics.many_arms import Family, RawDifference, judge_family
from loupe.studies import Study
from loupe.studies.copies import Copies, add_copies, find_copies, name_originals
from loupe.studies.folds import Answers, join_folds
from loupe.studies.laws import Law, fit_laws
from loupe.studies.plan import PlannedRun
from loupe.studies.quantity import Quantity, choose_figure
from loupe.studies.rows import StudyRow, find_run
from loupe.wording import is_tied


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
    difference: Difference


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
        best: the arm and place with the best mean on validation; several where they tie, in their order;
            none where nothing else has a finished run.
        overall: difference of each arm from the reference, on average over all places.
        effects: of the numeric axes.
        laws: fitted power laws, if the study asks for them.
        is_ratio: whether differences are logarithms of multiples: of errors and losses.
        family: how the comparisons of arms were judged together.
        copies: arms that are one and the same; each group counts once.
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
    best: tuple[Cell, ...]
    overall: Mapping[str, Difference]
    effects: tuple[AxisEffect, ...]
    laws: tuple[Law, ...]
    is_ratio: bool
    family: Family
    copies: tuple[Copies, ...]
    whole: Study
    fold_rows: tuple[StudyRow, ...] = ()

    @property
    def chosen(self) -> Cell | None:
        """The arm and place that validation chooses; of several that tie the first."""
        return self.best[0] if self.best else None

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

    def find_cell(self, arm: str, place: Place) -> Cell | None:
        return next((cell for cell in self.cells if (cell.arm, cell.place) == (arm, place)), None)

    def validation_mean(self, cell: Cell) -> float:
        """Return the mean validation figure of a cell."""
        name = (cell.arm, cell.place)
        of_cell = [row for row in self.rows if row.is_finished and name_row(self.study, row) == name]
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
    best = list_best_on_validation(study, arms, figure)
    chosen = best[0] if best else None
    reference, is_ratio = find_reference(study, chosen), compares_ratios(runs, figure)
    copies = find_copies([(name_row(study, row), row) for row in arms], reference)
    originals = name_originals(copies)
    different = [run for run in runs if run.arm not in originals]
    axes = _measure_axes(study, [row for row in arms if row.arm not in originals], figure, is_ratio=is_ratio)
    num_arms = len({run.arm for run in different})
    others = num_arms - 1 if reference in {run.arm for run in different} else 0
    family = Family(
        study.confidence,
        figure.margin if study.margin is None else study.margin,
        len(axes),
        "all pairs" if is_reference_chosen(study, chosen) else "one reference",
        num_arms,
        math.inf if is_ratio else figure.metric.widest_gap,
    )
    compared = compare_arms(different, reference, family, is_ratio=is_ratio, **figure.metric.bounds)

    def measure_alone(arm: str) -> Sequence[Cell]:
        own = [run for run in runs if run.arm == arm]
        return compare_arms(own, arm, family, is_ratio=is_ratio, **figure.metric.bounds).cells if own else ()

    compared = add_copies(compared, runs, reference, copies, measure_alone)
    effects = []
    for name, raw in axes.items():
        (difference,) = judge_family([raw], replace(family, num_others=others + len(axes) - 1, kind="any"))
        effects.append(AxisEffect(name, study.axes[name].names[0], study.axes[name].names[-1], difference))
    axis = find_numeric_axis(study)
    return StudyAnalysis(
        study=study,
        figure=figure,
        rows=arms,
        stage_rows=tuple(row for row in rows if row.stage),
        runs=tuple(runs),
        cells=tuple(compared.cells),
        reference=reference,
        best=_find_cells(compared.cells, [one for one in best if one == chosen or one[0] not in originals]),
        overall=compared.overall,
        effects=tuple(effects),
        laws=tuple(fit_laws(study, arms, figure, axis)) if study.fit and axis else (),
        is_ratio=is_ratio,
        family=family,
        copies=tuple(copies),
        whole=whole,
        fold_rows=carried_out if whole.folds is not None else (),
    )


def _find_cells(cells: Sequence[Cell], names: Sequence[tuple[str, Place]]) -> tuple[Cell, ...]:
    """Return the cells that are best, in the order of their names; of one cell alone nothing is best."""
    if len(cells) < 2:
        return ()
    return tuple(cell for name in names for cell in cells if (cell.arm, cell.place) == name)


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


def is_reference_chosen(study: Study, chosen: tuple[str, Place] | None) -> bool:
    """Return whether figures chose the reference: then any two arms might have been what is compared."""
    if compares_places(study) and study.axes:
        return True
    return study.reference is None and not study.axes and chosen is not None


def list_best_on_validation(
    study: Study, rows: Sequence[StudyRow], figure: Quantity
) -> list[tuple[str, Place]]:
    """Return the arm and place with the best mean on validation over all of the study's seeds.

    Several where they tie, in the order of the rows; none where no run has finished.
    """
    values: dict[tuple[str, Place], list[float]] = {}
    for row in rows:
        value = figure.of(row, "validation") if row.is_finished else None
        if value is not None:
            values.setdefault(name_row(study, row), []).append(value)
    most = max(map(len, values.values()), default=0)
    means = {name: fmean(found) for name, found in values.items() if len(found) == most}
    if not means:
        return []
    best = figure.metric.choose_best(means.values())
    return [name for name, mean in means.items() if is_tied(mean, best)]


def name_grid_place(row: StudyRow | PlannedRun) -> str:
    """Return what a place is called where places are compared like arms: "rate 0.01, batch 32"."""
    return ", ".join(f"{axis} {value}" for axis, value in row.at.items())


def name_row(study: Study, row: StudyRow | PlannedRun) -> tuple[str, Place]:
    """Return the arm and place of a row or planned run, as its cell has them."""
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
    arm, place = name_row(study, row)
    right, images, over_images = None, "", None
    if pool is not None and figure.counts_right_answers:
        right, images = answers[row.key] if row.key in answers else _read_answers(row, figure, pool)
    if figure.counts_right_answers and figure.split == "test":
        over_images = row.judge_images(study.confidence)
    return ArmRun(arm, place, row.seed, value, right, images, over_images)


def _read_answers(row: StudyRow, figure: Quantity, pool: Path) -> tuple[Tensor | None, str]:
    """Return which images of the compared split a run names rightly, and the digest of these images."""
    run = find_run(pool, row)
    if run is None:
        return None, ""
    try:
        predictions = run.read_predictions().get(figure.split)
        digest = str(run.read_environment()["data_digests"][figure.split])
    except (RunError, KeyError):
        return None, ""
    return (predictions.is_right, digest) if predictions is not None else (None, "")


def _measure_axes(
    study: Study, rows: Sequence[StudyRow], figure: Quantity, *, is_ratio: bool
) -> dict[str, RawDifference]:
    """Return what each numeric axis does; its values are compared like arms, at places of all else."""
    found = {}
    for name, axis in study.axes.items():
        if axis.numbers is None or len(axis.names) < 2:
            continue
        of_axis = []
        for row in rows:
            value = figure.of(row) if row.is_finished else None
            if value is not None and (value > 0 or not is_ratio):
                held = (row.arm, *(row.at[one] for one in study.axes if one != name))
                of_axis.append(ArmRun(row.at[name], held, row.seed, value))
        difference = compare_ends(of_axis, axis.names[0], axis.names[-1], is_ratio=is_ratio)
        if difference is not None:
            found[name] = difference
    return found


def compares_ratios(runs: Sequence[ArmRun], figure: Quantity) -> bool:
    """Return whether logarithms are compared: of errors and losses, unless one of them is 0."""
    return figure.is_relative and all(run.figure > 0 for run in runs)
