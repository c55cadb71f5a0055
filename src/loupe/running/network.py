"""The network of a recipe: built, and started from another run's weights if the recipe says so."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from loupe.data import ImageDataset, take_stratified
from loupe.data.normalization import Normalization
from loupe.errors import LoupeError, RunError
from loupe.models import build_model
from loupe.models.initialisation import initialise_from_images
from loupe.models.transfer import (
    CopiedWeights,
    copy_weights_by_name,
    find_head,
    freeze_all_but,
    freeze_layers,
    refuse_unknown_layers,
)
from loupe.models.weight_files import read_weight_file, rename_weights
from loupe.recipe import Recipe
from loupe.recipe.schema import TransferSection
from loupe.runs import RunFolder, read_weights
from loupe.runs.files import STARTING_WEIGHTS
from loupe.runtime import Streams

_MOST_NAMED = 5
_IMAGES_TO_START_FROM = 5_000  # as many as airbench takes


@dataclass(frozen=True)
class Network:
    """A network ready to train.

    Args:
        model: on the CPU.
        notes: what was copied, skipped and frozen, in words.
        source: description of the network the weights come from; None for fresh weights.
        source_run: the run it comes from.
        warnings: what of that is likely a mistake.
    """

    model: nn.Module
    notes: tuple[str, ...] = ()
    source: dict[str, object] | None = None
    source_run: RunFolder | None = None
    warnings: tuple[str, ...] = ()


def build_network(
    recipe: Recipe,
    *,
    in_channels: int,
    image_size: tuple[int, int],
    num_classes: int,
    take_images: Callable[[], Tensor] | None = None,
) -> Network:
    """Return the network of a recipe, fitted to the images.

    Args:
        recipe: model, transfer and seed are read.
        in_channels: channels of the images.
        image_size: their height and width in pixels.
        num_classes: number of logits.
        take_images: returns normalised training images for layers that start from them; without it those
            start from random numbers, which is enough to look at shapes.

    Raises:
        ShapeError: the images do not fit the network.
        LoupeError: the run to start from is gone, or nothing of it fits.
    """
    with Streams(recipe.run.seed).as_global("model"):
        model = build_model(
            recipe.model.name,
            in_channels=in_channels,
            image_size=image_size,
            num_classes=num_classes,
            **recipe.model.settings,
        )
    if recipe.train.freeze_later is not None:
        refuse_unknown_layers(model, recipe.train.freeze_later.layers, "train.freeze_later.layers")
    # before weights are copied, which have seen images already
    started = initialise_from_images(model, take_images) if take_images is not None else ()
    named = ", ".join(name or "the network" for name in started)
    notes = [f"started from training images: {named}"] if started else []
    if recipe.transfer is None:
        return Network(model, tuple(notes))
    head = find_head(model, in_channels=in_channels, image_size=image_size)
    outcome, origin, source = _copy(model, recipe, recipe.transfer, head)
    notes += _describe_copies(outcome, origin) if outcome is not None else []
    frozen = _freeze(model, recipe.transfer, head)
    if frozen:
        notes.append(f"frozen: {_list_layers(frozen)}")
    source_run = find_source_run(recipe, recipe.transfer) if recipe.transfer.run else None
    warnings = _find_frozen_fresh(outcome, frozen, started, origin) if outcome is not None else ()
    return Network(model, tuple(notes), source, source_run, warnings)


def take_first_look(recipe: Recipe, images: ImageDataset, normalization: Normalization) -> Tensor:
    """Return training images for layers that start from them, normalised: a fixed stratified few thousand."""
    return normalization.apply(take_stratified(images, _IMAGES_TO_START_FROM, recipe.split_seed).pixels)


def find_source_run(recipe: Recipe, transfer: TransferSection) -> RunFolder:
    """Return the run to start from, as `find_seed_run` does."""
    return find_seed_run(recipe, transfer.path)


def find_seed_run(recipe: Recipe, place: str | Path) -> RunFolder:
    """Return a run that a recipe builds on; of a series of seeds the one with the recipe's own seed.

    Raises:
        RunError: the series has no such seed.
    """
    path = Path(place)
    if not (path / "environment.json").is_file() and any(path.glob("seed-*/environment.json")):
        seeds = sorted(seed.parent.name for seed in path.glob("seed-*/environment.json"))
        path = path / f"seed-{recipe.run.seed}"
        if path.name not in seeds:
            raise RunError(
                f"The series {path.parent.name} has no run with seed {recipe.run.seed} to start from.",
                got=path.name,
                allowed=", ".join(seeds),
                next_step="name one of them, or use the same seeds",
            )
    return RunFolder(path)


def name_starting_weights(file: Path) -> str:
    """Return what a file of weights is called; of the copy that a run keeps, what its recipe called it."""
    run = RunFolder(file.parent)
    if file.stem != STARTING_WEIGHTS or not run.recipe_file.is_file():
        return file.name
    transfer = run.read_recipe().transfer
    return Path(transfer.weights).name if transfer is not None and transfer.weights else file.name


def _copy(
    model: nn.Module, recipe: Recipe, transfer: TransferSection, head: str
) -> tuple[CopiedWeights | None, str, dict[str, object] | None]:
    """Return what was copied, from where, and what its run says of the network there."""
    new = [head] if transfer.head == "new" else []
    if transfer.weights is not None:
        file = Path(transfer.weights)
        weights = rename_weights(read_weight_file(file), transfer.rename or {})
        outcome = copy_weights_by_name(model, weights, part=transfer.part, new=new, fits_shapes=True)
        return outcome, name_starting_weights(file), None
    if transfer.run is None:
        return None, "", None
    run = find_source_run(recipe, transfer)
    weights, description = read_weights(run)
    outcome = copy_weights_by_name(model, weights, part=transfer.part, new=new)
    epoch = description["best"]["epoch"]
    return outcome, f"{run.path.name}, epoch {epoch}", description


def _find_frozen_fresh(
    outcome: CopiedWeights, frozen: Sequence[str], started: Sequence[str], origin: str
) -> tuple[str, ...]:
    """Return in a sentence which frozen layers got no weights, so that they stay as they were drawn.

    Args:
        outcome: what was copied.
        frozen: names of parameters.
        started: layers that started from training images.
        origin: where weights were copied from.
    """
    inside = tuple(f"{layer}." for layer in started)
    fresh = [name for name in frozen if name in outcome.skipped and not name.startswith(inside)]
    if not fresh:
        return ()
    layers, of_all = _split_layers(fresh), _split_layers(frozen)
    return (
        f"{len(layers)} of {len(of_all)} frozen layers got no weights from {origin} and stay as they were "
        f"drawn, untrained: {_list_some(layers)}. Weights of this very network, or transfer.rename where "
        "only names differ, fill them; transfer.freeze can leave them out.",
    )


def _describe_copies(outcome: CopiedWeights, source: str) -> list[str]:
    """Return what became of each layer's weights, in sentences."""
    notes = [f"copied from {source}: {_list_layers(outcome.copied)}"]
    notes += [f"brought to another shape ({how}): {name}" for name, how in outcome.fitted.items()]
    reasons: dict[str, list[str]] = {}
    for name, reason in outcome.skipped.items():
        reasons.setdefault(reason, []).append(name)
    notes += [f"not copied ({reason}): {_list_layers(names)}" for reason, names in reasons.items()]
    if outcome.unused:
        notes.append(f"left behind: {_list_layers(outcome.unused)}")
    return notes


def _freeze(model: nn.Module, transfer: TransferSection, head: str) -> tuple[str, ...]:
    if transfer.freeze == "none":
        return ()
    frozen = (
        freeze_all_but(model, head) if transfer.freeze == "all" else freeze_layers(model, transfer.freeze)
    )
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise LoupeError(
            "Nothing is left to train: every layer is frozen.",
            got=f"transfer.freeze = {list(transfer.freeze)}",
            allowed="at least one layer that is not frozen",
            next_step='freeze fewer layers, or set transfer.freeze = "all", which leaves the head',
        )
    return frozen


def _list_layers(tensors: Iterable[str]) -> str:
    """Return the layers that hold these tensors, each once: "conv1, conv2"."""
    return ", ".join(_split_layers(tensors))


def _split_layers(tensors: Iterable[str]) -> list[str]:
    """Return the layers that hold these tensors, each once; what lies in none, as tokens, is named itself."""
    return list(dict.fromkeys(name.rpartition(".")[0] or name for name in tensors))


def _list_some(layers: Sequence[str]) -> str:
    rest = len(layers) - _MOST_NAMED
    return ", ".join(layers[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")
