"""One contract over all mixes, then what each promises."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from loupe.data import MIXES, ImageDataset, TrainingBatches, build_mix
from loupe.data.mixes import Shares
from loupe.data.mixes.cutmix import Windows
from loupe.data.normalization import Normalization
from loupe.runtime import Streams
from loupe.training import Classification
from loupe.training.losses.cross_entropy import CrossEntropy


def make_batch(count: int = 40, size: tuple[int, int] = (9, 7), classes: int = 6) -> tuple[Tensor, Tensor]:
    stream = Streams(5).generator("images")
    images = torch.randn(count, 3, *size, generator=stream)
    labels = torch.randint(classes, (count,), generator=stream)
    return images, torch.nn.functional.one_hot(labels, classes).float()


@pytest.mark.parametrize("name", MIXES.names())
@pytest.mark.parametrize("share_per", ["batch", "image"])
def test_contract(name: str, share_per: str) -> None:
    mix, (images, targets) = build_mix(name, share_per=share_per), make_batch()
    before, targets_before = images.clone(), targets.clone()
    draw = mix.draw(images, Streams(1).generator("mix"))
    mixed, soft = mix.apply(images, targets, draw)
    assert torch.equal(images, before)
    assert torch.equal(targets, targets_before), "the inputs were changed"
    assert (mixed.shape, mixed.dtype) == (images.shape, images.dtype)
    torch.testing.assert_close(soft.sum(1), torch.ones(len(images)))
    assert (soft >= 0).all()
    assert not torch.equal(mixed, images), "nothing happened to forty images"
    assert torch.equal(mixed, mix.apply(images, targets, draw)[0]), "applying the same draw differs"
    again = mix.draw(images, Streams(1).generator("mix"))
    assert all(torch.equal(a, b) for a, b in zip(draw, again, strict=True)), "a draw ignores its stream"
    state = torch.get_rng_state()
    mix.draw(images, Streams(2).generator("mix"))
    assert torch.equal(torch.get_rng_state(), state), "it draws from the global generator"


@pytest.mark.parametrize("share_per", ["batch", "image"])
def test_one_share_a_batch_or_an_image(share_per: str) -> None:
    images, _ = make_batch()
    shares = build_mix("mixup", alpha=1.0, share_per=share_per).draw(images, Streams(1).generator("mix"))
    assert len(shares.kept.unique()) == (1 if share_per == "batch" else len(images))
    assert sorted(shares.partners.tolist()) == list(range(len(images)))


def test_mixup_by_hand() -> None:
    images = torch.tensor([0.0, 10.0, 20.0]).view(3, 1, 1, 1)
    targets = torch.eye(3)
    draw = Shares(torch.tensor([1, 2, 0]), torch.tensor([0.75, 1.0, 0.0]))
    mixed, soft = build_mix("mixup").apply(images, targets, draw)
    assert mixed.flatten().tolist() == [2.5, 10.0, 0.0]
    assert soft.tolist() == [[0.75, 0.25, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]


def test_shares_follow_the_beta_distribution() -> None:
    images = torch.zeros(40_000, 1, 1, 1)
    for alpha in (0.1, 0.4, 1.0, 4.0):
        mix = build_mix("mixup", alpha=alpha, share_per="image")
        kept = mix.draw(images, Streams(3).generator("mix")).kept.double()
        variance = 1 / (4 * (2 * alpha + 1))  # of Beta(alpha, alpha)
        assert kept.mean().item() == pytest.approx(0.5, abs=5 * (variance / len(kept)) ** 0.5)
        assert kept.var().item() == pytest.approx(variance, rel=0.03)


@given(top=st.integers(0, 8), left=st.integers(0, 6), height=st.integers(0, 9), width=st.integers(0, 7))
def test_cutmix_pastes_the_window_and_counts_its_pixels(top: int, left: int, height: int, width: int) -> None:
    images, targets = make_batch(2)
    bottom, right = min(9, top + height), min(7, left + width)
    corners = torch.tensor([[top, left, bottom, right], [0, 0, 0, 0]])
    mixed, soft = build_mix("cutmix").apply(images, targets, Windows(torch.tensor([1, 0]), corners))
    expected = images[0].clone()
    expected[:, top:bottom, left:right] = images[1, :, top:bottom, left:right]
    assert torch.equal(mixed[0], expected)
    assert torch.equal(mixed[1], images[1]), "an empty window changed an image"
    share = (bottom - top) * (right - left) / 63
    torch.testing.assert_close(soft[0], targets[0] * (1 - share) + targets[1] * share)


def test_cutmix_windows_have_the_drawn_area_before_they_are_cut_off() -> None:
    images = torch.zeros(4000, 1, 64, 64)
    corners = build_mix("cutmix", share_per="image").draw(images, Streams(3).generator("mix")).corners
    inside = (corners[:, :2] > 0).all(1) & (corners[:, 2:] < 64).all(1)
    sides = (corners[:, 2:] - corners[:, :2])[inside]
    assert torch.equal(sides[:, 0], sides[:, 1]), "a window of a square image is square"
    assert (corners >= 0).all()
    assert (corners <= 64).all()


def make_batches(digits: ImageDataset, until_epoch: int | None) -> TrainingBatches:
    mix = build_mix("mixup", alpha=1.0, until_epoch=until_epoch)
    return TrainingBatches(digits, Normalization((0.3,), (0.3,)), 50, Streams(0), mix=mix)


def test_mixing_ends_after_its_last_epoch(few_digits: ImageDataset) -> None:
    """E10: on for some epochs, then off."""
    batches = make_batches(few_digits, until_epoch=2)
    kinds = [next(batches.epoch(epoch)).labels.is_floating_point() for epoch in (1, 2, 3)]
    assert kinds == [True, True, False]


def test_resumed_epochs_mix_alike(few_digits: ImageDataset) -> None:
    batches = make_batches(few_digits, None)
    first = [batch.labels for batch in batches.epoch(2)]
    assert all(torch.equal(a, b.labels) for a, b in zip(first, batches.epoch(2), strict=True))
    assert not torch.equal(first[0], next(batches.epoch(3)).labels)


def test_running_accuracy_of_mixed_images_counts_the_share_that_was_named(few_digits: ImageDataset) -> None:
    """D-000-3, E11: it was counted against the labels before mixing."""
    batch = next(make_batches(few_digits, None).epoch(1))
    best = torch.nn.functional.one_hot(batch.labels.argmax(1), 10).float()
    correct = Classification().correct(best, batch)
    torch.testing.assert_close(correct, batch.labels.max(1).values)
    assert correct.mean() < 1


def test_soft_cross_entropy_is_the_mixture_of_two(few_digits: ImageDataset) -> None:
    """B7: the loss was mixed by λ; soft targets give the same number."""
    logits = torch.randn(3, 4)
    a, b, share = torch.tensor([0, 1, 2]), torch.tensor([3, 1, 0]), 0.3
    one_hot = torch.nn.functional.one_hot
    soft = share * one_hot(a, 4) + (1 - share) * one_hot(b, 4)
    for smoothing in (0.0, 0.04):
        objective = Classification(CrossEntropy(smoothing))
        batch = next(make_batches(few_digits, None).epoch(1))
        mixed = objective.training_loss(logits, batch._replace(labels=soft))
        each = [objective.training_loss(logits, batch._replace(labels=labels)) for labels in (a, b)]
        torch.testing.assert_close(mixed, share * each[0] + (1 - share) * each[1])
