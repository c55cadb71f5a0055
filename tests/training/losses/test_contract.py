"""One contract over all losses."""

from typing import Any

import pytest
import torch
from torch import Tensor

from loupe.training import LOSSES, build_loss
from loupe.training.losses import DEFAULT_LOSSES, average

CLASSES = 5
COUNTS = (40, 10, 5, 30, 15)


def make_batch(name: str, count: int, *, is_mixed: bool = False) -> tuple[Tensor, Tensor]:
    """Return outputs that take a gradient, and targets, as the objective of a loss has them."""
    if LOSSES.facts(name)["objective"] == "reconstruction":
        return torch.randn(count, 1, 4, 3).requires_grad_(), torch.rand(count, 1, 4, 3)
    outputs = (3 * torch.randn(count, CLASSES)).requires_grad_()
    if is_mixed:
        return outputs, torch.rand(count, CLASSES).softmax(1)
    return outputs, torch.randint(CLASSES, (count,))


def build(name: str, **settings: Any) -> Any:
    return build_loss(name, settings, class_counts=COUNTS)


KINDS = [
    (name, is_mixed)
    for name in LOSSES.names()
    for is_mixed in (False, True)
    if not is_mixed
    or (LOSSES.facts(name)["objective"] == "classification" and LOSSES.facts(name)["takes_mixed_labels"])
]


@pytest.mark.parametrize(("name", "is_mixed"), KINDS)
def test_a_loss_is_a_mean_over_images(name: str, is_mixed: bool) -> None:
    """Micro-batches and the shards of several processes rest on it, whatever size the parts have."""
    loss = build(name)
    outputs, targets = make_batch(name, 12, is_mixed=is_mixed)
    before = outputs.detach().clone(), targets.clone()
    whole = average(loss(outputs, targets))
    (gradient,) = torch.autograd.grad(whole, outputs)
    assert whole.shape == ()
    assert whole.isfinite()
    assert float(whole.detach()) > 0
    assert gradient.isfinite().all()
    assert gradient.abs().sum() > 0
    assert torch.equal(outputs.detach(), before[0]), "the outputs were changed"
    assert torch.equal(targets, before[1]), "the targets were changed"
    parts = sum(
        len(part) / 12 * average(loss(part, target))
        for part, target in zip(outputs.split([5, 7]), targets.split([5, 7]), strict=True)
    )
    assert isinstance(parts, Tensor)
    (of_parts,) = torch.autograd.grad(parts, outputs)
    torch.testing.assert_close(parts, whole)
    torch.testing.assert_close(of_parts, gradient)


@pytest.mark.parametrize("name", LOSSES.names())
def test_following_its_gradient_brings_outputs_to_their_targets(name: str) -> None:
    loss = build(name)
    outputs, targets = make_batch(name, 30)
    optimizer = torch.optim.Adam([outputs], 0.1)
    first = float(average(loss(outputs, targets)).detach())
    for _ in range(200):
        optimizer.zero_grad()
        average(loss(outputs, targets)).backward()
        optimizer.step()
    assert float(average(loss(outputs, targets)).detach()) < 0.5 * first
    if LOSSES.facts(name)["objective"] == "classification":
        assert torch.equal(outputs.argmax(1), targets)
    else:
        torch.testing.assert_close(outputs.detach(), targets, atol=0.05, rtol=0)


@pytest.mark.parametrize(("name", "is_mixed"), [kind for kind in KINDS if kind[1]])
def test_labels_as_shares_are_those_labels(name: str, is_mixed: bool) -> None:
    loss = build(name)
    outputs, targets = make_batch(name, 9)
    shares = torch.nn.functional.one_hot(targets, CLASSES).float()
    torch.testing.assert_close(average(loss(outputs, shares)), average(loss(outputs, targets)))


@pytest.mark.parametrize("name", LOSSES.names())
def test_sure_answers_right_and_wrong_give_numbers(name: str) -> None:
    loss = build(name)
    outputs, targets = make_batch(name, 6)
    if LOSSES.facts(name)["objective"] == "classification":
        outputs = torch.zeros(6, CLASSES)
        outputs[torch.arange(6), targets] = torch.tensor([200.0, 200.0, 90.0, -200.0, -90.0, 20.0])
        outputs.requires_grad_()
    value = average(loss(outputs, targets))
    value.backward()
    assert value.isfinite()
    assert outputs.grad is not None
    assert outputs.grad.isfinite().all()


@pytest.mark.parametrize("name", LOSSES.names())
def test_equal_settings_make_equal_losses(name: str) -> None:
    """Stacked training asks whether trainings have one objective."""
    assert build(name) == build(name)
    assert LOSSES.summary(name).endswith(".")


def test_every_objective_has_its_usual_loss() -> None:
    for objective, name in DEFAULT_LOSSES.items():
        assert LOSSES.facts(name)["objective"] == objective
