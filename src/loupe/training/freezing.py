"""Layers that train for the first epochs only."""

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class LaterFreezing:
    """Stop the training of some layers after an epoch; a function of the epoch, so that nothing is saved.

    Args:
        layers: names of the network's layers; all inside them stops too.
        after_epoch: last epoch in which they train, ≥ 1.
    """

    layers: tuple[str, ...]
    after_epoch: int

    def apply(self, model: nn.Module, epoch: int) -> None:
        """Freeze the layers if `epoch` comes after their last one; called before each epoch."""
        if epoch > self.after_epoch:
            for layer in self.layers:
                model.get_submodule(layer).requires_grad_(False)
