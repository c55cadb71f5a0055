"""What a process group needs, checked before and after the data is there."""

import copy
import importlib.util

import torch
from torch import nn

from loupe.data.batches import EvaluationBatches, TrainingBatches
from loupe.errors import LoupeError, ShapeError
from loupe.recipe import Recipe
from loupe.running.process_group.launched import find_rendezvous
from loupe.runtime import choose_device, count_cores
from loupe.training.process_group import find_running_statistics

_NEXT_STEP = "choose another train.batch_size (the last batch is what is left over), or fewer processes"


def refuse_impossible_group(recipe: Recipe) -> None:
    """Check what can be checked without data: the extra, the device, images for every process.

    Raises:
        LoupeError: the recipe wants several processes where they cannot be.
    """
    processes = recipe.run.processes
    if processes == 1:
        return
    if importlib.util.find_spec("lightning_fabric") is None:
        raise LoupeError(
            "Several processes for one run need Fabric, which is not installed.",
            got=f"run.processes={processes}",
            allowed="the extra `fabric`, or one process",
            next_step="pip install 'loupe-bench[fabric]', or set run.processes=1",
        )
    if recipe.train.batch_size < processes:
        raise LoupeError(
            "There are more processes than images in a batch.",
            got=f"run.processes={processes}, train.batch_size={recipe.train.batch_size}",
            allowed="an image or more of every batch for each process",
            next_step=f"set run.processes={recipe.train.batch_size} or fewer",
        )
    if recipe.train.hard_examples is not None:
        raise LoupeError(
            "The hardest images of a batch are found by one process.",
            got=f"run.processes={processes} with train.hard_examples",
            allowed="one of the two",
            next_step="set run.processes=1, or train.hard_examples=none",
        )
    _refuse_wrong_device(recipe.run.device, processes)


def _refuse_wrong_device(name: str, processes: int) -> None:
    device = choose_device(name)
    if device.type == "mps" or ":" in str(device):
        raise LoupeError(
            f"Several processes cannot share the device {str(device)!r}.",
            got=f"run.processes={processes}, run.device={name}",
            allowed="run.device=cpu, or cuda with a GPU for each process",
            next_step="set run.device=cpu, or run.processes=1",
        )
    rendezvous = find_rendezvous()
    processes = rendezvous.local_size if rendezvous is not None else processes
    if device.type == "cuda" and torch.cuda.device_count() < processes:
        count = torch.cuda.device_count()
        raise LoupeError(
            "There are more processes than GPUs.",
            got=f"run.processes={processes}, {count} GPU(s)",
            allowed="a GPU for each process",
            next_step=f"set run.processes={count}, or run.device=cpu",
        )


def refuse_small_shards(
    model: nn.Module, train: TrainingBatches, validation: EvaluationBatches, processes: int
) -> None:
    """Check that every process gets images of every batch, and enough of them for batch norm.

    Raises:
        LoupeError: a batch, or validation, has fewer images than there are processes.
        ShapeError: a process gets a single image, and the network cannot train on one.
    """
    if processes == 1:
        return
    smallest, held_out = min(train.sizes), len(validation.dataset)
    if min(smallest, held_out) < processes:
        raise LoupeError(
            "There are more processes than images in the smallest batch, or in validation.",
            got=f"run.processes={processes}, {smallest} images in the smallest batch, "
            f"{held_out} in validation",
            allowed="an image or more for each process",
            next_step=_NEXT_STEP,
        )
    if smallest // processes == 1:
        _try_one_image(model, train, processes)


def _try_one_image(model: nn.Module, train: TrainingBatches, processes: int) -> None:
    trial = copy.deepcopy(model).train()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            trial(train.dataset.images[:1].float())
    except Exception as error:  # a user's own network can fail in any way
        raise ShapeError(
            "This network cannot train on one image at a time, and a process would get a single one.",
            got=f"run.processes={processes}, {min(train.sizes)} images in the smallest batch; "
            f"{str(error).partition(chr(10))[0]}",
            allowed="two images or more for each process",
            next_step=_NEXT_STEP,
        ) from None


def describe_group(model: nn.Module, processes: int) -> tuple[str, ...]:
    """Return what a reader should know of a training by several processes."""
    if processes == 1:
        return ()
    notes = [f"trained by {processes} processes, each on its share of every batch"]
    if find_running_statistics(model):
        notes.append(
            "batch norm: each process normalised its share by itself; running statistics are their average"
        )
    return tuple(notes)


def choose_threads(recipe: Recipe) -> int | None:
    """Return the CPU threads of each process: the recipe's, or its share of the machine's cores."""
    if recipe.run.threads is not None or recipe.run.processes == 1:
        return recipe.run.threads
    rendezvous = find_rendezvous()
    return max(
        1, count_cores() // (rendezvous.local_size if rendezvous is not None else recipe.run.processes)
    )
