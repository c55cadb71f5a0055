import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor

from loupe.training.class_weights import ClassWeighted, weigh_classes
from loupe.training.losses.cross_entropy import CrossEntropy
from loupe.training.losses.focal import Focal

COUNTS = st.lists(st.integers(1, 5000), min_size=2, max_size=9)


@given(counts=COUNTS)
def test_balanced_weights_are_those_of_scikit_learn(counts: list[int]) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    theirs = compute_class_weight("balanced", classes=np.arange(len(counts)), y=labels)
    assert weigh_classes("balanced", counts) == pytest.approx(theirs.tolist())


@given(counts=COUNTS, beta=st.floats(0, 0.99999))
def test_weights_of_the_effective_number_are_the_published_ones(counts: list[int], beta: float) -> None:
    """Cui et al.'s own lines: effective_num = 1 - beta^n, weights = (1 - beta) / effective_num."""
    published = (1 - beta) / (1 - np.power(beta, counts))
    ours = np.array(weigh_classes("effective", counts, beta))
    assert ours / ours[0] == pytest.approx(published / published[0], rel=1e-6)
    assert float((ours * counts).sum() / sum(counts)) == pytest.approx(1)


def test_a_class_without_images_counts_nothing() -> None:
    assert weigh_classes("balanced", [4, 0, 2]) == pytest.approx((0.75, 0, 1.5))


def test_weighted_cross_entropy_is_the_sum_torch_gives() -> None:
    outputs, labels = torch.randn(12, 3), torch.randint(3, (12,))
    weights = (0.5, 1.0, 4.0)
    theirs = F.cross_entropy(outputs, labels, weight=torch.tensor(weights), reduction="sum") / 12
    assert torch.allclose(ClassWeighted(CrossEntropy(), weights)(outputs, labels).mean(), theirs)


def test_mixed_labels_count_with_the_mean_of_their_weights() -> None:
    outputs, shares = torch.randn(5, 3), torch.rand(5, 3).softmax(1)
    loss = ClassWeighted(Focal(), (1.0, 2.0, 3.0))(outputs, shares)
    assert torch.allclose(loss, (shares @ torch.tensor([1.0, 2.0, 3.0])) * Focal()(outputs, shares))


def test_a_loss_that_knows_only_means_cannot_be_weighted() -> None:
    def mean_only(outputs: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(outputs, targets)

    with pytest.raises(TypeError, match="a method `each`"):
        ClassWeighted(mean_only, (1.0, 2.0))(torch.randn(4, 2), torch.tensor([0, 1, 1, 0]))
