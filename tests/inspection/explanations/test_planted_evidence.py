"""A network that tells marks apart can only look at the marks: explanations must find them there.

Class 0 has no mark, so it leaves no evidence at one position: only the marked classes are explained.
"""

import pytest
from torch import Tensor, nn

from loupe.inspection import explain
from loupe.runtime import computing
from tests.inspection.explanations.networks import (
    CORNER,
    SIDE,
    draw_marked_images,
    make_network,
    train_on_marks,
)

pytestmark = pytest.mark.thorough

SHARE_OF_AREA = CORNER**2 / SIDE**2


TRAINING = {"cnn": (100, 0.01), "expert-net": (80, 0.01), "six-block": (50, 0.003)}  # steps, learning rate
SETTINGS = {
    "occlusion": {"size": 8, "stride": 4},
    "integrated-gradients": {"steps": 16},
    "grad-cam": {},
    "guided-backprop": {},
}


@pytest.fixture(scope="module", params=["cnn", "expert-net", "six-block"])
def name_and_network(request: pytest.FixtureRequest) -> tuple[str, nn.Module]:
    with computing(threads=1):
        return request.param, train_on_marks(request.param, *TRAINING[request.param])


@pytest.mark.parametrize("method", SETTINGS)
def test_evidence_lies_where_it_was_planted(name_and_network: tuple[str, nn.Module], method: str) -> None:
    network, model = name_and_network
    if (network, method) == ("expert-net", "guided-backprop"):
        pytest.skip("finds the mark's edges, and those of the noise: it is no test of evidence")
    settings = dict(SETTINGS[method])
    if (network, method) == ("six-block", "grad-cam"):
        settings["layer"] = "relu2"  # the last maps see the whole image from every position
    images, labels = draw_marked_images(60, seed=9)
    images, labels = images[labels > 0], labels[labels > 0]
    assert (model(images).argmax(1) == labels).float().mean() > 0.9
    found = explain(model, images, method, targets=labels, **settings)
    says_something = found.maps.flatten(1).amax(1) > 0
    # the mean gradient of a dense head can cancel; elsewhere every map must speak
    assert says_something.float().mean() >= (0.5 if (network, method) == ("cnn", "grad-cam") else 1.0)
    share, correct = locate(found.maps[says_something])
    assert correct.float().mean() > 0.9
    assert share.mean() > 2 * SHARE_OF_AREA


def locate(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Return the share of the evidence inside the corner, and whether the strongest evidence is there."""
    evidence = maps.relu()
    share = evidence[:, :CORNER, :CORNER].sum((1, 2)) / evidence.sum((1, 2))
    strongest = evidence.flatten(1).argmax(1)
    return share, (strongest // SIDE < CORNER) & (strongest % SIDE < CORNER)


def test_an_untrained_network_does_not_find_it() -> None:
    """The check above must be able to fail."""
    images, labels = draw_marked_images(60, seed=9)
    # the mark is brighter than all else, so any network reacts there; brightness alone is no evidence
    maps = explain(
        make_network("cnn", num_classes=3), images[labels == 0], "occlusion", **SETTINGS["occlusion"]
    ).maps
    share, correct = locate(maps)
    assert correct.float().mean() < 0.5
    assert share.mean() < 2 * SHARE_OF_AREA
