"""The mean corruption error as a look shows it: sentence, figure and table."""

import torch

from loupe.data.corruptions import CORRUPTIONS, SEVERITIES
from loupe.evaluations.corruption_error import LEAST_LOST, CorruptionError, Reference
from loupe.evaluations.damage import Damage
from loupe.evaluations.finding import POINTS, Cell, Chart, Column, Line, Table, Value
from loupe.statistics.score_intervals import compute_mean_interval


def say_reference(reference: Reference, compared: CorruptionError, values: list[Value]) -> str:
    """Return what the mean corruption error says, in a sentence.

    Args:
        reference: what the network is held against.
        compared: with it.
        values: the mean corruption error, and the relative one.
    """
    if compared.mean is None:
        return f"There is no mean corruption error: {reference.name} makes no mistake."
    ends = compared.interval
    if ends is not None and ends.high < 1:
        verdict = "it errs less"
    elif ends is not None and ends.low > 1:
        verdict = "it errs more"
    else:
        verdict = "no difference beyond chance"
    said = f"Its mean corruption error is {values[0].write()}, where {reference.name} has 100 %: {verdict}"
    if compared.relative_mean is None:
        return f"{said}."
    ends = compared.relative_interval
    worse = ends is not None and ends.low > 1 and verdict == "it errs less"
    link = (
        "; but from plain images to spoilt ones it loses"
        if worse
        else "; from plain images to spoilt ones it loses"
    )
    return (
        f"{said}{link} {values[1].write()} of what that loses (the mean of the corruptions' parts, not the "
        "part of what is lost in all)."
    )


def show_reference(
    damage: Damage, reference: Reference, compared: CorruptionError, level: float
) -> list[Chart | Table]:
    """Return the network and its reference by severity, and its errors as parts of the reference's."""
    return [_draw(damage, reference, level), _tabulate(damage, reference, compared, level)]


def _draw(damage: Damage, reference: Reference, level: float) -> Chart:
    by_image = torch.cat(
        [damage.plain.double()[None], damage.right.double().mean(0)]
    )  # (severities + 1, images)
    ends = [compute_mean_interval(one, level, low=0, high=1) for one in by_image]
    lines = (
        Line(
            "this network",
            tuple(by_image.mean(1).tolist()),
            tuple(end.low if end else None for end in ends),
            tuple(end.high if end else None for end in ends),
        ),
        Line(
            reference.name,
            (1 - reference.plain, *(1 - reference.errors.mean(0)).tolist()),
            is_dashed=True,
        ),
    )
    x = tuple(float(one) for one in range(SEVERITIES + 1))
    return Chart("Beside a reference", x, lines, "severity", "right", True, "Mean over corruptions.")


def _tabulate(damage: Damage, reference: Reference, compared: CorruptionError, level: float) -> Table:
    wrong = 1 - damage.right.double().mean((1, 2))
    theirs, lost = reference.errors.mean(1), reference.losses
    rows: list[tuple[Cell, ...]] = []
    for index in wrong.argsort(descending=True, stable=True).tolist():
        rows.append(
            (
                list(CORRUPTIONS)[index],
                float(wrong[index]),
                float(theirs[index]),
                _or_none(compared.by_corruption[index]),
                float(damage.lose().mean(1)[index]),
                float(lost[index]),
                _or_none(compared.relative[index]),
            )
        )
    means = torch.stack([wrong, theirs, damage.lose().mean(1), lost]).mean(1).tolist()
    rows.append(("mean", means[0], means[1], compared.mean, means[2], means[3], compared.relative_mean))
    columns = (
        Column("corruption"),
        Column("error", "percent"),
        Column("of the reference", "percent"),
        Column("corruption error", "percent"),
        Column("lost (points)", POINTS),
        Column("by the reference", POINTS),
        Column("relative", "percent"),
    )
    few = int(compared.relative.isnan().sum())
    note = (
        "Corruption error: the error, summed over severities, as a part of the reference's (Hendrycks and "
        "Dietterich, 2019, where that is AlexNet); relative: the same of what is lost. Their means are means "
        f"of these parts, and no parts of the mean errors beside them. {reference.note} "
        "Intervals take the reference as it is."
    )
    if few:
        note += (
            f" Undefined, and not in the mean: where the reference loses less than {100 * LEAST_LOST:g} "
            "point; there is no mean of fewer than half."
        )
    return Table("Errors as parts of a reference's", columns, tuple(rows), note, num_totals=1)


def _or_none(value: torch.Tensor) -> float | None:
    return None if bool(value.isnan()) else float(value)
