"""`loupe find-rate`: a range test of the learning rate, on training images alone."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from loupe.data.batches import Batch
from loupe.errors import LoupeError, TrainingError
from loupe.figures.rate_test import draw_rate_test
from loupe.figures.style import save_figure
from loupe.recipe import Recipe
from loupe.running.training_setup import TrainingSetup, load_recipe_data, set_up
from loupe.runtime import Streams, choose_device, computing
from loupe.training import TrainingPlan
from loupe.training.schedules import ScheduleStep
from loupe.training.state import TrainingState
from loupe.training.step import TrainingStep, enter_training_mode

_SPREAD = 1 / 40  # of the mean's weights, of all steps: 5 of 200
_LOOKS_BACK = 0.9  # of the running mean that says when to stop, from step to step
_GIVES_UP = 4.0  # times the least smoothed loss: beyond that nothing is learnt any more
_FEWEST_STEPS = 20


@dataclass(frozen=True)
class RateTest:
    """What a range test found.

    Args:
        rates: learning rate of each step, ascending.
        losses: training loss of each step's batch before the step.
        smoothed: mean of the losses around each step.
        suggestion: the largest rate to put into the recipe; None where the loss did not fall at any.
        steepest: rate at which the smoothed loss falls fastest per decade; None likewise.
        lowest: rate at which it is least; None likewise.
        broke_down: whether the test ended because the loss grew, not because its rates did.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggestion: float | None
    steepest: float | None
    lowest: float | None
    broke_down: bool

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def sweep_rates(recipe: Recipe, *, low: float = 1e-6, high: float = 10.0, num_steps: int = 200) -> RateTest:
    """Return how the training loss goes while the learning rate grows from step to step (Smith, 2017).

    The rate grows by the same factor each step (arXiv:1506.01186, as in fast.ai). All else is as the recipe
    says: batches, augmentations, loss, optimizer, clipping, micro-batches. Validation and test images are not
    looked at.

    Args:
        recipe: checked and resolved, from `load_recipe`; of several seeds the first is taken.
        low: first rate, > 0.
        high: last rate, > `low`.
        num_steps: steps at most, ≥ 20.

    Raises:
        LoupeError: rates or steps that cannot be, data that is missing, or settings that do not fit it.
        TrainingError: the loss is no finite number before any step.
    """
    _refuse_impossible_range(low, high, num_steps)
    recipe = recipe.for_seed(recipe.run.seeds[0] if recipe.run.seeds else recipe.run.seed)
    streams, device = Streams(recipe.run.seed), choose_device(recipe.run.device)
    with computing(recipe.run.threads):
        setup = set_up(recipe, device, streams, load_recipe_data(recipe))
        with streams.as_global("network", 1, device):
            rates, losses = _climb(recipe, setup, (low, high), num_steps)
    if not rates:
        raise TrainingError(
            "The loss of the very first batch is no finite number: no rate can be found.",
            got="an infinite or undefined loss before any step",
            allowed="a network and a loss whose values are finite",
            next_step="look at the network's first outputs, at train.loss and at data.normalize",
        )
    return read_rate_test(rates, losses, broke_down=len(rates) < num_steps)


