"""`loupe evaluate`: metrics and evaluations of a trained network, on its own images or on others."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from loupe.data import ImageDataset
from loupe.data.image_files import Fit
from loupe.errors import LoupeError, RunError
from loupe.evaluations import (
    LookedAt,
    Looks,
    Network,
    Subject,
    carry_out,
    choose_evaluations,
)
from loupe.evaluations.registry import ChosenEvaluation, list_paired_evaluations
from loupe.metrics import (
    MetricValue,
    Predictions,
    Reconstructions,
    choose_metrics,
    compute_metrics,
    reconstruct,
)
from loupe.metrics.reconstruction import compute_reconstruction_score
from loupe.metrics.registry import ChosenMetric
from loupe.models import ObjectiveName
from loupe.plugins import load_named_plugins, name_plugin_module
from loupe.reports.run_report import name_run
from loupe.running.looks import choose_looks
from loupe.runs import RunFolder, find_single_run
from loupe.runs.looks import follow_looks, log_look
from loupe.runtime import choose_precision
from loupe.using.evaluation_checks import (
    OTHER,
    read_examples,
    refuse_impossible,
    refuse_missing,
    refuse_unlike,
)
from loupe.using.labelled_images import LabelledImages, read_labelled_images
from loupe.using.opened_run import OpenedRun, open_run
from loupe.using.own_images import Role
from loupe.using.predict_images import Refusal


@dataclass(frozen=True, eq=False)
class Evaluated:
    """A network evaluated on a set of images.

    Args:
        run: the run's folder.
        split: "validation", "test", or "other data".
        images: what it was evaluated on.
        level: of the intervals.
        metrics: what metrics say.
        looks: what evaluations found.
        warnings: what a reader of the numbers should know.
        refusals: files left out, and why.
    """

    run: RunFolder
    split: str
    images: ImageDataset
    level: float
    metrics: tuple[MetricValue, ...]
    looks: Looks
    warnings: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    @property
    def name(self) -> str:
        """How the run is called."""
        return name_run(self.run.path)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the pictures as plain values."""
        return {
            "run": str(self.run.path),
            "split": self.split,
            "num_images": len(self.images),
            "level": self.level,
            "metrics": [
                {
                    "name": one.metric.name,
                    "value": one.value,
                    "unit": one.metric.unit,
                    "better": one.metric.better,
                    "low": one.interval.low if one.interval else None,
                    "high": one.interval.high if one.interval else None,
                }
                for one in self.metrics
            ],
            **self.looks.to_dict(),
            "warnings": list(self.warnings),
            "refusals": [{"file": str(one.file), "reason": one.reason} for one in self.refusals],
        }


def evaluate_run(  # noqa: PLR0913 - what can be asked, each by its name
    run: str | Path,
    *places: str | Path,
    looks: Sequence[str] | None = None,
    metrics: Sequence[str] = (),
    on_test: bool = False,
    against: str | Path | None = None,
    fit: Fit | None = None,
    device: str = "auto",
    plugins: Sequence[str] = (),
    data: Path | None = None,
) -> Evaluated:
    """Return what metrics and evaluations say of a run's network.

    Args:
        run: a run folder, or its name in runs/.
        places: folders of images, named after classes; the run's validation images if left out.
        looks: evaluations by name; those the recipe asks for if left out, "default" stands for these.
        metrics: further metrics by name, beside those of the recipe.
        on_test: look at the run's own test images: the lock is opened, and the look counted.
        against: a second run, compared on the same images.
        fit: how images of another size come to the network's; as in training if left out.
        device: "auto" or a torch device name.
        plugins: Python files that register further evaluations and metrics.
        data: where the run's images lie now; where they were if left out.

    Raises:
        LoupeError: no such run, images, evaluation or metric; or the two networks do not share the images.
    """
    plugins = load_named_plugins(plugins)
    opened = open_run(RunFolder(find_single_run(run)), device, data=data)
    second = None
    if against is not None:
        second = open_run(RunFolder(find_single_run(against)), device, data=data)
    refuse_impossible(opened, places, on_test=on_test, against=against)
    split = OTHER if places else "test" if on_test else "validation"
    chosen = _choose(opened, looks, plugins, is_paired=second is not None)
    measured = choose_metrics([*opened.recipe.evaluate.metrics, *metrics])
    if looks is not None:  # everything is refused before a lock is opened
        refuse_missing(chosen, opened, is_test=on_test)
    if second is not None:
        refuse_unlike(opened, second, split)
    given = read_labelled_images(opened, places, fit) if places else None
    images = given.images if given is not None else _take_own(opened, split, chosen)
    if second is not None and on_test:  # they are its test images too, and it is asked about them
        log_look(second.run, f"loupe evaluate {name_run(opened.run.path)} --test, against this run")
    warnings = [*_note_roles(opened, given), *(_note_roles(second, given) if second is not None else ())]
    network, level = open_asked(opened), opened.recipe.evaluate.confidence
    answers, values = _measure(opened, network, images, measured, level)
    subject = Subject(
        _objective_of(opened),
        opened.class_names,
        (LookedAt(split, answers, images, is_locked=on_test),),
        level=level,
        seed=opened.recipe.split_seed,
        network=network,
        load_training=lambda: opened.splits.train,
        examples=read_examples(opened),
        validation_answers=opened.predictions,
        against=_ask_second(second, images, given, fit) if second is not None else None,
        names=_name_both(opened, second) if second is not None else None,
    )
    refusals = given.refusals if given is not None else ()
    found = carry_out(chosen, subject)
    return Evaluated(opened.run, split, images, level, tuple(values), found, tuple(warnings), refusals)


