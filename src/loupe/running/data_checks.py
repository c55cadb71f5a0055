"""What is checked once the data is there: refused if it cannot work, warned of if it can mislead."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from loupe.data import Augmentation, ImageDataset, Splits
from loupe.data.augmentations import does_mirror
from loupe.data.normalization import Normalization, find_known_problem
from loupe.data.progressive_resizing import ProgressiveResizing
from loupe.data.sources import is_mirrorable
from loupe.errors import DataError, ShapeError
from loupe.models import objective_of
from loupe.models.layer_table import run_on_zeros
from loupe.recipe import Recipe
from loupe.wording import list_names, name_tied

_TRIED_IMAGES = 64  # to see what an augmentation leaves of them
_SMALL_SHIFT = 0.02  # of normalisation constants, where differently drawn splits would differ less


def refuse_wrong_augmentations(augmentations: Sequence[Augmentation], images: ImageDataset) -> None:
    """Try each augmentation on two images.

    Raises:
        DataError: one fails, or returns images of another shape or type.
    """
    batch = images.images[:2]
    for augmentation in augmentations:
        name = type(augmentation).__name__
        try:
            changed = augmentation.apply(batch, augmentation.draw(batch, torch.Generator().manual_seed(0)))
            got = f"{changed.dtype} of shape {tuple(changed.shape)}"
        except Exception as error:  # a user's own augmentation can fail in any way
            got = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        wanted = f"{batch.dtype} of shape {tuple(batch.shape)}"
        if got != wanted:
            raise DataError(
                f"The augmentation {name} does not fit these images.",
                got=got,
                allowed=f"{wanted}, as it was given",
                next_step="change its settings in data.augment, or leave it out",
            )


def refuse_lonely_batches(model: nn.Module, batch_size: int, images: ImageDataset) -> None:
    """Check that a network can train on batches of one image, if they are that small: batch norm may not.

    Raises:
        ShapeError: it cannot.
    """
    if min(batch_size, len(images)) > 1:
        return
    trial = copy.deepcopy(model).train()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            trial(images.images[:1].float())
    except Exception as error:  # a user's own network can fail in any way
        raise ShapeError(
            "This network cannot train on one image at a time.",
            got=str(error).partition("\n")[0],
            allowed="train.batch_size of 2 or more, and as many training images",
            next_step="set train.batch_size=2 or more",
        ) from None


def refuse_wrong_resizing(
    model: nn.Module, resizing: ProgressiveResizing, images: ImageDataset, called: str = "network"
) -> None:
    """Check that a network, or what else sees the batches, can take its first epochs' smaller images.

    Raises:
        ShapeError: it cannot, or they are not smaller.
    """
    height, width = images.image_size
    for small, _ in resizing.stages:
        if small.size >= min(height, width):
            raise ShapeError(
                "The small images of the first epochs are not smaller than the others.",
                got=f"train.progressive_resizing.size = {small.size}; images of {height} x {width} pixels",
                allowed=f"1 to {min(height, width) - 1}",
                next_step="set train.progressive_resizing.size, or leave train.progressive_resizing out",
            )
        try:
            run_on_zeros(model, in_channels=images.in_channels, image_size=small.choose_size(height, width))
        except ShapeError as error:
            raise ShapeError(
                f"This {called} cannot take the small images of the first epochs.",
                got=str(error.got),
                allowed="a network for images of any size, which pools its maps before its dense layers "
                "(resnet, fast-net, expert-net), and a size that leaves it a map",
                next_step="take such a network, set a larger size, or leave train.progressive_resizing out",
            ) from None


def refuse_unreachable_pixels(model: nn.Module, normalization: Normalization, images: ImageDataset) -> None:
    """Check that a network which gives images back can give their pixels, if it says what it can give.

    Raises:
        DataError: normalised pixels lie outside the range of its output.
    """
    reach = getattr(model, "output_range", None)
    if reach is None:
        return
    low, high = reach
    some = normalization.apply(images.images[:5000].cpu())
    if float(some.min()) >= low - 1e-6 and float(some.max()) <= high + 1e-6:
        return
    error = float((some - some.clamp(low, high)).square().mean())
    raise DataError(
        "This network cannot give its images back: the normalised pixels lie outside its output's range.",
        got=f"pixels from {float(some.min()):.2f} to {float(some.max()):.2f}, outputs from {low:g} to "
        f"{high:g}; no weights could do better than a mean squared error of {error:.3f}",
        allowed="pixels inside the range of the last activation",
        next_step="set data.normalize=unit (pixels stay in [0, 1]), or model.output=linear",
    )


def find_warnings(recipe: Recipe, normalization: Normalization, splits: Splits) -> tuple[str, ...]:
    """Return what the reader of this run's figures should know."""
    warnings = []
    problem = find_known_problem(normalization)
    if problem:
        warnings.append(f"Normalisation: {problem}. Measured on the training split, std is right.")
    return (
        *warnings,
        *find_missing_class_warnings(recipe, splits),
        *find_imbalance_warnings(recipe, splits.train),
    )


def find_missing_class_warnings(recipe: Recipe, splits: Splits) -> tuple[str, ...]:
    """Return a warning for each side that judges a classifier without images of some class."""
    if objective_of(recipe.model.name) != "classification":
        return ()
    names, warnings = splits.train.class_names, []
    sides = [("validation", splits.validation.class_counts())]
    if recipe.evaluate.test:
        sides.append(("test", splits.test.class_counts()))
    for side, counts in sides:
        missing = [name for name, count in zip(names, counts, strict=True) if not count]
        if missing:
            warnings.append(
                f"There is no {side} image of {list_names(missing)}: the {side} figures do not judge "
                f"{len(missing):,} of {len(names):,} classes. A larger share of the images would, or more."
            )
    return tuple(warnings)


