from typing import Literal

from torch import Tensor, nn

from loupe.errors import LoupeError


class CrossEntropy(nn.Module):
    """The negative log probability of what is wanted, from logits.

        log softmax(logits)[c] = logits[c] - log Σ over k of exp(logits[k])
        loss = - Σ over c of wanted[c] · log softmax(logits)[c]

    The sum of exponentials overflows for logits near 90 already. With the largest logit m taken out,

        log Σ over k of exp(logits[k]) = m + log Σ over k of exp(logits[k] - m),

    no exponent exceeds 0 and the sum is at least 1: the logarithm is safe, and the softmax itself is never
    needed.

    `wanted` is 1 at the target class and 0 elsewhere, or the target itself if that holds probabilities.
    Label smoothing s makes it (1 - s) · wanted + s / classes (Szegedy et al., 2016).

    Logits shape: (batch, classes), or (batch, classes, ...) with further axes.
    Target shape: class numbers, as the logits without axis 1, or probabilities, as the logits.
    Output shape: a scalar for "mean" and "sum", else as the logits without axis 1; in nats.

    Args:
        reduction: "mean" or "sum" over all examples, or "none" for one loss an example.
        label_smoothing: share of the probability spread over all classes, in [0, 1].

    Raises:
        LoupeError: an unknown reduction, or a smoothing that is no share.
    """

    def __init__(
        self, reduction: Literal["mean", "sum", "none"] = "mean", label_smoothing: float = 0.0
    ) -> None:
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise LoupeError("There is no such reduction.", got=reduction, allowed="mean, sum, none")
        if not 0 <= label_smoothing <= 1:
            raise LoupeError("Label smoothing is a share.", got=label_smoothing, allowed="a number in [0, 1]")
        self.reduction, self.label_smoothing = reduction, label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        largest = input.detach().max(dim=1, keepdim=True).values  # any constant will do: no gradient needed
        shifted = input - largest
        log_probabilities = shifted - shifted.exp().sum(dim=1, keepdim=True).log()
        if target.is_floating_point():
            of_target = (target * log_probabilities).sum(dim=1)
        else:
            of_target = log_probabilities.gather(1, target.unsqueeze(1)).squeeze(1)
        losses = -of_target
        if self.label_smoothing > 0:
            of_any_class = -log_probabilities.mean(dim=1)
            losses = (1 - self.label_smoothing) * losses + self.label_smoothing * of_any_class
        if self.reduction == "none":
            return losses
        return losses.mean() if self.reduction == "mean" else losses.sum()

    def extra_repr(self) -> str:
        return f"reduction={self.reduction}, label_smoothing={self.label_smoothing}"
