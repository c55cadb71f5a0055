"""Whether the network is as often right as it is sure, and what would set its probabilities right."""

from functools import partial
from typing import Annotated

from pydantic import Field

from loupe.evaluations.finding import COUNT, POINTS, Cell, Chart, Column, Finding, Line, Table, Value
from loupe.evaluations.registry import register_evaluation
from loupe.evaluations.scaling import (
    METHODS,
    Scaling,
    ScalingMethod,
    fit_scaling,
    limit_answers,
    list_choosable,
    measure_loss,
    scale_out_of_fold,
)
from loupe.metrics import Predictions
from loupe.statistics import Interval, compute_wilson_interval
from loupe.statistics.calibration import (
    CalibrationBins,
    CalibrationError,
    bin_probabilities,
    compute_binned_error,
    compute_smooth_error,
    draw_resamples,
    judge_error,
    make_basic_interval,
    split_brier,
)
from loupe.statistics.score_intervals import compute_mean_interval
from loupe.wording import count_of

_FEWEST = 10  # answers of a point of the diagram
_MOST_WORK = 1_000_000  # images × classes × resamples of Brier's parts: a second or two


@register_evaluation("calibration", title="Calibration", chapter="Calibration", order=17, takes_seconds=True)
def measure_calibration(
    answers: Predictions,
    class_names: tuple[str, ...],
    level: float,
    seed: int,
    split: str,
    validation_answers: Predictions | None = None,
    num_bins: Annotated[int, Field(ge=2, le=100, description="Bins of the diagram, 2 to 100.")] = 15,
) -> Finding:
    """Whether probabilities can be trusted: reliability diagram, calibration errors, Brier's parts, scalings.

    Costs a second or two, and no forward pass.
    """
    confidence, is_right = answers.confidence, answers.is_right
    binned = _judge_binned(answers, level, seed, num_bins)
    some = limit_answers(answers)
    if validation_answers is not None:
        validation_answers = limit_answers(validation_answers)
    smooth = judge_error(compute_smooth_error, confidence, is_right, level, seed)
    values = [
        Value(f"expected calibration error ({num_bins} bins)", binned.value, "percent", binned.interval),
        Value("smooth calibration error", smooth.value, "percent", smooth.interval),
        *_measure_brier(answers, some, level, seed),
    ]
    scaled = _scale(some, validation_answers, split, seed)
    blocks: list[Chart | Table] = [
        _draw_diagram(answers, level, num_bins),
        _tabulate_scalings(some, scaled, level, seed, num_bins, split),
        _tabulate_classes(answers, class_names, level, num_bins),
    ]
    mean, share = float(confidence.mean()), float(is_right.double().mean())
    error, is_beyond = values[0], binned.p_value < 1 - level
    side = "too sure" if mean > share else "not sure enough"
    verdict = f"is {side}" if is_beyond else "is as sure as it is right, as far as these images tell"
    sentence = (
        f"The network {verdict}: it is {100 * mean:.1f} % sure on average and right in {100 * share:.1f} %; "
        f"expected calibration error {error.write()}, p = {binned.p_value:.2g} if it were calibrated."
    )
    # on validation what is judged is out of fold already
    chosen_by = {method: one for method, (_, one) in scaled.items()}
    if validation_answers is not None and split != "validation":
        chosen_by = {method: scale_out_of_fold(validation_answers, method, seed) for method in scaled}
    sentence += _say_what_helps(scaled, chosen_by, some, split)
    if len(some.labels) < len(answers.labels):
        sentence += (
            f" The parts of Brier's score and the scalings are of {len(some.labels):,} of the "
            f"{count_of(len(answers.labels), 'image')}, drawn at random: each has {answers.num_classes:,} "
            "probabilities."
        )
    return Finding(sentence, values, blocks)


def _judge_binned(answers: Predictions, level: float, seed: int, num_bins: int) -> CalibrationError:
    measure = partial(compute_binned_error, num_bins=num_bins)
    return judge_error(measure, answers.confidence, answers.is_right, level, seed)


