"""What a metric says of a run: as its result has it, or computed from its stored answers."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from loupe.errors import RunError, UnknownNameError
from loupe.metrics import Metric, MetricValue, choose_metric, describe_metric, headline_of
from loupe.metrics.registry import compute_values
from loupe.metrics.reported import LOSS
from loupe.models import ObjectiveName
from loupe.runs.record import RunRecord
from loupe.runs.result import Outcome, RunResult, Score
from loupe.training import EpochRecord

Split = Literal["validation", "test"]


def find_in_score(score: Score, name: str) -> MetricValue | None:
    """Return what a metric says, if the score holds it: accuracy, loss, or one that the recipe names."""
    if name == LOSS:
        return score.reported_loss
    if name == score.headline.metric.name:
        return score.headline
    return score.metrics.get(name)


def find_value(folder: RunRecord, result: RunResult, split: Split, name: str) -> MetricValue | None:
    """Return what a metric says of a run's best weights on a split.

    A metric that the recipe does not name is computed from the stored answers: it needs no training.

    Args:
        folder: of the run.
        result: of the run.
        split: validation or test.
        name: as `describe_metric` takes it.

    Returns:
        None where the split was not looked at, the metric is for another objective, or the answers that it
        asks for are not stored.

    Raises:
        LoupeError: there is no such metric, neither registered nor in the result.
    """
    score = choose_score(result.best, split)
    if score is None:
        return None
    found = find_in_score(score, name)
    if found is not None:
        return found
    chosen = choose_metric(name)
    if chosen.metric.objective != result.objective:
        return None
    from loupe.runs.folder import RunFolder  # here: what a result holds is found without torch

    is_classifier, run = result.objective == "classification", RunFolder(folder.path)
    try:
        answers = (run.read_predictions() if is_classifier else run.read_reconstructions()).get(split)
    except RunError:
        return None
    if answers is None:
        return None
    return compute_values([chosen], answers, result.confidence).get(chosen.metric.name)


def choose_score(outcome: Outcome | None, split: Split) -> Score | None:
    """Return the score of a split; None where it was not looked at."""
    if outcome is None:
        return None
    return outcome.test if split == "test" else outcome.validation


def find_metric(
    name: str,
    folders: Iterable[RunRecord],
    objective: ObjectiveName | None = None,
    *,
    prefers_record: bool = False,
) -> Metric:
    """Return what is known of a metric: as it is registered, or as a run's result has it.

    So what a plugin registered is shown rightly where the plugin is not loaded.

    Args:
        name: of the metric.
        folders: runs that may have it on record.
        objective: of the networks.
        prefers_record: ask the first result before the registry, which loads torch: for whoever only shows
            values, and does not choose by them.

    Raises:
        LoupeError: it is neither registered nor in a result.
    """
    kept = _list_kept(name, folders)
    first = next(kept, None) if prefers_record else None
    if first is not None and objective in (None, first.objective):
        return first
    try:
        return describe_metric(name, objective)
    except UnknownNameError:
        found = next((one for one in (first, *kept) if one is not None), None)
        if found is None:
            raise
        return found


def _list_kept(name: str, folders: Iterable[RunRecord]) -> Iterator[Metric | None]:
    """Yield what each result has on record of a metric, None where it has none."""
    for folder in folders:
        try:
            result = folder.read_result() if folder.result_file.is_file() else None
        except RunError:  # whoever shows the run says that it is damaged
            continue
        if result is not None and result.best is not None:
            value = result.best.validation.metrics.get(name)
            yield value.metric if value is not None else None


def list_history_metrics(folders: Sequence[RunRecord]) -> list[Metric]:
    """Return the metrics in the histories of runs: accuracy of classifiers, the loss, and the further ones.

    Of runs that still train too. One whose plugin is not loaded, in runs without a result, is left out.
    """
    histories = [history for folder in folders if (history := folder.read_history())]
    headline = headline_of_history(histories[0] if histories else ())
    metrics = {one.name: one for one in (headline, describe_metric(LOSS, headline.objective))}
    for name in dict.fromkeys(name for one in histories for name in one[0].validation_metrics):
        try:
            metrics[name] = find_metric(name, folders, headline.objective)
        except UnknownNameError:
            continue
    return list(metrics.values())


def headline_of_history(history: Sequence[EpochRecord]) -> Metric:
    """Return the metric that stands for a network, by what its epochs were measured by."""
    is_classifier = not history or history[0].validation_accuracy is not None
    return headline_of("classification" if is_classifier else "reconstruction")
