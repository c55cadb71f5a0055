from typing import Annotated

from pydantic import Field

from loupe.evaluations.finding import COUNT, POINTS, Cell, Column, Finding, Gallery, ShownImage, Table, Value
from loupe.evaluations.paired_comparison import PairedComparison, compare_predictions
from loupe.evaluations.registry import register_evaluation
from loupe.metrics import Predictions
from loupe.statistics import Interval
from loupe.statistics.agreement import Verdict, judge_non_inferiority
from loupe.statistics.comparison import adjust_for_many, compute_mcnemar, compute_paired_interval
from loupe.wording import shorten_name

_MOST = 12


@register_evaluation("two_networks", title="The two networks", order=5, split="judged")
def compare_two_networks(
    answers: Predictions,
    against: Predictions,
    names: tuple[str, str],
    class_names: tuple[str, ...],
    level: float,
    margin: Annotated[
        float, Field(gt=0, le=100, description="Points of accuracy that would not matter, above 0.")
    ] = 0.5,
) -> Finding:
    """Two networks on the same images, image by image: difference, McNemar's test, and by class.

    Says too whether the first is not worse than the second by more than a margin (non-inferiority).
    """
    found, total = compare_predictions(answers, against), len(answers.labels)
    only_first, only_second = len(found.only_first), len(found.only_second)
    interval = compute_paired_interval(only_first, only_second, total, level)
    difference = Value("difference in accuracy", found.difference, POINTS, interval)
    is_beyond = found.p_value < 1 - level
    verdict = "beyond" if is_beyond else "within"
    first, second = names
    sentence = (
        f"{first} minus {second}: {difference.write()}, {verdict} what chance gives on {total:,} images "
        f"(McNemar p = {found.p_value:.2g}): {only_first:,} right in {first} alone, {only_second:,} in "
        f"{second} alone. {say_margin(names, interval, margin)}"
    )
    p_value = Value("p value (McNemar)", found.p_value)
    tables = _tabulate_classes(answers, against, names, class_names, level)
    return Finding(
        sentence,
        [difference, p_value],
        [tables, *_show_differing(found, names, class_names, answers, against)],
    )


def say_margin(names: tuple[str, str], interval: Interval, margin: float) -> str:
    """Return in words whether either network is shown not to be worse by more than a margin, in points."""
    first, second = names
    ways = judge_non_inferiority(interval, margin / 100), _judge_other_way(interval, margin / 100)
    by = f"by more than {margin:g} points"
    if ways == ("not worse", "not worse"):
        return f"The two are equivalent within {margin:g} points."
    if interval.low > margin / 100:
        return f"{first} is shown to be better {by}."
    if ways[0] == "not worse":
        return f"{first} is shown not to be worse {by}."
    if ways[0] == "worse":
        return f"{first} is shown to be worse {by}."
    if ways[1] == "not worse":
        return f"{second} is shown not to be worse {by}; of {first} that is not shown."
    return (
        f"Of neither is it shown that it is worse by no more than {margin:g} points: that takes more images."
    )


def _judge_other_way(interval: Interval, margin: float) -> Verdict:
    return judge_non_inferiority(Interval(-interval.high, -interval.low), margin)


def _tabulate_classes(
    answers: Predictions,
    against: Predictions,
    names: tuple[str, str],
    class_names: tuple[str, ...],
    level: float,
) -> Table:
    """Return accuracy of both networks by class, with the interval of the difference."""
    counts = []
    for label in range(len(class_names)):
        of_class = answers.labels == label
        first, second = answers.is_right & of_class, against.is_right & of_class
        counts.append([int(one.sum()) for one in (of_class, first, second, first & ~second, second & ~first)])
    present = [(name, one) for name, one in zip(class_names, counts, strict=True) if one[0]]
    adjusted = adjust_for_many([compute_mcnemar(one[3], one[4]) for _, one in present])
    rows: list[tuple[Cell, ...]] = []
    for (name, (total, right, other, ours, theirs)), p_value in zip(present, adjusted, strict=True):
        ends = compute_paired_interval(ours, theirs, total, level)
        rows.append(
            (name, total, right / total, other / total, (right - other) / total, ends.low, ends.high, p_value)
        )
    difference = f"{' minus '.join(shorten_name(name, 16) for name in names)} (points)"
    columns = (
        Column("class"),
        Column("images", COUNT),
        Column(names[0], "percent"),
        Column(names[1], "percent"),
        *(Column(heading, POINTS) for heading in (difference, "from", "to")),
        Column("p, adjusted", ""),
    )
    note = "p: McNemar's exact test in each class, adjusted for being looked at together (Holm)."
    return Table("By class", columns, tuple(rows), note)


def _show_differing(
    found: PairedComparison,
    names: tuple[str, str],
    class_names: tuple[str, ...],
    answers: Predictions,
    against: Predictions,
) -> list[Gallery]:
    """Return images that one network alone gets right, the other's most confident mistakes first."""
    galleries = []
    for (name, other), images, wrong in (
        (names, found.only_first, against),
        (names[::-1], found.only_second, answers),
    ):
        shown = tuple(
            ShownImage(
                index,
                class_names[int(answers.labels[index])],
                notes=(f"{other}: {class_names[int(wrong.predicted[index])]}",),
            )
            for index in images[:_MOST].tolist()
        )
        galleries.append(Gallery(f"Right in {name} alone: {len(images):,}", shown))
    return galleries
