"""A network that tells marks apart can only look at the marks: explanations must find them there."""

import pytest
import torch
from torch import nn

from loupe.inspection import EXPLANATIONS, explain
from tests.inspection.explanations.networks import CORNER, SIDE, draw_marked_images, train_on_marks

SHARE_OF_AREA = CORNER**2 / SIDE**2


@pytest.fixture(scope="module", params=["cnn", "six-block"])
def trained(request: pytest.FixtureRequest) -> nn.Module:
    return train_on_marks(request.param, {"cnn": 60, "six-block": 60}[request.param])


@pytest.mark.parametrize("method", EXPLANATIONS.names())
def test_evidence_lies_where_it_was_planted(trained: nn.Module, method: str) -> None:
    images, labels = draw_marked_images(40, seed=9)
    found = explain(trained, images, method)
    assert (found.targets == labels).float().mean() > 0.95
    evidence = found.maps.relu()
    inside = evidence[:, :CORNER, :CORNER].sum((1, 2)) / evidence.sum((1, 2))
    strongest = evidence.flatten(1).argmax(1)
    hits = (strongest // SIDE < CORNER) & (strongest % SIDE < CORNER)
    print(method, float(inside.mean()), float(hits.float().mean()))  # noqa: T201
    assert inside.mean() > 4 * SHARE_OF_AREA
    assert hits.float().mean() > 0.9


def test_an_untrained_network_does_not_find_it() -> None:
    """The check above must be able to fail."""
    images, _ = draw_marked_images(40, seed=9)
    evidence = explain(train_on_marks("cnn", 0), images, "occlusion").maps.relu()
    inside = evidence[:, :CORNER, :CORNER].sum((1, 2)) / evidence.sum((1, 2))
    assert float(torch.nanmean(inside)) < 4 * SHARE_OF_AREA
