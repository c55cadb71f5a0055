"""What compared runs achieve against what they cost."""

from collections.abc import Sequence
from statistics import fmean

from loupe.metrics import Metric
from loupe.reports.compared_run import ComparedRun
from loupe.reports.cost_front import Costed, CostFront, draw_front
from loupe.statistics import summarise_seeds


def draw_run_costs(runs: Sequence[ComparedRun]) -> CostFront | None:
    """Return the first metric on validation against cost, a point a run; None where all cost the same."""
    metric = runs[0].metrics[0]
    networks = [one for run in runs if (one := _measure(run, metric)) is not None]
    return draw_front(networks, metric, "validation")


def _measure(run: ComparedRun, metric: Metric) -> Costed | None:
    """Return a run, or a series as the mean over its seeds; None without a value."""
    values = [one for one in run.values("validation", metric) if one.value is not None]
    numbers = [one.value for one in values if one.value is not None]
    if not numbers:
        return None
    score, interval = numbers[0], values[0].interval
    if run.is_series:
        over_images = [one.interval for one in values]
        level = run.recipe.evaluate.confidence
        summary = summarise_seeds(numbers, level, over_images=over_images, **metric.bounds)
        score, interval = summary.mean, summary.interval
    first = run.results[0]
    return Costed(
        run.name,
        score,
        interval,
        {
            "parameters": first.parameters,
            "multiply_adds": first.multiply_adds,
            "seconds": fmean(one.seconds for one in run.results),
        },
    )
