import math

import torch
from torch import Tensor, nn


class Linear(nn.Module):
    """Weighted sums of the input: output = input · weightᵀ + bias.

        output[..., o] = bias[o] + Σ over i of weight[o, i] · input[..., i]

    Input shape: (..., in_features). Output shape: (..., out_features).
    The weight is stored as (out_features, in_features), one row an output, as torch has it.

    Weights and biases start uniform in ±1 / √in_features: He et al.'s Kaiming-uniform with a = √5, as
    `torch.nn.Linear` has it.

    Args:
        in_features: length of the input's last axis.
        out_features: length of the output's last axis.
        bias: whether a learned number is added to each output.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weights and biases anew from torch's global generator."""
        bound = 1 / math.sqrt(self.in_features)
        nn.init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        output = input @ self.weight.T
        return output if self.bias is None else output + self.bias.to(output.dtype)

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}, bias={self.bias is not None}"
