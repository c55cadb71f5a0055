"""What the choice of test images does to accuracies and their differences."""

import numpy as np
from numpy.typing import NDArray

from loupe.statistics.many_arms import ImageChance

_Floats = NDArray[np.float64]


def estimate_image_chance(differences: _Floats) -> ImageChance | None:
    """Return what test images add to the chance in a difference of accuracies, beyond what seeds show.

    Every seed meets every image, so both are random and crossed. With S seeds and N images the mean squares
    of images (B) and of the rest (C) have expectations S σ²_image + σ²_rest and σ²_rest. The spread between
    seeds holds σ²_rest already: answers that flip from seed to seed are most of it (Jordan, 2024, "On the
    variance of neural network training with respect to test sets and distributions"). What other images
    would add is max(B − C, 0) / SN; what images alone would give is max(B, C) / SN. For the counts of few
    images, B is taken as if two images more disagreed as strongly as the others do.

    Args:
        differences: (seeds, images), right in the one minus right in the other, in [-1, 1].

    Returns:
        None for fewer than two images.
    """
    num_seeds, num_images = differences.shape
    if num_images < 2:
        return None
    of_images, of_seeds = differences.sum(0), differences.sum(1)
    of_mean = float(of_seeds.sum()) ** 2 / differences.size
    images_square = float((of_images**2).sum()) / num_seeds
    disagreeing = int(np.count_nonzero(of_images))
    two_more = 2 * (images_square / disagreeing if disagreeing else num_seeds)
    images = (images_square - of_mean + two_more) / (num_images - 1)
    rest = 0.0
    if num_seeds > 1:
        seeds_square = float((of_seeds**2).sum()) / num_images
        rest = float((differences**2).sum()) - seeds_square - images_square + of_mean
        rest = max(0.0, rest / ((num_seeds - 1) * (num_images - 1)))
    size = differences.size
    return ImageChance(max(images - rest, 0.0) / size, max(images, rest) / size, num_images)


def estimate_flips(right: _Floats) -> float:
    """Return the variance of an accuracy over seeds that single answers bring by flipping each for itself.

    An image that is right with a chance p over seeds flips with variance p (1 − p); N images that flip each
    for itself give their mean over N (Jordan, 2024). That is most of what accuracies vary between seeds, and
    thousands of images tell it well where three seeds tell their own spread badly. What networks differ
    beyond it a larger test set would not take away.

    Args:
        right: (seeds, images) in [0, 1], 1 where the answer is right; two seeds or more.
    """
    return float(right.var(0, ddof=1).sum()) / int(right.shape[1]) ** 2
