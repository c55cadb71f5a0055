"""Whether the network says the same of an image that is moved by a pixel or two, or mirrored."""

from dataclasses import replace

import torch
from torch import Tensor

from loupe.data import ImageDataset, pick_stratified
from loupe.data.operations.geometry import shift_images
from loupe.evaluations.finding import Cell, Column, Finding, Table, Value
from loupe.evaluations.network import Network
from loupe.evaluations.registry import register_evaluation
from loupe.statistics import compute_wilson_interval
from loupe.statistics.score_intervals import compute_mean_interval

_FEWEST, _MOST = 100, 1000
_DIRECTIONS = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))


@register_evaluation(
    "shift_consistency",
    title="Moved by a pixel",
    chapter="Robustness",
    order=57,
    split="validation",
    takes_seconds=True,
)
def measure_shift_consistency(images: ImageDataset, network: Network, level: float, seed: int) -> Finding:
    """Share of images that are given the same class when moved by one or two pixels (Zhang, 2019).

    Borders repeat the outermost pixels. Costs 17 forward passes of 100 to 1,000 images.
    """
    some, plain = _choose(images, network, 17, seed)
    before = plain.argmax(1)
    by_distance = {}
    for distance in (1, 2):
        moved = [
            network.predict(
                replace(some, images=shift_images(some.pixels, distance * dy, distance * dx), origins=None)
            )
            for dy, dx in _DIRECTIONS
        ]
        by_distance[distance] = torch.stack([(one.predicted == before).double() for one in moved])
    values, rows = [], list[tuple[Cell, ...]]()
    for distance, same in by_distance.items():
        word = "one pixel" if distance == 1 else "two pixels"
        share = same.mean(0)
        interval = compute_mean_interval(share, level, low=0, high=1)
        values.append(Value(f"same class, moved by {word}", float(share.mean()), "percent", interval))
        always = _measure(f"same class in all eight directions, {word}", same.bool().all(0), level)
        values.append(always)
        rows += [
            (word, _name(dy, dx), float(one.mean())) for (dy, dx), one in zip(_DIRECTIONS, same, strict=True)
        ]
    columns = (Column("moved by"), Column("towards"), Column("same class", "percent"))
    note = f"{len(before):,} of {len(images):,} validation images."
    sentence = (
        f"Moved by one pixel, {values[0].write()} of images are given the class they were; in all eight "
        f"directions, {values[1].write()}."
    )
    return Finding(sentence, values, [Table("", columns, tuple(rows), note)], num_images=len(before))


@register_evaluation(
    "mirror_consistency",
    title="Mirrored",
    chapter="Robustness",
    order=58,
    split="validation",
    is_default=False,
    mirrors=True,
)
def measure_mirror_consistency(images: ImageDataset, network: Network, level: float, seed: int) -> Finding:
    """Share of images that are given the same class when mirrored; for data whose classes have no side.

    Costs two forward passes of 100 to 1,000 images.
    """
    some, plain = _choose(images, network, 2, seed)
    mirrored = network.predict(replace(some, images=some.pixels.flip(3), origins=None)).logits
    same = _measure("same class, mirrored", mirrored.argmax(1) == plain.argmax(1), level)
    turned = [mirrored.argmax(1) == some.labels, plain.argmax(1) == some.labels]
    as_it_is, other = (
        _measure(name, one, level)
        for name, one in zip(("right as it is", "right mirrored"), turned[::-1], strict=True)
    )
    sentence = f"Mirrored, {same.write()} of {len(plain):,} images are given the class they were."
    return Finding(sentence, [same, as_it_is, other], num_images=len(plain))


def _choose(images: ImageDataset, network: Network, passes: int, seed: int) -> tuple[ImageDataset, Tensor]:
    """Return the images to look at, on the CPU, and the network's logits for them."""
    count = max(_FEWEST, min(_MOST, network.afford(_MOST * passes) // passes))
    chosen = pick_stratified(images.labels.cpu(), count, seed)
    some = images.to(torch.device("cpu")).select(chosen).load()
    return some, network.predict(some).logits


def _measure(name: str, holds: Tensor, level: float) -> Value:
    count, total = int(holds.sum()), len(holds)
    return Value(name, count / total, "percent", compute_wilson_interval(count, total, level))


def _name(dy: int, dx: int) -> str:
    words = [{-1: "up", 0: "", 1: "down"}[dy], {-1: "left", 0: "", 1: "right"}[dx]]
    return " and ".join(one for one in words if one)
