"""Figures of a run held against what they were computed from."""

import math
from collections.abc import Iterator

from torch import Tensor

from loupe.errors import LoupeError
from loupe.metrics import Predictions, compute_metrics
from loupe.metrics.registry import choose_metric
from loupe.runs import Outcome, RunFolder, RunResult
from loupe.runs.result import Score


def find_wrong_figures(run: RunFolder, result: RunResult) -> Iterator[str]:
    """Yield in words each figure of a result that its stored predictions, or its history, do not give.

    Raises:
        RunError: they cannot be read.
    """
    if result.best is not None:
        yield from _compare_scores(run, result, result.best)
        yield from _compare_history(run, result.best)


def _compare_scores(run: RunFolder, result: RunResult, best: Outcome) -> Iterator[str]:
    scores = {"validation": best.validation, "test": best.test}
    present = {split: score for split, score in scores.items() if score is not None}
    if result.objective == "reconstruction":
        made = run.read_reconstructions()
        for split in present.keys() & made.keys():
            yield from _compare_errors(split, present[split], made[split].errors)
        return
    predictions = run.read_predictions()
    for split, score in present.items():
        if split in predictions:
            yield from _compare_metrics(split, score, predictions[split], result.confidence)
        else:
            yield f"no {split} predictions are stored"


def _compare_errors(split: str, score: Score, errors: Tensor) -> Iterator[str]:
    loss = float(errors.double().mean())
    if not math.isclose(score.loss, loss, rel_tol=1e-5) or score.num_images != len(errors):
        yield f"{split} error is {score.loss:.6g} in the result, {loss:.6g} by the stored errors"


def _compare_metrics(split: str, score: Score, answers: Predictions, level: float) -> Iterator[str]:
    chosen = [choose_metric(name) for name in score.metrics if _is_known(name)]
    names = tuple(getattr(score, "class_names", ()))
    now = compute_metrics(answers, names, level, chosen).to_dict()
    for name, value in score.to_dict().items():
        if name != "metrics" and not _is_equal(value, now[name]):
            yield f"{split} {name} is {_cut(value)} in the result, {_cut(now[name])} by the predictions"
    for name, one in score.metrics.items():
        if name in now["metrics"] and not _is_equal(one.value, now["metrics"][name]["value"]):
            yield f"{split} {name} is {one.value} in the result, {now['metrics'][name]['value']} now"


def _is_known(name: str) -> bool:
    try:
        choose_metric(name)
    except LoupeError:
        return False
    return True


def _cut(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _is_equal(one: object, other: object) -> bool:
    """Return whether two values are equal, numbers up to rounding."""
    if isinstance(one, float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9) or (math.isnan(one) and math.isnan(other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_equal(one[name], other[name]) for name in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_is_equal, one, other))
    return one == other


def _compare_history(run: RunFolder, best: Outcome) -> Iterator[str]:
    """Hold the best epoch's figures against its row of the history."""
    rows = {row.epoch: row for row in run.read_history()}
    row = rows.get(best.epoch)
    if row is None:
        yield f"the history has no epoch {best.epoch}, the best by the result"
        return
    validation = best.validation
    accuracy = getattr(validation, "accuracy", None)
    pairs = ((row.validation_loss, validation.loss, 1e-3), (row.validation_accuracy, accuracy, 5e-3))
    for there, here, tolerance in pairs:
        if there is None or here is None or math.isnan(there) or math.isnan(here):
            continue
        if not math.isclose(there, here, rel_tol=tolerance, abs_tol=tolerance):
            yield f"validation at epoch {row.epoch} is {there:.6g} in the history, {here:.6g} in the result"
