"""Stratified, seeded splits of the training images.

Everything rests on one idea: a random order of the images in which *every* prefix has the classes in
their overall proportions. Held-out images are a prefix of one such order; a fraction of the training
images is a prefix of another, so smaller fractions lie inside larger ones.
"""

import math

import torch
from torch import Tensor

from loupe.data.dataset import ImageDataset
from loupe.data.missing_classes import may_go_unjudged
from loupe.errors import MissingClassError
from loupe.runtime import Streams


def stratified_order(labels: Tensor, generator: torch.Generator) -> Tensor:
    """Return a random permutation of the images whose every prefix is stratified.

    The r-th image drawn from a class of n gets the key (r + ½) / n; sorting by key interleaves the
    classes evenly. Equal keys are put in random order, so that no class leads.

    Args:
        labels: (images,) int64.
        generator: CPU generator; it alone decides the order.

    Returns:
        (images,) int64 permutation. With classes of equal size, the counts in any prefix differ by
        at most one.
    """
    labels = labels.cpu()
    shuffled = torch.randperm(len(labels), generator=generator)
    keys = torch.empty(len(labels), dtype=torch.float64)
    for label in labels.unique():
        of_class = shuffled[labels[shuffled] == label]
        keys[of_class] = (torch.arange(len(of_class), dtype=torch.float64) + 0.5) / len(of_class)
    return shuffled[torch.argsort(keys[shuffled], stable=True)]


def hold_out(
    labels: Tensor,
    amount: int | float,
    generator: torch.Generator,
    *,
    num_classes: int,
    setting: str = "data.validation",
) -> tuple[Tensor, Tensor]:
    """Split images into those kept and those held out, stratified by class.

    Args:
        labels: (images,) int64.
        amount: images to hold out: a count ≥ 1, or a fraction in (0, 1).
        generator: CPU generator.
        num_classes: number of classes; each must be kept, and held out too if they are fewer than twenty.
        setting: where the amount was set, for the error message.

    Returns:
        Indices kept and indices held out, (kept,) and (held out,) int64, each sorted; disjoint, and
        together all images.

    Raises:
        DataError: one side would lack a class.
    """
    count = amount if isinstance(amount, int) else round(amount * len(labels))
    order = stratified_order(labels, generator)
    kept, held_out = order[count:].sort().values, order[:count].sort().values
    for side, indices in (("kept", kept), ("held-out", held_out)):
        present = len(labels[indices].unique())
        if side == "held-out" and may_go_unjudged(num_classes - present, num_classes):
            continue
        if present < num_classes:
            allowed, works = _find_working(labels[order], amount, num_classes)
            raise MissingClassError(
                f"The {side} part would hold only {present} of {num_classes} classes.",
                setting=setting,
                works=works,
                got=f"{count} of {len(labels)} images held out ({setting} = {amount:g})",
                allowed=f"at least one image of each class on both sides, {allowed or num_classes} or more",
                next_step="add images" if works is None else f"set {setting}={works:g}, or add images",
            )
    return kept, held_out


def _find_working(
    ordered: Tensor, amount: int | float, num_classes: int, *, is_part: bool = False
) -> tuple[int | None, int | float | None]:
    """Return how few of the first images hold each class, and the amount nearest to a wish that does.

    Args:
        ordered: (images,) labels in the order they are drawn in.
        amount: what was wished: a count, or a fraction.
        num_classes: that there are.
        is_part: whether only the first images count, and not that the rest holds each class too.
    """
    places = [(ordered == label).nonzero().flatten() for label in ordered.unique()]
    fewest = max(int(one[0]) for one in places) + 1
    most = len(ordered) if is_part else min(int(one[-1]) for one in places)
    if len(places) < num_classes or fewest > most:
        return None, None
    if isinstance(amount, int):
        return fewest, min(max(amount, fewest), most)
    for scale in (100, 1_000, 10_000, 100_000, 1_000_000):
        near = math.ceil(scale * fewest / len(ordered)) / scale
        if amount * len(ordered) > most:
            near = math.floor(scale * most / len(ordered)) / scale
        if fewest <= round(near * len(ordered)) <= most and 0 < near <= 1:
            return fewest, near
    return fewest, None


def take_fraction(labels: Tensor, fraction: float, generator: torch.Generator, *, num_classes: int) -> Tensor:
    """Return the indices of a stratified part of the images; parts nest as the fraction grows.

    Args:
        labels: (images,) int64.
        fraction: part to take, in (0, 1].
        generator: CPU generator; equal generators give nested parts.
        num_classes: number of classes; each must be present in the part.

    Returns:
        (round(fraction x images),) int64, sorted.

    Raises:
        DataError: the part would lack a class.
    """
    count = round(fraction * len(labels))
    order = stratified_order(labels, generator)
    part = order[:count].sort().values
    present = len(labels[part].unique())
    if present < num_classes:
        _, works = _find_working(labels[order], fraction, num_classes, is_part=True)
        raise MissingClassError(
            f"A fraction of {fraction:g} keeps only {present} of {num_classes} classes.",
            setting="data.fraction",
            works=works,
            got=f"{count} of {len(labels)} images",
            allowed="at least one image of each class" + (f": {works:g} or more" if works else ""),
            next_step=f"set data.fraction={works:g}" if works else "add images",
        )
    return part


def take_stratified(dataset: ImageDataset, count: int, seed: int) -> ImageDataset:
    """Return a fixed stratified subset of at most `count` images."""
    return dataset.select(pick_stratified(dataset.labels, count, seed))


def pick_stratified(labels: torch.Tensor, count: int, seed: int) -> torch.Tensor:
    """Return a fixed stratified choice of at most `count` images, (chosen,) int64 indices, sorted."""
    generator: torch.Generator = Streams(seed).generator("stratified subset")
    return stratified_order(labels, generator)[:count].sort().values
