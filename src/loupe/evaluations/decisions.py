"""What it takes to rely on the network: how often it is right where it answers only when it is sure."""

from typing import Annotated

from pydantic import Field

from loupe.evaluations.finding import COUNT, Cell, Chart, Column, Finding, Line, Table, Value, write_value
from loupe.evaluations.registry import register_evaluation
from loupe.metrics import Predictions
from loupe.statistics import compute_wilson_interval
from loupe.statistics.calibration import draw_resamples, make_basic_interval
from loupe.statistics.selective import (
    Coverage,
    Threshold,
    find_certain_threshold,
    find_cheapest_threshold,
    find_threshold,
    rank_by_confidence,
)

_WISHED = (0.9, 0.95, 0.98, 0.99, 0.995)
_COSTS = (2.0, 5.0, 10.0, 50.0)
_SHARES = tuple(share / 100 for share in range(5, 101, 5))
_CHOSEN = (
    Column("least probability", "", 3),
    Column("answered", "percent"),
    Column("right of those", "percent"),
    Column("from", "percent"),
    Column("to", "percent"),
)


@register_evaluation(
    "decisions", title="Answering only when sure", chapter="Decisions", order=18, takes_seconds=True
)
def weigh_decisions(
    answers: Predictions,
    class_names: tuple[str, ...],
    level: float,
    seed: int,
    split: str,
    validation_answers: Predictions | None = None,
    wished: Annotated[
        float, Field(gt=0, lt=1, description="Accuracy wished of each class, in (0, 1).")
    ] = 0.99,
) -> Finding:
    """Accuracy against coverage: thresholds for a wished accuracy or a cost, over all classes and by class.

    Costs well under a second, and no forward pass.
    """
    chosen_on = validation_answers if validation_answers is not None and split != "validation" else answers
    ranked, judged = _rank(chosen_on), _rank(answers)
    total = len(answers.labels)
    drawn = [
        rank_by_confidence(answers.confidence[some], answers.is_right[some]).area
        for some in draw_resamples(total, seed, 200)
    ]
    area = Value(
        "area under the risk-coverage curve",
        judged.area,
        "percent",
        make_basic_interval(judged.area, drawn, level),
    )
    where = (
        "chosen here, so what they reach flatters a little"
        if chosen_on is answers
        else "chosen on validation"
    )
    blocks: list[Chart | Table] = [
        _draw_curve(judged, level),
        _tabulate_wished(ranked, answers, level, where, split),
        _tabulate_costs(ranked, answers, level, where),
        _tabulate_classes(chosen_on, answers, class_names, wished, level, where),
    ]
    return Finding(_say(ranked, answers, level), [area], blocks)


def _rank(answers: Predictions) -> Coverage:
    return rank_by_confidence(answers.confidence, answers.is_right)


def _judge(below: float, answers: Predictions, level: float) -> tuple[Cell, ...]:
    """Return threshold, share answered, and accuracy of those with its interval."""
    is_given = answers.confidence.double() >= below
    count = int(is_given.sum())
    share = count / len(answers.labels)
    if not count:
        return below, 0.0, None, None, None
    correct = int((answers.is_right & is_given).sum())
    ends = compute_wilson_interval(correct, count, level)
    return below, share, correct / count, ends.low, ends.high


def _draw_curve(judged: Coverage, level: float) -> Chart:
    total = len(judged.thresholds)
    counts = [max(1, round(share * total)) for share in _SHARES]
    places = sorted({int(judged.answered[count - 1]) for count in counts})
    correct = [int(judged.correct[count - 1]) for count in places]
    ends = [compute_wilson_interval(one, count, level) for one, count in zip(correct, places, strict=True)]
    line = Line(
        "accuracy",
        tuple(one / count for one, count in zip(correct, places, strict=True)),
        tuple(one.low for one in ends),
        tuple(one.high for one in ends),
    )
    note = "The surest answers come first: further right it answers more images. The band is chance."
    x = tuple(100 * count / total for count in places)
    return Chart("Accuracy against coverage", x, (line,), "images answered (%)", "right", True, note)