def _measure_brier(answers: Predictions, some: Predictions, level: float, seed: int) -> list[Value]:
    """Return Brier's score of all answers, and its parts of some of them."""
    probabilities, labels = some.probabilities, some.labels
    total, num_classes = probabilities.shape
    errors = answers.squared_errors
    parts = split_brier(probabilities, labels)
    draws = max(20, min(200, _MOST_WORK // (total * num_classes)))
    drawn = [split_brier(probabilities[some], labels[some]) for some in draw_resamples(total, seed, draws)]

    def bound(name: str, high: float = 2.0) -> Interval:
        values = [float(getattr(one, name)) for one in drawn]
        return make_basic_interval(float(getattr(parts, name)), values, level, high=high)

    # classes as frequent as each other are the least certain; telling apart takes off no more than there is
    uncertainty = bound("uncertainty", 1 - 1 / num_classes)

    return [
        Value("Brier score", float(errors.mean()), "", compute_mean_interval(errors, level, low=0, high=2)),
        Value("miscalibration (adds to it)", parts.miscalibration, "", bound("miscalibration")),
        Value(
            "discrimination (is taken off)",
            parts.discrimination,
            "",
            bound("discrimination", uncertainty.high),
        ),
        Value("uncertainty of the classes", parts.uncertainty, "", uncertainty),
    ]


def _draw_diagram(answers: Predictions, level: float, num_bins: int) -> Chart:
    bins = bin_probabilities(answers.confidence, answers.is_right, num_bins)
    joined = _join_small(bins)
    counts = [count for count, _, _ in joined]
    x, share = (tuple(one[place] / one[0] for one in joined) for place in (1, 2))
    ends = [
        compute_wilson_interval(round(one * count), count, level)
        for one, count in zip(share, counts, strict=True)
    ]
    network = Line("right", share, tuple(one.low for one in ends), tuple(one.high for one in ends))
    largest = max(counts)
    note = (
        f"Answers in {num_bins} bins by how sure the network is of them, small bins joined; the band holds "
        "each bin's share with its chance. Below the dashed line it is too sure. "
        f"{largest:,} of {sum(counts):,} answers lie in one bin."
    )
    ideal = Line("as often as it is sure", x, is_dashed=True)
    percent = tuple(100 * one for one in x)  # as the other axis is written
    words = "probability of the class it names (%)"
    return Chart("Reliability diagram", percent, (network, ideal), words, "right", True, note)


def _join_small(bins: CalibrationBins) -> list[tuple[int, float, float]]:
    """Return answers, sum of their probabilities and how many are right; small bins joined to the next."""
    sums = (bins.counts, bins.counts * bins.confidence, bins.counts * bins.share)
    joined: list[tuple[int, float, float]] = []
    for count, said, right in zip(*(one.tolist() for one in sums), strict=True):
        if joined and joined[-1][0] < _FEWEST:
            last = joined.pop()
            count, said, right = count + last[0], said + last[1], right + last[2]
        joined.append((count, said, right))
    if len(joined) > 1 and joined[-1][0] < _FEWEST:
        last, before = joined.pop(), joined.pop()
        joined.append((before[0] + last[0], before[1] + last[1], before[2] + last[2]))
    return [one for one in joined if one[0]]


def _scale(
    answers: Predictions, validation: Predictions | None, split: str, seed: int
) -> dict[ScalingMethod, tuple[Scaling, Predictions]]:
    """Return for each method the scaling, and these answers scaled without having been fitted to."""
    if split == "validation":
        return {
            method: (fit_scaling(answers, method), scale_out_of_fold(answers, method, seed))
            for method in METHODS
        }
    if validation is None:
        return {}
    fitted = {method: fit_scaling(validation, method) for method in METHODS}
    return {method: (scaling, scaling.apply_to(answers)) for method, scaling in fitted.items()}


_SCALED = (
    Column("probabilities"),
    Column("loss (nats)", ""),
    Column("Brier score", ""),
    Column("from", ""),
    Column("to", ""),
    Column("calibration error", "percent", 2),
    Column("from", "percent", 2),
    Column("to", "percent", 2),
    Column("accuracy", "percent"),
    Column("answers changed", COUNT),
)


def _tabulate_scalings(
    answers: Predictions,
    scaled: dict[ScalingMethod, tuple[Scaling, Predictions]],
    level: float,
    seed: int,
    num_bins: int,
    split: str,
) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for scaling, one in scaled.values():
        errors = one.squared_errors
        brier = compute_mean_interval(errors, level, low=0, high=2)
        binned = _judge_binned(one, level, seed, num_bins)
        rows.append(
            (
                scaling.describe(),
                measure_loss(one),
                float(errors.mean()),
                brier.low if brier else None,
                brier.high if brier else None,
                binned.value,
                binned.interval.low,
                binned.interval.high,
                float(one.is_right.double().mean()),
                _count_changed(one, answers),
            )
        )
    how = (
        "in five parts, each scaled by what the other four say"
        if split == "validation"
        else f"on validation images, judged on {split}"
    )
    note = (
        f"Fitted {how}. Answers changed: images called another class than the network calls them. "
        f"`loupe calibrate RUN` keeps one with the run: predict, page and export then use it."
    )
    return Table("Probabilities set right", _SCALED, tuple(rows), note, if_empty="No validation answers.")


def _tabulate_classes(
    answers: Predictions, class_names: tuple[str, ...], level: float, num_bins: int
) -> Table:
    rows: list[tuple[Cell, ...]] = []
    probabilities = answers.probabilities
    for label, name in enumerate(class_names):
        said, is_class = probabilities[:, label].double(), answers.labels == label
        gaps = said - is_class.double()
        ends = compute_mean_interval(gaps, level, low=-1, high=1)
        rows.append(
            (
                name,
                int(is_class.sum()),
                float(said.mean()),
                float(is_class.double().mean()),
                float(gaps.mean()),
                ends.low if ends else None,
                ends.high if ends else None,
                compute_binned_error(said, is_class, num_bins),
            )
        )
    columns = (
        Column("class"),
        Column("images", COUNT),
        Column("mean probability", "percent"),
        Column("share", "percent"),
        *(Column(heading, POINTS) for heading in ("too sure by (points)", "from", "to")),
        Column("calibration error", "percent", 2),
    )
    note = "Each class against all others: what the network gives it on average, and how frequent it is."
    return Table("By class", columns, tuple(rows), note)


def _count_changed(scaled: Predictions, answers: Predictions) -> int:
    """Return how many images are called another class than the network calls them."""
    return int((scaled.predicted != answers.predicted).sum())


def _say_what_helps(
    scaled: dict[ScalingMethod, tuple[Scaling, Predictions]],
    chosen_by: dict[ScalingMethod, Predictions],
    answers: Predictions,
    split: str,
) -> str:
    """Return which scaling lowers the loss on validation most, and what it does here; "" if none was fitted.

    Args:
        scaled: each method's scaling, and what is judged scaled by it.
        chosen_by: validation answers scaled without having been fitted to: test images choose nothing.
        answers: what is judged, as the network says it.
        split: what that is.
    """
    if not scaled:
        return ""
    losses = {method: measure_loss(one) for method, one in chosen_by.items()}
    labels = chosen_by["none"].labels
    best = min(list_choosable(labels, answers.num_classes), key=losses.__getitem__)
    before = measure_loss(answers)
    where = "" if split == "validation" else f" on {split}"
    enough = "" if losses[best] == min(losses.values()) else " that so many images are enough for"
    if best == "none":
        return (
            f" No scaling{enough} lowers its loss on validation images that it was not fitted to; "
            f"as it is, that is {before:.4f} nats{where}."
        )
    scaling, one = scaled[best]
    said = (
        f" Of the scalings{enough} {scaling.describe()} has the least loss on validation images it was not "
        f"fitted to; with it the loss{where} is {measure_loss(one):.4f} nats instead of {before:.4f}"
    )
    changed = _count_changed(one, answers)
    if not changed:
        return f"{said}."
    right, was_right = (100 * float(some.is_right.double().mean()) for some in (one, answers))
    return (
        f"{said}, and {count_of(changed, 'answer')} another: {right:.2f} % are right instead of "
        f"{was_right:.2f} %."
    )
