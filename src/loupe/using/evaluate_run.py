"""`loupe evaluate`: metrics and evaluations of a trained network, on its own images or on others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import torch

from loupe.data import ImageDataset
from loupe.data.image_files import Fit
from loupe.errors import LoupeError
from loupe.evaluations import LookedAt, Network, Subject, carry_out
from loupe.evaluations.stakes import Costs
from loupe.metrics import Predictions, choose_metrics
from loupe.plugins import load_named_plugins
from loupe.runs import RunFolder, find_run_folder, find_single_run, name_run
from loupe.runs.looks import log_look
from loupe.runs.series_folder import SeriesFolder, open_run_folder
from loupe.using.evaluate_series import AskedOfSeries, evaluate_series
from loupe.using.evaluated import Evaluated
from loupe.using.evaluation_checks import (
    OTHER,
    read_examples,
    refuse_impossible,
    refuse_missing,
    refuse_unlike,
)
from loupe.using.evaluation_setup import (
    MARGIN,
    choose_asked,
    choose_by_stakes,
    measure_network,
    note_roles,
    note_scaling,
    objective_of_run,
    open_asked,
    take_own,
)
from loupe.using.labelled_images import LabelledImages, read_labelled_images
from loupe.using.opened_run import OpenedRun, open_run


def evaluate_run(  # noqa: PLR0913 - what can be asked, each by its name
    run: str | PathLike[str],
    *places: str | Path,
    looks: Sequence[str] | None = None,
    metrics: Sequence[str] = (),
    on_test: bool = False,
    against: str | PathLike[str] | None = None,
    margin: float = MARGIN,
    costs: Costs | None = None,
    shares: Mapping[str, float] | None = None,
    fit: Fit | None = None,
    device: str = "auto",
    plugins: Sequence[str] = (),
    data: Path | None = None,
) -> Evaluated:
    """Return what metrics and evaluations say of a run's network.

    Args:
        run: a run folder, or its name in runs/; of a series of seeds, the mean of its networks is evaluated.
        places: folders of images, named after classes; the run's validation images if left out.
        looks: evaluations by name; those the recipe asks for if left out, "default" stands for these.
        metrics: further metrics by name, beside those of the recipe.
        on_test: look at the run's own test images: the lock is opened, and the look counted.
        against: a second run, compared on the same images.
        margin: points of accuracy that would not matter: whether the run is worse by no more is said.
        costs: what answers cost, by true class and answer: the look `expected_cost` takes them.
        shares: of the classes where the network is used: the look `prior_shift` takes them.
        fit: how images of another size come to the network's; as in training if left out.
        device: "auto" or a torch device name.
        plugins: Python files that register further evaluations and metrics.
        data: where the run's images lie now; where they were if left out.

    Raises:
        LoupeError: no such run, images, evaluation or metric; or the two networks do not share the images.
    """
    plugins = load_named_plugins(plugins)
    series = open_run_folder(find_run_folder(run))
    if isinstance(series, SeriesFolder):
        stakes = choose_by_stakes(costs, shares)
        asked_for = AskedOfSeries(
            places, looks, stakes, metrics, on_test, against, fit, device, plugins, data
        )
        return evaluate_series(series, asked_for)
    opened = open_run(RunFolder(find_single_run(run)), device, data=data)
    second = None
    if against is not None:
        second = open_run(RunFolder(find_single_run(against)), device, data=data)
    refuse_impossible(opened, places, on_test=on_test, against=against)
    split = OTHER if places else "test" if on_test else "validation"
    chosen = choose_asked(
        opened, looks, plugins, margin if second is not None else None, choose_by_stakes(costs, shares)
    )
    measured = choose_metrics([*opened.recipe.evaluate.metrics, *metrics])
    if looks is not None:  # everything is refused before a lock is opened
        refuse_missing(chosen, looks, opened, is_test=on_test)
    if second is not None:
        refuse_unlike(opened, second, split)
    given = read_labelled_images(opened, places, fit) if places else None
    images = given.images if given is not None else take_own(opened, split, chosen)
    if second is not None and on_test:  # they are its test images too, and it is asked about them
        log_look(second.run, f"loupe evaluate {name_run(opened.run.path)} --test, against this run")
    asked_of = [one for one in (opened, second) if one is not None]
    warnings = [line for one in asked_of for line in (*note_roles(one, given), *note_scaling(one))]
    network, level = open_asked(opened), opened.recipe.evaluate.confidence
    answers, values = measure_network(opened, network, images, measured, level)
    asked = _ask_second(second, images, given, fit) if second is not None else None
    subject = Subject(
        objective_of_run(opened),
        opened.class_names,
        (LookedAt(split, answers, images, is_locked=on_test),),
        level=level,
        seed=opened.recipe.split_seed,
        network=network,
        load_training=lambda: opened.splits.train,
        examples=read_examples(opened),
        validation_answers=opened.predictions,
        metrics=tuple(measured),
        against=asked.answers if asked is not None else None,
        against_network=asked.network if asked is not None else None,
        against_images=asked.images if asked is not None else None,
        names=_name_both(opened, second) if second is not None else None,
    )
    refusals = given.refusals if given is not None else ()
    found = carry_out(chosen, subject)
    return Evaluated(opened.run, split, images, level, tuple(values), found, tuple(warnings), refusals)


def _ask_second(
    second: OpenedRun, images: ImageDataset, given: LabelledImages | None, fit: Fit | None
) -> "_Second":
    """Return the second network and its answers, their classes in the order of the first's."""
    shown = images
    if given is not None:
        again = read_labelled_images(second, given.files, fit)
        if again.files != given.files:
            raise LoupeError(
                "The second network cannot be asked about all of these images.",
                got=f"{len(again.files)} of {len(given.files)} images that {second.run.path.name} can take",
                allowed="images that both networks take",
                next_step="say how they come to its size: --fit resize",
            )
        shown = again.images
    network = open_asked(second)
    answers = network.predict(shown)
    order = torch.tensor([second.class_names.index(name) for name in images.class_names])
    return _Second(network, shown, Predictions(images.labels.cpu(), answers.logits[:, order]))


@dataclass(frozen=True, eq=False)
class _Second:
    """A second network, the images as it takes them, and what it says of them."""

    network: Network
    images: ImageDataset
    answers: Predictions


def _name_both(opened: OpenedRun, second: OpenedRun) -> tuple[str, str]:
    names = name_run(opened.run.path), name_run(second.run.path)
    return names if names[0] != names[1] else (str(opened.run.path), str(second.run.path))
