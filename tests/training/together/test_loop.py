from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from loupe.data import Dataset, ImageDataset, build_augmentation
from loupe.data.batches import EvaluationBatches, TrainingBatches
from loupe.data.mixes import build_mix
from loupe.data.normalization import Normalization
from loupe.errors import TrainingError
from loupe.models import build_model
from loupe.runtime import Streams
from loupe.training import (
    Classification,
    Observer,
    Reconstruction,
    StopTraining,
    Training,
    TrainingPlan,
    TrainingState,
    WindowedEarlyStopping,
    build_optimizer,
    build_schedule,
    fit,
)
from loupe.training.losses.cross_entropy import CrossEntropy
from loupe.training.state import take_snapshot
from loupe.training.together import Fitted, find_form, find_obstacle, fit_together

NORMALIZATION = Normalization((0.3,), (0.3,))
CNN: dict[str, Any] = {"name": "cnn", "conv_layers": 4, "dense_layers": 2}
MLP: dict[str, Any] = {"name": "mlp", "widths": (16,)}


@pytest.fixture(scope="module")
def some_digits(digits: Dataset) -> ImageDataset:
    return digits.train.select(torch.arange(300))


def make_training(
    images: ImageDataset,
    seed: int = 0,
    *,
    model: dict[str, Any] = MLP,
    num_images: int = 96,
    batch_size: int = 32,
    epochs: int = 3,
    optimizer: dict[str, Any] | None = None,
    schedule: dict[str, Any] | None = None,
    augment: bool = False,
    mix: bool = False,
    dropout: float = 0.0,
    **more: Any,
) -> Training:
    """Return a small training on digits."""
    streams = Streams(seed)
    with streams.as_global("model"):
        network = build_model(**{"in_channels": 1, "image_size": (8, 8), "num_classes": 10, **model})
    if dropout:
        network = nn.Sequential(
            network.flatten, network.dense1, nn.ReLU(), nn.Dropout(dropout), network.logits
        )
    train = TrainingBatches(
        images.select(torch.arange(seed, seed + num_images)),
        NORMALIZATION,
        batch_size,
        streams,
        [build_augmentation("padded-crop", padding=1)] if augment else [],
        build_mix("mixup") if mix else None,
    )
    step = {"name": "sgd", "learning_rate": 0.1, **(optimizer or {})}
    step_settings = {"name": "constant", **(schedule or {})}
    schedule = build_schedule(
        step_settings.pop("name"), num_epochs=epochs, steps_per_epoch=len(train), **step_settings
    )
    beside = {name: more.pop(name) for name in ("observers", "clean_train") if name in more}
    is_classifier = model["name"] != "autoencoder"
    objective = more.pop("objective", Classification() if is_classifier else Reconstruction())
    return Training(
        network,
        train,
        EvaluationBatches(images.select(torch.arange(200, 300)), NORMALIZATION, 40),
        TrainingPlan(epochs, schedule, objective, **more),
        build_optimizer(step.pop("name"), network.parameters(), **step),
        streams,
        **beside,
    )


def check_equal(images: ImageDataset, *changes: dict[str, Any]) -> list[Fitted]:
    """Train alone and together, compare everything a run folder is made of, and return the trainings."""
    alone = [fit(make_training(images, **change)) for change in changes]
    trainings = [make_training(images, **change) for change in changes]
    assert {find_obstacle(one) for one in trainings} == {None}
    assert len({find_form(one) for one in trainings}) == 1
    together = fit_together(trainings)
    for one, state in zip(together, alone, strict=True):
        assert one.ended_by is None
        compare(one.state, state)
    return together


