"""The way of an image through a network: what was computed, from what, as it happened.

Tensors are followed through one real forward pass, by hooks on the layers and a mode that sees every function
between them. So shortcuts, gates and functions that no module holds are found in any network that runs, also
where code cannot be traced symbolically.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from loupe.inspection.gates import list_gates
from loupe.training.measure import evaluating

_PLAIN = (nn.Sequential, nn.ModuleList, nn.ModuleDict)

_SPOKEN = {
    "cat": "concatenate",
    "concat": "concatenate",
    "scaled_dot_product_attention": "attention",
    "multi_head_attention_forward": "attention",
    "iadd": "add",
    "radd": "add",
    "imul": "multiply",
    "rmul": "multiply",
    "mul": "multiply",
    "isub": "sub",
    "matmul": "multiply matrices",
    "bmm": "multiply matrices",
    "conv2d": "convolution",
    "linear": "dense",
}
_COUNTED = {  # functions that are a step of their own although one tensor goes in
    *("relu", "relu6", "leaky_relu", "elu", "gelu", "silu", "mish", "sigmoid", "tanh", "softmax"),
    *("log_softmax", "hardswish", "hardsigmoid", "softplus"),
    *("max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d", "lp_pool2d", "mean", "amax"),
    *("cat", "concat", "scaled_dot_product_attention", "multi_head_attention_forward", "interpolate"),
}  # fmt: skip
_ENDING = {"multiply": ("sum",), "attention": ("reshape", "flatten", "view")}
"""What brings a function's result to its form: a weighted sum is one step, heads are laid together again."""


@dataclass(frozen=True, eq=False)
class TracedStep:
    """Something computed on the way: a layer's call, or a function of the network's own code.

    Args:
        name: dotted name of the layer, `name#2` at its second call; of a function where it stands.
        kind: class of the module, or what the function does: "add", "concatenate" …
        module: the layer; None of a function.
        container: name of the module whose code called it, "" for the network itself.
        sources: numbers of the steps that it was made of; 0 is the image.
        output: of the one image, float on the CPU, without the batch axis.
        is_assumed: whether the sources could not be followed, and the step before stands for them.
    """

    name: str
    kind: str
    module: nn.Module | None
    container: str
    sources: tuple[int, ...]
    output: Tensor
    is_assumed: bool = False


def trace_steps(model: nn.Module, image: Tensor) -> tuple[TracedStep, ...]:
    """Return the steps of a network for an image, in the order they were computed; the image is the first.

    The network's own forward pass runs once, in evaluation mode and without gradients. A gate (a module
    called `gate`) is one step. Functions that only rearrange numbers are no steps, nor is `nn.Identity`.

    Args:
        model: any network.
        image: (channels, height, width) float, as the network takes it, on its device.
    """
    gates = list_gates(model)
    tracer = _Tracer(image)
    handles = []
    for name, module in model.named_modules():
        if not name:
            continue
        is_step = not list(module.children()) or name in gates
        if any(name.startswith(f"{gate}.") for gate in gates):
            continue
        handles += tracer.hook(name, module, is_step=is_step)
    try:
        with evaluating(model), tracer:
            made = model(tracer.images)
    finally:
        for handle in handles:
            handle.remove()
    return tracer.finish(model, made)


