import warnings
from collections import Counter
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from loupe.errors import LoupeError
from loupe.inspection.explanations import Attribution, register_explanation
from loupe.inspection.explanations.through_captum import load_captum_class

_RECTIFIERS = ("ReluBackward", "ThresholdBackward")


@register_explanation(
    "guided-backprop",
    is_signed=True,
    title="Guided backpropagation",
    order=40,
    num_passes=3,
    is_default=False,  # reports do not depend on what is installed
)
@dataclass(frozen=True)
class GuidedBackprop:
    """The logit's gradient at the image, where every ReLU lets only positive gradients pass.

    Springenberg et al. 2015 (arXiv:1412.6806), computed by captum. Sharp pictures of edges; Adebayo et al.
    2018 found them to depend little on the weights: see `check_sanity`. Negative: a brighter pixel lowers
    the logit.

    Every ReLU of the network must be an `nn.ReLU`, and what goes into it must go nowhere else; networks in
    which that is found broken are refused. Other activations keep their own gradient.

    Extras: `by_channel` (batch, channels, height, width), before channels are added.
    """

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attribution:
        captums = load_captum_class("GuidedBackprop")(model)
        refuse_hidden_relus(model, images)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Setting backward hooks on ReLU activations")
            by_channel = captums.attribute(images.clone().requires_grad_(), target=targets).detach()
        return Attribution(by_channel.sum(1), {"by_channel": by_channel})


def refuse_hidden_relus(model: nn.Module, images: Tensor) -> None:
    """Check that guided backpropagation reaches every ReLU, on the graph of one image's forward pass.

    captum acts on `nn.ReLU` modules, and there on the gradient of the tensor that goes in. It misses
    functional ReLUs, and where that tensor is used elsewhere too it would rectify the sum of both gradients.
    One module called several times is no trouble: each call has a tensor of its own.

    Raises:
        LoupeError: a ReLU is functional, shares its input, or there is none.
    """
    inputs: list[tuple[str, Any, int]] = []
    own_nodes: set[Any] = set()

    def note_input(name: str) -> Any:
        # before the call: in place, the tensor's node changes
        return lambda module, args: inputs.append((name, args[0].grad_fn, args[0].output_nr))

    def note_output(module: nn.Module, args: Any, output: Tensor) -> None:
        own_nodes.add(output.grad_fn)

    relus = [(name, module) for name, module in model.named_modules() if isinstance(module, nn.ReLU)]
    hooks = [module.register_forward_pre_hook(note_input(name)) for name, module in relus]
    hooks += [module.register_forward_hook(note_output) for _, module in relus]
    try:
        with torch.enable_grad():
            logits = model(images[:1].clone().requires_grad_())
    finally:
        for hook in hooks:
            hook.remove()
    uses = _count_uses(logits)
    hidden = [node for node in {node for node, _ in uses} if _is_relu(node) and node not in own_nodes]
    shared = [name for name, node, number in inputs if node is not None and uses[node, number] > 1]
    if hidden:
        count = "one" if len(hidden) == 1 else str(len(hidden))
        _refuse(model, f"{count} outside any module (such as `F.relu`), which it would miss")
    if shared:
        _refuse(model, f"{shared[0]!r}, whose input is used elsewhere too: it would guide that way as well")
    if not inputs:
        _refuse(model, "none: the result would be the plain gradient")


def _count_uses(logits: Tensor) -> Counter[tuple[Any, int]]:
    """Return how often each output of each node of a graph is used, by (node, number of the output)."""
    uses: Counter[tuple[Any, int]] = Counter({(logits.grad_fn, logits.output_nr): 1})
    waiting, seen = [logits.grad_fn], {logits.grad_fn}
    while waiting:
        node = waiting.pop()
        for following, number in node.next_functions if node is not None else ():
            if following is None:
                continue
            uses[following, number] += 1
            if following not in seen:
                seen.add(following)
                waiting.append(following)
    return uses


def _is_relu(node: Any) -> bool:
    name = "" if node is None else node.name()
    if name.startswith("Clamp"):  # clamp(min=0) is a ReLU in other words; other bounds are not
        return bool(getattr(node, "_saved_min", None) == 0 and getattr(node, "_saved_max", None) is None)
    return name.startswith(_RECTIFIERS)


def _refuse(model: nn.Module, found: str) -> None:
    raise LoupeError(
        f"Guided backpropagation does not fit the ReLUs of {type(model).__name__}.",
        got=found,
        allowed="`nn.ReLU` modules, each the only one to use its input",
        next_step="write every ReLU as a module, or use occlusion, integrated-gradients or grad-cam",
    )