def compare(state: TrainingState, expected: TrainingState) -> None:
    assert state.epoch == expected.epoch
    assert state.stopped_early == expected.stopped_early
    for record, wanted in zip(state.history, expected.history, strict=True):
        for name, value in wanted.to_dict().items():
            if value is None or name in ("epoch", "learning_rate"):
                assert getattr(record, name) == value
            elif "second" not in name:
                assert getattr(record, name) == pytest.approx(value, rel=1e-4), name
    assert state.best is not None
    assert expected.best is not None
    assert state.best.epoch == expected.best.epoch
    ours, theirs = take_snapshot(state), take_snapshot(expected)
    assert ours.tensors.keys() == theirs.tensors.keys()
    for name, tensor in theirs.tensors.items():
        assert torch.allclose(ours.tensors[name], tensor, atol=1e-4, rtol=1e-3), name


@settings(max_examples=8, deadline=None)
@given(
    seeds=st.lists(st.integers(0, 60), min_size=1, max_size=4, unique=True),
    rates=st.lists(st.floats(0.001, 0.3), min_size=4, max_size=4),
    sizes=st.lists(st.integers(20, 130), min_size=4, max_size=4),
)
def test_any_seeds_rates_and_fractions_give_what_separate_runs_give(
    some_digits: ImageDataset, seeds: list[int], rates: list[float], sizes: list[int]
) -> None:
    check_equal(
        some_digits,
        *(
            {"seed": seed, "optimizer": {"learning_rate": rate}, "num_images": size, "augment": size % 2 == 0}
            for seed, rate, size in zip(seeds, rates, sizes, strict=False)
        ),
    )


@pytest.mark.parametrize(
    "model",
    [
        {"name": "cnn", "conv_layers": 4},
        {"name": "cnn", "conv_layers": 1, "dense_layers": 1},
        {"name": "cnn", "conv_layers": 2, "dense_layers": 3, "image_size": (16, 16)},
        {"name": "mlp", "widths": (20, 12)},
        {"name": "autoencoder", "widths": (20, 6), "output": "linear"},
    ],
)
def test_every_model_that_is_offered(some_digits: ImageDataset, model: dict[str, Any]) -> None:
    images = some_digits
    if "image_size" in model:
        larger = images.images.repeat_interleave(2, 2).repeat_interleave(2, 3)
        images = replace(images, images=larger)
    check_equal(images, *({"seed": seed, "model": model, "epochs": 2} for seed in range(3)))


@pytest.mark.parametrize("model", [MLP, CNN])
@pytest.mark.parametrize(
    ("one", "another"),
    [
        ({"name": "sgd", "momentum": 0.0}, {"name": "sgd", "momentum": 0.9, "weight_decay": 0.01}),
        ({"name": "sgd", "momentum": 0.8, "nesterov": True}, {"name": "sgd", "momentum": 0.9}),
        ({"name": "adam", "learning_rate": 0.01}, {"name": "adam", "beta1": 0.8, "weight_decay": 0.01}),
        ({"name": "adamw", "learning_rate": 0.01}, {"name": "adamw", "beta2": 0.99, "decay": "weights"}),
    ],
)
def test_each_has_its_own_optimizer_settings(
    some_digits: ImageDataset, model: dict[str, Any], one: dict[str, Any], another: dict[str, Any]
) -> None:
    check_equal(some_digits, {"optimizer": one, "model": model}, {"optimizer": another, "model": model})


def test_each_has_its_own_pace_smoothing_clipping_average_and_dropout(some_digits: ImageDataset) -> None:
    moving = {"low_momentum": 0.8, "high_momentum": 0.95}
    check_equal(
        some_digits,
        {"schedule": {"name": "one-cycle", **moving}, "dropout": 0.3},
        {"schedule": {"name": "cosine"}, "dropout": 0.3, "objective": Classification(CrossEntropy(0.1))},
        {"schedule": {"name": "step", "every": 1}, "dropout": 0.3, "clip_norm": 0.5, "num_images": 70},
        {"schedule": {"name": "plateau", "patience": 0}, "dropout": 0.3, "average_decay": 0.9, "mix": True},
        {"select_by": "loss", "dropout": 0.3, "clean_train": EvaluationBatches(some_digits, NORMALIZATION)},
    )


