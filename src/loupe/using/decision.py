"""How probabilities become answers: by shares of the classes, costs, a threshold for each class."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from loupe.errors import LoupeError
from loupe.evaluations.stakes import Costs, fill_shares, make_cost_matrix
from loupe.runs import RunFolder
from loupe.runs.scaling import read_scaling
from loupe.statistics.class_shares import adjust_to_shares
from loupe.statistics.costs import decide_cheapest
from loupe.statistics.selective import find_threshold, rank_by_confidence
from loupe.using.calibrate_run import read_validation_answers


@dataclass(frozen=True, eq=False)
class Decision:
    """What is done with the probabilities of images.

    Args:
        num_classes: of the network.
        before: shares of the classes among its validation images; None if probabilities stay.
        shares: shares where it is used; None if probabilities stay.
        costs: (classes, answers) float64, of answers; None if the most probable class is named.
        below_by_class: (classes,) float64, the least probability that naming each class takes; None without.
    """

    num_classes: int
    before: list[float] | None = None
    shares: list[float] | None = None
    costs: Tensor | None = field(default=None, repr=False)
    below_by_class: Tensor | None = None

    def adjust(self, probabilities: Tensor) -> Tensor:
        """Return probabilities with the shares heeded, (images, classes)."""
        if self.before is None or self.shares is None:
            return probabilities
        return adjust_to_shares(probabilities, self.before, self.shares).float()

    def choose(self, probabilities: Tensor) -> Tensor:
        """Return the class each image is given, (images,) int64; -1 where none is.

        Args:
            probabilities: (images, classes), adjusted.
        """
        chosen = probabilities.argmax(1)
        if self.costs is not None:
            chosen = decide_cheapest(probabilities, self.costs)
            chosen = torch.where(chosen < self.num_classes, chosen, -1)
        if self.below_by_class is not None:
            sure = probabilities.double().gather(1, chosen.clamp_min(0)[:, None]).flatten()
            chosen = torch.where(sure >= self.below_by_class[chosen.clamp_min(0)], chosen, -1)
        return chosen


def make_decision(
    run: RunFolder,
    class_names: tuple[str, ...],
    *,
    costs: Costs | None = None,
    shares: Mapping[str, float] | None = None,
    accuracy_by_class: float | None = None,
) -> Decision | None:
    """Return what was asked for; None if nothing was.

    Args:
        run: the run's folder.
        class_names: of its network.
        costs: of answers, by true class.
        shares: of classes where the network is used.
        accuracy_by_class: wished of each answer: its threshold is chosen on validation images.

    Raises:
        LoupeError: a name is no class, shares do not add up, an accuracy out of range, no answers on record.
    """
    if costs is None and shares is None and accuracy_by_class is None:
        return None
    before = None
    if shares is not None:
        labels = read_validation_answers(run).labels
        before = (torch.bincount(labels, minlength=len(class_names)) / len(labels)).tolist()
    return Decision(
        len(class_names),
        before,
        fill_shares(shares, class_names, before) if shares is not None and before is not None else None,
        make_cost_matrix(costs, class_names)[0] if costs is not None else None,
        choose_class_thresholds(run, accuracy_by_class) if accuracy_by_class is not None else None,
    )


def choose_class_thresholds(run: RunFolder, accuracy: float) -> Tensor:
    """Return for each class the least probability from which on that answer is right as often as wished.

    Chosen on the run's validation answers, scaled as `predict` scales its own; above 1 where no threshold
    reaches it, so that the class is never named.

    Raises:
        LoupeError: an accuracy out of range, or no answers on record.
    """
    if not 0 < accuracy < 1:
        raise LoupeError(
            "The wished accuracy is out of range.",
            got=f"{accuracy}",
            allowed="a share, above 0 and below 1",
            next_step="write 99 % as 0.99",
        )
    answers = read_validation_answers(run)
    scaling = read_scaling(run, answers.num_classes)
    scaled = scaling.apply_to(answers) if scaling is not None else answers
    thresholds = torch.full((answers.num_classes,), 2.0, dtype=torch.float64)
    for label in range(answers.num_classes):
        is_said = scaled.predicted == label
        if bool(is_said.any()):
            ranked = rank_by_confidence(scaled.confidence[is_said], scaled.is_right[is_said])
            found = find_threshold(ranked, accuracy)
            thresholds[label] = found.below if found is not None else 2.0
    return thresholds
