"""A network trained by several at once. Here threads make up the team: the sums are what matters."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor, nn

from loupe.data import AUGMENTATIONS, MIXES, ImageDataset, build_augmentation
from loupe.data.batches import EvaluationBatches, Shard, TrainingBatches
from loupe.data.mixes import build_mix
from loupe.data.normalization import Normalization
from loupe.metrics import EpochMetrics, choose_metrics
from loupe.models import build_model
from loupe.runtime import Streams
from loupe.training import (
    Classification,
    Training,
    TrainingPlan,
    TrainingState,
    build_optimizer,
    build_schedule,
    fit,
)
from loupe.training.measure import measure
from loupe.training.process_group import find_running_statistics, name_network_stream

NORMALIZATION = Normalization((0.3,), (0.3,))
Build = Callable[[], nn.Module]


@dataclass
class Meeting:
    """Where the threads of a team add up."""

    size: int
    brought: dict[int, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.barrier = threading.Barrier(self.size, timeout=30)


@dataclass(frozen=True)
class ThreadTeam:
    rank: int
    meeting: Meeting

    @property
    def size(self) -> int:
        return self.meeting.size

    def all_reduce(self, tensor: Tensor) -> Tensor:
        self.meeting.brought[self.rank] = tensor.clone()
        self.meeting.barrier.wait()
        total = torch.stack([self.meeting.brought[rank] for rank in range(self.size)]).sum(0)
        self.meeting.barrier.wait()
        return total


def train(
    images: ImageDataset, build: Build, group: ThreadTeam | None = None, **settings: object
) -> TrainingState:
    """Train for two epochs on 137 images in batches of 32 (the last one has 9), validate on 63."""
    streams = Streams(0)
    model = build()
    crop = build_augmentation("padded-crop", padding=1)
    chosen = images.select(torch.arange(137)), images.select(torch.arange(137, 200))
    batches = TrainingBatches(chosen[0], NORMALIZATION, 32, streams, [crop])
    validation = EvaluationBatches(chosen[1], NORMALIZATION, 25)
    schedule = build_schedule("cosine", num_epochs=2, steps_per_epoch=len(batches))
    clean = settings.pop("clean_train", EvaluationBatches(chosen[0], NORMALIZATION, 50))
    plan = TrainingPlan(2, schedule, Classification(0.1), **settings)
    optimizer = build_optimizer("sgd", model.parameters(), learning_rate=0.1, momentum=0.9)
    training = Training(model, batches, validation, plan, optimizer, streams, clean_train=clean)
    return fit(training, group=group)


def train_together(images: ImageDataset, build: Build, size: int, **settings: object) -> list[TrainingState]:
    meeting, states = Meeting(size), {}

    def work(rank: int) -> None:
        try:
            states[rank] = train(images, build, ThreadTeam(rank, meeting), **settings)
        except BaseException:
            meeting.barrier.abort()
            raise

    models = [build() for _ in range(size)]  # built one after another: initialisation uses a global stream
    build = models.pop  # type: ignore[assignment]  # any callable will do
    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [states[rank] for rank in range(size)]


def build_by_name(name: str, **settings: object) -> nn.Module:
    with Streams(1).as_global("model"):
        return build_model(name, in_channels=1, image_size=(8, 8), num_classes=10, **settings)


def build_mlp() -> nn.Module:
    return build_by_name("mlp", widths=[24])


def build_cnn() -> nn.Module:
    return build_by_name("cnn", conv_layers=4, dense_layers=2, width=1)


def build_with_batch_norm() -> nn.Module:
    with Streams(1).as_global("model"):
        return nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10)
        )


@pytest.mark.parametrize("build", [build_mlp, build_cnn])
@pytest.mark.parametrize("size", [2, 3])
def test_a_team_trains_as_one_alone(few_digits: ImageDataset, build: Build, size: int) -> None:
    """Shares are unequal: 32 images, and 9 of the last batch, by two and by three."""
    alone, group = train(few_digits, build), train_together(few_digits, build, size)
    for name, expected in alone.model.state_dict().items():
        for state in group:
            torch.testing.assert_close(state.model.state_dict()[name], expected, atol=1e-5, rtol=0)
    for expected, got in zip(alone.history, group[0].history, strict=True):
        assert got.train_accuracy == pytest.approx(expected.train_accuracy, abs=1e-6)
        assert got.validation_accuracy == expected.validation_accuracy
        assert got.clean_train_accuracy == expected.clean_train_accuracy
        assert got.train_loss == pytest.approx(expected.train_loss, abs=1e-5)
        assert got.validation_loss == pytest.approx(expected.validation_loss, abs=1e-5)


@pytest.mark.parametrize("settings", [{}, {"average_decay": 0.9}, {"clip_norm": 0.1}])
def test_all_of_a_team_hold_the_same_to_the_bit(
    few_digits: ImageDataset, settings: dict[str, object]
) -> None:
    first, *others = train_together(few_digits, build_with_batch_norm, 3, **settings)
    for state in others:
        assert state.best is not None
        for name, tensor in first.judged.state_dict().items():
            assert torch.equal(tensor, state.judged.state_dict()[name]), name
        assert [one.validation_loss for one in state.history] == [
            one.validation_loss for one in first.history
        ]


def test_batch_norm_normalises_each_share_and_averages_its_statistics(few_digits: ImageDataset) -> None:
    """The mean of the shares' means is the batch's; the deviations within shares are not."""
    alone = train(few_digits, build_with_batch_norm).model
    together = train_together(few_digits, build_with_batch_norm, 2)[0].model
    assert [tuple(one.shape) for one in find_running_statistics(together.train())] == [(4,), (4,)]
    expected, got = alone[1].running_mean, together[1].running_mean
    torch.testing.assert_close(got, expected, atol=0.1, rtol=0.1)
    assert not torch.allclose(alone[4].weight, together[4].weight, atol=1e-5), (
        "nothing differs: batch norm saw whole batches, which is not what is said of it"
    )


def test_statistics_of_frozen_layers_are_not_touched() -> None:
    model = build_with_batch_norm().train()
    model[1].eval()
    assert find_running_statistics(model) == []


def test_dropout_differs_between_the_processes(few_digits: ImageDataset) -> None:
    """The same masks for the first and second half of each batch would be no dropout of a batch."""
    drawn = {}
    for rank in (0, 1):
        name = name_network_stream(ThreadTeam(rank, Meeting(2)))
        drawn[rank] = torch.rand(5, generator=Streams(0).generator(name, 1))
    assert not torch.equal(drawn[0], drawn[1])
    assert torch.equal(drawn[0], torch.rand(5, generator=Streams(0).generator("network", 1)))


@pytest.mark.parametrize("name", AUGMENTATIONS.names())
def test_shares_are_parts_of_the_same_augmented_batch(few_digits: ImageDataset, name: str) -> None:
    check_shares(few_digits, TrainingBatches(few_digits, NORMALIZATION, 33, Streams(2), _augment(name)))


@pytest.mark.parametrize("name", MIXES.names())
def test_shares_are_parts_of_the_same_mixed_batch(few_digits: ImageDataset, name: str) -> None:
    mix = build_mix(name)
    check_shares(
        few_digits,
        TrainingBatches(few_digits, NORMALIZATION, 33, Streams(2), _augment("padded-crop"), mix),
    )


def _augment(name: str) -> list[object]:
    flip = build_augmentation("horizontal-flip")
    return [build_augmentation(name), flip]  # two: the second must draw for the whole batch too


def check_shares(images: ImageDataset, batches: TrainingBatches) -> None:
    shares = [list(batches.epoch(3, Shard(number, 3))) for number in range(3)]
    for number, whole in enumerate(batches.epoch(3)):
        parts = [share[number] for share in shares]
        assert torch.equal(torch.cat([part.images for part in parts]), whole.images)
        assert torch.equal(torch.cat([part.labels for part in parts]), whole.labels)
        assert len(whole.images) == batches.sizes[number]
        sizes = [len(part.images) for part in parts]
        assert max(sizes) - min(sizes) <= 1


def test_a_team_measures_what_one_alone_measures(few_digits: ImageDataset) -> None:
    model, batches = build_mlp(), EvaluationBatches(few_digits, NORMALIZATION, 30)
    meeting, measured = Meeting(3), {}

    def work(rank: int) -> None:
        own = batches.take_shard(Shard(rank, 3))
        measured[rank] = measure(model, own, group=ThreadTeam(rank, meeting))

    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = measure(model, batches)
    assert measured[0] == measured[1] == measured[2]
    assert measured[0].num_images == expected.num_images == 200
    assert measured[0].accuracy == expected.accuracy
    assert measured[0].loss == pytest.approx(expected.loss, abs=1e-6)


@pytest.mark.parametrize("size", [2, 3])
def test_further_metrics_are_those_of_all_images(few_digits: ImageDataset, size: int) -> None:
    """Macro F1 is no mean over images: it has to be computed from the answers of all processes."""
    metrics = EpochMetrics(choose_metrics(["macro_f1", "brier_score"]), "classification")
    alone = train(few_digits, build_mlp, metrics=metrics, select_by="macro_f1")
    for state in train_together(few_digits, build_mlp, size, metrics=metrics, select_by="macro_f1"):
        for together, single in zip(state.history, alone.history, strict=True):
            assert together.validation_metrics == pytest.approx(single.validation_metrics, abs=1e-5)
        assert state.best is not None
        assert alone.best is not None
        assert state.best.epoch == alone.best.epoch
