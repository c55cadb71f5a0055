import pytest
import torch
from torch import nn

from loupe.data import ImageDataset
from loupe.training.averaging import WeightAverage
from loupe.training.state import take_snapshot

from .small_fit import Fit, is_same


def test_the_average_by_hand() -> None:
    model = nn.BatchNorm1d(1)
    average = WeightAverage(model, decay=0.25)
    values = [1.0]
    for number in range(6):
        with torch.no_grad():
            model.weight.fill_(number)
            model.running_mean.fill_(number)
            model.num_batches_tracked.fill_(number)
        average.update(model)
        decay = min(0.25, (1 + number) / (10 + number))
        values.append(decay * values[-1] + (1 - decay) * number)
    assert average.model.weight.item() == pytest.approx(values[-1])
    assert average.model.num_batches_tracked.item() == 5
    assert model.weight.item() == 5, "the network itself is not touched"
    assert not average.model.weight.requires_grad


def test_the_average_is_what_is_judged_and_kept(few_digits: ImageDataset) -> None:
    plain, averaged = Fit(few_digits).run(3), Fit(few_digits, average_decay=0.9).run(3)
    assert is_same(plain.model.state_dict(), averaged.model.state_dict()), "averaging changed the training"
    assert averaged.average is not None
    assert averaged.judged is averaged.average.model
    assert not is_same(averaged.judged.state_dict(), averaged.model.state_dict())
    assert averaged.history[0].validation_loss != plain.history[0].validation_loss
    assert averaged.best is not None
    if averaged.best.epoch == 3:
        assert is_same(averaged.best.weights, averaged.judged.state_dict())


def test_a_resumed_average_goes_on_to_the_bit(few_digits: ImageDataset) -> None:
    whole = Fit(few_digits, average_decay=0.9).run(5)
    first = take_snapshot(Fit(few_digits, average_decay=0.9).run(2))
    resumed = Fit(few_digits, average_decay=0.9).run(5, start=first)
    assert is_same(take_snapshot(whole).tensors, take_snapshot(resumed).tensors)
    assert is_same(take_snapshot(resumed).last_weights, resumed.judged.state_dict())
