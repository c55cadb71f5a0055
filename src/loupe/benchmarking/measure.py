"""The speed of a recipe: training is set up as for a run, and each stage timed in turn with the others."""

import math
import time
from dataclasses import replace
from statistics import median

import torch
from torch import nn

from loupe.benchmarking.clock import (
    Task,
    estimate_seconds,
    read_peak_memory,
    time_in_turn,
    wait_for,
)
from loupe.benchmarking.conditions import describe_conditions, refuse_several_processes
from loupe.benchmarking.report import (
    Measurement,
    SpeedReport,
    Stage,
    Yardstick,
    divide_epoch,
    make_stage,
)
from loupe.benchmarking.stages import (
    hold_weights_still,
    make_evaluation_task,
    make_loading_task,
    make_stepping_task,
    make_whole_step_task,
)
from loupe.benchmarking.work import Work, count_work
from loupe.benchmarking.yardsticks import (
    choose_side,
    make_rate_task,
    prepare_operation,
    prepare_product,
)
from loupe.errors import LoupeError
from loupe.recipe import Recipe
from loupe.running.breakdowns import explain_compiler, explain_memory, is_from_compiler
from loupe.running.first_epochs import describe_other_epochs
from loupe.running.layout import try_layouts
from loupe.running.training_setup import TrainingSetup, load_recipe_data, set_up
from loupe.runtime import Streams, choose_device, computing, describe_device

_STEPS_IN_TIME = 15  # as many steps, or evaluated batches, should fit into the time there is
_FEWEST_IMAGES = 8
_STAGES = ("load", "augment", "rank", "forward", "backward", "update", "rest", "step", "evaluate")


def measure_recipe(recipe: Recipe, seconds: float = 10.0) -> SpeedReport:
    """Return the speed of a recipe's stages, of a matrix product, and what the recipe is bound by.

    Nothing is trained: rates are held at 0. The test set stays locked.

    Args:
        recipe: checked and resolved, from `load_recipe`; of several seeds the first is taken.
        seconds: about how long to measure, > 0; building and warming up come on top.

    Raises:
        LoupeError: no time to measure, the data is missing or does not fit, or the compiler fails.
    """
    if not seconds > 0:
        raise LoupeError(
            "A measurement takes time.",
            got=f"--seconds {seconds:g}",
            allowed="a number of seconds above 0",
            next_step="leave --seconds out: 10",
        )
    refuse_several_processes(recipe)
    recipe = recipe.for_seed(recipe.run.seeds[0] if recipe.run.seeds else recipe.run.seed)
    streams, device = Streams(recipe.run.seed), choose_device(recipe.run.device)
    with computing(recipe.run.threads):
        dataset = load_recipe_data(recipe)
        recipe = try_layouts(recipe, dataset, device)
        setup = set_up(recipe, device, streams, dataset)
        hold_weights_still(setup)
        with streams.as_global("network", 1, device):
            try:
                return _measure_setup(recipe, setup, streams, seconds)
            except torch.OutOfMemoryError as error:
                raise explain_memory(error) from None
            except RuntimeError as error:
                if recipe.train.compile and is_from_compiler(error):
                    raise explain_compiler(error) from None
                raise


def _measure_setup(recipe: Recipe, setup: TrainingSetup, streams: Streams, seconds: float) -> SpeedReport:
    device, precision = setup.device, setup.precision
    product, product_flops = prepare_product(device, precision)
    rate = product_flops / estimate_seconds(product, device)
    sizes = _cut_batches(recipe, setup, rate, seconds / _STEPS_IN_TIME)
    # at full size, also where the first epochs have smaller images
    trimmed = replace(setup, train=replace(setup.train, batch_size=sizes["train"], resizing=None))
    work = _count(trimmed, setup.model)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    stepping = make_stepping_task(trimmed)
    evaluating = make_evaluation_task(setup, sizes["evaluate"])
    first = _time_first(stepping, device)
    evaluating(1)
    memory = read_peak_memory(device)
    tasks = {
        "load": make_loading_task(trimmed),
        "stepping": stepping,
        "step": make_whole_step_task(recipe, trimmed, streams),
        "evaluate": evaluating,
        "product": make_rate_task("product", product, product_flops, device),
    }
    if work.largest is not None:
        alone = prepare_operation(work.largest, device, precision)
        tasks["largest"] = make_rate_task("largest", alone, work.largest.flops, device)
    values = time_in_turn(tasks, seconds)
    _complete(values, augments=bool(setup.train.augmentations or setup.train.mix))
    images = sizes["train"]
    steady = images * median(values["step"])
    flops = _count_stages(trimmed, work)
    return SpeedReport(
        recipe=recipe.name,
        device=describe_device(device),
        precision=precision,
        is_compiled=recipe.train.compile,
        batch_size=images,
        recipe_batch_size=recipe.train.batch_size,
        evaluation_batch_size=sizes["evaluate"],
        num_rounds=len(values["step"]),
        stages=_make_stages(values, flops),
        product=Yardstick(f"matrix product, {choose_side(device)} rows", Measurement.of(values["product"])),
        largest=Yardstick(work.largest.name, Measurement.of(values["largest"])) if work.largest else None,
        steps_per_second=Measurement.of([1 / (images * value) for value in values["step"]]),
        peak_memory_bytes=memory,
        compile_seconds=max(0.0, first - steady) if recipe.train.compile else None,
        epoch_parts=divide_epoch(
            _scale_to_recipe(values, images / min(recipe.train.batch_size, len(setup.train.dataset))),
            num_train=len(setup.train.dataset),
            num_evaluated=len(setup.splits.validation)
            + (len(setup.clean_train.dataset) if setup.clean_train else 0),
            flops=flops["step"],
            best_rate=max(median(values[name]) for name in ("product", "largest") if name in values),
        ),
        environment=describe_conditions(recipe, setup),
        other_epochs=describe_other_epochs(recipe, setup.splits.train.image_size),
    )


