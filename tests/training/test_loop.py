import copy
import math
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from loupe.data import ImageDataset
from loupe.data.batches import Batch, EvaluationBatches, TrainingBatches
from loupe.errors import TrainingError
from loupe.training import (
    Classification,
    Observer,
    Snapshot,
    TrainingState,
    WindowedEarlyStopping,
    build_optimizer,
)
from loupe.training.loop import is_better
from loupe.training.losses.cross_entropy import CrossEntropy
from loupe.training.measure import Measured, RunningMean, compute_outputs, measure
from loupe.training.schedules import ScheduleStep
from loupe.training.state import Best, take_snapshot

from .small_fit import NORMALIZATION, Fit, is_same


def test_the_same_seed_gives_the_same_weights_to_the_bit(few_digits: ImageDataset) -> None:
    first, again, other = (Fit(few_digits, seed=seed).run(4).model.state_dict() for seed in (1, 1, 2))
    assert is_same(first, again)
    assert not is_same(first, other)


def test_training_learns_and_records_every_epoch(few_digits: ImageDataset) -> None:
    clean = Fit(few_digits).validation
    state = Fit(few_digits, clean_train=clean).run(8)
    assert [record.epoch for record in state.history] == list(range(1, 9))
    assert state.history[-1].validation_accuracy > 0.4
    assert state.history[-1].validation_loss < state.history[0].validation_loss
    assert all(record.clean_train_loss == record.validation_loss for record in state.history)


class KeepCopies(Observer):
    def __init__(self) -> None:
        self.weights: list[dict[str, Tensor]] = []
        self.snapshots: list[Snapshot] = []

    def on_epoch_end(self, state: TrainingState) -> None:
        self.weights.append(copy.deepcopy(state.model.state_dict()))
        self.snapshots.append(take_snapshot(state))


def test_the_best_weights_are_a_copy_of_the_best_epochs(few_digits: ImageDataset) -> None:
    """D-004-1: kept by reference, the "best" weights were the last ones."""
    copies = KeepCopies()
    one = Fit(few_digits, observers=[copies])

    def spoil_after_three_epochs(step: int, losses: Sequence[float]) -> ScheduleStep:
        return ScheduleStep(1.0 if step < 3 * len(one.train) else 300.0)

    state = one.run(5, schedule=spoil_after_three_epochs)
    assert state.best is not None
    assert state.best.epoch <= 3
    assert is_same(state.best.weights, copies.weights[state.best.epoch - 1])
    assert not is_same(state.best.weights, state.model.state_dict())
    one.model.load_state_dict(state.best.weights)
    judged = measure(one.model, one.validation)
    assert judged.accuracy == state.best.validation_accuracy
    assert judged.accuracy > state.history[-1].validation_accuracy


def test_snapshots_do_not_change_as_training_goes_on(few_digits: ImageDataset) -> None:
    copies = KeepCopies()
    Fit(few_digits, observers=[copies]).run(3)
    for weights, snapshot in zip(copies.weights, copies.snapshots, strict=True):
        assert is_same(snapshot.weights("model"), weights)


@pytest.mark.parametrize("batch_size", [7, 64, 140])
def test_averages_are_exact_on_partial_batches(few_digits: ImageDataset, batch_size: int) -> None:
    """D-004-7: accuracy was divided by batches x batch size, E12: loss was a mean of batch means."""
    one = Fit(few_digits, batch_size=batch_size)
    one.optimizer = build_optimizer("sgd", one.model.parameters(), learning_rate=1e-12, momentum=0.0)
    # without dropout and augmentation, and with weights that stand still, running averages are clean ones
    one.model[3] = nn.Identity()
    one.train = TrainingBatches(one.train.dataset, NORMALIZATION, batch_size, one.streams)
    record = one.run(1).history[0]
    logits = compute_outputs(one.model, EvaluationBatches(one.train.dataset, NORMALIZATION))
    labels = one.train.dataset.labels
    assert record.train_accuracy == (logits.argmax(1) == labels).sum().item() / 140
    assert record.train_loss == pytest.approx(nn.functional.cross_entropy(logits, labels).item(), abs=1e-6)


def test_a_perfect_score_on_a_partial_batch_is_one() -> None:
    """D-004-7 again: 1,250 images in batches of 100 could reach 96.2 % at most."""
    running_mean = RunningMean(torch.device("cpu"))
    for size in [100] * 12 + [50]:
        running_mean.add(torch.tensor(0.25), torch.ones(size, dtype=torch.bool), size)
    assert running_mean.result() == Measured(loss=0.25, accuracy=1.0, num_images=1250)


def test_clean_accuracy_is_not_the_running_one(few_digits: ImageDataset) -> None:
    """D-X-2: running accuracy (augmentation, dropout, moving weights) was compared with test accuracy."""
    one = Fit(few_digits)
    clean = EvaluationBatches(one.train.dataset, NORMALIZATION)
    state = one.run(5, clean_train=clean)
    record = state.history[-1]
    assert record.clean_train_accuracy == measure(state.model, clean).accuracy
    assert record.clean_train_accuracy != record.train_accuracy


