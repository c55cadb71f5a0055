"""Several networks as one, beside each alone: accuracy, calibration, and how different they are."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

import torch
from torch import Tensor

from loupe.evaluations.finding import POINTS, Cell, Chart, Column, Finding, Line, Table, Value, write_value
from loupe.evaluations.registry import register_evaluation
from loupe.metrics import Predictions
from loupe.statistics import compute_wilson_interval
from loupe.statistics.calibration import compute_binned_error
from loupe.statistics.paired_bootstrap import BootstrappedDifference, bootstrap_difference

_DRAWS = 200
_MOST_SUBSETS = 60  # for each number of networks


@dataclass(frozen=True)
class _Number:
    """A number of one network's answers, and how it is written.

    Args:
        compute: the number of the images at these positions, (images,) int64, or of all for None.
    """

    name: str
    unit: str
    compute: Callable[[Predictions, Tensor | None], float]

    @property
    def difference_unit(self) -> str:
        return POINTS if self.unit == "percent" else self.unit


def _average(values: Tensor, some: Tensor | None) -> float:
    return float((values if some is None else values[some]).double().mean())


def _compute_calibration_error(answers: Predictions, some: Tensor | None) -> float:
    chosen = slice(None) if some is None else some
    return compute_binned_error(answers.confidence[chosen], answers.is_right[chosen])


_NUMBERS = (
    _Number("accuracy", "percent", lambda one, some: _average(one.is_right, some)),
    _Number("negative log likelihood", "nats", lambda one, some: _average(one.losses, some)),
    _Number("expected calibration error", "percent", _compute_calibration_error),
    _Number("Brier score", "", lambda one, some: _average(one.squared_errors, some)),
)


@register_evaluation("ensemble", title="The seeds as one network", order=4, split="judged")
def compare_with_members(
    answers: Predictions,
    members: tuple[Predictions, ...],
    names: tuple[str, ...],
    level: float,
    seed: int,
) -> Finding:
    """The mean of several networks' probabilities, beside the networks alone, and how different these are.

    Costs seconds of 10,000 images, and no forward pass.
    """
    total = len(answers.labels)
    gains = {one.name: _compare(one, answers, members, level, seed) for one in _NUMBERS}
    apart = bootstrap_difference(lambda some: measure_disagreement(members, some), total, level, seed, _DRAWS)
    ambiguities = measure_ambiguities(answers, members)
    spread = bootstrap_difference(lambda some: _average(ambiguities, some), total, level, seed, _DRAWS)
    assert apart is not None
    assert spread is not None
    correct = int(answers.is_right.sum())
    accuracy = Value(
        "accuracy of the mean", correct / total, "percent", compute_wilson_interval(correct, total, level)
    )
    values = [
        accuracy,
        *(
            Value(
                f"difference in {one.name}",
                gains[one.name].value,
                one.difference_unit,
                gains[one.name].interval,
            )
            for one in _NUMBERS
        ),
        Value("disagreement of two networks", apart.value, "percent", apart.interval),
        Value("ambiguity (Brier)", spread.value, "", spread.interval),
    ]
    blocks: list[Table | Chart] = [
        _tabulate(answers, members, gains),
        _draw_sizes(members, seed),
        _tabulate_members(members, names, level),
    ]
    alone = fmean(float(one.is_right.double().mean()) for one in members)
    sentence = (
        f"The mean of {len(members)} networks is right in {accuracy.write()}, one alone in "
        f"{write_value(alone, 'percent')} on average: {values[1].write()}. Two of them say different things "
        f"of {values[5].write()} of the images."
    )
    return Finding(sentence, values, blocks)


def measure_disagreement(members: tuple[Predictions, ...], some: Tensor | None = None) -> float:
    """Return how often two networks name different classes, mean over pairs, in [0, 1]."""
    said = torch.stack([one.predicted if some is None else one.predicted[some] for one in members])
    return fmean(
        float((said[first] != said[second]).double().mean())
        for first, second in combinations(range(len(said)), 2)
    )


def measure_ambiguities(answers: Predictions, members: tuple[Predictions, ...]) -> Tensor:
    """Return the mean squared distance of the members' probabilities from their mean, (images,) float64.

    The ambiguity of Krogh and Vedelsby (1995). Its mean over images is what averaging gains: the mean of the
    members' Brier scores minus that of the mean, exactly.
    """
    parts = list[Tensor]()
    for mean, *alone in zip(answers.parts(), *(one.parts() for one in members), strict=True):
        probabilities = mean.logits.double().softmax(1)
        distances = [(one.logits.double().softmax(1) - probabilities).square().sum(1) for one in alone]
        parts.append(torch.stack(distances).mean(0))
    return torch.cat(parts)


def _compare(
    number: _Number, answers: Predictions, members: tuple[Predictions, ...], level: float, seed: int
) -> BootstrappedDifference:
    """Return a number of the mean minus the mean of the members' numbers."""

    def measure(some: Tensor | None) -> float:
        ours, *alone = (number.compute(one, some) for one in (answers, *members))
        return ours - fmean(alone)

    found = bootstrap_difference(measure, len(answers.labels), level, seed, _DRAWS)
    assert found is not None
    return found


