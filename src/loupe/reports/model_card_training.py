"""What a model card says of how the network was trained: all of a recipe that bends what it says."""

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from loupe.data.normalization import Normalization
from loupe.recipe import Recipe
from loupe.recipe.data_section import DataSection
from loupe.recipe.sections import Choice
from loupe.recipe.train_section import TrainSection
from loupe.reports.page import format_decimals
from loupe.runs import RunResult
from loupe.wording import format_duration, list_names


def say_training(recipe: Recipe, result: RunResult, description: Mapping[str, Any]) -> Iterator[str]:
    """Yield in Markdown how the network was trained.

    Args:
        recipe: of the run.
        result: of it, with best weights.
        description: of the network, from `load_model`.
    """
    train = recipe.train
    assert result.best is not None
    model = dict(description["model"])
    constants = Normalization.from_dict(description["normalization"])
    parts = [
        f"A network `{_name_settings(model.pop('name'), model)}` of {result.parameters:,} parameters, "
        f"trained for up to {train.epochs} epochs of batches of {train.batch_size}"
        f"{f' in {train.accumulate} micro-batches' if train.accumulate > 1 else ''} with "
        f"{_name_choice(train.optimizer)}",
        *list_ways(recipe),
    ]
    kept = f"The weights are those of epoch {result.best.epoch}, the best by validation {result.selected_by}"
    ended = f" of {result.last.epoch} trained" if result.last else ""
    early = ", stopped early" if result.stopped_early else ""
    yield (
        f"{', '.join(part for part in parts if part)}. Pixels in [0, 1] were normalised with mean "
        f"{format_decimals(constants.mean)} and standard deviation {format_decimals(constants.std)}. "
        f"{kept}{ended}{early}. Seed {result.seed}; {format_duration(result.seconds)} of training."
    )
    for note in result.notes:
        yield f"- {note}"


def list_ways(recipe: Recipe) -> Iterator[str]:
    """Yield how a recipe trains: schedule, augmentation, and all that is not as it is by itself.

    "" for what is as by itself.
    """
    data = recipe.data
    yield from _list_settings(recipe.train)
    yield from _list_savings(recipe.train)
    yield f"mixing by {_name_choice(data.mix)}" if data.mix else ""
    yield ", ".join(map(_name_choice, data.augment)) or "no augmentation"
    yield from _list_changes(data)
    if recipe.run.processes > 1:
        yield f"by {recipe.run.processes} processes, each on its share of every batch"
    yield from _list_origins(recipe)


def _list_changes(data: DataSection) -> Iterator[str]:
    """Yield what was done to training images and labels before training."""
    if data.corrections is not None:
        yield f"images and labels corrected as {PurePath(data.corrections).name} says"
    if data.long_tail is not None:
        yield (
            "training images thinned out on purpose until the first class has "
            f"{data.long_tail:g} times those of the last (long tail)"
        )
    if data.label_noise is not None:
        share, kind = 100 * data.label_noise.share, data.label_noise.kind
        yield f"{share:g} % of training labels made wrong on purpose (label noise, {kind})"


def _list_settings(train: TrainSection) -> Iterator[str]:
    yield f"schedule {_name_choice(train.schedule)}"
    yield f"loss {_name_choice(train.loss)}" if train.loss else ""
    yield from _list_balances(train)
    yield f"warm-up of {train.warmup_epochs:g} epochs" if train.warmup_epochs else ""
    yield f"label smoothing {train.label_smoothing:g}" if train.label_smoothing else ""
    yield "weight decay on weights alone, not on biases and norms" if train.decay == "weights" else ""
    yield f"gradients clipped to norm {train.clip_norm:g}" if train.clip_norm else ""
    if train.average_decay:
        yield f"a moving average of the weights with decay {train.average_decay:g}"
    if train.layer_decay < 1:
        yield f"the learning rate times {train.layer_decay:g} from layer to layer away from the head"
    if train.early_stopping:
        yield f"early stopping by windows of {train.early_stopping.window} epochs"


def _list_balances(train: TrainSection) -> Iterator[str]:
    if train.class_weights != "none":
        yield f"an image's loss weighted by its class ({_name_weights(train.class_weights)})"
    if train.sampling == "balanced":
        yield "all classes drawn alike"
    elif not isinstance(train.sampling, str):
        yield f"classes drawn by their number of images to the power {train.sampling:g}"


def _list_savings(train: TrainSection) -> Iterator[str]:
    if train.lookahead:
        slow = train.lookahead
        yield f"lookahead every {slow.every} steps (decay {slow.decay:.4g}, power {slow.power:g})"
    if train.hard_examples:
        hard = train.hard_examples
        yield f"on the hardest {100 * hard.keep:g} % of each batch, ranked by {_name_choice(hard.proxy)}"
    if train.freeze_later:
        stops = [one for one in train.freeze_later.last_epochs.items() if one[1] < train.epochs]
        yield list_names([f"{layer} trained until epoch {epoch} only" for layer, epoch in stops])
    if train.progressive_resizing:
        small = train.progressive_resizing
        sizes = [f"{size} pixels until epoch {last}" for size, last in small.last_epochs.items()]
        windows = ", as random windows" if small.way == "crop" else ""
        yield f"smaller images in the first epochs ({', '.join(sizes)}{windows})"


def _name_weights(weights: str | Mapping[str, float]) -> str:
    return weights if isinstance(weights, str) else ", ".join(f"{k}: {v:g}" for k, v in weights.items())


def _list_origins(recipe: Recipe) -> Iterator[str]:
    """Yield where weights came from that were not drawn by chance, and what of them was not trained."""
    transfer = recipe.transfer
    if recipe.run.continues is not None:
        yield f"going on with the training of {PurePath(recipe.run.continues).name}"
    if transfer is None:
        return
    origin = transfer.run or transfer.weights
    if origin is not None:
        part = f" (its part {transfer.part})" if transfer.part else ""
        head = ", head copied too" if transfer.head == "copied" else ""
        yield f"starting from the weights of {PurePath(origin).name}{part}{head}"
    if transfer.freeze == "all":
        yield "all but the head left as it was"
    elif transfer.freeze != "none":
        yield f"{list_names(transfer.freeze)} left as they were"


def _name_choice(choice: Choice) -> str:
    return _name_settings(choice.name, choice.settings)


def _name_settings(name: str, settings: Mapping[str, Any]) -> str:
    listed = ", ".join(f"{key} = {value}" for key, value in settings.items() if value is not None)
    return f"{name} ({listed})" if listed else name
