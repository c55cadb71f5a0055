"""The steps of a training in micro-batches: what a large batch would have given."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from loupe.data import ImageDataset
from loupe.data.batches import Batch, TrainingBatches
from loupe.data.mixes import build_mix
from loupe.training import Classification, LookaheadPlan, TrainingPlan, TrainingState, build_optimizer
from loupe.training import build_schedule as schedule_of
from loupe.training.losses.cross_entropy import CrossEntropy
from loupe.training.process_group import find_running_statistics
from loupe.training.step import TrainingStep

from .small_fit import NORMALIZATION, Fit, is_same
from .test_hard_examples import make_hard
from .test_team import build_mlp, train, train_together


def make_fit(images: ImageDataset, **settings: Any) -> Fit:
    """Return a training without dropout: masks of micro-batches are others than those of the batch."""
    one = Fit(images, **settings)
    one.model[3] = nn.Identity()
    return one


def check_close(state: TrainingState, expected: TrainingState) -> None:
    for name, tensor in expected.model.state_dict().items():
        torch.testing.assert_close(state.model.state_dict()[name], tensor, atol=1e-4, rtol=1e-3)
    for got, wanted in zip(state.history, expected.history, strict=True):
        assert got.train_loss == pytest.approx(wanted.train_loss, rel=1e-4)
        assert got.train_accuracy == pytest.approx(wanted.train_accuracy)
        assert got.validation_loss == pytest.approx(wanted.validation_loss, rel=1e-4)


@pytest.mark.parametrize("accumulate", [2, 3, 5, 16])
def test_micro_batches_give_what_the_large_batch_gives(few_digits: ImageDataset, accumulate: int) -> None:
    """140 images in batches of 32: the last one has 12, which 16 micro-batches cannot share."""
    whole = make_fit(few_digits).run(3)
    check_close(make_fit(few_digits, accumulate=accumulate).run(3), whole)


@pytest.mark.parametrize(
    "settings",
    [
        {"clip_norm": 0.1},
        {"average_decay": 0.9, "objective": Classification(CrossEntropy(0.1))},
        {"lookahead": LookaheadPlan(every=2)},
    ],
)
def test_they_go_with_what_happens_once_a_step(few_digits: ImageDataset, settings: dict[str, Any]) -> None:
    check_close(
        make_fit(few_digits, accumulate=4, **settings).run(2), make_fit(few_digits, **settings).run(2)
    )


def test_they_go_with_mixed_images(few_digits: ImageDataset) -> None:
    """Images are mixed with others of the whole batch, whatever it is cut into."""

    def run(accumulate: int) -> TrainingState:
        one = make_fit(few_digits, accumulate=accumulate)
        one.train = TrainingBatches(
            one.train.dataset, NORMALIZATION, 32, one.streams, mix=build_mix("cutmix")
        )
        return one.run(2)

    check_close(run(4), run(1))


def test_they_go_with_hard_examples(few_digits: ImageDataset) -> None:
    """The proxy ranks whole batches; what it hands on is cut."""
    whole = make_fit(few_digits, keep_hardest=0.5, hard_examples=make_hard()).run(2)
    cut = make_fit(few_digits, keep_hardest=0.5, hard_examples=make_hard(), accumulate=4).run(2)
    check_close(cut, whole)


def test_they_go_with_several_processes(few_digits: ImageDataset) -> None:
    alone = train(few_digits, build_mlp)
    for state in train_together(few_digits, build_mlp, 2, accumulate=3):
        check_close(state, alone)


def test_they_go_with_half_precision(few_digits: ImageDataset) -> None:
    whole = make_fit(few_digits, precision="bfloat16").run(2)
    cut = make_fit(few_digits, precision="bfloat16", accumulate=4).run(2)
    assert cut.history[-1].validation_loss == pytest.approx(whole.history[-1].validation_loss, rel=0.02)


def test_one_micro_batch_is_the_batch_to_the_bit(few_digits: ImageDataset) -> None:
    plain, one = Fit(few_digits).run(2), Fit(few_digits, accumulate=1).run(2)
    assert is_same(plain.model.state_dict(), one.model.state_dict())


def make_step(accumulate: int, model: nn.Module) -> TrainingStep:
    schedule = schedule_of("constant", num_epochs=1, steps_per_epoch=1)
    plan = TrainingPlan(1, schedule, Classification(), accumulate=accumulate)
    return TrainingStep(plan, TrainingState(model, build_optimizer("sgd", model, learning_rate=0.1)))


@given(count=st.integers(1, 70), accumulate=st.integers(1, 40))
def test_micro_batches_are_all_of_the_batch_in_its_order(count: int, accumulate: int) -> None:
    batch = Batch(torch.arange(count).float(), torch.arange(count))
    parts = make_step(accumulate, nn.Linear(1, 1)).split(batch)
    assert torch.equal(torch.cat([part.images for part, _ in parts]), batch.images)
    assert torch.equal(torch.cat([part.labels for part, _ in parts]), batch.labels)
    sizes = [len(part.images) for part, _ in parts]
    assert len(sizes) <= accumulate
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) >= min(2, count)
    assert [share for _, share in parts] == pytest.approx([size / count for size in sizes])


def test_batch_norm_sees_micro_batches() -> None:
    """Its statistics move once a micro-batch, so results differ from the large batch's."""
    batch = Batch(torch.randn(12, 4), torch.randint(4, (12,)))
    model = nn.Sequential(nn.BatchNorm1d(4)).train()
    make_step(3, model).compute_gradients(batch)
    assert int(model[0].num_batches_tracked) == 3
    assert len(find_running_statistics(model)) == 2
