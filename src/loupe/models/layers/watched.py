from torch import nn


def is_watched(layer: nn.Module) -> bool:
    """Return whether somebody listens to a layer: shortcuts that go around it must then not be taken."""
    return bool(
        layer._forward_hooks or layer._forward_pre_hooks or layer._backward_hooks or layer._backward_pre_hooks
    )
