"""Where the network is weak: groups of images alike in something that can be seen without it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from loupe.data import ImageDataset, pick_stratified
from loupe.evaluations.finding import (
    COUNT,
    Bar,
    Bars,
    Cell,
    Column,
    Finding,
    Gallery,
    ShownImage,
    Table,
    Value,
    write_value,
)
from loupe.evaluations.registry import register_evaluation
from loupe.evaluations.simple_classifiers import find_nearest, flatten_pixels
from loupe.metrics import Predictions
from loupe.statistics import compute_wilson_interval
from loupe.statistics.comparison import adjust_for_many, compute_hypergeometric_tail
from loupe.wording import list_names

_QUARTERS = ("lowest", "second", "third", "highest")
_FEWEST = 10  # images of a segment
_SHOWN = 10
_BLOCK = 512  # images measured at once
_COMPARED = 500  # images compared with known ones at once
_FEWEST_COMPARED, _MOST_WORK = 500, 4e11  # known images; products of pixels: seconds


@dataclass(frozen=True, eq=False)
class Segment:
    """Images that are alike in something.

    Args:
        name: what they share.
        members: (images,) bool.
        p_value: how often as many of its images would be wrong if mistakes fell on images by lot.
    """

    name: str
    members: Tensor
    p_value: float


@register_evaluation(
    "weak_segments",
    title="Where it is weak",
    chapter="Predictions",
    order=41,
    split="validation",
    takes_seconds=True,
)
def find_weak_segments(
    answers: Predictions,
    images: ImageDataset,
    class_names: tuple[str, ...],
    level: float,
    seed: int,
    training: ImageDataset | None = None,
    most_training: Annotated[int, Field(ge=1, description="Training images compared with, ≥ 1.")] = 5_000,
    most: Annotated[int, Field(ge=1, le=100, description="Segments listed, 1 to 100.")] = 12,
) -> Finding:
    """Groups of images with more mistakes than chance puts there, by what can be seen of them, and by class.

    Costs a second or two, and no forward pass.
    """
    on_cpu = images.to(torch.device("cpu"))
    properties = measure_properties(on_cpu)
    if training is not None:
        work = len(images) * math.prod(images.images.shape[1:])
        affordable = max(_FEWEST_COMPARED, int(_MOST_WORK / work))
        chosen = pick_stratified(training.labels.cpu(), min(most_training, affordable), seed)
        known = training.to(torch.device("cpu")).select(chosen)
        properties["distance to the nearest training image"] = _measure_distances(known, on_cpu)
    properties = {name: values for name, values in properties.items() if len(values.unique()) > 1}
    is_wrong = ~answers.is_right
    ranked = rank_segments(properties, on_cpu.labels, class_names, is_wrong)
    rows = [_describe(one, is_wrong, level) for one in ranked[:most]]
    columns = (
        Column("segment"),
        Column("images", COUNT),
        Column("wrong", COUNT),
        *(Column(one, "percent") for one in ("error", "from", "to")),
        Column("p, adjusted", ""),
    )
    note = (
        f"{len(ranked):,} segments were looked at: quarters of the images by each property, and these within "
        "each class. p: how often mistakes that fall by lot would hit the segment as hard, adjusted (Holm)."
    )
    overall = int(is_wrong.sum()) / len(is_wrong)
    interval = compute_wilson_interval(int(is_wrong.sum()), len(is_wrong), level)
    blocks: list[Table | Bars | Gallery] = [
        Table("Weakest first", columns, tuple(rows), note, if_empty="Too few images to make segments of."),
        _draw_quarters(properties, is_wrong, level, overall),
        _show_wrong(ranked, answers, class_names),
    ]
    return Finding(_say(ranked, is_wrong, level), [Value("error", overall, "percent", interval)], blocks)


def measure_properties(images: ImageDataset) -> dict[str, Tensor]:
    """Return what can be seen of images without a network, (images,) float32 each.

    Brightness is the mean level, contrast the levels' deviation, detail the mean step between neighbours.
    """
    found = {name: torch.empty(len(images)) for name in ("brightness", "contrast", "detail")}
    for start, block in zip(range(0, len(images), _BLOCK), images.images.split(_BLOCK), strict=True):
        for name, values in _measure_block(block).items():
            found[name][start : start + _BLOCK] = values
    return found


def _measure_distances(known: ImageDataset, images: ImageDataset) -> Tensor:
    """Return the Euclidean distance of each image's pixels to the nearest known ones, (images,) float32."""
    pixels = flatten_pixels(known)
    blocks = (block.flatten(1).float() / 255 for block in images.images.split(_COMPARED))
    return torch.cat([find_nearest(pixels, block, 1)[0][:, 0] for block in blocks])


