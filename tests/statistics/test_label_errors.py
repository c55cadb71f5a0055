"""Labels that are probably wrong: joint, thresholds and margins are cleanlab's, and what ranks promise."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from loupe.data import load_dataset
from loupe.statistics.label_errors import find_label_errors

from ..conftest import needs_official_data


def draw(seed: int, num_images: int, num_classes: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(num_classes, (num_images,), generator=generator)
    labels[:num_classes] = torch.arange(num_classes)
    noise = 2 * torch.randn(num_images, num_classes, generator=generator)
    return labels, (noise + 3 * F.one_hot(labels, num_classes)).double().softmax(1)


@given(seed=st.integers(0, 50), num_classes=st.integers(2, 8))
def test_a_candidate_is_likelier_of_another_class_and_ranks_are_complete(seed: int, num_classes: int) -> None:
    labels, scores = draw(seed, 200, num_classes)
    found = find_label_errors(labels, scores)
    ranked = found.rank()
    assert ((found.margins[ranked] < 0) | found.is_confident[ranked]).all()
    assert (found.margins[ranked].diff() >= 0).all()
    assert (found.suggested != labels).all()
    places = found.rank_within_classes(labels)
    for label in range(num_classes):
        of_class = places[labels == label]
        assert sorted(of_class[of_class > 0].tolist()) == list(range(1, int((of_class > 0).sum()) + 1))
    assert int((places > 0).sum()) == len(ranked)


def test_a_class_without_images_and_one_that_is_always_right() -> None:
    found = find_label_errors(torch.tensor([0, 0, 1]), torch.eye(3)[[0, 0, 1]])
    assert found.thresholds.tolist() == [1, 1, 1]
    assert found.joint.tolist() == [[2, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert len(found.rank()) == 0


@pytest.mark.parametrize("num_classes", [2, 5, 10])
def test_thresholds_joint_and_margins_are_those_of_cleanlab(num_classes: int) -> None:
    count = pytest.importorskip("cleanlab.count", reason="cleanlab is not installed: extra `dev`")
    from cleanlab.rank import get_label_quality_scores

    labels, scores = draw(num_classes, 500, num_classes)
    found = find_label_errors(labels, scores)
    pair = (labels.numpy(), scores.numpy())
    assert found.thresholds.numpy() == pytest.approx(count.get_confident_thresholds(*pair), abs=1e-12)
    joint, wrong = count.compute_confident_joint(*pair, calibrate=False, return_indices_of_off_diagonals=True)
    assert (found.joint.numpy() == joint).all()
    assert found.is_confident.nonzero().flatten().tolist() == sorted(wrong)
    qualities = get_label_quality_scores(*pair, method="normalized_margin", adjust_pred_probs=True)
    assert (found.margins.numpy() + 1) / 2 == pytest.approx(qualities, abs=1e-12)


@needs_official_data
@pytest.mark.thorough
def test_of_planted_errors_in_cifar_as_many_are_found_as_by_cleanlab() -> None:
    """At the length of cleanlab's lists, over four draws of 90 errors among 1,800 images."""
    found, known = {}, {}
    filters = pytest.importorskip("cleanlab.filter", reason="cleanlab is not installed: extra `dev`")
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    train = load_dataset("cifar10").train.keep_classes([0, 1, 6])
    train = train.select(torch.cat([(train.labels == label).nonzero().flatten()[:600] for label in range(3)]))
    pixels = F.adaptive_avg_pool2d(train.images.float(), 6).flatten(1).numpy() / 255
    for seed in range(4):
        generator = np.random.default_rng(seed)
        wrong = generator.choice(1800, 90, replace=False)
        labels = train.labels.numpy().copy()
        labels[wrong] = (labels[wrong] + generator.integers(1, 3, 90)) % 3
        model = LogisticRegression(C=1, max_iter=1000)
        scores = cross_val_predict(model, pixels, labels, cv=5, method="predict_proba")
        ranked = find_label_errors(torch.from_numpy(labels), torch.from_numpy(scores)).rank().numpy()
        for way in ("prune_by_noise_rate", "confident_learning"):
            listed = filters.find_label_issues(
                labels, scores, filter_by=way, return_indices_ranked_by="normalized_margin"
            )
            found[way] = found.get(way, 0) + np.isin(ranked[: len(listed)], wrong).sum()
            known[way] = known.get(way, 0) + np.isin(listed, wrong).sum()
    assert found["confident_learning"] >= known["confident_learning"]
    assert found["prune_by_noise_rate"] >= 0.98 * known["prune_by_noise_rate"]
