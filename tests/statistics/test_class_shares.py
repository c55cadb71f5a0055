"""Shares of classes: beside Bayes' rule, the iteration written out, and images whose shares are known."""

import time

import pytest
import torch
from torch import Tensor

from loupe.statistics.calibration import draw_resamples
from loupe.statistics.class_shares import adjust_to_shares, estimate_shares


def draw_probabilities(
    num_images: int, num_classes: int, weights: list[float], *, apart: float = 1.5, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Return calibrated probabilities of equally frequent classes for images of other shares, and labels."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.multinomial(torch.tensor(weights), num_images, replacement=True, generator=generator)
    seen = torch.randn(num_images, num_classes, generator=generator)  # unit noise about the class's corner
    seen[torch.arange(num_images), labels] += apart
    return (apart * seen).softmax(1), labels


def iterate(probabilities: Tensor, before: list[float], steps: int) -> Tensor:
    known = torch.tensor(before, dtype=torch.float64)
    shares = known.clone()
    for _ in range(steps):
        weighted = probabilities.double() * shares / known
        shares = (weighted / weighted.sum(1, keepdim=True)).mean(0)
    return shares


def test_shares_are_heeded_by_bayes_rule() -> None:
    """A sign twice as frequent in the second class, at equal shares and where that class is rare."""
    likelihood = torch.tensor([1.0, 2.0])
    probabilities = (likelihood / likelihood.sum())[None]
    found = adjust_to_shares(probabilities, [0.5, 0.5], [0.9, 0.1])
    assert found[0].tolist() == pytest.approx([0.9 * 1 / (0.9 + 0.2), 0.2 / (0.9 + 0.2)])
    same = adjust_to_shares(probabilities, [0.3, 0.7], [0.3, 0.7])
    assert same[0].tolist() == pytest.approx(probabilities[0].tolist())


def test_shares_are_found_without_labels_and_heeding_them_helps() -> None:
    probabilities, labels = draw_probabilities(20_000, 3, [0.7, 0.2, 0.1])
    shares, drawn = estimate_shares(probabilities, [1 / 3, 1 / 3, 1 / 3], draws=0)
    assert shares.tolist() == pytest.approx([0.7, 0.2, 0.1], abs=0.015)
    assert drawn.shape == (0, 3)
    heeded = adjust_to_shares(probabilities, [1 / 3, 1 / 3, 1 / 3], shares.tolist()).argmax(1) == labels
    assert float(heeded.double().mean()) > float((probabilities.argmax(1) == labels).double().mean()) + 0.02


def test_each_resample_gives_what_the_iteration_gives_for_its_images() -> None:
    probabilities, _ = draw_probabilities(600, 4, [0.4, 0.3, 0.2, 0.1])
    before = [0.1, 0.2, 0.3, 0.4]
    shares, drawn = estimate_shares(probabilities, before, draws=5, seed=3)
    assert shares.tolist() == pytest.approx(iterate(probabilities, before, 500).tolist(), abs=1e-5)
    assert drawn.shape == (5, 4)
    for found, some in zip(drawn, draw_resamples(600, 3, 5), strict=True):
        wanted = iterate(probabilities[some], before, 1000)
        assert found.tolist() == pytest.approx(wanted.tolist(), abs=1e-5)
        assert float(found.sum()) == pytest.approx(1)


@pytest.mark.thorough
def test_resamples_of_a_weak_network_go_as_far_as_the_estimate() -> None:
    """Where classes are hardly told apart it takes thousands of steps; a hundred stay near the old shares."""
    probabilities, _ = draw_probabilities(500, 3, [0.8, 0.1, 0.1], apart=0.3, seed=2)
    before = [1 / 3] * 3
    shares, drawn = estimate_shares(probabilities, before, draws=6, seed=1)
    assert shares.tolist() == pytest.approx(iterate(probabilities, before, 8_000).tolist(), abs=2e-3)
    gaps = []
    for found, some in zip(drawn, draw_resamples(500, 1, 6), strict=True):
        wanted = iterate(probabilities[some], before, 8_000)
        assert found.tolist() == pytest.approx(wanted.tolist(), abs=2e-3)
        gaps.append(float((iterate(probabilities[some], before, 100) - wanted).abs().max()))
    assert max(gaps) > 0.05, "what a hundred steps miss"


@pytest.mark.thorough
def test_intervals_of_a_weak_network_hold_what_they_promise() -> None:
    held = 0
    for seed in range(40):
        probabilities, _ = draw_probabilities(2_000, 5, [0.8, *[0.05] * 4], apart=0.3, seed=seed)
        shares, drawn = estimate_shares(probabilities, [0.2] * 5, seed=seed)
        low, high = (float(drawn[:, 0].quantile(one)) for one in (0.025, 0.975))
        held += min(low, float(shares[0])) <= 0.8 <= max(high, float(shares[0]))
    assert held >= 34


def test_the_spread_of_resamples_is_that_of_new_images() -> None:
    """Shares of 40 sets of images vary as those of resamples of one of them do."""
    probabilities, _ = draw_probabilities(40_000, 2, [0.7, 0.3])
    before = [0.5, 0.5]
    alone = [estimate_shares(one, before, draws=0)[0][0] for one in probabilities.split(1_000)]
    _, drawn = estimate_shares(probabilities[:1_000], before, draws=200)
    assert float(drawn[:, 0].std()) == pytest.approx(float(torch.stack(alone).std()), rel=0.35)


def test_a_class_that_training_never_saw_stays_without_images() -> None:
    probabilities, _ = draw_probabilities(300, 2, [0.5, 0.5])
    padded = torch.cat([probabilities, torch.zeros(300, 1)], 1)
    shares, _ = estimate_shares(padded, [0.5, 0.5, 0.0], draws=0)
    assert float(shares[2]) == 0
    assert float(shares.sum()) == pytest.approx(1)


def test_a_class_whose_share_is_unknown_stays_as_the_network_says() -> None:
    """No validation image of a class that the network does name: nothing may be divided by its share."""
    probabilities, _ = draw_probabilities(3_000, 3, [0.6, 0.2, 0.2])
    before = [0.5, 0.5, 0.0]
    adjusted = adjust_to_shares(probabilities, before, before)
    assert torch.allclose(adjusted, probabilities.double(), atol=1e-6)
    heeded = adjust_to_shares(probabilities, before, [0.75, 0.25, 0.0])
    odds = probabilities.double()[:, :2] * torch.tensor([1.5, 0.5])
    rest = 1 - probabilities.double()[:, 2:]
    assert torch.allclose(heeded[:, :2], rest * odds / odds.sum(1, keepdim=True), atol=1e-6)
    assert torch.allclose(heeded[:, 2], probabilities[:, 2].double(), atol=1e-6)
    shares, drawn = estimate_shares(probabilities, before, draws=3)
    wanted = iterate(probabilities[:, :2], before[:2], 500).tolist()
    assert shares.tolist() == pytest.approx([*wanted, 0], abs=1e-5)
    assert bool((drawn[:, 2] == 0).all())
    assert drawn.sum(1).tolist() == pytest.approx([1, 1, 1])
    sure = torch.tensor([[0.0, 0.0, 1.0], [0.9, 0.1, 0.0]])  # one surely of the class nobody counted
    assert estimate_shares(sure, before, draws=0)[0].sum().item() == pytest.approx(1)


def test_shares_that_leave_little_do_not_make_a_class_probable_whose_share_is_unknown() -> None:
    """What the network does not give it stays with the other classes, however rare these become."""
    given = torch.tensor([[0.9, 0.0, 0.1], [0.6, 0.3, 0.1], [0.0, 0.0, 1.0]])
    heeded = adjust_to_shares(given, [0.5, 0.5, 0.0], [0.0001, 0.9999, 0.0])
    assert heeded[:, 2].tolist() == pytest.approx([0.1, 0.1, 1])
    assert heeded.sum(1).tolist() == pytest.approx([1, 1, 1])
    assert heeded[0].tolist() == pytest.approx([0.9, 0, 0.1])
    assert heeded[1, 0].item() == pytest.approx(0.9 * 0.00006 / (0.00006 + 0.29997), rel=1e-4)
    impossible = adjust_to_shares(given[:1], [0.5, 0.5, 0.0], [0.0, 1.0, 0.0])
    assert impossible[0].tolist() == pytest.approx([0.9, 0, 0.1])


def test_shares_stay_as_before_where_every_image_is_surely_of_a_class_whose_share_is_unknown() -> None:
    shares, drawn = estimate_shares(torch.tensor([[0.0, 0.0, 1.0]]), [0.6, 0.4, 0.0], draws=2)
    assert shares.tolist() == pytest.approx([0.6, 0.4, 0])
    assert drawn.tolist() == [pytest.approx([0.6, 0.4, 0])] * 2


@pytest.mark.parametrize("apart", [0.3, 1.5])
def test_intervals_of_two_thousand_images_take_less_than_a_second(apart: float) -> None:
    probabilities, _ = draw_probabilities(2_000, 10, [0.4, *[0.6 / 9] * 9], apart=apart)
    begun = time.process_time()
    _, drawn = estimate_shares(probabilities, [0.1] * 10)
    assert time.process_time() - begun < 2  # a fifth of a second on one core
    assert len(drawn) == 200, "of 50 resamples the ends of 95 % are those of the outermost two"
