"""A study's table as plain numbers: a column for each end and unit, for other programs."""

import math
from collections.abc import Iterator

from loupe.statistics import Interval
from loupe.statistics.arms import Cell
from loupe.statistics.conclusions import Difference
from loupe.studies.analysis import StudyAnalysis

COLUMNS = (
    "seeds",
    "unit",
    "validation",
    "mean",
    "std",
    "interval_low",
    "interval_high",
    "seeds_interval_low",
    "seeds_interval_high",
    "difference",
    "difference_unit",
    "difference_low",
    "difference_high",
    "difference_seeds",
    "p",
    "conclusion",
    "seeds_needed",
)


def list_numbers(analysis: StudyAnalysis) -> Iterator[dict[str, str]]:
    """Yield a row for each arm and place, by column; what there is not is empty.

    Shares are percentages, their differences points; differences of errors are factors. `difference_seeds`
    are those that an arm and the reference both have; 0 where it is unpaired, of all seeds of either;
    `seeds_needed` is inf where no number of seeds would tell.
    """
    for cell in analysis.cells:
        yield {
            "arm": cell.arm,
            **dict.fromkeys(analysis.study.axes, ""),
            **dict(zip(analysis.study.axes, cell.place, strict=False)),
            **_list_figures(analysis, cell),
            **_list_difference(analysis, cell.difference),
        }


def _list_figures(analysis: StudyAnalysis, cell: Cell) -> dict[str, str]:
    metric, summary = analysis.figure.metric, cell.summary
    ends = summary.interval or Interval(math.nan, math.nan)
    of_seeds = summary.seeds_interval or Interval(math.nan, math.nan)
    figures = {
        "validation": analysis.validation_mean(cell),
        "mean": summary.mean,
        "std": math.nan if summary.std is None else summary.std,
        "interval_low": ends.low,
        "interval_high": ends.high,
        "seeds_interval_low": of_seeds.low,
        "seeds_interval_high": of_seeds.high,
    }
    return {
        "seeds": str(summary.num_seeds),
        "unit": "%" if metric.is_percent else metric.unit,
        **{name: _write(metric.scale * value) for name, value in figures.items()},
    }


def _list_difference(analysis: StudyAnalysis, difference: Difference | None) -> dict[str, str]:
    names = ("difference", "difference_low", "difference_high")
    others = ("difference_unit", "difference_seeds", "p", "conclusion", "seeds_needed")
    if difference is None:
        return dict.fromkeys((*names, *others), "")
    metric, ends = analysis.figure.metric, difference.interval or Interval(math.nan, math.nan)
    values = [difference.mean, ends.low, ends.high]
    if analysis.is_ratio:
        values = [math.exp(min(value, 700.0)) for value in values]
    needed = difference.num_seeds_needed
    return {
        **{name: _write(metric.scale * value) for name, value in zip(names, values, strict=True)},
        "difference_unit": "times" if analysis.is_ratio else metric.difference_unit,
        "difference_seeds": str(difference.num_seeds if difference.shares_seeds else 0),
        "p": "" if difference.p_value is None else f"{difference.p_value:.6g}",
        "conclusion": difference.conclusion,
        "seeds_needed": "" if needed is None else str(needed or "inf"),
    }


def _write(value: float) -> str:
    return f"{value:.9g}" if math.isfinite(value) else ""
