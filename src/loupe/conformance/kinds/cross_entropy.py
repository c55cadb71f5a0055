from collections.abc import Collection
from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor, nn

from loupe.conformance.cases import Case, Family, Hint, LayerKind, make_input
from loupe.conformance.checks import EVERY_LAYER
from loupe.conformance.kinds import register_layer_kind


@register_layer_kind("cross-entropy")
def cross_entropy() -> LayerKind:
    """Softmax cross-entropy from logits (batch, classes), as torch.nn.CrossEntropyLoss."""
    return LayerKind(
        reference=nn.CrossEntropyLoss,
        optional=("reduction", "label_smoothing"),
        probe=Case({}, (make_input(4, 3), torch.tensor([2, 0, 1, 1]))),
        cases=_draw_case,
        families=(
            Family(
                "logits of ±10,000",
                _draw_case((), scale=1e4),
                advice="an exponential overflows: take the largest logit out before exp (log-sum-exp)",
            ),
            Family("probabilities as targets", _draw_probabilities(), may_refuse=True),
        ),
        hints=(
            Hint("the losses are added up: the default is their mean", _with(reduction="sum")),
            Hint("the losses come one by one: the default is their mean", _with(reduction="none")),
            Hint(
                "softmax is applied before the loss applies it again: hand in logits",
                lambda loss, inputs: loss(inputs[0].softmax(1), inputs[1]),
            ),
            Hint(
                "the logarithm is to another base: torch's is the natural one",
                lambda loss, inputs: loss(*inputs) / torch.log(torch.tensor(2.0)),
            ),
        ),
        checks=EVERY_LAYER,
    )


@st.composite
def _draw_case(draw: st.DrawFn, names: Collection[str], scale: float = 1.0) -> Case:
    choices = {
        "reduction": st.sampled_from(["mean", "none", "sum"]),
        "label_smoothing": st.sampled_from([0.0, 0.1, 0.5]),
    }
    arguments: dict[str, Any] = {name: draw(choice) for name, choice in choices.items() if name in names}
    batch, classes = draw(st.integers(1, 4)), draw(st.integers(1 if scale == 1 else 2, 4))
    labels = draw(st.lists(st.integers(0, classes - 1), min_size=batch, max_size=batch))
    size = f", about ±{scale:,.0f}," if scale > 1 else ""
    words = f"logits of shape {(batch, classes)}{size} and labels {labels}"
    return Case(arguments, (make_input(batch, classes, scale=scale), torch.tensor(labels)), words)


@st.composite
def _draw_probabilities(draw: st.DrawFn) -> Case:
    batch, classes = draw(st.integers(1, 3)), draw(st.integers(2, 4))
    targets = make_input(batch, classes, seed=3).softmax(1)
    words = f"logits of shape {(batch, classes)} and probabilities of the same shape"
    return Case({}, (make_input(batch, classes), targets), words)


def _with(**settings: Any) -> Any:
    def imitate(loss: Any, inputs: tuple[Tensor, ...]) -> Tensor:
        logits, target = inputs
        settled = {"label_smoothing": loss.label_smoothing, **settings}
        return F.cross_entropy(logits, target, **settled)

    return imitate