def test_one_that_stops_early_or_has_fewer_epochs_is_taken_out(some_digits: ImageDataset) -> None:
    stops = WindowedEarlyStopping(1, min_improvement=10.0)
    states = check_equal(
        some_digits,
        {"seed": 1, "epochs": 6, "early_stopping": stops, "optimizer": {"momentum": 0.9}},
        {"seed": 2, "epochs": 6, "num_images": 50},
        {"seed": 3, "epochs": 3},
    )
    assert [one.state.epoch for one in states] == [2, 6, 3]


def test_a_run_that_diverges_ends_alone_and_names_its_step(some_digits: ImageDataset) -> None:
    changes: dict[str, Any] = {"model": CNN, "epochs": 2}
    with pytest.raises(TrainingError) as alone:
        fit(make_training(some_digits, 1, optimizer={"learning_rate": 1e6}, **changes))
    sound, broken = fit_together(
        [
            make_training(some_digits, 0, **changes),
            make_training(some_digits, 1, optimizer={"learning_rate": 1e6}, **changes),
        ]
    )
    assert isinstance(broken.ended_by, TrainingError)
    assert broken.ended_by.message == alone.value.message
    assert broken.state.epoch == 0
    assert sound.ended_by is None
    compare(sound.state, fit(make_training(some_digits, 0, **changes)))


class Stopping(Observer):
    def on_epoch_end(self, state: TrainingState) -> None:
        if state.epoch == 2:
            raise StopTraining


def test_one_that_an_observer_breaks_off_leaves_the_others(some_digits: ImageDataset) -> None:
    trainings = make_training(some_digits, observers=[Stopping()]), make_training(some_digits, 1)
    broken, whole = fit_together(trainings)
    assert isinstance(broken.ended_by, StopTraining)
    assert (broken.state.epoch, whole.state.epoch) == (2, 3)
    assert whole.ended_by is None


def test_ctrl_c_within_an_epoch_breaks_off_all(some_digits: ImageDataset) -> None:
    class Pressing(Observer):
        def on_step(self, step: int) -> None:
            raise KeyboardInterrupt

    trainings = [make_training(some_digits, observers=[Pressing()]), make_training(some_digits, 1)]
    assert all(isinstance(one.ended_by, KeyboardInterrupt) for one in fit_together(trainings))


def test_what_was_reached_together_can_be_gone_on_with_alone(some_digits: ImageDataset) -> None:
    """The optimizers hold their own state, as if each had stepped by itself."""
    optimizer = {"name": "adam", "learning_rate": 0.01}
    trainings = [make_training(some_digits, seed, optimizer=optimizer) for seed in (0, 1)]
    start = take_snapshot(fit_together(trainings)[1].state)
    state = fit(make_training(some_digits, 1, optimizer=optimizer, epochs=5), start=start)
    compare(state, fit(make_training(some_digits, 1, optimizer=optimizer, epochs=5)))


def test_what_cannot_be_stacked_says_why(some_digits: ImageDataset) -> None:
    frozen = make_training(some_digits)
    next(frozen.model.parameters()).requires_grad_(False)
    assert "frozen" in str(find_obstacle(frozen))
    rms = make_training(some_digits, optimizer={"name": "rmsprop"})
    assert "RMSprop" in str(find_obstacle(rms))
    normed = make_training(some_digits)
    normed.model.add_module("norm", nn.BatchNorm1d(10))
    assert "layer norm is a BatchNorm1d" in str(find_obstacle(normed))
    watched = make_training(some_digits)
    watched.model.logits.register_forward_hook(lambda *_: None)
    assert "layer logits has a hook" in str(find_obstacle(watched))


def test_another_form_is_another_group(some_digits: ImageDataset) -> None:
    form = find_form(make_training(some_digits))
    assert find_form(make_training(some_digits, 3, num_images=50)) == form
    assert find_form(make_training(some_digits, batch_size=16)) != form
    assert find_form(make_training(some_digits, model={"name": "mlp", "widths": (17,)})) != form
    assert find_form(make_training(some_digits, optimizer={"name": "adam"})) != form