def _measure_block(images: Tensor) -> dict[str, Tensor]:
    levels = images.float().mean(1)
    steps = [levels.diff(dim=axis).abs().flatten(1).mean(1) for axis in (1, 2) if levels.shape[axis] > 1]
    return {
        "brightness": levels.mean((1, 2)),
        "contrast": levels.std((1, 2), correction=0),
        "detail": torch.stack(steps).mean(0) if steps else levels.new_zeros(len(images)),
    }


def rank_segments(
    properties: dict[str, Tensor], labels: Tensor, class_names: tuple[str, ...], is_wrong: Tensor
) -> list[Segment]:
    """Return segments, the one whose mistakes are least likely to be chance first; p values adjusted."""
    found = [
        Segment(name, members, _compute_p_value(members, is_wrong))
        for name, members in _list_segments(properties, labels, class_names)
        if int(members.sum()) >= _FEWEST
    ]
    adjusted = adjust_for_many([one.p_value for one in found])
    order = sorted(range(len(found)), key=lambda index: (found[index].p_value, index))
    return [Segment(found[index].name, found[index].members, adjusted[index]) for index in order]


def _list_segments(
    properties: dict[str, Tensor], labels: Tensor, class_names: tuple[str, ...]
) -> Iterator[tuple[str, Tensor]]:
    for label, name in enumerate(class_names):
        yield f"class {name}", labels == label
    for name, values in properties.items():
        for quarter, members in zip(_QUARTERS, _quarter(values), strict=True):
            yield f"{name}: {quarter} quarter", members
        for label, of_class in enumerate(class_names):
            members = labels == label
            inside = values[members]
            if len(inside) < 4 * _FEWEST:
                continue
            for end, part in (("lowest", 0), ("highest", 3)):
                chosen = torch.zeros_like(members)
                chosen[members] = _quarter(inside)[part]
                yield f"class {of_class}, {name}: {end} quarter", chosen


def _quarter(values: Tensor) -> list[Tensor]:
    """Return which values are in each quarter by rank; equal ones stand together, at their middle rank."""
    ordered = values.sort().values
    lower, upper = torch.searchsorted(ordered, values), torch.searchsorted(ordered, values, right=True)
    parts = 2 * (lower + upper - 1) // len(values)
    return [parts == part for part in range(4)]


def _compute_p_value(members: Tensor, is_wrong: Tensor) -> float:
    hit = int((members & is_wrong).sum())
    return compute_hypergeometric_tail(hit, len(is_wrong), int(is_wrong.sum()), int(members.sum()))


def _describe(one: Segment, is_wrong: Tensor, level: float) -> tuple[Cell, ...]:
    total, wrong = int(one.members.sum()), int((one.members & is_wrong).sum())
    ends = compute_wilson_interval(wrong, total, level)
    return one.name, total, wrong, wrong / total, ends.low, ends.high, one.p_value


def _draw_quarters(properties: dict[str, Tensor], is_wrong: Tensor, level: float, overall: float) -> Bars:
    bars = []
    for name, values in properties.items():
        for quarter, members in zip(_QUARTERS, _quarter(values), strict=True):
            total, wrong = int(members.sum()), int((members & is_wrong).sum())
            if total:
                ends = compute_wilson_interval(wrong, total, level)
                bars.append(Bar(f"{name}: {quarter}", wrong / total, ends, f"{wrong}/{total}"))
    return Bars("Errors by quarters of the images", tuple(bars), overall, "Dotted: all images together.")


def _show_wrong(ranked: list[Segment], answers: Predictions, class_names: tuple[str, ...]) -> Gallery:
    if not ranked:
        return Gallery("", ())
    wrong = (ranked[0].members & ~answers.is_right).nonzero().flatten()[:_SHOWN].tolist()
    shown = tuple(
        ShownImage(
            index,
            class_names[int(answers.predicted[index])],
            is_right=False,
            lines=(f"is {class_names[int(answers.labels[index])]}",),
        )
        for index in wrong
    )
    return Gallery(f"Wrong in the first segment: {ranked[0].name}", shown)


def _say(ranked: list[Segment], is_wrong: Tensor, level: float) -> str:
    if not ranked or ranked[0].p_value >= 1 - level:
        return "No group of images has more mistakes than chance puts there."
    first = ranked[0]
    total, wrong = int(first.members.sum()), int((first.members & is_wrong).sum())
    share = Value("", wrong / total, "percent", compute_wilson_interval(wrong, total, level))
    overall = write_value(int(is_wrong.sum()) / len(is_wrong), "percent", 1)
    tied = [
        one.name
        for one in ranked
        if one.p_value == first.p_value
        and (int(one.members.sum()), int((one.members & is_wrong).sum())) == (total, wrong)
    ]
    each = "each " if len(tied) > 1 else ""
    return (
        f"Weakest at {list_names(tied)}: {each}wrong in {share.write()} of {total:,} images, against "
        f"{overall} of all (p = {first.p_value:.2g})."
    )
