import copy

import torch
from torch import nn

from loupe.data import ImageDataset
from loupe.data.batches import Batch
from loupe.training import (
    Classification,
    HardExamples,
    Objective,
    Observer,
    TrainingPlan,
    TrainingState,
    build_optimizer,
    build_schedule,
)
from loupe.training.losses.cross_entropy import CrossEntropy
from loupe.training.schedules import ScheduleStep
from loupe.training.state import take_snapshot

from .small_fit import Fit, is_same


def make_proxy() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 10))


def make_hard() -> HardExamples:
    proxy = make_proxy()
    return HardExamples(proxy, build_optimizer("sgd", proxy, learning_rate=0.1))


def make_plan(keep: float = 0.5, objective: Objective | None = None) -> TrainingPlan:
    schedule = build_schedule("constant", num_epochs=1, steps_per_epoch=1)
    return TrainingPlan(1, schedule, objective or Classification(), keep_hardest=keep)


def make_batch(count: int = 21) -> Batch:
    return Batch(torch.randn(count, 1, 8, 8), torch.randint(10, (count,)))


def test_the_images_of_largest_loss_are_kept_in_their_order() -> None:
    hard, batch = make_hard(), make_batch()
    losses = nn.functional.cross_entropy(make_proxy()(batch.images), batch.labels, reduction="none")
    by_hand = sorted(sorted(range(21), key=lambda index: -losses[index].item())[:10])
    chosen = hard.choose(batch, ScheduleStep(1.0), make_plan())
    assert torch.equal(chosen.images, batch.images[by_hand])
    assert torch.equal(chosen.labels, batch.labels[by_hand])


def test_the_proxy_is_trained_on_what_it_hands_on_at_the_pace_of_the_training() -> None:
    hard, batch, twin = make_hard(), make_batch(), make_proxy()
    plan = make_plan(objective=Classification(CrossEntropy(0.1)))
    outputs = twin(batch.images)  # norms see the whole batch
    losses = nn.functional.cross_entropy(outputs, batch.labels, reduction="none")
    hardest = losses.argsort(descending=True)[:10]
    loss = nn.functional.cross_entropy(outputs[hardest], batch.labels[hardest], label_smoothing=0.1)
    loss.backward()
    hard.choose(batch, ScheduleStep(0.25), plan)
    for ours, theirs in zip(hard.proxy.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours.detach(), (theirs - 0.1 * 0.25 * theirs.grad).detach())


def test_mixed_labels_and_small_batches_pass() -> None:
    batch = make_batch(3)
    mixed = Batch(batch.images, nn.functional.one_hot(batch.labels, 10).float())
    assert len(make_hard().choose(mixed, ScheduleStep(1.0), make_plan(0.1)).images) == 2


class Watch(Observer):
    def on_epoch_end(self, state: TrainingState) -> None:
        if state.epoch == 2:
            self.snapshot = take_snapshot(state)


def test_only_the_kept_part_trains_the_network(few_digits: ImageDataset) -> None:
    """With 140 images in batches of 32: 16 of each of four, and 6 of the 12 left over."""
    sizes: list[int] = []
    one = Fit(few_digits, keep_hardest=0.5, hard_examples=make_hard())
    one.model.register_forward_pre_hook(
        lambda module, inputs: sizes.append(len(inputs[0])) if module.training else None
    )
    one.run(1)
    assert sizes == [16, 16, 16, 16, 6]


def test_a_resumed_training_on_hard_examples_goes_on_to_the_bit(few_digits: ImageDataset) -> None:
    watch = Watch()
    whole = Fit(few_digits, keep_hardest=0.5, hard_examples=make_hard(), observers=[watch]).run(5)
    fresh = make_hard()
    resumed = Fit(few_digits, keep_hardest=0.5, hard_examples=fresh).run(5, start=watch.snapshot)
    assert is_same(take_snapshot(whole).tensors, take_snapshot(resumed).tensors)
    assert is_same(fresh.proxy.state_dict(), whole.hard_examples.proxy.state_dict())
    assert any(name.startswith("proxy_optimizer.") for name in watch.snapshot.tensors)


def test_the_network_is_trained_otherwise_than_on_everything(few_digits: ImageDataset) -> None:
    plain, hard = Fit(few_digits).run(2), Fit(few_digits, keep_hardest=0.5, hard_examples=make_hard()).run(2)
    assert not is_same(plain.model.state_dict(), hard.model.state_dict())
    before = copy.deepcopy(make_proxy().state_dict())
    assert not is_same(before, hard.hard_examples.proxy.state_dict())
