from torch import Tensor, nn


class Scale(nn.Module):
    """Multiplies what comes in by a constant.

    Before a head without bias, a factor below 1 makes the first logits nearly equal, and the head learn
    slower by its square. Behind the head it would do the same.

    Input and output shape: any.
    """

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, input: Tensor) -> Tensor:
        return input * self.factor

    def extra_repr(self) -> str:
        return f"{self.factor:g}"
