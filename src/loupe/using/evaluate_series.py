"""`loupe evaluate` of a series of seeds: the mean of its networks, beside each of them alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from loupe.data import ImageDataset
from loupe.data.image_files import Fit
from loupe.errors import LoupeError, RunError
from loupe.evaluations import LookedAt, Subject, carry_out
from loupe.metrics import Predictions, choose_metrics, compute_metrics
from loupe.recipe.sections import Choice
from loupe.runs import find_run_folder, name_run
from loupe.runs.looks import log_look
from loupe.runs.series_folder import SeriesFolder, open_run_folder
from loupe.using.evaluated import Evaluated
from loupe.using.evaluation_checks import OTHER, refuse_impossible, refuse_missing
from loupe.using.evaluation_setup import choose_asked, note_roles, open_asked, take_own
from loupe.using.labelled_images import read_labelled_images
from loupe.using.opened_run import OpenedRun
from loupe.using.opened_series import OpenedSeries, average_predictions, open_series
from loupe.wording import list_names


@dataclass(frozen=True)
class AskedOfSeries:
    """What is asked; fields as the arguments of `evaluate_run`, `stakes` what costs and shares ask for."""

    places: Sequence[str | Path] = ()
    looks: Sequence[str] | None = None
    stakes: Sequence[Choice] = ()
    metrics: Sequence[str] = ()
    on_test: bool = False
    against: str | PathLike[str] | None = None
    fit: Fit | None = None
    device: str = "auto"
    plugins: Sequence[str] = ()
    data: Path | None = None


def evaluate_series(series: SeriesFolder, asked: AskedOfSeries) -> Evaluated:
    """Return what metrics and evaluations say of the mean of a series' networks.

    Raises:
        LoupeError: as `evaluate_run`; fewer than two seeds have finished, or they hold other images back.
    """
    opened = open_series(series, asked.device, data=asked.data)
    first, split = opened.first, OTHER if asked.places else "test" if asked.on_test else "validation"
    refuse_impossible(first, asked.places, on_test=asked.on_test, against=None)
    _refuse_what_no_series_has(opened, asked, split)
    chosen = choose_asked(first, asked.looks, asked.plugins, None, asked.stakes, is_series=True)
    if asked.looks is not None:
        refuse_missing(chosen, asked.looks, first, is_test=asked.on_test)
    given = read_labelled_images(first, asked.places, asked.fit) if asked.places else None
    images = given.images if given is not None else take_own(first, split, chosen)
    others = list(opened.members.values())[1:]
    if asked.on_test:  # they are the other seeds' test images too
        for one in others:
            log_look(one.run, f"loupe evaluate {name_run(series.path)} --test: all seeds as one network")
    warnings = [line for one in (first, *others) for line in note_roles(one, given)]
    warnings += _note_scalings(opened, split)
    members = tuple(_ask(opened, seed, images) for seed in opened.members)
    answers, level = average_predictions(members), first.recipe.evaluate.confidence
    measured = choose_metrics([*first.recipe.evaluate.metrics, *asked.metrics])
    values = compute_metrics(answers, first.class_names, level, measured).values
    subject = Subject(
        "classification",
        first.class_names,
        (LookedAt(split, answers, images, is_locked=asked.on_test),),
        level=level,
        seed=first.recipe.split_seed,
        network=opened.network,
        load_training=(lambda: first.splits.train) if opened.is_shared("train") else None,
        validation_answers=_find_validation_answers(opened),
        metrics=tuple(measured),
        names=opened.names,
        members=members,
    )
    refusals = given.refusals if given is not None else ()
    found = carry_out(chosen, subject)
    return Evaluated(series, split, images, level, tuple(values), found, tuple(warnings), refusals)


def _ask(opened: OpenedSeries, seed: int, images: ImageDataset) -> Predictions:
    one = opened.members[seed]
    return _scale(one, open_asked(one).predict(images))


def _scale(one: OpenedRun, said: Predictions) -> Predictions:
    """Return what a network says as it is kept: set right, if `loupe calibrate` did that."""
    scaling = one.classifier.scaling if one.classifier is not None else None
    return scaling.apply_to(said) if scaling is not None else said


def _refuse_what_no_series_has(opened: OpenedSeries, asked: AskedOfSeries, split: str) -> None:
    """Check that images are held back by every seed, and that nothing is asked of one network alone.

    Raises:
        RunError: they are not; one seed would be judged on what another trained on.
    """
    name = opened.series.path.name
    if asked.against is not None:
        raise LoupeError(
            f"The seeds of series {name} cannot be compared with another network like that.",
            got="--against",
            allowed="one of its runs against another run",
            next_step=f"loupe evaluate {opened.first.run.path} --against {_name_one(asked.against)}",
        )
    if split != OTHER and not opened.is_shared(split):
        raise RunError(
            f"The seeds of series {name} do not share their {split} images: one trained on another's.",
            got=f"other {split} images for each seed",
            allowed="a series with one data.split_seed, its test images (--test), or other images",
            next_step="train it with data.split_seed=0, or name a folder of labelled images",
        )


def _name_one(against: str | PathLike[str]) -> str:
    """Return the other network; of a series its first seed, as one run is set against another."""
    try:
        other = open_run_folder(find_run_folder(against))
    except LoupeError:
        return str(against)
    runs = list(other.runs.values()) if isinstance(other, SeriesFolder) else []
    return str(runs[0].path) if runs else str(against)


def _note_scalings(opened: OpenedSeries, split: str) -> list[str]:
    """Return of which networks the mean takes probabilities that were set right, and of which it does not."""
    scalings = {
        f"seed {seed}": one.classifier.scaling
        for seed, one in opened.members.items()
        if one.classifier is not None and one.classifier.scaling is not None
    }
    if not scalings:
        return []
    told = list_names([f"of {name} ({one.describe()})" for name, one in scalings.items()])
    rest = [name for name in opened.names if name not in scalings]
    mixed = f", those of {list_names(rest)} are as the networks say them" if rest else ""
    fitted = "; these images are the ones that was fitted to, which flatters" if split == "validation" else ""
    return [f"the mean takes probabilities as `loupe calibrate` set them right {told}{mixed}{fitted}"]


def _find_validation_answers(opened: OpenedSeries) -> Predictions | None:
    """Return what the mean network says of the validation images all share; None if they do not."""
    found = [(one, one.predictions) for one in opened.members.values()]
    known = [_scale(one, said) for one, said in found if said is not None]
    if len(known) < len(found) or not opened.is_shared("validation"):
        return None
    return average_predictions(known)
