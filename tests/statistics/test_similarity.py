"""Centred kernel alignment beside its published definitions."""

import numpy as np
import pytest
import torch

from loupe.statistics.similarity import MinibatchCka, compute_cka, compute_hsic


def make_layers(num_images: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    first = torch.randn(num_images, 12, generator=generator, dtype=torch.float64)
    noise = torch.randn(num_images, 7, generator=generator, dtype=torch.float64)
    return first, first[:, :7] + 0.5 * noise


def test_cka_as_kornblith_defines_it() -> None:
    first, second = make_layers()
    centring = np.eye(40) - 1 / 40
    ours, theirs = (centring @ (one @ one.T).numpy() @ centring for one in (first, second))
    wanted = np.trace(ours @ theirs) / np.sqrt(np.trace(ours @ ours) * np.trace(theirs @ theirs))
    assert compute_cka(first, second) == pytest.approx(wanted)


def test_rotation_scale_and_shift_change_nothing() -> None:
    first, second = make_layers()
    turned = 3 * first @ torch.linalg.qr(torch.randn(12, 12, dtype=torch.float64)).Q + 5
    assert compute_cka(first, turned) == pytest.approx(1)
    assert compute_cka(turned, second) == pytest.approx(compute_cka(first, second))


def test_hsic_as_song_defines_it_over_all_quadruples() -> None:
    """The estimator is the mean of k_ij (l_ij + l_qr - 2 l_iq) over different i, j, q, r."""
    first, second = make_layers(7)
    ours, theirs = (one @ one.T for one in (first, second))
    terms = [
        ours[i, j] * (theirs[i, j] + theirs[q, r] - 2 * theirs[i, q])
        for i in range(7)
        for j in range(7)
        for q in range(7)
        for r in range(7)
        if len({i, j, q, r}) == 4
    ]
    assert float(compute_hsic(ours[None], theirs[None])) == pytest.approx(float(torch.stack(terms).mean()))


def test_minibatches_are_unbiased_where_the_plain_estimator_is_not() -> None:
    """Independent layers of many features: plain CKA of 50 images is far from 0."""
    generator = torch.Generator().manual_seed(1)
    gathered, plain = MinibatchCka(), []
    for _ in range(60):
        ours, theirs = torch.randn(2, 50, 300, generator=generator, dtype=torch.float64)
        gathered.add([ours @ ours.T], [theirs @ theirs.T])
        plain.append(compute_cka(ours, theirs))
    assert min(plain) > 0.5
    assert abs(float(gathered.compute())) < 0.02


def test_batches_of_a_layer_with_itself_and_with_another() -> None:
    first, second = make_layers(4000)
    gathered = MinibatchCka()
    for one, other in zip(first.split(100), second.split(100), strict=True):
        gathered.add([one @ one.T, other @ other.T], [one @ one.T])
    found = gathered.compute()
    assert float(found[0, 0]) == pytest.approx(1)
    assert float(found[1, 0]) == pytest.approx(compute_cka(second, first), abs=0.01)
    assert gathered.resample(0, 20).shape == (20, 2, 1)


def test_too_few_images() -> None:
    with pytest.raises(ValueError, match="got 3 images; allowed: 4 or more"):
        compute_hsic(torch.ones(1, 3, 3), torch.ones(1, 3, 3))