def test_label_smoothing_is_in_the_training_loss_only(few_digits: ImageDataset) -> None:
    """D1, D-003-5: the reported loss was smoothed too. D2: the right class is asked for .964, not .96."""
    objective = Classification(CrossEntropy(0.04))
    log_probabilities = torch.log_softmax(torch.randn(1, 10), 1)
    target = torch.full((10,), 0.004)
    target[3] = 0.964
    expected = -(target * log_probabilities[0]).sum()
    batch = Batch(torch.zeros(1), torch.tensor([3]))
    loss = objective.training_loss(log_probabilities, batch)
    assert loss.item() == pytest.approx(expected.item(), abs=1e-6)
    one = Fit(few_digits)
    judged = one.run(1, objective=objective)
    logits = compute_outputs(one.model, one.validation)
    plain = nn.functional.cross_entropy(logits, one.validation.dataset.labels).item()
    assert judged.history[0].validation_loss == pytest.approx(plain, abs=1e-6)


def test_exactly_the_stated_epochs_are_trained(few_digits: ImageDataset) -> None:
    """E6: loops ran one epoch more than they said."""
    steps: list[int] = []

    class CountSteps(Observer):
        def on_step(self, step: int) -> None:
            steps.append(step)

    state = Fit(few_digits, observers=[CountSteps()]).run(3)
    assert state.epoch == 3
    assert steps == [1, 2, 3, 4, 5] * 3


def test_early_stopping_ends_training(few_digits: ImageDataset) -> None:
    stopping = WindowedEarlyStopping(2, min_improvement=10.0)
    state = Fit(few_digits, early_stopping=stopping).run(8)
    assert state.stopped_early
    assert state.epoch == 4


def test_a_loss_that_is_no_number_stops_with_epoch_and_step(few_digits: ImageDataset) -> None:
    one = Fit(few_digits)
    one.optimizer = build_optimizer("sgd", one.model.parameters(), learning_rate=1e30)
    with pytest.raises(TrainingError) as caught:
        one.run(3)
    first, *_, last = str(caught.value).splitlines()
    assert first.startswith("The training loss is no longer a number at epoch 1, step ")
    assert last.startswith("  next: lower train.optimizer.learning_rate (try ")
    assert last.endswith("), or set train.clip_norm=1")


def test_clipping_bounds_the_gradients_norm(few_digits: ImageDataset) -> None:
    one = Fit(few_digits)
    norms: list[float] = []

    class Watch(torch.optim.SGD):
        def step(self, closure: object = None) -> None:
            squares = [p.grad.square().sum() for p in one.model.parameters() if p.grad is not None]
            norms.append(math.sqrt(sum(float(square) for square in squares)))

    one.optimizer = Watch(one.model.parameters(), lr=0.1)
    one.run(1, clip_norm=0.05)
    assert max(norms) <= 0.05 + 1e-6
    assert len(norms) == 5


def test_better_means_accuracy_then_loss_or_loss_alone() -> None:
    best = Best(1, validation_loss=0.5, validation_accuracy=0.9, weights={})
    assert is_better(Measured(0.5, 0.9, 1), None, "accuracy")
    assert is_better(Measured(0.9, 0.91, 1), best, "accuracy")
    assert not is_better(Measured(0.1, 0.89, 1), best, "accuracy")
    assert is_better(Measured(0.4, 0.9, 1), best, "accuracy")
    assert not is_better(Measured(0.5, 0.9, 1), best, "accuracy")
    assert is_better(Measured(0.4, 0.1, 1), best, "loss")
    assert not is_better(Measured(0.6, 0.99, 1), best, "loss")


def test_measuring_leaves_the_model_as_it_was(few_digits: ImageDataset) -> None:
    one = Fit(few_digits)
    one.model.train()
    before = copy.deepcopy(one.model.state_dict())
    first, again = measure(one.model, one.validation), measure(one.model, one.validation)
    assert first == again, "dropout was on"
    assert one.model.training
    assert is_same(before, one.model.state_dict())


def test_training_does_not_disturb_the_global_generator(few_digits: ImageDataset) -> None:
    """D-002-2: layers reset the global seed."""
    before = torch.get_rng_state()
    Fit(few_digits).run(2)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_schedule_sees_the_validation_losses_so_far(few_digits: ImageDataset) -> None:
    seen: list[list[float]] = []

    def watch(step: int, losses: Sequence[float]) -> ScheduleStep:
        seen.append(list(losses))
        return ScheduleStep(1.0)

    one = Fit(few_digits)
    history = one.run(3, schedule=watch).history
    losses = [record.validation_loss for record in history]
    assert seen == [losses[: step // len(one.train)] for step in range(3 * len(one.train))]


def test_half_precision_trains_nearly_alike_and_keeps_weights_in_float32(few_digits: ImageDataset) -> None:
    full, half = Fit(few_digits).run(3), Fit(few_digits, precision="bfloat16").run(3)
    assert not is_same(full.model.state_dict(), half.model.state_dict()), "nothing was computed in bfloat16"
    assert {parameter.dtype for parameter in half.model.parameters()} == {torch.float32}
    assert half.history[-1].validation_loss == pytest.approx(full.history[-1].validation_loss, rel=0.05)
