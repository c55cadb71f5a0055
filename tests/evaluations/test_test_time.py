import pytest
import torch
from torch import Tensor, nn

from loupe.data import ImageDataset
from loupe.data.batches import EvaluationBatches
from loupe.data.normalization import Normalization
from loupe.evaluations import predict_views
from loupe.evaluations.test_time import make_views
from loupe.metrics import predict

NORMALIZATION = Normalization((0.3,), (0.3,))


def make_model(images: ImageDataset) -> nn.Module:
    pixels = images.images[0].numel()
    return nn.Sequential(nn.Flatten(), nn.Linear(pixels, 12), nn.Tanh(), nn.Linear(12, 10)).eval()


def move(images: Tensor, by: int) -> Tensor:
    """Return images moved along the diagonal by one pixel, pixel by pixel, the border mirrored."""
    height, width = images.shape[-2:]

    def mirror(index: int, length: int) -> int:
        return -index if index < 0 else 2 * length - 2 - index if index >= length else index

    rows = torch.tensor([mirror(row - by, height) for row in range(height)])
    columns = torch.tensor([mirror(column - by, width) for column in range(width)])
    return images[..., rows, :][..., columns]


def test_mirror_is_the_mean_of_both_sides(few_digits: ImageDataset) -> None:
    model = make_model(few_digits)
    found = predict_views(model, EvaluationBatches(few_digits, NORMALIZATION, 64), "mirror")
    inputs = NORMALIZATION.apply(few_digits.images)
    with torch.no_grad():
        expected = (model(inputs) + model(inputs.flip(3))) / 2
    torch.testing.assert_close(found.logits, expected)
    assert torch.equal(found.labels, few_digits.labels)


def test_mirror_shift_is_averaged_as_it_says(few_digits: ImageDataset) -> None:
    """Weights ½, ¼, ¼ of the unmoved image and the two moved ones, each with its mirror image."""
    model = make_model(few_digits)
    found = predict_views(model, EvaluationBatches(few_digits, NORMALIZATION, 64), "mirror-shift")
    inputs = NORMALIZATION.apply(few_digits.images)
    with torch.no_grad():
        expected = sum(
            weight * (model(moved) + model(moved.flip(3))) / 2
            for moved, weight in ((inputs, 0.5), (move(inputs, 1), 0.25), (move(inputs, -1), 0.25))
        )
    torch.testing.assert_close(found.logits, expected)


@pytest.mark.parametrize("views", ["mirror", "mirror-shift"])
def test_weights_add_to_one_and_a_network_blind_to_views_is_unmoved(
    few_digits: ImageDataset, views: str
) -> None:
    assert sum(weight for _, weight in make_views(torch.randn(2, 3, 6, 5), views)) == 1
    constant = ImageDataset(
        torch.full((9, 1, 4, 4), 80, dtype=torch.uint8), torch.arange(9), tuple("abcdefghi"), ""
    )
    model, batches = make_model(constant), EvaluationBatches(constant, NORMALIZATION)
    torch.testing.assert_close(
        predict_views(model, batches, views).logits, predict(model, batches).logits, atol=1e-6, rtol=1e-5
    )


def test_the_network_keeps_its_mode(few_digits: ImageDataset) -> None:
    model = make_model(few_digits).train()
    predict_views(model, EvaluationBatches(few_digits, NORMALIZATION), "mirror")
    assert model.training
