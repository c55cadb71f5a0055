"""What differs in the first epochs of a training, in words: smaller images, layers that stop."""

from collections.abc import Mapping

from torch import nn

from loupe.data.progressive_resizing import ProgressiveResizing
from loupe.errors import LoupeError
from loupe.recipe import Recipe
from loupe.wording import list_names


def choose_resizing(recipe: Recipe) -> ProgressiveResizing | None:
    """Return how a recipe makes the images of its first epochs smaller; None if it does not."""
    small = recipe.train.progressive_resizing
    return ProgressiveResizing(small.last_epochs, small.way) if small else None


def describe_first_epochs(recipe: Recipe, image_size: tuple[int, int]) -> tuple[str, ...]:
    """Return a sentence for smaller images, and one for each epoch after which layers stop training."""
    notes, later = describe_other_epochs(recipe, image_size), recipe.train.freeze_later
    if later is None:
        return notes
    num_epochs = recipe.train.epochs
    never = sorted({last for last in later.last_epochs.values() if last >= num_epochs})
    return (
        *notes,
        *(
            f"never stops training, its last epoch being {last} of {num_epochs}: "
            f"{_list_layers(later.last_epochs, last)}"
            for last in never
        ),
    )


def describe_other_epochs(recipe: Recipe, image_size: tuple[int, int]) -> tuple[str, ...]:
    """Return how epochs differ from one with whole images and every layer training; nothing if none does."""
    notes, num_epochs = [], recipe.train.epochs
    if (resizing := choose_resizing(recipe)) is not None:
        windows = ", as windows at random places" if resizing.way == "crop" else ""
        for small, last in resizing.stages:
            size = _write_size(small.choose_size(*image_size))
            notes.append(f"images of {size} pixels until epoch {last} of {num_epochs}{windows}")
    if recipe.train.freeze_later is None:
        return tuple(notes)
    last_epochs = recipe.train.freeze_later.last_epochs
    notes += [
        f"stops training after epoch {last} of {num_epochs}: {_list_layers(last_epochs, last)}"
        for last in sorted({last for last in last_epochs.values() if last < num_epochs})
    ]
    return tuple(notes)


def _list_layers(last_epochs: Mapping[str, int], last: int) -> str:
    return list_names([name for name, one in last_epochs.items() if one == last])


def refuse_nothing_to_train(recipe: Recipe, model: nn.Module) -> None:
    """Check that some parameter trains to the end, whatever is frozen before or during the training.

    Raises:
        LoupeError: none does.
    """
    later = recipe.train.freeze_later
    last_epochs = later.last_epochs if later is not None else {}
    stopping = {name: last for name, last in last_epochs.items() if last < recipe.train.epochs}
    stopped = {id(one) for name in stopping for one in model.get_submodule(name).parameters()}
    if stopping and not any(one.requires_grad and id(one) not in stopped for one in model.parameters()):
        raise LoupeError(
            f"Nothing of the network would train after epoch {max(stopping.values())}.",
            got=f"train.freeze_later.layers: {', '.join(stopping)}",
            allowed="at least one layer that trains to the end",
            next_step="leave a layer out of train.freeze_later or of transfer.freeze, or set train.epochs="
            f"{max(stopping.values())}",
        )


def find_small_image_warnings(recipe: Recipe, image_size: tuple[int, int]) -> tuple[str, ...]:
    """Return a warning where no epoch trains on images of the size that is judged."""
    resizing, num_epochs = choose_resizing(recipe), recipe.train.epochs
    last = resizing.find_stage(num_epochs) if resizing is not None else None
    if resizing is None or last is None:
        return ()
    size = _write_size(last.choose_size(*image_size))
    had = (
        f"all {num_epochs} have {size} pixels"
        if last == resizing.stages[0][0]
        else f"the last has {size} pixels"
    )
    return (
        f"No epoch trains on whole images: {had}, while accuracy is measured on "
        f"{_write_size(image_size)}. Set train.progressive_resizing.until_epoch below train.epochs.",
    )


def _write_size(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"
