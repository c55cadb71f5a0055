"""Layers that train for the first epochs only."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class LaterFreezing:
    """Stop the training of some layers after an epoch; a function of the epoch, so that nothing is saved.

    Args:
        last_epochs: the last epoch in which a layer trains, ≥ 1, by its name; all inside it stops too.
    """

    last_epochs: Mapping[str, int]

    def apply(self, model: nn.Module, epoch: int) -> None:
        """Freeze the layers whose last epoch lies before `epoch`; called before each epoch."""
        for layer, last in self.last_epochs.items():
            if epoch > last:
                model.get_submodule(layer).requires_grad_(False)
