from torch import Tensor, nn


class GlobalAvgPool(nn.Module):
    """The mean of each map: output[b, c, 0, 0] = mean over i, j of input[b, c, i, j].

    Input shape: (batch, channels, height, width). Output shape: (batch, channels, 1, 1), as
    `torch.nn.AdaptiveAvgPool2d(1)` has it.
    """

    def forward(self, input: Tensor) -> Tensor:
        return input.mean(dim=(-2, -1), keepdim=True)


class GlobalMaxPool(nn.Module):
    """The largest value of each map: output[b, c, 0, 0] = max over i, j of input[b, c, i, j].

    Input shape: (batch, channels, height, width). Output shape: (batch, channels, 1, 1), as
    `torch.nn.AdaptiveMaxPool2d(1)` has it. The gradient goes to the largest value alone.
    """

    def forward(self, input: Tensor) -> Tensor:
        return input.flatten(-2).max(dim=-1).values[..., None, None]
