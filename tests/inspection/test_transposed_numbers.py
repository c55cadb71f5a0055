"""Single numbers of transposed convolutions: products that are shown add up to what the layer computes."""

import itertools

import pytest
import torch
from torch import nn

from loupe.inspection import show_arithmetic

SETTINGS = [
    {"kernel_size": 3},
    {"kernel_size": 4, "stride": 2, "padding": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1},
    {"kernel_size": (2, 3), "stride": (2, 1), "dilation": (1, 2)},
    {"kernel_size": 3, "stride": 3, "groups": 2},
    {"kernel_size": 2, "stride": 3, "groups": 4, "bias": False},  # the stride leaves gaps
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_every_number_is_the_sum_of_what_is_shown(settings: dict[str, object]) -> None:
    torch.manual_seed(3)
    model = nn.Sequential(nn.ConvTranspose2d(4, 8, **settings), nn.ReLU())  # type: ignore[arg-type]
    image = torch.randn(4, 4, 3)
    output = model[0](image[None])[0].detach()
    num_padding = 0
    for channel, row, column in itertools.product(
        range(0, 8, 3), range(output.shape[1]), range(output.shape[2])
    ):
        shown = show_arithmetic(model, image, "0", channel, row, column, finds_field=False)
        assert shown.total == pytest.approx(float(output[channel, row, column]), abs=1e-5)
        assert shown.window.shape == shown.weights.shape
        assert bool((shown.window[:, shown.is_padding] == 0).all())
        num_padding += int(shown.is_padding.sum())
        assert shown.steps[0].after == pytest.approx(max(0.0, shown.value), abs=1e-6)
    assert num_padding > 0 or settings.get("stride") == 3


def test_what_a_number_depends_on_is_what_its_window_holds() -> None:
    torch.manual_seed(3)
    model = nn.Sequential(nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1))
    shown = show_arithmetic(model, torch.randn(1, 5, 5), "0", 0, 4, 4)
    assert shown.window.shape == (1, 2, 2)
    field = shown.receptive_field
    assert field is not None
    assert (field.first_row, field.last_row) == (1, 2)
