import torch
from torch import nn


class ShiftNorm2d(nn.BatchNorm2d):
    """Batch norm that learns a shift and no scale: the scale stays 1.

    Where another layer follows that scales anyway, a scale of its own is one parameter too many a channel.

    Input and output shape: (batch, channels, height, width).

    Args:
        channels: maps it normalises.
        momentum: part of each batch's statistics in the running ones, in (0, 1].
        eps: added to the variance.
    """

    def __init__(self, channels: int, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__(channels, eps=eps, momentum=momentum)
        del self._parameters["weight"]
        # not among the weights that are saved: it is 1 and stays so
        self.register_buffer("weight", torch.ones(channels), persistent=False)
