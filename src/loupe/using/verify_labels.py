"""Classes of a run's images held against what the data calls them now."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from loupe.data import Dataset
from loupe.data.correcting import find_corrected
from loupe.data.corrections import read_corrections
from loupe.data.identity import ImageTable, to_keys
from loupe.data.injection import draw_labels
from loupe.errors import LoupeError
from loupe.plugins import expand_path
from loupe.recipe import Recipe
from loupe.runs.images import SIDES, ImageRecord


def find_other_labels(
    recipe: Recipe, dataset: Dataset, record: ImageRecord, class_names: Sequence[str]
) -> Iterator[str]:
    """Yield for each side how many of its images are under another class now; images gone are passed over.

    Wrong labels that the recipe asked for are drawn again from what the data says, and held against the
    record.

    Args:
        recipe: of the run.
        dataset: the data as it is now.
        record: the run's record of its images.
        class_names: of the run, by label.
    """
    there = _gather_classes(dataset, {name: label for label, name in enumerate(class_names)})
    _add_corrected(there, recipe, dataset)
    for side in SIDES:
        table = record.table(side)
        found = [there.get(key, frozenset()) for key in to_keys(table.digests)]
        if side == "train" and recipe.data.label_noise is not None:
            wrong = _count_other_noise(recipe, table, found, class_names)
        else:
            pairs = zip(table.labels.tolist(), found, strict=True)
            wrong = sum(bool(labels) and label not in labels for label, labels in pairs)
        if wrong:
            yield f"{wrong:,} of {len(table):,} {side}"


def _gather_classes(dataset: Dataset, known: Mapping[str, int]) -> dict[bytes, frozenset[int]]:
    """Return the labels of each image by its digest, as the run counts classes; -1 for another class."""
    now = [known.get(name, -1) for name in dataset.train.class_names]
    classes: dict[bytes, frozenset[int]] = {}
    for part in (dataset.train, dataset.validation, dataset.test):
        if part is None:
            continue
        for key, label in zip(to_keys(part.table.digests), part.table.labels.tolist(), strict=True):
            classes[key] = classes.get(key, frozenset()) | {now[label]}
    return classes


def _add_corrected(there: dict[bytes, frozenset[int]], recipe: Recipe, dataset: Dataset) -> None:
    """Let images stand under the class that the recipe's corrections give them, where the list is there."""
    if recipe.data.corrections is None:
        return
    try:
        corrections = read_corrections(expand_path(recipe.data.corrections))
        found = find_corrected(corrections, dataset, is_part=recipe.data.classes is not None)
    except LoupeError:
        return
    parts = [part.table.digests for part in (dataset.train, dataset.validation) if part is not None]
    keys = to_keys(torch.cat(parts))
    for index, label in found.new_labels.items():
        there[keys[index]] |= {-1 if label is None else label}


def _count_other_noise(
    recipe: Recipe, table: ImageTable, found: Sequence[frozenset[int]], class_names: Sequence[str]
) -> int:
    """Return how many training labels are not those that the noise makes of the data's own."""
    noise = recipe.data.label_noise
    if noise is None or any(len(labels) != 1 or -1 in labels for labels in found):
        return sum(-1 in labels for labels in found)  # one gone, or under two classes: the draw is another
    true: Tensor = torch.tensor([next(iter(labels)) for labels in found])
    drawn, _ = draw_labels(
        true,
        table.identities,
        class_names,
        noise.kind,
        noise.share,
        recipe.split_seed,
        noise.confusion,
    )
    return int((drawn != table.labels).sum())