def _tabulate(
    answers: Predictions, members: tuple[Predictions, ...], gains: dict[str, BootstrappedDifference]
) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for one in _NUMBERS:
        alone = [one.compute(member, None) for member in members]
        gain = Value("", gains[one.name].value, one.difference_unit, gains[one.name].interval)
        ends = f"{write_value(min(alone), one.unit)} to {write_value(max(alone), one.unit)}"
        rows.append(
            (
                one.name,
                write_value(one.compute(answers, None), one.unit),
                write_value(fmean(alone), one.unit),
                ends,
                gain.write(),
            )
        )
    columns = tuple(
        map(Column, ("number", "mean of the networks", "one alone, on average", "of them", "difference"))
    )
    note = (
        "Differences with paired bootstrap intervals over images, these seeds as they are. The networks' "
        "probabilities are averaged."
    )
    return Table("", columns, tuple(rows), note)


def _tabulate_members(members: tuple[Predictions, ...], names: tuple[str, ...], level: float) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, one in zip(names, members, strict=False):
        correct, total = int(one.is_right.sum()), len(one.labels)
        ends = compute_wilson_interval(correct, total, level)
        rows.append((name, correct / total, ends.low, ends.high))
    columns = (Column("network"), *(Column(one, "percent", 2) for one in ("accuracy", "from", "to")))
    return Table("Each alone", columns, tuple(rows))


def _draw_sizes(members: tuple[Predictions, ...], seed: int) -> Chart:
    """Return accuracy by how many networks are averaged, over subsets of them."""
    count, total = len(members), len(members[0].labels)
    generator = torch.Generator().manual_seed(seed)
    by_size = [_draw_subsets(count, size, generator) for size in range(1, count + 1)]
    right = [[0] * len(subsets) for subsets in by_size]
    for parts in zip(*(one.parts() for one in members), strict=True):
        said = torch.stack([one.logits.double().softmax(1) for one in parts])
        for counts, subsets in zip(right, by_size, strict=True):
            for place, some in enumerate(subsets):
                counts[place] += int((said[some].mean(0).argmax(1) == parts[0].labels).sum())
    found = [[one / total for one in counts] for counts in right]
    mean, low, high = tuple(map(fmean, found)), tuple(map(min, found)), tuple(map(max, found))
    line = Line("accuracy, mean over subsets", mean, low, high)
    note = "Every subset of the networks of that size, or 60 of them; the band reaches from worst to best."
    x = tuple(float(one) for one in range(1, count + 1))
    return Chart("What each further network brings", x, (line,), "networks averaged", "right", True, note)


def _draw_subsets(count: int, size: int, generator: torch.Generator) -> list[list[int]]:
    everything = []
    for one in combinations(range(count), size):
        everything.append(list(one))
        if len(everything) > _MOST_SUBSETS:
            break
    if len(everything) <= _MOST_SUBSETS:
        return everything
    return [torch.randperm(count, generator=generator)[:size].tolist() for _ in range(_MOST_SUBSETS)]