def _objective_of(opened: OpenedRun) -> ObjectiveName:
    return "classification" if opened.classifier is not None else "reconstruction"


def _measure(
    opened: OpenedRun,
    network: Network,
    images: ImageDataset,
    chosen: Sequence[ChosenMetric],
    level: float,
) -> tuple[Predictions | Reconstructions, list[MetricValue]]:
    """Return the network's answers, and what metrics make of them."""
    if opened.classifier is not None:
        predictions = network.predict(images)
        return predictions, compute_metrics(predictions, opened.class_names, level, chosen).values
    made = reconstruct(opened.model, network.batches(images), network.precision, chosen=chosen, level=level)
    return made, compute_reconstruction_score(made.errors, (), level, made.values).values


def open_asked(opened: OpenedRun) -> Network:
    """Return the network of an opened run as evaluations ask it."""
    train = opened.recipe.train
    return Network(
        opened.model,
        opened.normalization,
        opened.layers,
        opened.device,
        choose_precision(train.precision, opened.device),
        opened.recipe.evaluate.batch_size,
    )


def _choose(
    opened: OpenedRun,
    looks: Sequence[str] | None,
    plugins: Sequence[str],
    *,
    is_paired: bool,
) -> tuple[ChosenEvaluation, ...]:
    """Return the evaluations asked for; with two networks those that compare them too."""
    modules = [name_plugin_module(one) for one in (*opened.recipe.run.plugins, *plugins)]
    objective = _objective_of(opened)
    paired = list_paired_evaluations(objective) if is_paired else []
    if looks is not None:
        return choose_evaluations([*looks, *paired], objective, modules)
    by_name = {one.name: one for one in choose_looks(opened.recipe)}
    more = choose_evaluations(["default"] if plugins else [], objective, modules)
    by_name |= {one.name: one for one in (*more, *choose_evaluations(paired, objective))}
    return tuple(sorted(by_name.values(), key=lambda one: (one.order, one.name)))


def _take_own(opened: OpenedRun, split: str, chosen: Sequence[ChosenEvaluation]) -> ImageDataset:
    """Return the run's validation or test images; the lock of these is opened, and the look logged."""
    if split == "validation":
        return opened.validation
    test = opened.splits.test
    if test.digest != opened.run.read_environment()["data_digests"]["test"]:
        raise RunError(
            f"The test images of run {opened.run.path.name} are not what they were.",
            got="another content of the dataset",
            allowed="the data that environment.json records",
            next_step="bring the old data back, or name it with --data; or train anew",
        )
    follow_looks(opened.run, test, opened.recipe)
    names = ", ".join(one.name for one in chosen)
    return test.open(f"loupe evaluate: metrics{f', {names}' if names else ''}")


def _ask_second(
    second: OpenedRun, images: ImageDataset, given: LabelledImages | None, fit: Fit | None
) -> Predictions:
    """Return the second network's answers, their classes in the order of the first's."""
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
    answers = open_asked(second).predict(shown)
    order = torch.tensor([second.class_names.index(name) for name in images.class_names])
    return Predictions(images.labels.cpu(), answers.logits[:, order])


def _name_both(opened: OpenedRun, second: OpenedRun) -> tuple[str, str]:
    names = name_run(opened.run.path), name_run(second.run.path)
    return names if names[0] != names[1] else (str(opened.run.path), str(second.run.path))


def _note_roles(opened: OpenedRun, given: LabelledImages | None) -> list[str]:
    """Return what a reader of numbers on other data should know; a look at own test images is counted.

    Called before the network is asked.
    """
    if given is None or opened.classifier is None:
        return []
    own, name = opened.own, name_run(opened.run.path)
    keys = [own.list_keys(image, file) for image, file in zip(given.images.images, given.files, strict=True)]
    with own.one_look("loupe evaluate on other data"):
        own.note([key for of_image in keys for key in of_image])
    roles = [own.find_role(of_image) for of_image in keys]
    if None in roles:
        return [f"whether some of these images trained or selected the network of {name} is not known"]
    told, total = [], len(roles)
    for wanted, text in _ROLES.items():
        count = sum(role in wanted for role in roles)
        if count:
            told.append(f"{count:,} of these {total:,} images {text.format(name=name)}")
    return told


_ROLES: dict[tuple[Role, ...], str] = {
    ("train", "validation", "before"): "trained or selected the network of {name}: the numbers flatter it",
    ("test",): "are test images of {name}: this look is counted",
}
