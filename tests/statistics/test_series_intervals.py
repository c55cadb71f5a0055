"""The interval of several seeds' mean holds for new images: drawn again and again, it covers what it says."""

import numpy as np
import pytest

from loupe.statistics import compute_wilson_interval, estimate_optimism, summarise_seeds


def cover(share: float, num_seeds: int, num_draws: int, num_images: int = 1000) -> tuple[float, float]:
    """Return how often the interval, and the one over seeds alone, cover the accuracy on all images.

    An image is right with a chance of its own over seeds (a Beta law: most are always or never right); a seed
    is lucky or not on all of them.
    """
    generator = np.random.default_rng(round(1e4 * share) + num_seeds)
    spread = 0.25  # of the chances: small numbers put them near 0 and 1
    hits = alone = 0
    for _ in range(num_draws):
        chances = generator.beta(share * spread, (1 - share) * spread, num_images)
        correct = [int((generator.random(num_images) < chances).sum()) for _ in range(num_seeds)]
        found = summarise_seeds(
            [one / num_images for one in correct],
            low=0,
            high=1,
            over_images=[compute_wilson_interval(one, num_images) for one in correct],
        )
        assert found.interval is not None
        assert found.interval.high > found.interval.low
        assert found.counts_images
        hits += found.interval.low <= share <= found.interval.high
        ends = found.seeds_interval
        alone += ends is not None and ends.low <= share <= ends.high
    return hits / num_draws, alone / num_draws


@pytest.mark.parametrize("num_seeds", [2, 10])
@pytest.mark.parametrize("share", [0.7, 0.99])
def test_it_covers_the_accuracy_on_new_images_and_seeds_alone_do_not(share: float, num_seeds: int) -> None:
    covered, alone = cover(share, num_seeds, 300)
    assert covered > 0.92
    if num_seeds == 10:
        assert alone < 0.7


@pytest.mark.slow
@pytest.mark.parametrize("num_seeds", [2, 3, 5, 10])
@pytest.mark.parametrize("share", [0.5, 0.8, 0.95, 0.99, 0.999])
def test_it_covers_at_every_accuracy(share: float, num_seeds: int) -> None:
    covered, _ = cover(share, num_seeds, 3000)
    assert covered >= 0.93


def test_seeds_that_agree_make_no_interval_of_width_0() -> None:
    agreed = summarise_seeds([0.9, 0.9, 0.9])
    assert (agreed.interval, agreed.seeds_interval) == (None, None)
    with_images = summarise_seeds([0.9, 0.9, 0.9], over_images=[compute_wilson_interval(90, 100)] * 3)
    assert with_images.interval == compute_wilson_interval(90, 100)
    partly = summarise_seeds([0.9, 0.91], over_images=[compute_wilson_interval(90, 100), None])
    assert not partly.counts_images


def test_optimism_stays_within_what_scores_can_be() -> None:
    found = estimate_optimism(0.98, [0.1, 0.9], low=0, high=1).interval
    assert found is not None
    assert (found.low, found.high) == pytest.approx((-0.02, 0.98))