def read_rate_test(rates: Sequence[float], losses: Sequence[float], *, broke_down: bool) -> RateTest:
    """Return what the losses of a range test say of the rate.

    Suggested is the middle, on the logarithmic scale, of the rate at which the loss falls fastest and of a
    third of the rate at which it is least: the first is small for a whole training, and close below the
    second training is unstable.

    Args:
        rates: of each step, ascending.
        losses: of each step.
        broke_down: whether the loss grew until the test ended.
    """
    smoothed = smooth(losses)
    lowest = min(range(len(smoothed)), key=smoothed.__getitem__)
    first = losses[: max(3, len(losses) // 5)]
    falls = sum(first) / len(first) - smoothed[lowest]
    facts = (tuple(rates), tuple(losses), tuple(smoothed))
    if lowest < 3 or falls <= 7 * _measure_noise(losses, smoothed):
        return RateTest(*facts, None, None, None, broke_down)
    steepest = max(range(1, lowest), key=lambda step: smoothed[step - 1] - smoothed[step + 1])
    edge = rates[lowest] / 3
    suggestion = _round(math.sqrt(min(rates[steepest], edge) * edge))
    return RateTest(*facts, suggestion, rates[steepest], rates[lowest], broke_down)


def smooth(losses: Sequence[float]) -> list[float]:
    """Return a mean of losses around each step, with Gaussian weights: it lags behind in no direction."""
    values = np.asarray(losses, dtype=np.float64)
    steps = np.arange(len(values))
    width = max(1.0, _SPREAD * len(values))
    weights = np.exp(-0.5 * ((steps[:, None] - steps[None, :]) / width) ** 2)
    means: list[float] = (weights @ values / weights.sum(1)).tolist()
    return means


def plot_rate_test(test: RateTest, recipe: Recipe, folder: Path = Path()) -> Path:
    """Draw the losses over the rate, and return the picture's path."""
    path = folder / f"rate-{recipe.name}.png"
    choice = recipe.train.optimizer
    current = choice.settings.get("learning_rate")
    title = f"{recipe.name}: {choice.name}, batches of {recipe.train.batch_size}"
    figure = draw_rate_test(test.rates, test.losses, test.smoothed, title, test.suggestion, current)
    save_figure(figure, path)
    return path


def _climb(
    recipe: Recipe, setup: TrainingSetup, ends: tuple[float, float], num_steps: int
) -> tuple[list[float], list[float]]:
    """Return the rates and losses of the steps until the rate ends or the loss breaks down."""
    low, high = ends
    base = float(recipe.train.optimizer.settings["learning_rate"])
    factor = (high / low) ** (1 / (num_steps - 1))
    plan = lay_out_plan(setup.plan, lambda step: low / base * factor**step)
    state = TrainingState(setup.model, setup.optimizer, hard_examples=setup.hard_examples)
    step, rates, losses = TrainingStep(plan, state), [], []
    least = now = math.inf
    enter_training_mode(setup.model)
    for index, whole in enumerate(_draw_batches(setup, num_steps)):
        batch = step.choose(whole, step.begin(index, ()))
        loss = step.compute_gradients(batch)[0].item()
        if not math.isfinite(loss):
            break
        rates.append(low * factor**index)
        losses.append(loss)
        now = loss if not index else _LOOKS_BACK * now + (1 - _LOOKS_BACK) * loss
        least = min(least, now)
        if index > _FEWEST_STEPS and now > _GIVES_UP * max(least, 1e-12):
            break
        step.update(index + 1)
    return rates, losses


def lay_out_plan(plan: TrainingPlan, factor_of: Callable[[int], float]) -> TrainingPlan:
    """Return a plan whose rate follows a function of the step, and that keeps no second network."""
    return replace(
        plan,
        schedule=lambda step, losses: ScheduleStep(factor_of(step)),
        average_decay=None,
        lookahead=None,
        freezing=None,
        early_stopping=None,
        metrics=None,
    )


def _draw_batches(setup: TrainingSetup, num_steps: int) -> Iterator[Batch]:
    """Yield so many batches, over as many epochs as they take."""
    count, epoch = 0, 0
    while True:
        epoch += 1
        for batch in setup.train.epoch(epoch):
            if count == num_steps:
                return
            count += 1
            yield batch


def _measure_noise(losses: Sequence[float], smoothed: Sequence[float]) -> float:
    """Return how far the mean strays by chance, from how far single losses stray from it at the start."""
    first = range(max(3, len(losses) // 4))
    spread = math.sqrt(sum((losses[step] - smoothed[step]) ** 2 for step in first) / len(first))
    return spread / math.sqrt(max(1.0, 2 * math.sqrt(math.pi) * _SPREAD * len(losses)))


def _round(rate: float) -> float:
    """Return the nearest of 1, 1.5, 2, 3, 5, 7 times a power of ten."""
    power = math.floor(math.log10(rate))
    lead = min((1, 1.5, 2, 3, 5, 7, 10), key=lambda step: abs(math.log(rate / 10.0**power / step)))
    return float(f"{lead * 10.0**power:.2g}")


def _refuse_impossible_range(low: float, high: float, num_steps: int) -> None:
    if not 0 < low < high < math.inf or num_steps < _FEWEST_STEPS:
        raise LoupeError(
            "A range test goes from a small rate to a large one, in some steps.",
            got=f"from {low:g} to {high:g} in {num_steps} steps",
            allowed=f"0 < --from < --to, and --steps of {_FEWEST_STEPS} or more",
            next_step="leave them out: --from 1e-6 --to 10 --steps 200",
        )
