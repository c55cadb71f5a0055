from typing import Annotated

import torch
from pydantic import Field

from loupe.evaluations.finding import Finding, Gallery, ShownImage, write_value
from loupe.evaluations.registry import register_evaluation
from loupe.metrics import Predictions


@register_evaluation("right_answers", title="Right", chapter="Predictions", order=54, split="validation")
def gather_right_answers(
    answers: Predictions,
    class_names: tuple[str, ...],
    most: Annotated[int, Field(ge=1, le=200, description="Images shown, 1 to 200.")] = 12,
) -> Finding:
    """Images that are right, drawn at random: what the network finds easy."""
    right = answers.is_right.nonzero().flatten()
    drawn = right[torch.randperm(len(right), generator=torch.Generator().manual_seed(0))[:most]]
    shown = tuple(
        ShownImage(
            index,
            class_names[int(answers.predicted[index])],
            is_right=True,
            notes=(f"{write_value(float(answers.confidence[index]), 'percent', 1)} sure",),
        )
        for index in drawn.tolist()
    )
    return Finding(f"{len(shown)} of {len(right):,} drawn at random.", (), [Gallery("", shown)])
