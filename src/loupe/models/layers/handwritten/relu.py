from typing import Any

import torch
from torch import Tensor, nn


class _Rectify(torch.autograd.Function):
    """max(input, 0), with its gradient by hand: that of the output, and 0 where the output is 0."""

    generate_vmap_rule = True

    @staticmethod
    def forward(input: Tensor) -> Tensor:
        return input.clamp_min(0)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(output)
        ctx.save_for_forward(output)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (output,) = ctx.saved_tensors
        # chosen, not multiplied by 0: an infinite gradient would become nan
        return gradients[0].masked_fill(output <= 0, 0)

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor) -> Tensor:
        (output,) = ctx.saved_tensors
        return tangents[0].masked_fill(output <= 0, 0)


class ReLU(nn.Module):
    """What is positive, and 0 for the rest: output = max(input, 0).

    Input shape: any. Output shape: as the input.
    """

    def forward(self, input: Tensor) -> Tensor:
        # `clamp` alone has the gradient 1 at exactly 0, where torch's ReLU has 0
        output: Tensor = _Rectify.apply(input)  # type: ignore[no-untyped-call]  # torch's own stub
        return output
