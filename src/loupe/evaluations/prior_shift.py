"""How frequent each class is among other images, and answers that heed it."""

import math
from statistics import NormalDist
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from loupe.evaluations.finding import POINTS, Cell, Column, Finding, Table, Value, write_value
from loupe.evaluations.registry import register_evaluation
from loupe.evaluations.stakes import fill_shares
from loupe.metrics import Predictions
from loupe.statistics import Interval, compute_wilson_interval
from loupe.statistics.class_shares import adjust_to_shares, estimate_shares

_MOST_NAMED = 5


@register_evaluation(
    "prior_shift", title="Other shares of the classes", chapter="Decisions", order=20, is_default=False
)
def estimate_prior_shift(
    answers: Predictions,
    class_names: tuple[str, ...],
    level: float,
    seed: int,
    validation_answers: Predictions | None = None,
    shares: Annotated[
        dict[str, float],
        Field(description="Share of each class where the network is used; those left out share the rest."),
    ] = {},  # noqa: B006 - read, never changed: a setting's default
) -> Finding:
    """How frequent each class is among these images, told without their labels, and answers that heed it.

    Where shares are given: what accuracy would be where classes have them, plain and with answers that heed
    them.

    Costs under a second, with hundreds of classes seconds, thousands minutes, and no forward pass.
    """
    known = validation_answers.labels if validation_answers is not None else answers.labels
    num_classes, total = len(class_names), len(answers.labels)
    before = (torch.bincount(known, minlength=num_classes) / len(known)).tolist()
    if shares:
        return _judge_elsewhere(answers, class_names, before, fill_shares(shares, class_names, before), level)
    estimated, drawn = estimate_shares(answers.probabilities, before, seed=seed)
    tail = (1 - level) / 2
    low, high = (drawn.quantile(torch.tensor(one, dtype=torch.float64), 0) for one in (tail, 1 - tail))
    rows = tuple(
        (
            name,
            before[label],
            *(
                (
                    float(estimated[label]),
                    float(min(low[label], estimated[label])),
                    float(max(high[label], estimated[label])),
                )
                if before[label]
                else (None, None, None)
            ),
            int((answers.labels == label).sum()) / total,
        )
        for label, name in enumerate(class_names)
    )
    columns = (
        Column("class"),
        *(Column(one, "percent") for one in ("on validation", "here, estimated", "from", "to", "here, true")),
    )
    right, plain = _judge_adjusted(answers, before, estimated.tolist()), answers.is_right
    values = [
        Value(name, int(one.sum()) / total, "percent", compute_wilson_interval(int(one.sum()), total, level))
        for name, one in (("accuracy as it is", plain), ("accuracy with the shares estimated here", right))
    ]
    moved = float((estimated - torch.tensor(before, dtype=torch.float64)).abs().sum() / 2)
    sentence = (
        f"The classes' shares here differ from those it knows by {write_value(moved, 'percent', 1)} of the "
        f"images, told without labels; heeding that makes {values[0].write()} into {values[1].write()}."
    )
    note = (
        "Estimated by expectation maximisation (Saerens et al., 2002), which needs calibrated probabilities."
    )
    note += _note_unknown(class_names, before)
    return Finding(sentence, values, [Table("", columns, rows, note)])


def _judge_elsewhere(
    answers: Predictions,
    class_names: tuple[str, ...],
    before: list[float],
    shares: list[float],
    level: float,
) -> Finding:
    """Return accuracy where classes have other shares: each class weighs what it is there."""
    adjusted = _judge_adjusted(answers, before, shares)
    gain = adjusted.double() - answers.is_right.double()
    weights = _Weights(answers.labels, shares, level)
    plain, heeded = (weights.measure(one.double(), 0, 1) for one in (answers.is_right, adjusted))
    difference = weights.measure(gain, -1, 1)
    values = [
        Value("accuracy there, as it is", plain[0], "percent", plain[1]),
        Value("accuracy there, with the shares heeded", heeded[0], "percent", heeded[1]),
        Value("gain", difference[0], POINTS, difference[1]),
    ]
    rows: list[tuple[Cell, ...]] = []
    for label, name in enumerate(class_names):
        of_class = answers.labels == label
        count = int(of_class.sum())
        right = [int(one[of_class].sum()) / count if count else None for one in (answers.is_right, adjusted)]
        there = shares[label] if before[label] else None
        rows.append((name, before[label], there, count, *right))
    columns = (
        Column("class"),
        Column("share on validation", "percent"),
        Column("share there", "percent"),
        Column("images here", "count"),
        Column("right, as it is", "percent"),
        Column("right, shares heeded", "percent"),
    )
    here = write_value(float(answers.is_right.double().mean()), "percent")
    sentence = (
        f"Where classes have the shares given, the network would be right in {values[0].write()} "
        f"(here {here}); "
        f"answers that heed the shares in {values[1].write()}: {values[2].write()}."
    )
    note = (
        "Each class weighs its share there (post-stratification); probabilities are multiplied by how much "
        "more frequent a class is there (Saerens et al., 2002), which needs calibrated ones."
    )
    if weights.missing:
        note += f" {weights.missing} of the classes that occur there have no image here and are left out."
    note += _note_unknown(class_names, before)
    return Finding(sentence, values, [Table("", columns, tuple(rows), note)])


def _note_unknown(class_names: tuple[str, ...], before: list[float]) -> str:
    """Return which classes' shares are unknown, and what becomes of these; "" if there are none."""
    names = [name for name, share in zip(class_names, before, strict=True) if not share]
    if not names:
        return ""
    more = len(names) - _MOST_NAMED
    told = ", ".join(names[:_MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")
    return (
        f" Without a validation image, no share is told of {told}: what the network gives such a class stays "
        "as it is, and the others' shares add up to 100 %."
    )


def _judge_adjusted(answers: Predictions, before: list[float], shares: list[float]) -> Tensor:
    """Return which answers are right where classes have these shares, (images,) bool."""
    named = [adjust_to_shares(part.probabilities, before, shares).argmax(1) for part in answers.parts()]
    return torch.cat(named) == answers.labels


class _Weights:
    """Means over images in which each class weighs its share."""

    def __init__(self, labels: Tensor, shares: list[float], level: float) -> None:
        self._places = [(labels == label).nonzero().flatten() for label in range(len(shares))]
        present = [label for label, one in enumerate(self._places) if len(one)]
        total = sum(shares[label] for label in present)
        self._shares = {label: shares[label] / total for label in present} if total else {}
        self._z = NormalDist().inv_cdf((1 + level) / 2)
        self.missing = sum(1 for label, share in enumerate(shares) if share and not len(self._places[label]))

    def measure(self, values: Tensor, low: float, high: float) -> tuple[float | None, Interval | None]:
        """Return the weighted mean of (images,) values in [low, high], and its interval by strata."""
        if not self._shares:
            return None, None
        mean = variance = 0.0
        seen = float(values.min()), float(values.max())
        ends = torch.tensor(seen if seen[0] < seen[1] else (low, high), dtype=torch.float64)
        for label, share in self._shares.items():
            some = values[self._places[label]]
            count = len(some)
            mean += share * float(some.mean())
            # two values more, one at each end seen: a class that is all right is not certain to be so
            variance += share**2 * float(torch.cat([some, ends]).var(unbiased=False)) / (count + 2)
        reach = self._z * math.sqrt(variance)
        return mean, Interval(max(low, mean - reach), min(high, mean + reach))
