import pytest
import torch
from torch import nn

from loupe.data import Dataset, ImageDataset
from loupe.runtime import Streams
from loupe.training import (
    OPTIMIZERS,
    TrainingState,
    build_optimizer,
    build_schedule,
)
from loupe.training.state import take_snapshot

from .small_fit import Fit, is_same


def test_training_goes_on_from_a_snapshot_to_the_bit(few_digits: ImageDataset) -> None:
    whole = Fit(few_digits).run(6)
    for stop in (1, 3, 5):
        snapshot = take_snapshot(Fit(few_digits).run(stop))
        state = Fit(few_digits).run(6, start=snapshot)
        assert is_same(state.model.state_dict(), whole.model.state_dict())
        assert state.best is not None
        assert whole.best is not None
        assert state.best.epoch == whole.best.epoch
        assert is_same(state.best.weights, whole.best.weights)
        assert [one.validation_loss for one in state.history] == [
            one.validation_loss for one in whole.history
        ]


def test_a_snapshot_can_be_started_from_twice(few_digits: ImageDataset) -> None:
    """The optimizer must not go on in the snapshot's own tensors."""
    snapshot = take_snapshot(Fit(few_digits).run(2))
    first, again = (Fit(few_digits).run(4, start=snapshot).model.state_dict() for _ in range(2))
    assert is_same(first, again)


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_every_optimizer_resumes_to_the_bit(few_digits: ImageDataset, name: str) -> None:
    def prepare() -> Fit:
        one = Fit(few_digits)
        one.optimizer = build_optimizer(name, one.model.parameters(), weight_decay=0.01)
        return one

    whole = prepare().run(4)
    resumed = prepare().run(4, start=take_snapshot(prepare().run(2)))
    assert is_same(resumed.model.state_dict(), whole.model.state_dict())


def test_a_resumed_plateau_goes_on_to_the_bit(few_digits: ImageDataset) -> None:
    def run(*stages: int) -> TrainingState:
        state = None
        for epochs in stages:
            one = Fit(few_digits)
            schedule = build_schedule(
                "plateau", num_epochs=8, steps_per_epoch=5, patience=0, min_improvement=0.2, gamma=0.5
            )
            start = take_snapshot(state) if state else None
            state = one.run(epochs, schedule=schedule, start=start)
        return state

    whole, resumed = run(8), run(3, 8)
    assert is_same(whole.model.state_dict(), resumed.model.state_dict())
    rates = [record.learning_rate for record in whole.history]
    assert rates == [record.learning_rate for record in resumed.history]
    assert len(set(rates)) > 1, "the rate never fell: the test tests nothing"


def test_channels_last_trains_alike_and_resumes_to_the_bit(digits: Dataset) -> None:
    """Fused optimizers walk through memory: a resumed state must lie as its weights lie."""
    images = digits.train.select(torch.arange(200))

    def make() -> Fit:
        one = Fit(images)
        with Streams(3).as_global("model"):
            layers = nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Conv2d(6, 8, 3), nn.Flatten(), nn.Linear(128, 10)
        one.model = nn.Sequential(*layers)
        one.optimizer = build_optimizer("adam", one.model.parameters(), learning_rate=0.01)
        return one

    def make_last() -> Fit:
        one = make()
        one.model.to(memory_format=torch.channels_last)
        return one

    plain, whole = make().run(4), make_last().run(4)
    resumed = make_last().run(4, start=take_snapshot(make_last().run(2)))
    assert is_same(whole.model.state_dict(), resumed.model.state_dict())
    assert whole.model[2].weight.is_contiguous(memory_format=torch.channels_last)
    for a, b in zip(plain.model.parameters(), whole.model.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-2)
    assert all(tensor.is_contiguous() for tensor in take_snapshot(whole).tensors.values())
