"""Sets of classes that hold the true one as often as promised."""

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from loupe.evaluations.finding import COUNT, Cell, Column, Finding, Table, Value, write_value
from loupe.evaluations.registry import register_evaluation
from loupe.metrics import Predictions
from loupe.statistics import compute_wilson_interval
from loupe.statistics.score_intervals import compute_mean_interval
from loupe.statistics.selective import find_conformal_limits, make_sets


@register_evaluation("conformal_sets", title="Sets that hold the truth", chapter="Decisions", order=19)
def make_conformal_sets(
    answers: Predictions,
    class_names: tuple[str, ...],
    level: float,
    seed: int,
    split: str,
    validation_answers: Predictions | None = None,
    wished: Annotated[float, Field(gt=0, lt=1, description="Coverage promised, in (0, 1).")] = 0.9,
) -> Finding:
    """Sets of classes instead of one: how large they are to hold the true class as often as promised.

    Costs well under a second, and no forward pass.
    """
    if split == "validation" or validation_answers is None:
        fitted_on, judged = _halve(answers, seed)
        how = "images, one half of these, judged on the other"
    else:
        fitted_on, judged, how = validation_answers, answers, f"validation images, judged on {split}"
    sets = {}
    for name, by_class in (("all classes alike", False), ("each class by itself", True)):
        limits = find_conformal_limits(fitted_on.probabilities, fitted_on.labels, wished, by_class)
        sets[name] = make_sets(judged.probabilities, limits)
    promised = write_value(wished, "percent", 0)
    note = (
        f"Limits from {len(fitted_on.labels):,} {how}. Promised: {promised} of the sets hold the "
        "true class, over draws of images, whatever the network; by class, so for each class's images. It "
        "presumes images of the same kind."
    ) + _say_without_limit(fitted_on, len(class_names), wished)
    tables = [_tabulate(sets, judged, level, note), _tabulate_classes(sets, judged, class_names, level)]
    held = {name: _hold(one, judged) for name, one in sets.items()}
    values = [_measure_coverage(f"coverage, {name}", one, level) for name, one in held.items()]
    sizes = sets["all classes alike"].sum(1).double()
    sizes_interval = compute_mean_interval(sizes, level, low=0, high=len(class_names))
    size = Value("mean size of a set", float(sizes.mean()), "", sizes_interval)
    single = write_value(float((sizes == 1).double().mean()), "percent", 1)
    sentence = (
        f"To hold the true class in {promised} of cases a set needs {size.write()} classes on average; "
        f"{single} of the sets are a single class, and {values[0].write()} hold the true one."
    )
    if empty := int((sizes == 0).sum()):
        sentence += (
            f" {write_value(empty / len(sizes), 'percent', 1)} are empty: no class is as probable there as "
            f"the limit asks. Where more than {promised} of the answers are right, sets without any class "
            "bring the share down to what is promised; an empty one is an image it is not sure enough of."
        )
    return Finding(sentence, [*values, size], tables)


def _say_without_limit(fitted_on: Predictions, num_classes: int, wished: float) -> str:
    """Return how many classes have too few images for a limit of their own, a space before it; "" if none."""
    needed = math.ceil(wished / (1 - wished) - 1e-9)
    num_poor = int((torch.bincount(fitted_on.labels, minlength=num_classes) < needed).sum())
    if not num_poor:
        return ""
    found = (
        f" For a limit of its own a class takes {needed:,} images at least: {num_poor:,} of {num_classes:,} "
        f"have fewer, and {'is' if num_poor == 1 else 'are'} in every set"
    )
    is_useless = num_poor > num_classes / 2
    return found + (", so sets by class are of no use here: take all classes alike." if is_useless else ".")


def _halve(answers: Predictions, seed: int) -> tuple[Predictions, Predictions]:
    order = torch.randperm(len(answers.labels), generator=torch.Generator().manual_seed(seed))
    first, second = order.chunk(2) if len(order) > 1 else (order, order)
    halves = [Predictions(answers.labels[one], answers.logits[one]) for one in (first, second)]
    return halves[0], halves[1]


def _hold(sets: Tensor, judged: Predictions) -> Tensor:
    return sets.gather(1, judged.labels[:, None]).flatten()


def _measure_coverage(name: str, held: Tensor, level: float) -> Value:
    count, total = int(held.sum()), len(held)
    return Value(name, count / total, "percent", compute_wilson_interval(count, total, level))


def _tabulate(sets: dict[str, Tensor], judged: Predictions, level: float, note: str) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, one in sets.items():
        covered = _measure_coverage("", _hold(one, judged), level)
        assert covered.interval is not None
        sizes = one.sum(1)
        shares = (float((sizes == count).double().mean()) for count in (0, 1))
        ends = covered.interval.low, covered.interval.high
        rows.append((name, covered.value, *ends, float(sizes.double().mean()), int(sizes.max()), *shares))
    columns = (
        Column("limits of"),
        *(Column(one, "percent") for one in ("hold the truth", "from", "to")),
        Column("mean size", ""),
        Column("largest", COUNT),
        Column("empty", "percent"),
        Column("single", "percent"),
    )
    return Table("", columns, tuple(rows), note)


def _tabulate_classes(
    sets: dict[str, Tensor], judged: Predictions, class_names: tuple[str, ...], level: float
) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for label, name in enumerate(class_names):
        is_class = judged.labels == label
        count = int(is_class.sum())
        if not count:
            continue
        cells: list[Cell] = []
        for one in sets.values():
            held = int(_hold(one, judged)[is_class].sum())
            ends = compute_wilson_interval(held, count, level)
            cells += [held / count, ends.low, ends.high]
        rows.append((name, count, *cells))
    headings = (heading for name in sets for heading in (name, "from", "to"))
    columns = (Column("class"), Column("images", COUNT), *(Column(one, "percent") for one in headings))
    num_absent = len(class_names) - len(rows)
    note = (
        f"Left out, for want of images: {num_absent:,} of {len(class_names):,} classes." if num_absent else ""
    )
    return Table("Sets that hold the truth, by class", columns, tuple(rows), note)
