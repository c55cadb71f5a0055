"""Which part of several each image is in, so that over all parts each validates once."""

import torch
from torch import Tensor

from loupe.data.dataset import ImageDataset
from loupe.data.missing_classes import Working
from loupe.data.sides import draw_numbers
from loupe.data.stratified import stratified_order
from loupe.runtime import Streams


def draw_folds(images: ImageDataset, parts: int, seed: int, *, by_image: bool) -> Tensor:
    """Return the number of the part that each image is in, 1, 2, …, (images,) int64.

    Args:
        images: to be divided.
        parts: how many there are.
        seed: decides what is in which part.
        by_image: whether each image has its part by its own digest; else they are stratified.
    """
    if by_image:
        return (draw_numbers(images.table.identities, f"fold {seed}") * parts).long() + 1
    order = stratified_order(images.labels, Streams(seed).generator("folds"))
    of_each = torch.empty(len(images), dtype=torch.int64)
    for number in range(1, parts + 1):
        of_each[order[len(order) * (number - 1) // parts : len(order) * number // parts]] = number
    return of_each


def find_working_folds(images: ImageDataset, parts: int, seed: int, *, by_image: bool) -> Working:
    """Return the largest number of parts below this one of which each has images of each class."""
    for fewer in range(parts - 1, 1, -1):
        of_each = draw_folds(images, fewer, seed, by_image=by_image) - 1
        counts = torch.zeros(fewer, images.num_classes, dtype=torch.int64)
        counts.index_put_((of_each, images.labels.cpu()), torch.ones_like(of_each), accumulate=True)
        if bool((counts > 0).all()):
            return Working(fewer, f"{fewer} parts")
    return Working()