def _tabulate_wished(ranked: Coverage, answers: Predictions, level: float, where: str, split: str) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for wish in _WISHED:
        found = find_threshold(ranked, wish)
        reached = _judge(found.below, answers, level) if found else (None,) * 5
        certain = find_certain_threshold(ranked, wish, level)
        safe = _judge(certain.below, answers, level)[:3] if certain else (None,) * 3
        rows.append((wish, *reached, *safe))
    columns = (
        Column("wished accuracy", "percent"),
        *_CHOSEN,
        Column("certain from", "", 3),
        Column("answered then", "percent"),
        Column("right then", "percent"),
    )
    note = (
        f"Thresholds are {where}; what they answer, and how much of that is right, is of {split}. "
        f"Certain: with {write_value(level, 'percent', 0)} probability new images of the same kind are "
        "answered as wished; undefined where there are too few images to say so. "
        "`loupe predict RUN … --accuracy 0.99` takes such a threshold."
    )
    return Table("A threshold for a wished accuracy", columns, tuple(rows), note)


def _tabulate_costs(ranked: Coverage, answers: Predictions, level: float, where: str) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for cost in _COSTS:
        below, share, accuracy, *ends = _judge(find_cheapest_threshold(ranked, cost).below, answers, level)
        assert isinstance(share, float)
        right = accuracy if isinstance(accuracy, float) else 1.0
        spent = (1 - share) + cost * share * (1 - right)
        always = cost * float(1 - answers.is_right.double().mean())
        rows.append((cost, below, share, accuracy, *ends, spent, always))
    columns = (
        Column("a mistake costs, in unsure answers", ""),
        *_CHOSEN,
        Column("cost an image", ""),
        Column("if it always answers", ""),
    )
    note = (
        f"The cheapest thresholds, {where}. `loupe predict RUN … --mistake-cost 10` takes such a threshold."
    )
    return Table("A threshold for a cost", columns, tuple(rows), note)


def _tabulate_classes(
    chosen_on: Predictions,
    answers: Predictions,
    class_names: tuple[str, ...],
    wished: float,
    level: float,
    where: str,
) -> Table:
    """Return for each class named the threshold from which on that answer is right as often as wished.

    Classes without one are counted below the table, by why there is none.
    """
    rows: list[tuple[Cell, ...]] = []
    num_unsaid = num_unreached = 0
    for label, name in enumerate(class_names):
        said, judged = (_pick(one, label) for one in (chosen_on, answers))
        found: Threshold | None = find_threshold(_rank(said), wished) if len(said.labels) else None
        if found and len(judged.labels):
            rows.append((name, len(judged.labels), *_judge(found.below, judged, level)))
        elif len(said.labels) and len(judged.labels):
            num_unreached += 1
        else:
            num_unsaid += 1
    columns = (Column("answer"), Column("times given", COUNT), *_CHOSEN)
    share = write_value(wished, "percent", 0)
    note = f"From here on {share} of such answers are right, {where}."
    reasons = ((num_unreached, f"not right in {share} at any"), (num_unsaid, "never given"))
    why = ", ".join(f"{count:,} {reason}" for count, reason in reasons if count)
    if why:
        note += f" No threshold for {num_unreached + num_unsaid:,} of {len(class_names):,} classes: {why}."
    return Table(
        "A threshold for each class", columns, tuple(rows), note, if_empty="No answer has such a threshold."
    )


def _pick(answers: Predictions, label: int) -> Predictions:
    is_said = answers.predicted == label
    return Predictions(answers.labels[is_said], answers.logits[is_said])


def _say(ranked: Coverage, answers: Predictions, level: float) -> str:
    plain = write_value(float(answers.is_right.double().mean()), "percent", 1)
    for wish in reversed(_WISHED):
        found = find_threshold(ranked, wish)
        below, share, accuracy, *_ = _judge(found.below, answers, level) if found else (None,) * 5
        if isinstance(share, float) and isinstance(accuracy, float) and share >= 0.5:
            return (
                f"All answers: {plain} right. It is {write_value(below, 'percent', 1)} sure or more of "
                f"{write_value(share, 'percent', 1)} of the images, and right in "
                f"{write_value(accuracy, 'percent', 1)} of these."
            )
    return f"All answers: {plain} right; no threshold reaches 90 % on half of the images."
