"""Images that the starting weights have seen: taken out of what judges a run, or the run is refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from torch import Tensor

from loupe.data import Splits
from loupe.data.identity import ImageTable, from_keys
from loupe.errors import DataError, LoupeError, RunError
from loupe.recipe import Recipe
from loupe.running.network import find_source_run, name_starting_weights
from loupe.running.recipe_data import load_recipe_data, load_run_splits, split_recipe_data
from loupe.runs import RunFolder
from loupe.runs.images import ImageRecord
from loupe.runs.looks import log_look

_LEAST_LEFT = 0.1  # of a part; a figure on less is said about other images than the rest of the run


@dataclass(frozen=True)
class SeenBefore:
    """Images that took part in how the starting weights came about, at whatever remove.

    Args:
        trained: digests of images the weights were trained on.
        selected: digests of images that selected among weights.
        source: name of the run the weights come from; empty where they are fresh.
        unknown: why that is not all; empty if it is.
    """

    trained: set[bytes] = field(default_factory=set, repr=False)
    selected: set[bytes] = field(default_factory=set, repr=False)
    source: str = ""
    unknown: str = ""

    def record(self, splits: Splits) -> ImageRecord:
        """Return the record of a run that works with these splits."""
        return ImageRecord(
            splits.train.table,
            splits.validation.table,
            splits.test.table,
            from_keys(sorted(self.trained)),
            from_keys(sorted(self.selected)),
            not self.unknown,
        )


def find_seen_before(recipe: Recipe) -> SeenBefore:
    """Return the images that the weights a recipe starts from have seen, from what their run recorded.

    Of a run of an earlier version, which kept no record, the data is loaded again and held against its
    digests; what cannot be found out is said.
    """
    if recipe.transfer is not None and recipe.transfer.weights is not None:
        return SeenBefore(
            source=name_starting_weights(Path(recipe.transfer.weights)), unknown="the file does not say it"
        )
    if recipe.transfer is None or recipe.transfer.run is None:
        return SeenBefore()
    source = find_source_run(recipe, recipe.transfer)
    record = source.read_images()
    if record is None:
        return _load_seen(source)
    unknown = "" if record.is_before_known else "a run before it kept no record of its images"
    return SeenBefore(record.trained(), record.selected(), source.path.name, unknown)


def find_shown(recipe: Recipe, images: ImageRecord) -> list[tuple[RunFolder, int]]:
    """Return the runs whose weights a recipe starts from and whose test images it trains or selects on.

    Figures of the new run are then figures of those weights on their own test images, all the more where it
    hardly trains. Each run comes with the number of its test images, at whatever remove it is.
    """
    found: list[tuple[RunFolder, int]] = []
    own = images.train.keys() | images.validation.keys()
    known = set[Path]()
    while recipe.transfer is not None and recipe.transfer.run is not None:
        try:
            source = find_source_run(recipe, recipe.transfer)
            if source.path.resolve() in known:
                break
            known.add(source.path.resolve())
            record, recipe = source.read_images(), source.read_recipe()
        except LoupeError:  # what it started from is not at hand any more
            break
        count = int(record.test.find(own).sum()) if record is not None else 0
        if count:
            found.append((source, count))
    return found


def describe_shown(shown: Sequence[tuple[RunFolder, int]]) -> tuple[str, ...]:
    """Return what to say of test images of earlier runs that this one trains or selects on."""
    return tuple(
        f"{count:,} test images of {source.path.name}, whose weights this run starts from, are training or "
        "validation images here: that is counted there as a look."
        for source, count in shown
    )


def count_shown(shown: Sequence[tuple[RunFolder, int]], run: RunFolder) -> None:
    """Put a look on the record of each run whose test images another one trains or selects on."""
    for source, count in shown:
        log_look(
            source, f"{count} of its test images train or select {run.path.name}, begun from its weights"
        )


def _load_seen(source: RunFolder) -> SeenBefore:
    name = source.path.name
    try:
        recipe, digests = source.read_recipe(), source.read_environment()["data_digests"]
        splits = split_recipe_data(recipe, load_recipe_data(recipe))
    except LoupeError as error:
        return SeenBefore(source=name, unknown=error.message)
    if (splits.train.digest, splits.validation.digest) != (digests["train"], digests["validation"]):
        return SeenBefore(source=name, unknown="its data is no longer what it was")
    before = find_seen_before(recipe)
    return SeenBefore(
        splits.train.table.keys() | before.trained,
        splits.validation.table.keys() | before.selected,
        name,
        before.unknown,
    )


def load_record(run: RunFolder, data: str | Path) -> ImageRecord:
    """Return the record that a run of an earlier version did not keep, from its images as they lie now.

    Raises:
        RunError: they are not what they were when it was trained.
        LoupeError: the data is gone.
    """
    splits = load_run_splits(run, data)
    if splits.test.digest != run.read_environment()["data_digests"]["test"]:
        raise RunError(
            f"The test images of run {run.path.name} are not what they were when it was trained.",
            got=f"another content of {data}",
            allowed="the data that environment.json records",
            next_step="bring the old data back, or leave out --data",
        )
    return find_seen_before(run.read_recipe()).record(splits)


def leave_out_seen(splits: Splits, before: SeenBefore) -> tuple[Splits, tuple[str, ...]]:
    """Return splits without images that the starting weights have seen, and what to say of it.

    Test images are left out that trained or selected those weights, validation images that trained them: to
    be selected on twice is what validation images are for.

    Raises:
        DataError: too few are left.
    """
    if not before.source:
        return splits, ()
    warnings = []
    if before.unknown:
        warnings.append(
            f"Which images the weights of {before.source} have seen is not known: "
            f"{before.unknown.rstrip('.')}. Validation and test figures may flatter."
        )
    kept, count = _find_unseen(splits.validation.table, before.trained, "validation", before)
    if count:
        warnings.append(_describe("validation", count, len(splits.validation), "trained", before.source))
        splits = replace(splits, validation=splits.validation.select(kept))
    kept, count = _find_unseen(splits.test.table, before.trained | before.selected, "test", before)
    if count:
        warnings.append(_describe("test", count, len(splits.test), "trained or selected", before.source))
        splits = replace(splits, test=splits.test.keep_images(kept))
    return splits, tuple(warnings)


def _find_unseen(table: ImageTable, seen: set[bytes], part: str, before: SeenBefore) -> tuple[Tensor, int]:
    """Return which images of a part are left, and how many are not."""
    was_seen = table.find(seen)
    count, kept = int(was_seen.sum()), (~was_seen).nonzero().flatten()
    lost = set(table.labels.tolist()) - set(table.labels[kept].tolist())
    if count and (lost or len(kept) < _LEAST_LEFT * len(table)):
        raise DataError(
            f"The weights of {before.source} have seen the {part} images this run would be judged by.",
            got=f"{count:,} of {len(table):,} {part} images trained"
            + (" or selected" if part == "test" else "")
            + f" weights this run starts from; {len(kept):,} are left"
            + (f", none of {len(lost)} classes" if lost else ""),
            allowed=f"a tenth of the {part} images unseen, some of each class",
            next_step=f"take the sides of that run: data.sides_of={before.source}; with the same data its "
            "data.split_seed does it too",
        )
    return kept, count


def _describe(part: str, count: int, total: int, what: str, source: str) -> str:
    return (
        f"{count:,} of {total:,} {part} images {what} the weights of {source} that this run starts from: "
        f"they are left out, and {part} figures are over the other {total - count:,}."
    )
