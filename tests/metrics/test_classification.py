import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from loupe.metrics import Metrics, Predictions, compute_metrics, rank_confused_pairs
from loupe.metrics.classification import compute_confusion

NAMES = ("cat", "dog", "ship")


def test_metrics_of_a_case_worked_by_hand() -> None:
    logits = torch.tensor([[2.0, 0, 0], [0, 2, 0], [0, 2, 0], [0, 0, 2]])
    metrics = compute_metrics(Predictions(torch.tensor([0, 0, 1, 2]), logits), NAMES)
    log_right = torch.log(torch.exp(torch.tensor(2.0)) + 2) - 2  # nats, for each of the three right ones
    assert metrics.accuracy == 0.75
    assert (metrics.correct, metrics.num_images) == (3, 4)
    assert metrics.loss == pytest.approx((3 * log_right + (log_right + 2)).item() / 4)
    assert metrics.confusion == ((1, 1, 0), (0, 1, 0), (0, 0, 1))
    assert [one.accuracy for one in metrics.per_class] == [0.5, 1.0, 1.0]
    assert metrics.interval.low < 0.75 < metrics.interval.high


def test_a_class_without_images_has_no_accuracy() -> None:
    metrics = compute_metrics(Predictions(torch.tensor([0, 2]), torch.eye(3)[[0, 2]]), NAMES)
    assert [one.name for one in metrics.per_class] == ["cat", "ship"]
    assert metrics.class_names == NAMES


@given(
    pairs=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=80),
)
def test_the_confusion_matrix_counts_pairs(pairs: list[tuple[int, int]]) -> None:
    labels, predicted = torch.tensor(pairs).T
    confusion = compute_confusion(labels, predicted, 4)
    for true in range(4):
        for guess in range(4):
            assert confusion[true, guess] == pairs.count((true, guess))


def test_metrics_survive_json() -> None:
    metrics = compute_metrics(Predictions(torch.tensor([0, 1, 2]), torch.eye(3)), NAMES)
    assert Metrics.from_dict(json.loads(json.dumps(metrics.to_dict()))) == metrics


def test_confused_pairs_are_ranked_by_share_of_their_class() -> None:
    """D-003-9: a fixed count of 50 means nothing on sets of another size."""
    confusion = ((90, 10, 0), (4, 16, 0), (0, 0, 5))
    pairs = rank_confused_pairs(confusion, NAMES)
    assert [(pair.true_class, pair.predicted_class, pair.count, pair.share) for pair in pairs] == [
        ("dog", "cat", 4, 0.2),
        ("cat", "dog", 10, 0.1),
    ]