def _cut_batches(recipe: Recipe, setup: TrainingSetup, rate: float, seconds: float) -> dict[str, int]:
    """Return batch sizes for training and evaluation at which one batch takes about `seconds` at most.

    The recipe's own where they do; else halves of them, of eight images at the least: with fewer, what a step
    costs whatever its size would hide what an image costs.
    """
    trial = replace(setup, train=replace(setup.train, batch_size=2))
    work = _count(trial, setup.model)
    fewest, sizes = max(_FEWEST_IMAGES, math.ceil(2 / setup.plan.keep_hardest)), {}
    for name, size, flops in (
        ("train", min(recipe.train.batch_size, len(setup.train.dataset)), work.step),
        ("evaluate", min(setup.validation.batch_size, len(setup.validation.dataset)), work.forward),
    ):
        while size // 2 >= fewest and size * flops / rate > seconds:
            size //= 2
        sizes[name] = size
    return sizes


def _count(setup: TrainingSetup, model: nn.Module) -> Work:
    train = setup.train
    shape = (train.dataset.in_channels, *train.dataset.image_size)
    return count_work(model, setup.objective, batch_size=train.batch_size, image_shape=shape)


def _count_stages(setup: TrainingSetup, work: Work) -> dict[str, float]:
    """Return the work of each stage that has any, for one image of the batch."""
    hard = setup.hard_examples
    kept = setup.plan.keep_hardest
    ranking = 0.0 if hard is None else _count(setup, hard.proxy).step
    training = {"rank": ranking, "forward": kept * work.forward, "backward": kept * work.backward}
    return {**training, "step": sum(training.values()), "evaluate": work.forward}


def _time_first(stepping: Task, device: torch.device) -> float:
    """Return the seconds of the first step of all."""
    wait_for(device)
    started = time.perf_counter()
    stepping(1)
    return time.perf_counter() - started


def _complete(values: dict[str, list[float]], *, augments: bool) -> None:
    """Add the stages that are differences of others, in place."""
    prepared, loaded = values.pop("prepare"), values["load"]
    if augments:
        values["augment"] = [both - load for both, load in zip(prepared, loaded, strict=True)]
    else:  # the step's own batches say what loading costs
        values["load"], values["augment"] = prepared, [0.0] * len(prepared)
    parts = ("load", "augment", "rank", "forward", "backward", "update")
    values["rest"] = [
        step - sum(values[part][number] for part in parts) for number, step in enumerate(values["step"])
    ]


def _scale_to_recipe(values: dict[str, list[float]], cut: float) -> dict[str, float]:
    """Return seconds for one image at the recipe's batch size: its images share the cost of one update.

    Args:
        values: seconds for one image, by stage.
        cut: the measured batch size as a part of the recipe's, in (0, 1].
    """
    seconds = {name: median(values[name]) for name in ("load", "augment", "step", "evaluate")}
    return {**seconds, "step": seconds["step"] - (1 - cut) * median(values["update"])}


def _make_stages(values: dict[str, list[float]], flops: dict[str, float]) -> tuple[Stage, ...]:
    names = [name for name in _STAGES if name != "rank" or flops["rank"]]
    product = values["product"]
    return tuple(make_stage(name, values[name], flops.get(name, 0.0), product) for name in names)
