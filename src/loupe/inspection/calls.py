"""Every call of a layer in one forward pass."""

from dataclasses import dataclass

from torch import Tensor, nn

from loupe.inspection.capture import find_layer, list_layer_names
from loupe.training.measure import evaluating


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a layer: `source` and `result` are the identities of the tensors it was given and gave."""

    name: str
    module: nn.Module
    source: int  # identity of the tensor it was given, to see what follows what
    result: int
    inputs: Tensor
    output: Tensor


def record_calls(model: nn.Module, images: Tensor) -> list[Call]:
    """Return every call of a layer in one forward pass, in order, with its input and output."""
    calls: list[Call] = []
    kept: list[Tensor] = []  # so that no identity is used twice

    def note(name: str) -> object:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: object) -> None:
            if inputs and isinstance(inputs[0], Tensor) and isinstance(output, Tensor):
                kept.extend([inputs[0], output])
                calls.append(
                    Call(
                        name,
                        module,
                        id(inputs[0]),
                        id(output),
                        inputs[0].detach().clone(),
                        output.detach().clone(),
                    )
                )

        return hook

    handles = [find_layer(model, name).register_forward_hook(note(name)) for name in list_layer_names(model)]  # type: ignore[arg-type]  # torch's stub wants more of a hook
    try:
        with evaluating(model):
            model(images)
    finally:
        for handle in handles:
            handle.remove()
    return calls
