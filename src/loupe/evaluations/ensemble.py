"""Several networks as one, beside each alone: accuracy, calibration, and how different they are."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

import torch
import torch.nn.functional as F
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
    """A number of one network's answers, and how it is written."""

    name: str
    unit: str
    compute: Callable[[Predictions], float]

    @property
    def difference_unit(self) -> str:
        return POINTS if self.unit == "percent" else self.unit


def _measure_brier(answers: Predictions) -> float:
    truth = F.one_hot(answers.labels, answers.num_classes).double()
    return float((answers.logits.double().softmax(1) - truth).square().sum(1).mean())


_NUMBERS = (
    _Number("accuracy", "percent", lambda one: float(one.is_right.double().mean())),
    _Number(
        "negative log likelihood", "nats", lambda one: float(F.cross_entropy(one.logits.double(), one.labels))
    ),
    _Number(
        "expected calibration error",
        "percent",
        lambda one: compute_binned_error(one.confidence, one.is_right),
    ),
    _Number("Brier score", "", _measure_brier),
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
    spread = bootstrap_difference(
        lambda some: measure_ambiguity(answers, members, some), total, level, seed, _DRAWS
    )
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


def measure_ambiguity(
    answers: Predictions, members: tuple[Predictions, ...], some: Tensor | None = None
) -> float:
    """Return the mean squared distance of the members' probabilities from their mean.

    The ambiguity of Krogh and Vedelsby (1995). It is what the mean gains: the mean of the members' Brier
    scores minus that of the mean, exactly.
    """
    chosen = slice(None) if some is None else some
    mean = answers.logits[chosen].double().softmax(1)
    return fmean(
        float((one.logits[chosen].double().softmax(1) - mean).square().sum(1).mean()) for one in members
    )


def _compare(
    number: _Number, answers: Predictions, members: tuple[Predictions, ...], level: float, seed: int
) -> BootstrappedDifference:
    """Return a number of the mean minus the mean of the members' numbers."""

    def measure(some: Tensor | None) -> float:
        ours, *alone = (number.compute(_take(one, some)) for one in (answers, *members))
        return ours - fmean(alone)

    found = bootstrap_difference(measure, len(answers.labels), level, seed, _DRAWS)
    assert found is not None
    return found


def _take(answers: Predictions, some: Tensor | None) -> Predictions:
    return answers if some is None else Predictions(answers.labels[some], answers.logits[some])


def _tabulate(
    answers: Predictions, members: tuple[Predictions, ...], gains: dict[str, BootstrappedDifference]
) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for one in _NUMBERS:
        alone = [one.compute(member) for member in members]
        gain = Value("", gains[one.name].value, one.difference_unit, gains[one.name].interval)
        ends = f"{write_value(min(alone), one.unit)} to {write_value(max(alone), one.unit)}"
        rows.append(
            (
                one.name,
                write_value(one.compute(answers), one.unit),
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
    said = torch.stack([one.logits.double().softmax(1) for one in members])
    labels, count = members[0].labels, len(members)
    generator = torch.Generator().manual_seed(seed)
    mean, low, high = list[float](), list[float](), list[float]()
    for size in range(1, count + 1):
        subsets = _draw_subsets(count, size, generator)
        found = [float((said[some].mean(0).argmax(1) == labels).double().mean()) for some in subsets]
        mean.append(fmean(found))
        low.append(min(found))
        high.append(max(found))
    line = Line("accuracy, mean over subsets", tuple(mean), tuple(low), tuple(high))
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
