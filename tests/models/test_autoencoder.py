import pytest
import torch
from torch import nn

from loupe.errors import ShapeError
from loupe.models import build_model
from loupe.models.autoencoder import chain_widths
from loupe.models.layer_table import count_parameters


def build(*widths: object, output: str = "sigmoid") -> nn.Module:
    return build_model(
        "autoencoder", in_channels=1, image_size=(28, 28), num_classes=10, widths=widths, output=output
    )


@pytest.mark.parametrize(
    ("widths", "parameters"),
    [((128, 32, 10), 210_650), ((128, 64, 32, 10), 223_066), ((256, 128, 32, 10), 477_402)],
)
def test_parameter_counts(widths: tuple[int, ...], parameters: int) -> None:
    """C17."""
    assert count_parameters(build(*widths)) == parameters


def test_widths_that_do_not_chain_are_refused() -> None:
    """D-004-3: 512 values were given and 256 taken."""
    with pytest.raises(ShapeError) as caught:
        build((784, 512), (256, 128), 64, 32, 10)
    assert str(caught.value) == (
        "The widths of this autoencoder do not chain at layer 2.\n"
        "  got: layer 2 takes 256 values, but layer 1 gives 512\n"
        "  allowed: [512, 128], or just 128\n"
        "  next: mend model.widths"
    )
    with pytest.raises(ShapeError, match="layer 1 takes 100 values, but the images have 784"):
        build((100, 10))
    assert chain_widths(784, ((784, 512), (512, 128), 10)) == [784, 512, 128, 10]


@pytest.mark.parametrize(("output", "low", "high"), [("sigmoid", 0, 1), ("tanh", -1, 1)])
def test_outputs_stay_in_the_range_they_say(output: str, low: float, high: float) -> None:
    model = build(16, output=output)
    assert model.output_range == (low, high)
    outputs = model(1e4 * torch.randn(8, 1, 28, 28))
    assert low <= outputs.min() <= outputs.max() <= high
    assert build(16, output="linear").output_range is None


def test_the_encoder_is_named_as_the_mlp_of_the_same_widths() -> None:
    """C19: an mlp starts from an encoder by name."""
    mlp = build_model("mlp", in_channels=1, image_size=(28, 28), num_classes=5, widths=(128, 64, 32, 10))
    encoder = build(128, 64, 32, 10).encoder
    shapes = {name: tensor.shape for name, tensor in mlp.state_dict().items() if "logits" not in name}
    assert shapes == {name: tensor.shape for name, tensor in encoder.state_dict().items()}
