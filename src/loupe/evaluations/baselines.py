"""What the network is worth beside classifiers that need none."""

import math
from collections.abc import Callable
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from loupe.data import ImageDataset, pick_stratified
from loupe.evaluations.finding import (
    COUNT,
    POINTS,
    Bar,
    Bars,
    Cell,
    Column,
    Finding,
    Table,
    Value,
    write_value,
)
from loupe.evaluations.registry import register_evaluation
from loupe.evaluations.simple_classifiers import (
    predict_from_random_features,
    predict_logistic,
    predict_majority,
    predict_nearest_mean,
    predict_nearest_neighbours,
)
from loupe.metrics import Predictions
from loupe.runtime import release_freed_memory
from loupe.statistics.comparison import adjust_for_many, compute_mcnemar, compute_paired_interval
from loupe.statistics.intervals import compute_wilson_interval
from loupe.wording import list_names

_MOST_VALUES = 2**27  # pixels fitted to, half a gigabyte as numbers
_NETWORK = "your network"
_NEIGHBOURS = "k nearest neighbours"
_Verdict = Literal["worse", "unclear", "better"]  # than the network, beyond chance
_COLUMNS = (
    Column("classifier"),
    Column("accuracy", "percent"),
    Column("from", "percent"),
    Column("to", "percent"),
    Column("network minus it (points)", POINTS),
    Column("from", POINTS),
    Column("to", POINTS),
    Column("p, adjusted", ""),
    Column("wrong in both", COUNT),
)


