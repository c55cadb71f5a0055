import torch
from torch import Tensor, nn

from loupe.errors import ShapeError


class BatchNorm(nn.Module):
    """Each channel shifted to mean 0 and scaled to variance 1, then scaled and shifted as learned.

        output = (input - μ) / √(σ² + eps) · weight + bias        (Ioffe & Szegedy, 2015)

    In training μ and σ² are the batch's own: mean and *biased* variance (divided by n) of a channel over
    all its n values, those of all images and positions. In evaluation they are the running statistics,
    which every training batch moves a little:

        running ← (1 - momentum) · running + momentum · of the batch

    The running variance takes in the *unbiased* variance (divided by n - 1). Which of the two modes it is
    depends on `module.training` alone, never on whether gradients are recorded. A batch of no values has no
    statistics: it is counted, moves nothing, and comes back empty.

    Input shape: (batch, features), or (batch, channels, height, width); axis 1 is the one that is kept.
    Output shape: as the input.

    Weights start at 1, biases at 0, the running mean at 0 and the running variance at 1.

    Args:
        num_features: length of axis 1.
        eps: added to the variance, > 0.
        momentum: weight of the newest batch in the running statistics, in [0, 1]; None weighs all batches
            alike.
        affine: whether weight and bias are learned; without them the output stays normalised.

    Raises:
        ShapeError: another number of channels, or a single value a channel in training.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features)) if affine else None
        self.bias = nn.Parameter(torch.zeros(num_features)) if affine else None
        # buffers, not plain tensors: they are saved with the weights and move to the GPU with them
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim < 2 or input.shape[1] != self.num_features:
            raise ShapeError(
                "The input does not have the channels this norm was built for.",
                got=f"an input of {tuple(input.shape)}",
                allowed=f"{self.num_features} along axis 1",
            )
        others = [axis for axis in range(input.ndim) if axis != 1]
        along_axis_1 = [1, -1] + [1] * (input.ndim - 2)  # the shape in which a number a channel broadcasts
        # sums over a batch in float32, and the output as the input came: half precision adds too coarsely
        precise = torch.promote_types(input.dtype, torch.float32)
        takes_own = self.training and input.numel() > 0
        mean = input.mean(others, dtype=precise) if takes_own else self.running_mean
        centred = input - mean.view(along_axis_1)
        variance = centred.square().mean(others) if takes_own else self.running_var
        if takes_own:
            self._track(mean.detach(), variance.detach(), count=input.numel() // self.num_features)
        elif self.training:
            self.num_batches_tracked.add_(1)
        scale = 1 / torch.sqrt(variance + self.eps)
        if self.weight is None or self.bias is None:
            return (centred * scale.view(along_axis_1)).to(input.dtype)
        output = centred * (scale * self.weight).view(along_axis_1) + self.bias.view(along_axis_1)
        return output.to(input.dtype)

    def _track(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Move the running statistics towards those of a batch with `count` values a channel."""
        if count < 2:
            raise ShapeError(
                "Batch norm cannot train on a single value a channel.",
                got="1 value a channel",
                allowed="at least 2: their variance is needed",
                next_step="use larger batches, or larger images",
            )
        self.num_batches_tracked.add_(1)
        step = 1 / self.num_batches_tracked.item() if self.momentum is None else self.momentum
        unbiased = variance * (count / (count - 1))
        self.running_mean.mul_(1 - step).add_(mean, alpha=step)
        self.running_var.mul_(1 - step).add_(unbiased, alpha=step)

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.weight is not None}"
        )
