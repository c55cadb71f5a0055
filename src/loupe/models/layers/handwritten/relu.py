from typing import Any

import torch
from torch import Tensor, nn


class _Rectify(torch.autograd.Function):
    """max(input, 0), with its gradient by hand: that of the output where it is positive, 0 elsewhere."""

    generate_vmap_rule = True

    @staticmethod
    def forward(input: Tensor) -> Tensor:
        return input.clamp_min(0)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (output,) = ctx.saved_tensors
        of_input: Tensor = gradients[0] * output.sign()  # the output is never negative: 1 or 0
        return of_input


class ReLU(nn.Module):
    """What is positive, and 0 for the rest: output = max(input, 0).

    Input shape: any. Output shape: as the input.
    """

    def forward(self, input: Tensor) -> Tensor:
        # `clamp` alone has the gradient 1 at exactly 0, where torch's ReLU has 0
        output: Tensor = _Rectify.apply(input)  # type: ignore[no-untyped-call]  # torch's own stub
        return output
