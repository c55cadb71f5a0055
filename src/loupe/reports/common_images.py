"""Images that several runs share, by what they are: runs on data that moved on are compared on these."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from loupe.data.identity import to_keys
from loupe.errors import RunError
from loupe.metrics import Predictions
from loupe.reports.compared_run import ComparedRun
from loupe.runs.images import SIDES, ImageRecord, Side
from loupe.wording import list_names

_LEAST = 10  # images; on fewer a comparison says nothing


@dataclass(frozen=True, eq=False)
class CommonImages:
    """What runs say of the images that all of them hold out.

    Args:
        predictions: one a run, of the same images in the same order.
        note: which images these are, in words.
    """

    predictions: list[Predictions]
    note: str


def describe_image_differences(runs: Sequence[ComparedRun]) -> Iterator[str]:
    """Yield a sentence for each side on which the runs have other images than the first of them."""
    records = [_read_record(run) for run in runs]
    for side in SIDES:
        digests = {run.digest(side) for run in runs}
        if len(digests) == 1 and None not in digests:
            continue
        known = [record for record in records if record is not None]
        if len(known) < len(runs):
            yield f"The {_NAMES[side]} images differ: {_name_differing(runs, side)}."
            continue
        sets = [set(to_keys(record.table(side).identities)) for record in known]
        counts = ", ".join(f"{len(keys):,} in {run.name}" for run, keys in zip(runs, sets, strict=True))
        common = len(set.intersection(*sets))
        yield f"The {_NAMES[side]} images differ. Distinct ones: {counts}, {common:,} in all of them."


def _name_differing(runs: Sequence[ComparedRun], side: Side) -> str:
    """Return which runs have other images than the first, and of which series each seed has its own."""
    varied = [run.name for run in runs if run.digest(side) is None]
    known = [(run.name, run.digest(side)) for run in runs if run.digest(side) is not None]
    differing = [name for name, digest in known if digest != known[0][1]]
    parts = [f"those of {known[0][0]} are not those of {list_names(differing)}"] if differing else []
    parts += [f"each seed of {list_names(varied)} has its own"] if varied else []
    return "; ".join(parts)


_NAMES = {"train": "training", "validation": "validation", "test": "test"}


def find_common_images(
    runs: Sequence[ComparedRun], split: Literal["validation", "test"]
) -> CommonImages | None:
    """Return what runs say of the images that are on this side in all of them; None where too few are.

    So no run has trained on them. Of classes in another order, or of runs without a record, it is None too.
    """
    records = [_read_record(run) for run in runs]
    names = {getattr(score, "class_names", ()) for run in runs for score in run.scores(split)}
    if any(record is None for record in records) or len(names) != 1:
        return None
    tables = [record.table(split) for record in records if record is not None]
    places = [{key: index for index, key in enumerate(to_keys(table.identities))} for table in tables]
    common = [key for key in places[0] if all(key in one for one in places)]
    if len(common) < _LEAST:
        return None
    try:
        stored = [run.folders[0].read_predictions()[split] for run in runs]
    except (RunError, KeyError):
        return None
    predictions = []
    for one, where in zip(stored, places, strict=True):
        indices = torch.tensor([where[key] for key in common], dtype=torch.int64)
        predictions.append(Predictions(one.labels[indices], one.logits[indices]))
    if any(not torch.equal(one.labels, predictions[0].labels) for one in predictions):
        return None
    return CommonImages(
        predictions, f"On the {len(common):,} {split} images that all of these runs hold out."
    )


def _read_record(run: ComparedRun) -> ImageRecord | None:
    if run.is_series:
        return None
    try:
        return run.folders[0].read_images()
    except RunError:
        return None
