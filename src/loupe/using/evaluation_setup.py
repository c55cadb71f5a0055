"""What evaluating a run takes, whether one network is asked, two, or the seeds of a series."""

from collections.abc import Mapping, Sequence

import torch

from loupe.data import ImageDataset
from loupe.errors import RunError
from loupe.evaluations import Network, choose_evaluations
from loupe.evaluations.registry import ChosenEvaluation, list_ensemble_evaluations, list_paired_evaluations
from loupe.evaluations.stakes import Costs, fill_shares, make_cost_matrix
from loupe.metrics import MetricValue, Predictions, Reconstructions, compute_metrics, reconstruct
from loupe.metrics.reconstruction import compute_reconstruction_score
from loupe.metrics.registry import ChosenMetric
from loupe.models import ObjectiveName
from loupe.plugins import name_plugin_module
from loupe.recipe.sections import Choice
from loupe.running.looks import choose_looks
from loupe.runs import name_run
from loupe.runs.looks import follow_looks
from loupe.runtime import choose_precision
from loupe.using.labelled_images import LabelledImages
from loupe.using.opened_run import OpenedRun
from loupe.using.own_images import Role

MARGIN = 0.5
"""Points of accuracy that do not matter, if nothing else is said."""


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


def objective_of_run(opened: OpenedRun) -> ObjectiveName:
    return "classification" if opened.classifier is not None else "reconstruction"


def choose_asked(
    opened: OpenedRun,
    looks: Sequence[str] | None,
    plugins: Sequence[str],
    margin: float | None = None,
    more: Sequence[Choice] = (),
    *,
    is_series: bool = False,
) -> tuple[ChosenEvaluation, ...]:
    """Return the evaluations asked for; with two networks, or several, those that compare them too.

    Args:
        opened: the run.
        looks: asked for by name.
        plugins: of the call.
        margin: of the comparison, in points; None without a second network.
        more: looks that are taken besides.
        is_series: whether this stands for the networks of several seeds.

    Raises:
        LoupeError: no such look; costs or shares of what is no class.
    """
    _refuse_wrong_stakes(more, opened)
    modules = [name_plugin_module(one) for one in (*opened.recipe.run.plugins, *plugins)]
    objective = objective_of_run(opened)
    paired: list[str | Choice] = [*more]
    paired += choose_paired(objective, margin) if margin is not None else []
    paired += list_ensemble_evaluations(objective) if is_series else []
    if looks is not None:
        named = {one.partition(":")[0] for one in looks}  # with settings of its own
        paired = [one for one in paired if not isinstance(one, str) or one.partition(":")[0] not in named]
        return choose_evaluations([*looks, *paired], objective, modules)
    by_name = {one.name: one for one in choose_looks(opened.recipe)}
    own = choose_evaluations(["default"] if plugins else [], objective, modules)
    by_name |= {one.name: one for one in (*own, *choose_evaluations(paired, objective))}
    return tuple(sorted(by_name.values(), key=lambda one: (one.order, one.name)))


def choose_by_stakes(costs: Costs | None, shares: Mapping[str, float] | None) -> list[Choice]:
    """Return the looks that costs and shares ask for."""
    asked = []
    if costs is not None:
        asked.append(Choice(name="expected_cost", costs={name: dict(one) for name, one in costs.items()}))
    if shares is not None:
        asked.append(Choice(name="prior_shift", shares=dict(shares)))
    return asked


def _refuse_wrong_stakes(asked: Sequence[Choice], opened: OpenedRun) -> None:
    """Check costs and shares before an image is looked at."""
    for one in asked:
        if "costs" in one.settings:
            make_cost_matrix(one.settings["costs"], opened.class_names)
        if "shares" in one.settings:
            fill_shares(one.settings["shares"], opened.class_names, _count_shares(opened))


def _count_shares(opened: OpenedRun) -> list[float]:
    """Return the classes' shares among the validation images; equal ones where these are not at hand."""
    num_classes, answers = len(opened.class_names), opened.predictions
    if answers is None:
        return [1 / num_classes] * num_classes
    return (torch.bincount(answers.labels, minlength=num_classes) / len(answers.labels)).tolist()


def choose_paired(objective: ObjectiveName, margin: float) -> list[str]:
    """Return evaluations that set two networks against each other, with a margin in points of accuracy."""
    names = list_paired_evaluations(objective)
    return [f"{one}:margin={margin}" if one == "two_networks" and margin != MARGIN else one for one in names]


def take_own(opened: OpenedRun, split: str, chosen: Sequence[ChosenEvaluation]) -> ImageDataset:
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


def measure_network(
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


def note_roles(opened: OpenedRun, given: LabelledImages | None) -> list[str]:
    """Return what a reader of numbers on other data should know; a look at own test images is counted.

    Called before the network is asked.
    """
    if given is None or opened.classifier is None:
        return []
    own, name = opened.own, name_run(opened.run.path)
    keys = [own.list_keys(image, file) for image, file in zip(given.images.pixels, given.files, strict=True)]
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


def note_scaling(opened: OpenedRun) -> list[str]:
    """Return that a network's probabilities were set right, which its evaluation leaves as they were."""
    scaling = opened.classifier.scaling if opened.classifier is not None else None
    if scaling is None:
        return []
    return [
        f"`loupe calibrate` has set the probabilities of {name_run(opened.run.path)} right "
        f"({scaling.describe()}) for predict, page and export; these are as the network says them"
    ]


_ROLES: dict[tuple[Role, ...], str] = {
    ("train", "validation", "before"): "trained or selected the network of {name}: the numbers flatter it",
    ("test",): "are test images of {name}: this look is counted",
}
