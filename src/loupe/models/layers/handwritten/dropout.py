import torch
from torch import Tensor, nn

from loupe.errors import LoupeError


class Dropout(nn.Module):
    """In training, each value is set to 0 with probability p, and the others grow by 1 / (1 - p).

        output = input · mask / (1 - p), where each element of mask is 1 with probability 1 - p, else 0

    Thanks to the division the expected output equals the input ("inverted" dropout; Srivastava et al., 2014),
    and in evaluation the layer has nothing to do: it returns its input. The mask is drawn from torch's
    global generator, draw for draw as `torch.nn.Dropout` does on a CPU.

    Input shape: any. Output shape: as the input.

    Args:
        p: probability of a zero, in [0, 1].

    Raises:
        LoupeError: p is no probability.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise LoupeError("Dropout needs a probability.", got=p, allowed="p in [0, 1]")
        self.p = p

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return input
        if self.p == 1:  # nothing is left to be scaled
            return input * 0
        mask = torch.empty_like(input).bernoulli_(1 - self.p)
        return input * (mask / (1 - self.p))

    def extra_repr(self) -> str:
        return f"p={self.p}"
