from torch import nn


def has_hooks(layer: nn.Module) -> bool:
    """Return whether hooks are registered on a layer: shortcuts that go around it must then not be taken."""
    return bool(
        layer._forward_hooks or layer._forward_pre_hooks or layer._backward_hooks or layer._backward_pre_hooks
    )
