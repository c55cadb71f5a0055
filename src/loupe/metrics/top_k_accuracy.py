"""Top-k accuracy: the true class is among the k most probable ones."""

from typing import Annotated

from pydantic import Field
from torch import Tensor

from loupe.metrics.registry import Estimate, register_metric
from loupe.statistics.intervals import compute_wilson_interval


@register_metric("top_k_accuracy", title="top-{k} accuracy", unit="percent", better="higher", bounds=(0, 1))
def top_k_accuracy(
    logits: Tensor,
    labels: Tensor,
    level: float,
    k: Annotated[
        int, Field(ge=1, description="Classes that are named, ≥ 1; all right with one a class.")
    ] = 5,
) -> Estimate:
    """Share of images whose true class is among the k most probable ones; Wilson's interval."""
    named = logits.topk(min(k, logits.shape[1]), dim=1).indices
    correct, total = int((named == labels[:, None]).sum()), len(labels)
    return Estimate(correct / total, compute_wilson_interval(correct, total, level))
