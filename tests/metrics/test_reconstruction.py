import math

import pytest
import torch
from torch import nn

from loupe.data import EvaluationBatches, ImageDataset
from loupe.data.normalization import Normalization
from loupe.metrics import ReconstructionScore, reconstruct
from loupe.metrics.reconstruction import compute_baselines, compute_reconstruction_score
from loupe.metrics.scores import Baseline

UNIT = Normalization((0.0,), (1.0,))


def make_batches(images: ImageDataset, *indices: int) -> EvaluationBatches:
    return EvaluationBatches(images.select(torch.arange(*indices)), UNIT, batch_size=30)


def test_baselines_by_hand(few_digits: ImageDataset) -> None:
    train, judged = make_batches(few_digits, 0, 140), make_batches(few_digits, 140, 200)
    pixels, held_out = few_digits.images[:140].double() / 255, few_digits.images[140:].double() / 255
    constant, mean_image = compute_baselines(train, judged)
    assert (constant.name, mean_image.name) == ("constant", "mean image")
    assert constant.loss == pytest.approx((held_out - pixels.mean()).square().mean().item(), abs=1e-7)
    assert mean_image.loss == pytest.approx((held_out - pixels.mean(0)).square().mean().item(), abs=1e-7)
    assert mean_image.loss < constant.loss


def test_a_network_that_learnt_nothing_scores_as_the_constant(few_digits: ImageDataset) -> None:
    """D-004-12: the published loss was that of a black picture, and nothing beside it said so."""

    class Black(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.zeros_like(images)

    judged = make_batches(few_digits, 140, 200)
    made = reconstruct(Black(), judged)
    baselines = compute_baselines(make_batches(few_digits, 0, 140), judged)
    score = compute_reconstruction_score(made.errors, baselines)
    pixels = few_digits.images[140:].double() / 255
    assert score.loss == pytest.approx(pixels.square().mean().item(), abs=1e-6)
    assert score.loss > score.baselines[0].loss
    assert (made.pictures == 0).all()


def test_a_perfect_network(few_digits: ImageDataset) -> None:
    made = reconstruct(nn.Identity(), make_batches(few_digits, 0, 100))
    assert (made.errors == 0).all()
    assert torch.equal(made.pictures, few_digits.images[:100][made.shown])


def test_shown_images_go_from_the_least_error_to_the_most(few_digits: ImageDataset) -> None:
    made = reconstruct(nn.Hardtanh(0, 0.4), make_batches(few_digits, 0, 100))
    errors = made.errors[made.shown]
    assert torch.equal(errors, errors.sort().values)
    assert len(made.shown.unique()) == len(made.shown) == 24
    assert errors[0] == made.errors.min()
    assert errors[-1] == made.errors.max()


def test_the_interval_is_students_and_the_score_survives_json() -> None:
    errors = torch.tensor([0.1, 0.2, 0.3, 0.4])
    score = compute_reconstruction_score(errors, (Baseline("constant", 0.5),))
    reach = 3.182446 * errors.double().std().item() / 2
    assert score.interval.low == pytest.approx(0.25 - reach, abs=1e-6)
    assert score.interval.high == pytest.approx(0.25 + reach, abs=1e-6)
    assert ReconstructionScore.from_dict(score.to_dict()) == score
    assert compute_reconstruction_score(errors[:1], ()).interval.high == math.inf
