"""Power laws through the errors of a study's arms over its numeric axis."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from loupe.statistics import PowerLaw, PredictedError, find_lack_of_fit, fit_power_law, predict_errors
from loupe.statistics.arm_runs import Place
from loupe.statistics.comparison import adjust_for_many
from loupe.studies import Study
from loupe.studies.quantity import Quantity
from loupe.studies.rows import StudyRow

_CURVE_POINTS, _POINTS_BEYOND = 40, 8  # along a fitted law: over the sizes trained with, and beyond


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
        lack_of_fit: p value, adjusted for all laws of the study (Holm); None where the runs do not show it.
        holds: whether the errors lie on the curve as far as these runs tell.
    """

    arm: str
    place: Place
    sizes: tuple[int, ...]
    errors: tuple[tuple[float, ...], ...]
    law: PowerLaw
    curve: tuple[PredictedError, ...]
    lack_of_fit: float | None
    holds: bool

    @property
    def twice(self) -> PredictedError:
        """The predicted error at twice the largest size."""
        return self.curve[-1]


def fit_laws(study: Study, rows: Sequence[StudyRow], figure: Quantity, axis: str) -> list[Law]:
    """Return the law of each arm and place that has four sizes or more, each with all seeds."""
    laws = list(_fit_each(study, rows, figure, axis))
    found = [law.lack_of_fit for law in laws if law.lack_of_fit is not None]
    adjusted = iter(adjust_for_many(found))
    judged = [None if law.lack_of_fit is None else next(adjusted) for law in laws]
    return [
        replace(law, lack_of_fit=p_value, holds=p_value is None or p_value >= 1 - study.confidence)
        for law, p_value in zip(laws, judged, strict=True)
    ]


def _fit_each(study: Study, rows: Sequence[StudyRow], figure: Quantity, axis: str) -> Iterator[Law]:
    if figure.metric.is_higher_better and figure.error_ceiling is None:
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
        law, misfit = fit_power_law(sizes, table), find_lack_of_fit(sizes, table)
        yield Law(arm, place, tuple(sizes), measured, law, tuple(curve), misfit, holds=True)
