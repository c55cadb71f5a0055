"""What happens to the network's answers where images are spoilt a little."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from loupe.data import ImageDataset, pick_stratified
from loupe.data.corruptions import CORRUPTIONS, SEVERITIES, corrupt
from loupe.evaluations.broken_class import name_broken_class
from loupe.evaluations.corruption_error import compare_errors, find_reference, fit_reference
from loupe.evaluations.corruption_error_shown import say_reference, show_reference
from loupe.evaluations.damage import Damage, spoil_all
from loupe.evaluations.finding import (
    POINTS,
    Cell,
    Chart,
    Column,
    Finding,
    Gallery,
    Line,
    ShownImage,
    Table,
    Value,
    write_value,
)
from loupe.evaluations.network import Network
from loupe.evaluations.registry import register_evaluation
from loupe.statistics.intervals import Interval, compute_wilson_interval
from loupe.statistics.score_intervals import compute_mean_interval
from loupe.wording import name_tied

_FEWEST = 100
_SHOWN_SEVERITY = 4


@register_evaluation(
    "robustness", title="Robustness", chapter="Robustness", order=56, split="validation", takes_seconds=True
)
def measure_robustness(
    images: ImageDataset,
    network: Network,
    class_names: tuple[str, ...],
    level: float,
    seed: int,
    training: ImageDataset | None = None,
    most: Annotated[int, Field(ge=1, description="Images spoilt, ≥ 1; fewer of a costly network.")] = 500,
) -> Finding:
    """Accuracy under eleven corruptions at five severities, beside a reference: what breaks it, and where.

    Costs 56 forward passes of 100 to 500 images, about a tenth of an epoch at most, and a logistic regression
    where no reference is stored for the images.
    """
    passes = 1 + len(CORRUPTIONS) * SEVERITIES
    chosen = pick_stratified(
        images.labels.cpu(), max(_FEWEST, min(most, network.afford(most * passes) // passes)), seed
    )
    some = images.to(torch.device("cpu")).select(chosen).load()
    damage = spoil_all(some, lambda spoilt: network.predict(spoilt).is_right, seed)
    reference = find_reference(images)
    if reference is None and training is not None:
        reference = fit_reference(training, some, seed)
    error = 1 - damage.right.double().mean((0, 1))
    plain = 1 - damage.plain.double()
    values = [
        Value(
            "error of spoilt images",
            float(error.mean()),
            "percent",
            _bound_error(error, level),
        ),
        Value(
            "error of the same images as they are",
            float(plain.mean()),
            "percent",
            _bound_error(plain, level),
        ),
    ]
    strip, made = _show_strip(some, seed)
    blocks: list[Chart | Table | Gallery] = [
        _draw_curves(damage),
        _tabulate(damage, level, len(images)),
        _tabulate_classes(damage, class_names),
        strip,
    ]
    said = _say(damage, class_names, values, level)
    if reference is not None:
        compared = compare_errors(damage, reference, level)
        values += [
            Value("mean corruption error", compared.mean, "percent", compared.interval),
            Value(
                "relative mean corruption error",
                compared.relative_mean,
                "percent",
                compared.relative_interval,
            ),
        ]
        blocks[2:2] = show_reference(damage, reference, compared, level)
        said = f"{said} {say_reference(reference, compared, values[-2:])}"
    return Finding(said, values, blocks, made, len(chosen))


def _bound_error(by_image: Tensor, level: float) -> Interval | None:
    """Return the interval of a mean error; Wilson's where each image is right or wrong, or all are alike."""
    if bool((by_image == by_image.round()).all()) or bool((by_image == by_image[0]).all()):
        return compute_wilson_interval(round(float(by_image.sum())), len(by_image), level)
    return compute_mean_interval(by_image, level, low=0, high=1)


def _draw_curves(damage: Damage) -> Chart:
    """Return accuracy by severity of the five corruptions that cost most."""
    accuracy = damage.right.double().mean(2)
    plain = float(damage.plain.double().mean())
    worst = accuracy.mean(1).argsort(stable=True)[:5].tolist()
    names = list(CORRUPTIONS)
    lines = tuple(Line(names[one], (plain, *accuracy[one].tolist())) for one in worst)
    x = tuple(float(one) for one in range(SEVERITIES + 1))
    note = "Severity 0 is the image as it is. The five corruptions that cost most; the table has all."
    return Chart("What costs most", x, lines, "severity", "right", True, note)


def _tabulate(damage: Damage, level: float, num_all: int) -> Table:
    lost, accuracy = damage.lose(), damage.right.double().mean(2)
    rows: list[tuple[Cell, ...]] = []
    for index in lost.mean(1).argsort(descending=True, stable=True).tolist():
        ends = compute_mean_interval(lost[index], level, low=-1, high=1)
        rows.append(
            (
                list(CORRUPTIONS)[index],
                *accuracy[index].tolist(),
                float(lost[index].mean()),
                ends.low if ends else None,
                ends.high if ends else None,
            )
        )
    columns = (
        Column("corruption"),
        *(Column(f"severity {one}", "percent") for one in range(1, SEVERITIES + 1)),
        *(Column(heading, POINTS) for heading in ("lost on average (points)", "from", "to")),
    )
    count = len(damage.labels)
    note = (
        f"{count:,} of {num_all:,} validation images, each spoilt in every way. Constants of CIFAR-10-C "
        "(Hendrycks and Dietterich, 2019); occlusion, rotation and translation are Loupe's own."
    )
    return Table("", columns, tuple(rows), note)


def _tabulate_classes(damage: Damage, class_names: tuple[str, ...]) -> Table:
    """Return points lost by class and corruption."""
    rows: list[tuple[Cell, ...]] = []
    for label, name in enumerate(class_names):
        of_class = damage.labels == label
        if bool(of_class.any()):
            rows.append((name, *damage.lose(of_class).mean(1).tolist()))
    columns = (Column("class"), *(Column(name, POINTS) for name in CORRUPTIONS))
    return Table("Points lost by class", columns, tuple(rows), "Mean over severities.")


def _show_strip(some: ImageDataset, seed: int) -> tuple[Gallery, Tensor]:
    first = some.images[:1]
    spoilt = [corrupt(first, name, _SHOWN_SEVERITY, seed + index) for index, name in enumerate(CORRUPTIONS)]
    names = ("as it is", *CORRUPTIONS)
    shown = tuple(ShownImage(index, name, split="made") for index, name in enumerate(names))
    return Gallery(f"One image, spoilt at severity {_SHOWN_SEVERITY}", shown), torch.cat([first, *spoilt])


def _say(damage: Damage, class_names: tuple[str, ...], values: list[Value], level: float) -> str:
    lost, names = damage.lose(), list(CORRUPTIONS)
    losses = lost.mean(1).tolist()
    tied = name_tied(zip(names, losses, strict=True), max(losses), is_quoted=False)
    costs = "costs" if tied in names else "cost"
    most = write_value(max(losses), POINTS, 1).removeprefix("+")
    lead = (
        f"Spoilt images are wrong in {values[0].write()}, the same images as they are in "
        f"{values[1].write()}. {tied[:1].upper()}{tied[1:]} {costs} most: {most}."
    )
    return f"{lead} {name_broken_class(damage, class_names, level)}"
