import torch.nn.functional as F
from torch import Tensor, nn


class ScaledLinear(nn.Linear):
    """A dense layer without bias whose outputs are multiplied by a constant.

    As a head with a scale below 1 it starts with nearly equal logits, and learns slower by the square of the
    scale than the layers before it.

    Input shape: (batch, in_features). Output shape: (batch, out_features).
    """

    def __init__(self, in_features: int, out_features: int, scale: float) -> None:
        super().__init__(in_features, out_features, bias=False)
        self.scale = scale

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight) * self.scale

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, scale={self.scale:g}"
