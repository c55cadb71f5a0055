"""`loupe predict`: what a run's network says of image files, and how often it is right where one knows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import torch

from loupe.data.image_files import Fit
from loupe.errors import DataError, LoupeError, ShapeError
from loupe.evaluations.stakes import Costs
from loupe.statistics.selective import Threshold
from loupe.using.asked_files import ImageFile, find_files
from loupe.using.calibrate_run import choose_threshold
from loupe.using.classifier import Classifier, open_classifier
from loupe.using.decision import Decision, make_decision
from loupe.using.image_answers import Answer, Answers, Refusal
from loupe.using.own_images import OwnImages


def predict(  # noqa: PLR0913 - what can be asked, each by its name
    run: str | PathLike[str] | Classifier,
    *places: str | Path,
    top: int = 1,
    below: float | None = None,
    fit: Fit | None = None,
    device: str = "auto",
    data: Path | None = None,
    accuracy: float | None = None,
    mistake_cost: float | None = None,
    by_class: bool = False,
    costs: Costs | None = None,
    shares: Mapping[str, float] | None = None,
) -> Answers:
    """Return what a run's network says of image files.

    Args:
        run: a run's folder or name, or a classifier that is open already.
        places: image files, and folders whose images are taken, those of sub-folders too.
        top: classes an answer names, ≥ 1.
        below: an image whose most probable class is less probable than this is left unsure, in (0, 1].
        fit: how images come to the network's size; as in training if left out.
        device: "auto" or a torch device name.
        data: where the run's own images lie now; of a run that keeps no record of them, they say what the
            images asked about were to it.
        accuracy: in place of `below`: the threshold that reaches this among validation images, in (0, 1).
        mistake_cost: likewise: the cheapest one, if a mistake costs as much as so many images left unsure.
        by_class: `accuracy` is wished of each answer: a threshold for each class.
        costs: what answers cost, by true class and answer: the answer of least expected cost is given.
        shares: of the classes where the images come from: probabilities heed them.

    Raises:
        LoupeError: no such run, file or folder, no image in a folder, or numbers out of range. A file that
            cannot be read is no error; it stands among the refusals.
    """
    classifier = run if isinstance(run, Classifier) else open_classifier(run, device, data=data)
    decision = _make_decision(classifier, accuracy, costs, shares, by_class=by_class)
    threshold = None
    if not by_class:
        threshold = _choose_threshold(classifier, below, accuracy, mistake_cost)
    below = threshold.below if threshold is not None else below
    _refuse_impossible_numbers(classifier, top, below)
    files = find_files(places, classifier.class_names)
    own = classifier.own or OwnImages(classifier.run, data)
    asking = _Asking(classifier, own, top, below, fit or classifier.fit, decision)
    with own.one_look(f"predict on {', '.join(map(str, places))}"[:200]):
        outcomes = [
            outcome
            for start in range(0, len(files), classifier.batch_size)
            for outcome in asking.answer(files[start : start + classifier.batch_size])
        ]
    return Answers(
        tuple(one for one in outcomes if isinstance(one, Answer)),
        tuple(one for one in outcomes if isinstance(one, Refusal)),
        below,
        classifier.run.read_recipe().evaluate.confidence,
        own.num_looks,
        threshold,
        classifier.scaling.describe() if classifier.scaling is not None else "",
        _note(costs, shares, accuracy if by_class else None),
    )


def _make_decision(
    classifier: Classifier,
    accuracy: float | None,
    costs: Costs | None,
    shares: Mapping[str, float] | None,
    *,
    by_class: bool,
) -> Decision | None:
    if by_class and accuracy is None:
        raise LoupeError(
            "A threshold for each class takes an accuracy.",
            got="by class, and no accuracy",
            allowed="a wished accuracy, such as 0.99",
            next_step="--by-class --accuracy 0.99",
        )
    wished = accuracy if by_class else None
    return make_decision(
        classifier.run, classifier.class_names, costs=costs, shares=shares, accuracy_by_class=wished
    )


def _note(costs: Costs | None, shares: Mapping[str, float] | None, accuracy: float | None) -> tuple[str, ...]:
    """Return how answers came about, in words."""
    notes = []
    if shares is not None:
        told = ", ".join(f"{name} {100 * share:g} %" for name, share in shares.items())
        notes.append(f"probabilities heed the classes' shares where the images come from: {told}")
    if costs is not None:
        notes.append("each answer is the one of least expected cost")
    if accuracy is not None:
        notes.append(
            f"a threshold for each class, from which on {100 * accuracy:g} % were right on validation"
        )
    return tuple(notes)


def _choose_threshold(
    classifier: Classifier, below: float | None, accuracy: float | None, mistake_cost: float | None
) -> Threshold | None:
    named = [one for one in (below, accuracy, mistake_cost) if one is not None]
    if len(named) > 1:
        raise LoupeError(
            "The threshold is asked for in more than one way.",
            got=f"{len(named)} of them",
            allowed="one of below, accuracy, mistake cost",
            next_step="leave the others out",
        )
    if accuracy is None and mistake_cost is None:
        return None
    return choose_threshold(classifier.run, accuracy=accuracy, mistake_cost=mistake_cost)


def _refuse_impossible_numbers(classifier: Classifier, top: int, below: float | None) -> None:
    num_classes = len(classifier.class_names)
    if not 1 <= top <= num_classes:
        raise LoupeError(
            f"There are no {top} most probable classes.",
            got=f"top = {top}",
            allowed=f"1 to {num_classes}",
            next_step="choose a number in that range",
        )
    if below is not None and not 0 < below <= 1:
        raise LoupeError(
            "The least probability of an answer is out of range.",
            got=f"below = {below}",
            allowed="a probability, above 0 and at most 1",
            next_step="write 90 % as 0.9",
        )


@dataclass(frozen=True)
class _Asking:
    """How a network is asked about files, batch by batch."""

    classifier: Classifier
    own: OwnImages
    top: int
    below: float | None
    fit: Fit | None
    decision: Decision | None = None

    def answer(self, files: Sequence[ImageFile]) -> Iterator[Answer | Refusal]:
        """Yield an answer or a refusal for each file, in order; the network is asked once."""
        images, roles, refusals = [], [], {}
        for file in files:
            try:
                image = self.classifier.prepare(file.path, self.fit)
                keys = self.own.list_keys(image, file.path)
                self.own.note(keys)
                images.append(image)
                roles.append(self.own.find_role(keys))
            except DataError as error:
                refusals[file] = Refusal(file.path, str(error.got))
            except ShapeError as error:
                refusals[file] = Refusal(file.path, f"{error.got}, not {error.allowed}: --fit says how")
        answered = iter(zip(roles, self._ask(images), strict=True))
        for file in files:
            if file in refusals:
                yield refusals[file]
                continue
            role, (classes, probabilities, chosen) = next(answered)
            is_below = self.below is not None and probabilities[0] < self.below
            yield Answer(
                file.path,
                classes,
                probabilities,
                is_below or chosen is None,
                file.true_class,
                role,
                chosen if chosen != classes[0] else None,
            )

    def _ask(
        self, images: Sequence[torch.Tensor]
    ) -> list[tuple[tuple[str, ...], tuple[float, ...], str | None]]:
        """Return of each image the most probable classes, their probabilities, and the class it is given."""
        if not images:
            return []
        names = self.classifier.class_names
        said = self.classifier.predict(torch.stack(list(images)))
        if self.decision is not None:
            said = self.decision.adjust(said)
        most = said.topk(self.top, dim=1)
        chosen = self.decision.choose(said) if self.decision is not None else most.indices[:, 0]
        return [
            (
                tuple(names[index] for index in indices),
                tuple(probabilities),
                names[given] if given >= 0 else None,
            )
            for indices, probabilities, given in zip(
                most.indices.tolist(), most.values.tolist(), chosen.tolist(), strict=True
            )
        ]
