from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from loupe.inspection.explanations import Attribution, name_blank, register_explanation
from loupe.inspection.explanations.through_captum import load_captum_class

_IMAGES_AT_ONCE, _POINTS_AT_ONCE = 32, 256


@register_explanation(
    "integrated-gradients",
    is_signed=True,
    order=30,
    num_passes=100,
    note="the rise of the class's logit from a blank image, filled with {blank}, to this one, "
    "shared out among its pixels",
    is_default=False,  # reports do not depend on what is installed
)
@dataclass(frozen=True)
class IntegratedGradients:
    """The logit's rise from a blank image, of mean colour, to this one, shared out among its pixels.

    Negative: it fell.

    Sundararajan et al. 2017 (arXiv:1703.01365), computed by captum. Gradients are added along the straight
    line from the blank image, by Gauss-Legendre quadrature, and multiplied by the difference. Completeness:
    the map adds up to the difference of the logits, except for the error of the quadrature.

    Extras: `delta` (batch,), that error, in logits: far from 0, more `steps` are needed; `by_channel` (batch,
    channels, height, width), before channels are added; `blank`, what fills the blank image, in words.
    """

    steps: Annotated[int, Field(ge=1, le=10_000, description="Points on the line, 1 to 10,000.")] = 50
    baseline: Annotated[
        float,
        Field(
            description="The blank image, normalised; 0 is the mean colour where normalisation is measured."
        ),
    ] = 0.0

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attribution:
        captums = load_captum_class("IntegratedGradients")(model)
        parts = [
            captums.attribute(
                some_images,
                baselines=self.baseline,
                target=some_targets,
                n_steps=self.steps,
                internal_batch_size=_POINTS_AT_ONCE,
                return_convergence_delta=True,
            )
            for some_images, some_targets in zip(
                images.split(_IMAGES_AT_ONCE), targets.split(_IMAGES_AT_ONCE), strict=True
            )
        ]
        by_channel, delta = (torch.cat(both).detach() for both in zip(*parts, strict=True))
        extras = {"delta": delta, "by_channel": by_channel, "blank": name_blank(self.baseline)}
        return Attribution(by_channel.sum(1), extras)
