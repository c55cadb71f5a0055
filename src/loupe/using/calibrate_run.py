"""`loupe calibrate`: a run's probabilities set right by its validation images, and kept with it."""

import math
from dataclasses import dataclass
from os import PathLike
from typing import Literal

from loupe.errors import LoupeError, RunError
from loupe.evaluations.scaling import (
    METHODS,
    Scaling,
    ScalingMethod,
    choose_scaling,
    fit_scaling,
    limit_answers,
)
from loupe.metrics import Predictions
from loupe.runs import RunFolder, find_single_run
from loupe.runs.scaling import keep_scaling, read_scaling
from loupe.statistics.selective import (
    Threshold,
    find_cheapest_threshold,
    find_threshold,
    rank_by_confidence,
)

Wanted = Literal["best", "temperature", "vector", "isotonic", "none"]


@dataclass(frozen=True, eq=False)
class Calibrated:
    """What was kept with a run.

    Args:
        run: the run's folder.
        scaling: what predict, page and export apply from now on.
        losses: mean negative log likelihood in nats of each method, on images it was not fitted to.
        num_images: validation images.
        num_changed: of these, how many are called another class than before.
        passed_over: the method with the least loss, where there are too few images to choose it; None if it
            was chosen, or not looked for.
        num_fitted: of the validation images, how many the scaling was fitted to: of millions of probabilities
            a part.
    """

    run: RunFolder
    scaling: Scaling
    losses: dict[ScalingMethod, float]
    num_images: int
    num_changed: int = 0
    passed_over: ScalingMethod | None = None
    num_fitted: int = 0


def calibrate_run(place: str | PathLike[str], method: Wanted = "best") -> Calibrated:
    """Fit a scaling to a run's validation answers, and keep it with the run.

    The run's test images are not looked at, nor its answers for them.

    Args:
        place: a run's folder or name.
        method: "best" has the least loss in five-fold cross-validation, of those that the validation images
            are enough for; "none" takes a scaling away.

    Raises:
        LoupeError: no such run, no answers yet, or a network that names no class.
    """
    run = RunFolder(find_single_run(place))
    answers = read_validation_answers(run)
    best, losses = choose_scaling(answers, run.read_recipe().split_seed)
    scaling = best if method == "best" else fit_scaling(answers, method)
    keep_scaling(run, scaling)
    run.log(f"probabilities from now on: {scaling.describe()}")
    least: ScalingMethod = min(METHODS, key=losses.__getitem__)
    return Calibrated(
        run,
        scaling,
        {one: losses[one] for one in METHODS},
        len(answers.labels),
        int((scaling.apply_to(answers).predicted != answers.predicted).sum()),
        least if method == "best" and least != best.method else None,
        len(limit_answers(answers).labels),
    )


def read_validation_answers(run: RunFolder) -> Predictions:
    """Return what a run's network said of its validation images.

    Raises:
        RunError: it has no stored answers, or names no class.
    """
    result = run.read_result()
    if result is None or result.best is None or result.objective != "classification":
        raise RunError(
            f"Run {run.path.name} has no answers on validation images to go by.",
            got="no result yet" if result is None else f"an objective of {result.objective}",
            allowed="a run that has ended and whose network says classes",
            next_step=run.advise() if result is None else "`loupe list` shows the runs",
        )
    return run.read_predictions()["validation"]


def choose_threshold(
    run: RunFolder, *, accuracy: float | None = None, mistake_cost: float | None = None
) -> Threshold:
    """Return the least probability an answer needs, chosen on a run's validation answers.

    They are scaled as `predict` scales its own.

    Args:
        run: the run's folder.
        accuracy: wished among the answers given, in (0, 1).
        mistake_cost: what a mistake costs, in answers not given, > 0; one of both.

    Raises:
        LoupeError: a number out of range, or an accuracy that no threshold reaches.
    """
    answers = read_validation_answers(run)
    scaling = read_scaling(run, answers.num_classes)
    scaled = scaling.apply_to(answers) if scaling is not None else answers
    ranked = rank_by_confidence(scaled.confidence, scaled.is_right)
    if mistake_cost is not None:
        if not 0 < mistake_cost < math.inf:
            raise LoupeError(
                "The cost of a mistake is out of range.",
                got=f"{mistake_cost:g}",
                allowed="a finite number above 0: how many unsure answers are as bad as one mistake",
                next_step="write 10 where a mistake is ten times as bad as no answer",
            )
        return find_cheapest_threshold(ranked, mistake_cost)
    if accuracy is None or not 0 < accuracy < 1:
        raise LoupeError(
            "The wished accuracy is out of range.",
            got=f"{accuracy}",
            allowed="a share, above 0 and below 1",
            next_step="write 99 % as 0.99",
        )
    found = find_threshold(ranked, accuracy)
    if found is None:
        reached = float(ranked.accuracy.max())
        raise LoupeError(
            "No threshold reaches this accuracy on the run's validation images.",
            got=f"{accuracy:g}",
            allowed=f"up to {reached:.4g}, which the surest answers have",
            next_step="ask for less; `loupe evaluate RUN --looks decisions` shows what each threshold gives",
        )
    return found
