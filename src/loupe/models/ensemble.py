"""Several networks as one: the mean of their probabilities."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from loupe.models.layer_table import count_parameters


class Ensemble(nn.Module):
    """The mean of the probabilities of several classifiers, as the logarithm of it: its softmax is that mean.

    Input: (batch, channels, height, width) float32, pixels in [0, 1]: each network has a normalisation of its
    own, which is part of this one. Output: (batch, classes) float32.

    Args:
        members: two or more networks over the same classes in the same order.
        normalizations: mean and std of each channel, a pair for each network.
    """

    means: Tensor
    stds: Tensor

    def __init__(
        self,
        members: Sequence[nn.Module],
        normalizations: Sequence[tuple[Sequence[float], Sequence[float]]],
    ) -> None:
        super().__init__()
        if len(members) < 2 or len(members) != len(normalizations):
            raise ValueError(f"got {len(members)} networks and {len(normalizations)} normalisations")
        self.members = nn.ModuleList(members)
        for name, place in (("means", 0), ("stds", 1)):
            constants = torch.tensor([list(one[place]) for one in normalizations])
            self.register_buffer(name, constants[:, None, :, None, None])

    def forward(self, images: Tensor) -> Tensor:
        said = [
            member((images - self.means[place]) / self.stds[place]).log_softmax(1)
            for place, member in enumerate(self.members)
        ]
        return torch.stack(said).logsumexp(0) - math.log(len(said))

    @property
    def num_parameters(self) -> int:
        """Numbers in all of its networks."""
        return count_parameters(self)
