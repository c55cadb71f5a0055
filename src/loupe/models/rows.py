"""Networks that are a row of layers, run in parts."""

from torch import Tensor, nn

from loupe.models.layers.fast_stack import FastStack


def is_row(model: nn.Module) -> bool:
    """Return whether a network is its layers one after the other, and nothing more."""
    return type(model) in (nn.Sequential, FastStack)


def run_layers(model: nn.Module, values: Tensor, first: int = 0, end: int | None = None) -> Tensor:
    """Return what some layers of a row make of what the layers before them give.

    Args:
        model: a network for which `is_row` holds.
        values: (batch, …), images for the first layer.
        first: the first of the layers to run.
        end: the layer to stop before; runs to the last if left out.
    """
    if isinstance(model, FastStack):
        return model.run(values, first, end)
    assert isinstance(model, nn.Sequential)
    for layer in list(model)[first:end]:
        values = layer(values)
    return values
