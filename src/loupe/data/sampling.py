"""In what order, and how often, an epoch takes its training images."""

import torch
from torch import Tensor


def draw_order(labels: Tensor, power: float, generator: torch.Generator) -> Tensor:
    """Return which images an epoch takes, in random order, (images,) int64: as many as there are.

    A class of n images is taken in proportion to n^power: at 1 each image once, at 0 every class equally
    often (Mahajan et al., 2018, arXiv:1805.00932, take the square root). Within a class no image is taken
    twice more often than another: so rare classes repeat evenly, and of frequent ones each epoch leaves out
    others.

    Args:
        labels: (images,) int64, on any device.
        power: in [0, 1].
        generator: CPU generator; it alone decides.
    """
    if power == 1:
        return torch.randperm(len(labels), generator=generator)
    labels = labels.cpu()
    counts = torch.bincount(labels)
    drawn = []
    for label, count in enumerate(share_out(counts, power).tolist()):
        members = (labels == label).nonzero().flatten()
        whole, rest = divmod(count, max(1, len(members)))
        some = members[torch.randperm(len(members), generator=generator)[:rest]]
        drawn += [members.repeat(whole), some]
    chosen = torch.cat(drawn)
    return chosen[torch.randperm(len(chosen), generator=generator)]


def share_out(counts: Tensor, power: float) -> Tensor:
    """Return how many images an epoch takes of each class, (classes,) int64; they add up to all images.

    Args:
        counts: images of each class, (classes,) int64.
        power: in [0, 1].
    """
    odds = torch.where(counts > 0, counts.double() ** power, 0.0)
    exact = odds / odds.sum() * counts.sum()
    wanted = exact.floor().long()
    short = int(
        counts.sum() - wanted.sum()
    )  # rounding down leaves some over: the largest remainders get them
    wanted[(exact - wanted).argsort(descending=True, stable=True)[:short]] += 1
    return wanted
