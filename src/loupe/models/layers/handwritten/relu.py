from torch import Tensor, nn


class ReLU(nn.Module):
    """What is positive, and 0 for the rest: output = max(input, 0).

    Input shape: any. Output shape: as the input.
    """

    def forward(self, input: Tensor) -> Tensor:
        # not `clamp`: its gradient at exactly 0 is 1, that of torch's ReLU is 0
        return input.masked_fill(input <= 0, 0)
