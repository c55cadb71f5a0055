"""The learning rate from step to step, as the recipe has it and the history confirms it."""

from dataclasses import replace

import pytest

from loupe.recipe import Recipe
from loupe.running.prepare import load_recipe
from loupe.runs.rate_course import trace_rates
from loupe.training import EpochRecord


def make_history(rates: list[float]) -> list[EpochRecord]:
    first = EpochRecord(
        epoch=1, learning_rate=0.0, train_loss=1.0, train_accuracy=0.5, clean_train_loss=None,
        clean_train_accuracy=None, validation_loss=1.0, validation_accuracy=0.5, seconds=1.0,
        images_per_second=1.0,
    )  # fmt: skip
    return [replace(first, epoch=number, learning_rate=rate) for number, rate in enumerate(rates, start=1)]


@pytest.fixture
def recipe() -> Recipe:
    return load_recipe("six-block-cifar10-subset", ["train.epochs=3"])


def test_a_warm_up_is_seen_though_few_epochs_hide_it(recipe: Recipe) -> None:
    traced = trace_rates(recipe, make_history([0.00597, 0.00278, 2.4e-8]))
    assert traced is not None
    epochs, rates = traced
    assert (epochs[0], epochs[-1], len(epochs)) == (0, pytest.approx(2.995, abs=0.01), len(rates))
    assert rates[0] == pytest.approx(0.04 * 0.006)
    assert max(rates) == pytest.approx(0.006, rel=1e-3)
    assert epochs[rates.index(max(rates))] == pytest.approx(0.9, abs=0.02)


def test_what_was_kept_is_believed_where_it_says_otherwise(recipe: Recipe) -> None:
    assert trace_rates(recipe, make_history([0.003, 0.003, 0.003])) is None
    assert trace_rates(recipe, []) is None


def test_a_training_that_ended_early_keeps_its_schedule(recipe: Recipe) -> None:
    traced = trace_rates(recipe, make_history([0.00597, 0.00278]))
    assert traced is not None
    assert traced[0][-1] < 2
    assert traced[1][-1] == pytest.approx(0.00278, abs=1e-4)
