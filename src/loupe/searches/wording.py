"""Scores of a search as text, and what was found in a sentence or two."""

from collections import Counter
from collections.abc import Sequence

from loupe.metrics import Metric
from loupe.searches import Parameter, Search
from loupe.searches.outcome import SearchOutcome
from loupe.searches.schema import name_choice
from loupe.statistics.intervals import Interval, SeedSummary
from loupe.wording import count_of, format_duration, is_tied, list_names


def write_score(metric: Metric, score: float | None) -> str:
    """Return a score with its unit: "98.25 %" or "0.0712"."""
    return metric.write(score)


def write_difference(metric: Metric, difference: float) -> str:
    """Return a difference of scores with its sign: "+0.42 points"."""
    unit = f" {metric.difference_unit}" if metric.is_percent else ""
    return f"{metric.write_difference(difference)}{unit}"


def write_range(metric: Metric, interval: Interval | None, *, is_signed: bool = False) -> str:
    """Return an interval of scores, or of differences of scores."""
    if interval is None:
        return ""
    if not is_signed:
        return metric.write_interval(interval)
    return f"{metric.write_difference(interval.low)} to {metric.write_difference(interval.high)}"


def write_summary(metric: Metric, summary: SeedSummary | None) -> str:
    """Return a mean over seeds with its interval: "98.02 % (97.60 to 98.44 %)"."""
    if summary is None:
        return ""
    reach = f" ({write_range(metric, summary.interval)})" if summary.interval is not None else ""
    return f"{write_score(metric, summary.mean)}{reach}"


def write_setting(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def write_settings(search: Search, settings: dict[str, object]) -> str:
    """Return settings in one line: "optimizer adam, learning_rate 0.00312"."""
    return ", ".join(
        f"{search.label_of(field)} {write_setting(settings[field])}"
        for field in search.space
        if field in settings
    )


def describe_space(search: Search) -> list[tuple[str, str, str]]:
    """Return what is searched: (field of the recipe, its values, only where)."""
    return [(field, *_describe_parameter(search, one)) for field, one in search.space.items()]


def _describe_parameter(search: Search, one: Parameter) -> tuple[str, str]:
    if one.kind == "choice":
        values = "; ".join(one.names)
    else:
        values = f"{one.low:g} to {one.high:g}" + (f" in steps of {one.step:g}" if one.step else "")
        values += ", by magnitude" if one.log else ""
    conditions = [
        f"{search.label_of(other)} is {' or '.join(map(name_choice, wanted))}"
        for other, wanted in one.when.items()
    ]
    return values, " and ".join(conditions)


def answer_search(outcome: SearchOutcome) -> str:
    """Return what the search found, in two or three sentences."""
    search, winner = outcome.search, outcome.winner
    counts = [f"{outcome.count('finished')} finished", f"{outcome.count('pruned')} given up early"]
    counts += [f"{outcome.count('failed')} failed"] if outcome.count("failed") else []
    tried = count_of(len(outcome.trials), "trial")
    tried += f" ({', '.join(counts)}) in {format_duration(outcome.seconds)}."
    tried += _describe_failures(outcome)
    if winner is None or winner.fresh is None:
        return f"{tried} There is no winner yet: no trial has been run again with fresh seeds."
    seeds = count_of(winner.fresh.num_seeds, "fresh seed")
    metric = outcome.metric
    lines = [
        tried,
        f"The best settings are those of trial {winner.trial.number}: "
        f"{write_settings(search, dict(winner.trial.settings))}{_name_tied(outcome)}.",
        f"Mean validation {metric.heading} over {seeds}: {write_summary(metric, winner.fresh)}.",
    ]
    if winner.test is not None:
        lines.append(f"On test: {write_summary(outcome.metric, winner.test)}.")
    return " ".join(lines)


def _name_tied(outcome: SearchOutcome) -> str:
    """Return which candidates are as good as the winner with fresh seeds; "" if none is."""
    names = [f"trial {one.trial.number}" for one in outcome.tied]
    return f" (as good: {list_names(names)})" if names else ""


def _describe_failures(outcome: SearchOutcome) -> str:
    """Return why trials failed, the commonest reason first; "" if none did."""
    reasons = Counter(row.reason for row in outcome.trials if row.status == "failed")
    if not reasons:
        return ""
    (first, number), rest = reasons.most_common(1)[0], len(reasons) - 1
    which = "Why they failed" if not rest else f"Why {number} of them failed"
    return f" {which}: {first.rstrip('.')}."


def describe_optimism(outcome: SearchOutcome) -> list[str]:
    """Return how far the search's best score was too good, and what luck alone would have brought."""
    search = outcome.search
    first = outcome.candidates[0] if outcome.candidates else None
    if first is None or first.optimism is None:
        return []
    one = first.optimism
    best = first.trial
    finished = [row for row in outcome.trials if row.status == "finished" and row.settings != best.settings]
    others = [
        f"trial {row.number}"
        for row in finished
        if best.score is not None and row.score is not None and is_tied(row.score, best.score)
    ]
    also = f" (as had {list_names(others)})" if others else ""
    level = f"{100 * search.confidence:g} % interval"
    reach = f" ({level} {write_range(outcome.metric, one.interval, is_signed=True)})" if one.interval else ""
    lines = [
        f"The best of {outcome.count('finished')} finished trials, trial {best.number}, had "
        f"{write_score(outcome.metric, best.score)}{also}; with fresh seeds its settings reach "
        f"{write_score(outcome.metric, abs(one.fresh_mean))} on average. "
        f"Optimism of the search: {write_difference(outcome.metric, one.difference)}{reach}."
    ]
    if outcome.luck is not None:
        luck = write_difference(outcome.metric, outcome.luck).lstrip("+")
        lines.append(
            f"Had all {outcome.count('finished')} been equally good, the best of them would have been about "
            f"{luck} better than their mean by luck alone, going by the spread between fresh seeds."
        )
    return lines


def list_budget(outcome: SearchOutcome) -> Sequence[tuple[str, str]]:
    """Return what the search cost: (figure, what it is)."""
    epochs = sum(row.epochs or 0 for row in outcome.trials)
    fresh = sum(len(one.runs) for one in outcome.candidates)
    return (
        (str(len(outcome.trials)), "trials started"),
        (str(outcome.count("finished")), "finished"),
        (str(outcome.count("pruned")), "given up early"),
        (str(outcome.count("failed")), "failed"),
        (f"{epochs:,}", "epochs in trials"),
        (str(fresh), "runs with fresh seeds"),
        (format_duration(outcome.seconds), "wall clock of the trials"),
        (format_duration(outcome.training_seconds), "training, all runs added up"),
        ("0", "looks at the test set by trials"),
        (str(outcome.num_test_openings), "looks by fresh runs, one each"),
    )
