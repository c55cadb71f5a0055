"""Images of a batch put together by what was drawn for them."""

from collections.abc import Iterator

import torch
from torch import Tensor


def group_by_choice(choices: Tensor, num_choices: int) -> Iterator[tuple[int, Tensor]]:
    """Yield (choice, indices of the images with that choice) for every choice somebody drew.

    Args:
        choices: (batch,) int64 in [0, num_choices).
        num_choices: how many there are.
    """
    counts = torch.bincount(choices, minlength=num_choices).tolist()  # the one wait for the device
    for choice, members in enumerate(choices.argsort().split(counts)):
        if len(members):
            yield choice, members