@register_evaluation(
    "baselines", title="Beside simple classifiers", chapter="Simple classifiers", order=16, takes_seconds=True
)
def compare_with_baselines(
    answers: Predictions,
    images: ImageDataset,
    training: ImageDataset,
    level: float,
    seed: int,
    most_training: Annotated[int, Field(ge=1, description="Training images used, ≥ 1.")] = 10_000,
    most: Annotated[int, Field(ge=1, description="Images judged, ≥ 1.")] = 2_000,
    k: Annotated[int, Field(ge=1, description="Neighbours asked, ≥ 1.")] = 5,
    filters: Annotated[int, Field(ge=1, description="Random features a quarter image, ≥ 1.")] = 64,
) -> Finding:
    """Accuracy beside five classifiers that need no network, on the same images: is it better than simple?

    Costs seconds: under one on digits, some ten where images are of 32 × 32 in colour.
    """
    judged = pick_stratified(images.labels.cpu(), most, seed)
    affordable = max(1, _MOST_VALUES // math.prod(training.images.shape[1:]))
    fitted_to = pick_stratified(training.labels.cpu(), min(most_training, affordable), seed)
    told_apart = images.to(torch.device("cpu")).select(judged).load()
    examples = training.to(torch.device("cpu")).select(fitted_to).load()
    said = dict[str, Tensor]()
    for name, predict in _list_classifiers(k, filters, seed):
        said[name] = predict(examples, told_apart)
        release_freed_memory()  # the next one wants pieces of other sizes
    labels, is_right = told_apart.labels, answers.is_right[judged].cpu()
    right = {name: one == labels for name, one in said.items()}
    some = f"{len(judged):,} of the {len(images):,} images" if len(judged) < len(images) else "these images"
    note = (
        f"Fitted to {len(examples):,} of {len(training):,} training images, all judged on {some}. Majority: "
        f"the most frequent class. Class mean: the nearest mean image. Neighbours: the vote of the {k} "
        "nearest training images by their pixels. Logistic regression: on standardised pixels. Random "
        f"features: one convolution with {filters} patches drawn from training images, and ridge regression "
        "on top. p: McNemar's exact test, adjusted for looking at all of them (Holm); "
        "an interval is of its row alone."
    )
    table, verdicts = _tabulate(is_right, right, level, note)
    values = [_measure(_NETWORK, is_right, level), *(_measure(*one, level) for one in right.items())]
    shown = sorted(values, key=lambda one: -(one.value or 0))
    bars = tuple(Bar(one.name.removeprefix("accuracy of "), one.value or 0, one.interval) for one in shown)
    blocks = (Bars("", bars), table)
    return Finding(_say(is_right, right, verdicts), values, blocks, num_images=len(judged))


def _list_classifiers(
    k: int, filters: int, seed: int
) -> tuple[tuple[str, Callable[[ImageDataset, ImageDataset], Tensor]], ...]:
    return (
        ("majority class", predict_majority),
        ("nearest class mean", predict_nearest_mean),
        ("logistic regression", predict_logistic),
        (_NEIGHBOURS, lambda training, images: predict_nearest_neighbours(training, images, k)),
        (
            "random features",
            lambda training, images: predict_from_random_features(training, images, seed, filters),
        ),
    )


def _measure(name: str, is_right: Tensor, level: float) -> Value:
    correct, total = int(is_right.sum()), len(is_right)
    interval = compute_wilson_interval(correct, total, level)
    return Value(f"accuracy of {name}", correct / total, "percent", interval)


def _tabulate(
    is_right: Tensor, right: dict[str, Tensor], level: float, note: str
) -> tuple[Table, dict[str, _Verdict]]:
    """Return accuracy of each and the difference to the network, and which differ from it beyond chance."""
    total = len(is_right)
    counts = {
        name: (int((is_right & ~one).sum()), int((one & ~is_right).sum())) for name, one in right.items()
    }
    adjusted = dict(
        zip(counts, adjust_for_many([compute_mcnemar(*one) for one in counts.values()]), strict=True)
    )
    rows: list[tuple[Cell, ...]] = []
    for name, one in sorted(right.items(), key=lambda item: -int(item[1].sum())):
        ours, theirs = counts[name]
        ends = compute_paired_interval(ours, theirs, total, level)
        reach = compute_wilson_interval(int(one.sum()), total, level)
        both_wrong = int((~one & ~is_right).sum())
        difference = (ours - theirs) / total
        shares = (int(one.sum()) / total, reach.low, reach.high, difference, ends.low, ends.high)
        rows.append((name, *shares, adjusted[name], both_wrong))
    verdicts: dict[str, _Verdict] = {}
    for name, p_value in adjusted.items():
        ours, theirs = counts[name]
        is_shown = ours != theirs and p_value < 1 - level
        verdicts[name] = "unclear" if not is_shown else "worse" if ours > theirs else "better"
    return Table("", _COLUMNS, tuple(rows), note), verdicts


def _say(is_right: Tensor, right: dict[str, Tensor], verdicts: dict[str, _Verdict]) -> str:
    """Return whether the network is better than simple classifiers, and what it shares with neighbours."""
    total = len(is_right)
    accuracy = write_value(int(is_right.sum()) / total, "percent", 1)
    by_rank = sorted(right, key=lambda name: -int(right[name].sum()))
    told = {name: f"{name} ({write_value(_share(right[name]), 'percent', 1)})" for name in by_rank}
    better = [told[name] for name in by_rank if verdicts[name] == "better"]
    unclear = [told[name] for name in by_rank if verdicts[name] == "unclear"]
    parts = [
        f"does worse than {list_names(better, most=len(better))}" if better else "",
        f"is not shown to be better than {list_names(unclear, most=len(unclear))}" if unclear else "",
    ]
    if better or unclear:
        verdict = f"Your network ({accuracy}) {' and '.join(filter(None, parts))}, on {total:,} images."
    else:
        gain = Value("", _share(is_right) - _share(right[by_rank[0]]), POINTS)
        best = [told[name] for name in by_rank if _share(right[name]) == _share(right[by_rank[0]])]
        verdict = (
            f"Your network ({accuracy}) is better than each simple classifier; the best of them, "
            f"{list_names(best)}: {gain.write()}."
        )
    wrong = ~is_right
    if not bool(wrong.any()):
        return verdict
    shared = int((wrong & ~right[_NEIGHBOURS]).sum())
    return f"{verdict} Of its {int(wrong.sum()):,} mistakes the nearest neighbours share {shared:,}."


def _share(is_right: Tensor) -> float:
    return int(is_right.sum()) / len(is_right)