def find_imbalance_warnings(recipe: Recipe, train: ImageDataset) -> tuple[str, ...]:
    """Return a warning if classes differ much in size, with the fields that do something about it."""
    counts, names = train.class_counts(), train.class_names
    if max(counts) <= 2 * min(counts):
        return ()
    most, least = (
        f"{name_tied(zip(names, counts, strict=True), end)} {'has' if counts.count(end) == 1 else 'have'}"
        for end in (max(counts), min(counts))
    )
    found = (
        f"The classes are unbalanced: {most} {max(counts)} training images, {least} {min(counts)}. Read the "
        "per-class accuracies, not only the overall one."
    )
    if objective_of(recipe.model.name) != "classification":
        return (found,)
    loss = recipe.train.loss
    remedies = [
        ('train.class_weights = "balanced"', recipe.train.class_weights != "none"),
        ('train.sampling = "balanced"', recipe.train.sampling != "shuffled"),
        ('train.loss = "logit-adjusted"', loss is not None and loss.name == "logit-adjusted"),
    ]
    named = [remedy for remedy, _ in remedies]
    advice = []
    if not any(is_taken for _, is_taken in remedies):
        advice.append(f"{', '.join(named[:-1])} or {named[-1]} gives rare classes their weight")
    if recipe.evaluate.select_by == "accuracy":
        advice.append('evaluate.select_by = "balanced_accuracy" selects by all classes alike')
    return (f"{found} {'; '.join(advice)}." if advice else found,)


def find_mirror_warnings(recipe: Recipe, augmentations: Sequence[Augmentation]) -> tuple[str, ...]:
    """Return a warning if training images are mirrored where that changes their class."""
    mirroring = [
        choice.name
        for choice, augmentation in zip(recipe.data.augment, augmentations, strict=True)
        if does_mirror(augmentation)
    ]
    if not mirroring or is_mirrorable(recipe.data.name):
        return ()
    return (
        f"{', '.join(mirroring)} mirrors training images, but a mirrored image of {recipe.data.name} is of "
        "another class, or of none. Leave it out of data.augment.",
    )


def find_blanking_warnings(
    recipe: Recipe, augmentations: Sequence[Augmentation], images: ImageDataset
) -> tuple[str, ...]:
    """Return a warning for each augmentation that leaves most images without a picture: all of one colour.

    A square of 16 pixels cut out of images of 8 x 8 leaves nothing, whichever pixel it is centred at.
    """
    # from the whole set: they may be sorted by class
    num_tried = min(len(images), _TRIED_IMAGES)
    places = torch.linspace(0, len(images) - 1, num_tried, dtype=torch.float64).round().long()
    some = images.images[places]
    batch = some[_has_picture(some)]
    if not len(batch):
        return ()
    batch = batch.repeat(-(-_TRIED_IMAGES // len(batch)), 1, 1, 1)
    warnings = []
    for choice, augmentation in zip(recipe.data.augment, augmentations, strict=True):
        try:
            own = copy.deepcopy(augmentation)  # a user's may count its calls
            with torch.random.fork_rng(devices=[]):  # a user's may draw from the global generator
                changed = own.apply(batch, own.draw(batch, torch.Generator().manual_seed(0)))
        except Exception:  # it can fail in any way: the training says how, and where
            continue
        share = 1 - float(_has_picture(changed).double().mean())
        if share > 0.5:
            height, width = images.image_size
            warnings.append(
                f"{choice.name} leaves nothing of about {100 * share:.0f} % of the training images but one "
                f"colour: what it covers or moves is too much for {height} x {width} pixels. Smaller values "
                "in data.augment leave something to learn from."
            )
    return tuple(warnings)


def _has_picture(images: Tensor) -> Tensor:
    """Return for each image whether its pixels are not all the same, (batch,) bool."""
    first = images[:, :, :1, :1]
    return (images != first).flatten(1).any(1)


def find_transfer_warnings(normalization: Normalization, source: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return a warning if copied weights were learnt from differently normalised images."""
    if source is None:
        return ()
    theirs = Normalization.from_dict(source["normalization"])
    pairs = [(normalization.mean, theirs.mean), (normalization.std, theirs.std)]
    if len(theirs.mean) == len(normalization.mean) and all(
        abs(a - b) < _SMALL_SHIFT for ours, other in pairs for a, b in zip(ours, other, strict=True)
    ):
        return ()
    there, here = _write(theirs), _write(normalization)
    return (
        f"The copied weights were learnt from images normalised with {there}; here it is {here}. "
        "data.normalize = {mean = …, std = …} makes them alike.",
    )


def find_other_classes(recipe: Recipe, splits: Splits, source: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return a warning if a head is copied from a network of other classes, or another order of them."""
    if source is None or recipe.transfer is None or recipe.transfer.head == "new":
        return ()
    theirs, ours = tuple(source["class_names"]), splits.train.class_names
    if theirs == ours:
        return ()
    return (
        f"The copied head was learnt for the classes {', '.join(theirs)}; here they are {', '.join(ours)}. "
        'transfer.head = "new" starts it fresh.',
    )


def _write(normalization: Normalization) -> str:
    both = (normalization.mean, normalization.std)
    means, stds = (", ".join(f"{value:.3f}" for value in values) for values in both)
    return f"mean {means} and std {stds}"
