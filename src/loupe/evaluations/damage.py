"""What a network says of images plain and spoilt: what every number of robustness is computed from."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from loupe.data import ImageDataset
from loupe.data.corruptions import CORRUPTIONS, SEVERITIES, corrupt


@dataclass(frozen=True, eq=False)
class Damage:
    """Which images are named rightly, plain and spoilt.

    Args:
        labels: (images,) int64.
        plain: (images,) bool, right as they are.
        right: (corruptions, severities, images) bool, right when spoilt.
    """

    labels: Tensor
    plain: Tensor
    right: Tensor

    def lose(self, of_class: Tensor | None = None) -> Tensor:
        """Return accuracy lost to each corruption, mean over severities, by image: (corruptions, images)."""
        lost = self.plain.double() - self.right.double().mean(1)
        return lost if of_class is None else lost[:, of_class]


def spoil_all(some: ImageDataset, ask: Callable[[ImageDataset], Tensor], seed: int) -> Damage:
    """Return what becomes of answers under every corruption at every severity.

    Args:
        some: images in memory, on the CPU.
        ask: says of each image whether it is named rightly, (images,) bool.
        seed: of noise, signs and places.
    """
    plain = ask(some)
    right = [
        torch.stack(
            [
                ask(replace(some, images=corrupt(some.pixels, name, severity, seed + index), origins=None))
                for severity in range(1, SEVERITIES + 1)
            ]
        )
        for index, name in enumerate(CORRUPTIONS)
    ]
    return Damage(some.labels, plain, torch.stack(right))
