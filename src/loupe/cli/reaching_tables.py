"""Times to an accuracy as text."""

from loupe.benchmarking.reaching import SUMMARISED, Reached, ReachingReport
from loupe.statistics.intervals import SeedSummary
from loupe.wording import count_of


def describe_reached(run: Reached) -> str:
    """Return one line about a run."""
    accuracy = "" if run.validation_accuracy is None else f", validation {_percent(run.validation_accuracy)}"
    what = "reached" if run.is_reached else "not reached"
    line = (
        f"seed {run.seed}: {what} after {count_of(run.epochs, 'epoch')}{accuracy}; "
        f"{run.training_seconds:.2f} s training, {run.seconds:.2f} s with everything"
    )
    if run.test_accuracy is not None:
        line += f"; test {_percent(run.test_accuracy)}"
    if run.test_accuracy_tta is not None:
        line += f", with test-time augmentation {_percent(run.test_accuracy_tta)}"
    return line if run.reason is None else f"{line}; {run.reason}"


def describe_reaching(report: ReachingReport) -> list[str]:
    """Return what all runs together say, line by line."""
    count, whole = report.num_reached, len(report.runs)
    lines = [
        f"{report.recipe}: {count} of {whole} runs reached {_percent(report.accuracy)} on validation"
        + ("" if count else "; there is no time to report")
    ]
    for name in SUMMARISED:
        if name in report.summaries:
            lines.append(f"{name}: {_describe(report.summaries[name], name, report.confidence)}")
    if 0 < count < whole:
        lines.append("Means are over the runs that reached it: those that did not would have taken longer.")
    return lines


def _describe(summary: SeedSummary, name: str, confidence: float) -> str:
    def write(value: float) -> str:
        metric = SUMMARISED[name]
        if metric.is_percent:
            return metric.write(value)
        return f"{value:.2f} {metric.unit}" if metric.unit else f"{value:.1f}"

    if summary.std is None or summary.interval is None:
        return f"{write(summary.mean)} (one run)"
    low, high = write(summary.interval.low), write(summary.interval.high)
    return (
        f"mean {write(summary.mean)}, std {write(summary.std)}, {100 * confidence:g} % interval of the mean "
        f"{low} to {high}, {summary.num_seeds} runs"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