class _Tracer(TorchFunctionMode):
    """Follows tensors by identity while a network runs."""

    def __init__(self, image: Tensor) -> None:
        super().__init__()
        self.images = image[None]
        self.steps = [TracedStep("image", "image", None, "", (), image.detach().float().cpu())]
        # the tensors are kept, so that no identity is given twice
        self.origins: dict[int, tuple[Tensor, int]] = {id(self.images): (self.images, 0)}
        self.containers: list[str] = []
        self.depth = 0
        self.counts: dict[str, int] = {}

    def hook(self, name: str, module: nn.Module, *, is_step: bool) -> list[Any]:
        """Return the handles of the hooks that follow a module."""

        def begin(*_: Any) -> None:
            if is_step:
                self.depth += 1
            else:
                self.containers.append(name)

        def end_step(module: nn.Module, inputs: Any, output: Any) -> None:
            self.depth -= 1
            if self.depth:
                return
            sources = self._find_sources(inputs)
            if isinstance(module, nn.Identity) and len(sources) == 1:
                self._set_origin(output, sources[0])
                return
            self._note(name, type(module).__name__, module, sources, output)

        def end_container(*_: Any) -> None:
            self.containers.pop()

        after = end_step if is_step else end_container
        return [module.register_forward_pre_hook(begin), module.register_forward_hook(after)]

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if not self.depth:
            self._take(func, (args, kwargs), result)
        return result

    def _take(self, function: Any, given: Any, result: Any) -> None:
        """Note a function between layers; one that only rearranges leaves its tensors what they are."""
        if not any(True for _ in _list_tensors(result)):
            return
        sources = self._find_sources(given)
        if not sources:
            return
        name = getattr(function, "__name__", "").strip("_")
        has_weights = any(isinstance(one, nn.Parameter) for one in _list_tensors(given))
        if len(sources) > 1 or has_weights or name in _COUNTED:
            kind = _SPOKEN.get(name, name.replace("_", " "))
            place = ".".join(filter(None, (self._container, f"{kind}()")))
            self._note(place, kind, None, sources, result)
            return
        self._set_origin(result, sources[0])
        step = self.steps[sources[0]]
        if name in _ENDING.get(step.kind, ()):
            self.steps[sources[0]] = replace(step, output=_keep(next(_list_tensors(result))))

    @property
    def _container(self) -> str:
        return self.containers[-1] if self.containers else ""

    def _note(
        self, name: str, kind: str, module: nn.Module | None, sources: tuple[int, ...], result: Any
    ) -> None:
        output = next(_list_tensors(result), None)
        if output is None:
            return
        self.counts[name] = count = self.counts.get(name, 0) + 1
        called = f"{name}#{count}" if count > 1 else name
        known = sources or (len(self.steps) - 1,)
        step = TracedStep(called, kind, module, self._container, known, _keep(output), is_assumed=not sources)
        self.steps.append(step)
        self._set_origin(result, len(self.steps) - 1)

    def _find_sources(self, given: Any) -> tuple[int, ...]:
        found = [self.origins[id(one)][1] for one in _list_tensors(given) if id(one) in self.origins]
        return tuple(dict.fromkeys(found))

    def _set_origin(self, result: Any, step: int) -> None:
        for one in _list_tensors(result):
            self.origins[id(one)] = (one, step)

    def finish(self, model: nn.Module, made: Any) -> tuple[TracedStep, ...]:
        """Return the steps; of a network that shows none of its layers, the whole as one step."""
        if len(self.steps) == 1:
            self._note(type(model).__name__, type(model).__name__, model, (0,), made)
        return tuple(self.steps)


def _keep(output: Tensor) -> Tensor:
    """Return the first of a batch as it is now: the next layer may work in place."""
    return (output.detach()[0] if output.ndim else output.detach()).float().cpu().clone()


def _list_tensors(value: Any) -> Iterator[Tensor]:
    """Yield the tensors in nested tuples, lists and dictionaries."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _list_tensors(one)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes | torch.Size):
        for one in value:
            yield from _list_tensors(one)


def find_block(model: nn.Module, layer: str, most_layers: int = 40) -> str:
    """Return the name of the part of a network that a layer belongs to: the outermost class of its own.

    "" for a layer outside any, or only in parts of more than `most_layers` layers.
    """
    names = layer.partition("#")[0].split(".")
    for end in range(1, len(names)):
        name = ".".join(names[:end])
        module = model.get_submodule(name)
        num_layers = sum(not list(one.children()) for one in module.modules())
        if not isinstance(module, _PLAIN) and list(module.children()) and num_layers <= most_layers:
            return name
    return ""
