"""Errors under corruptions as a part of a reference's: the mean corruption error.

D. Hendrycks and T. Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations", ICLR 2019, arXiv:1903.12261, section 4: the errors at the five severities of a corruption,
summed, over the same sum of a reference network; then the mean over corruptions. Relative: of each error that
of the plain images is taken away first.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import torch
from torch import Tensor

from loupe.data import ImageDataset, pick_stratified
from loupe.data.corruptions import CORRUPTIONS, SEVERITIES
from loupe.evaluations.damage import Damage, spoil_all
from loupe.evaluations.simple_classifiers import fit_logistic, flatten_pixels, measure_spread
from loupe.statistics import Interval
from loupe.statistics.score_intervals import compute_mean_interval

LEAST_LOST = 0.01
"""Accuracy a reference has to lose to a corruption, mean over severities, for the relative error to be
defined: what is nearly nothing divides nothing."""
_FEWEST_SHARE = 0.5  # of the corruptions: the mean of fewer is none over corruptions
_MOST_VALUES = 2**24  # pixels that the reference of a run is fitted to
_MOST_TRAINING = 10_000  # images likewise, as the baselines are
_PENALTY = 0.01  # as among the baselines
_FILE = "reference_errors.json"


@dataclass(frozen=True, eq=False)
class Reference:
    """What another network loses to the same corruptions.

    Args:
        name: what it is, in running text.
        plain: error on images as they are, in [0, 1].
        errors: (corruptions, severities) float64 in [0, 1].
        note: where it comes from, in sentences.
    """

    name: str
    plain: float
    errors: Tensor
    note: str

    @property
    def losses(self) -> Tensor:
        """Accuracy it loses to each corruption, mean over severities: (corruptions,)."""
        return self.errors.mean(1) - self.plain


@dataclass(frozen=True, eq=False)
class CorruptionError:
    """A network's errors as a part of a reference's; 1 is as bad as that.

    Args:
        by_corruption: (corruptions,) float64; NaN where the reference makes no mistake.
        relative: (corruptions,) float64; NaN where the reference loses less than `LEAST_LOST`.
        mean: of `by_corruption`, of those that are defined; None if none is.
        interval: of the mean, over images; the reference is taken as it is.
        relative_mean: of `relative`, likewise; None where fewer than half of these are defined.
        relative_interval: of that.
    """

    by_corruption: Tensor
    relative: Tensor
    mean: float | None
    interval: Interval | None
    relative_mean: float | None
    relative_interval: Interval | None


def compare_errors(damage: Damage, reference: Reference, level: float) -> CorruptionError:
    """Return errors under corruptions as parts of a reference's, and the means with intervals at `level`."""
    wrong = 1 - damage.right.double().mean(1)  # (corruptions, images)
    base = reference.errors.double().mean(1)
    ratios = wrong / base.where(base > 0, torch.nan)[:, None]
    losses = reference.losses.double()
    relative = damage.lose() / losses.where(losses >= LEAST_LOST, torch.nan)[:, None]
    mean, interval = _average(ratios, level, low=0.0)
    relative_mean, relative_interval = None, None
    if int((~relative.isnan().any(1)).sum()) >= _FEWEST_SHARE * len(relative):
        relative_mean, relative_interval = _average(relative, level)
    return CorruptionError(ratios.mean(1), relative.mean(1), mean, interval, relative_mean, relative_interval)


def _average(
    ratios: Tensor, level: float, low: float = -float("inf")
) -> tuple[float | None, Interval | None]:
    """Return the mean over corruptions that are defined, and its interval over images."""
    defined = ratios[~ratios.isnan().any(1)]
    if not len(defined):
        return None, None
    by_image = defined.mean(0)
    return float(by_image.mean()), compute_mean_interval(by_image, level, low=low)


def find_reference(images: ImageDataset) -> Reference | None:
    """Return the errors that are stored for images of this origin, shape and classes; None without any."""
    stored = read_references()
    for of_set in stored["sets"]:
        is_same = (
            images.source == of_set["source"]
            and list(images.class_names) == of_set["class_names"]
            and [images.in_channels, *images.image_size] == of_set["image_shape"]
        )
        if is_same:
            return _read(of_set, stored)
    return None


@cache
def read_references() -> Mapping[str, Any]:
    """Return what the file that comes with the package holds; `tools/measure_reference.py` writes it."""
    return json.loads(resources.files(__package__).joinpath(_FILE).read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def _read(of_set: Mapping[str, Any], stored: Mapping[str, Any]) -> Reference:
    errors = torch.tensor([of_set["errors"][name] for name in CORRUPTIONS], dtype=torch.float64)
    seeds, count = len(of_set["seeds"]), of_set["images"]
    note = (
        f"The reference comes with Loupe: {stored['network']}, mean of {seeds} seeds, each judged on its "
        f"{count:,} validation images, by {stored['command']}."
    )
    return Reference("the reference network", float(of_set["plain"]), errors, note)


def fit_reference(training: ImageDataset, some: ImageDataset, seed: int) -> Reference:
    """Return what a logistic regression on pixels loses, fitted to training images and judged on `some`.

    Args:
        training: images to fit to; of many, a stratified part.
        some: the images the network is judged on, in memory.
        seed: of the part, and of the corruptions, which are those the network sees.
    """
    height, width = training.image_size
    most = min(_MOST_TRAINING, max(1, _MOST_VALUES // (training.in_channels * height * width)))
    training = training.to(torch.device("cpu"))
    chosen = training.select(pick_stratified(training.labels.cpu(), min(most, len(training)), seed)).load()
    pixels = flatten_pixels(chosen)
    mean, scale = measure_spread(pixels)
    scores = fit_logistic((pixels - mean) * scale, chosen.labels, training.num_classes, _PENALTY)

    def ask(images: ImageDataset) -> Tensor:
        return scores.say((flatten_pixels(images) - mean) * scale).argmax(1) == images.labels

    damage = spoil_all(some, ask, seed)
    note = (
        f"No reference is stored for these images: it is the logistic regression on pixels, fitted to "
        f"{len(chosen):,} of {len(training):,} training images and judged on the same spoilt images. "
        "Such numbers compare networks on these images, and with none elsewhere."
    )
    return Reference(
        "logistic regression on pixels",
        float(1 - damage.plain.double().mean()),
        1 - damage.right.double().mean(2),
        note,
    )


def is_whole(errors: Mapping[str, list[float]]) -> bool:
    """Return whether stored errors are of every corruption at every severity."""
    return list(errors) == list(CORRUPTIONS) and all(len(one) == SEVERITIES for one in errors.values())
