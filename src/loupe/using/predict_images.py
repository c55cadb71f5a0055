"""`loupe predict`: what a run's network says of image files, and how often it is right where one knows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import torch

from loupe.data.image_files import Fit, list_images
from loupe.errors import DataError, LoupeError, ShapeError
from loupe.evaluations.stakes import Costs
from loupe.statistics import Interval, compute_wilson_interval
from loupe.statistics.selective import Threshold
from loupe.using.calibrate_run import choose_threshold
from loupe.using.classifier import Classifier, open_classifier
from loupe.using.decision import Decision, make_decision
from loupe.using.own_images import OwnImages, Role


@dataclass(frozen=True)
class Answer:
    """What the network says of one image.

    Args:
        file: the image.
        classes: the most probable classes, most probable first.
        probabilities: theirs, in [0, 1].
        is_unsure: whether the first probability is below the one asked for, so that no class is named.
        true_class: class that the image's folder is named after; None if none is.
        role: what these very pixels were to the network; None where its run keeps no record.
        chosen: the class it is given where that is not the most probable one: the cheapest, by costs.
    """

    file: Path
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]
    is_unsure: bool = False
    true_class: str | None = None
    role: Role | None = None
    chosen: str | None = None

    @property
    def answer(self) -> str:
        """The class the image is given, unless it is left unsure."""
        return self.chosen or self.classes[0]

    @property
    def was_trained_on(self) -> bool | None:
        """Whether the image trained or selected the network; None where nobody knows."""
        return None if self.role is None else self.role in ("train", "validation", "before")


@dataclass(frozen=True)
class Refusal:
    """An image file that got no answer, and why."""

    file: Path
    reason: str


@dataclass(frozen=True)
class KnownAccuracy:
    """How often answers are right, of the images whose class is known and that got one.

    Args:
        correct: answers right.
        num_images: images answered whose class is known.
        interval: Wilson interval of the accuracy.
        confidence: its level.
        num_trained_on: how many of them trained or selected the network; None where nobody knows.
        num_test: how many of them are test images of the run.
    """

    correct: int
    num_images: int
    interval: Interval
    confidence: float
    num_trained_on: int | None
    num_test: int = 0

    @property
    def accuracy(self) -> float:
        """Share of answers that are right, in [0, 1]."""
        return self.correct / self.num_images


@dataclass(frozen=True)
class Answers:
    """What the network says of image files, in their order.

    Args:
        answers: one an image that could be read.
        refusals: files that got none.
        below: least probability an answer needs; None if every image gets one.
        confidence: level of the interval of the accuracy.
        num_looks: looks at the run's test set, this one among them if it was one; None if unknown.
        threshold: where `below` comes from, if it was chosen on validation images.
        scaling: how probabilities were set right; "" if they are as the network says.
        notes: how else answers came about: by costs, by other shares, by thresholds for each class.
    """

    answers: tuple[Answer, ...]
    refusals: tuple[Refusal, ...]
    below: float | None = None
    confidence: float = 0.95
    num_looks: int | None = None
    threshold: Threshold | None = None
    scaling: str = ""
    notes: tuple[str, ...] = ()

    @property
    def num_own_test(self) -> int:
        """Answers about test images of the run."""
        return sum(answer.role == "test" for answer in self.answers)

    @property
    def num_unsure(self) -> int:
        return sum(answer.is_unsure for answer in self.answers)

    @property
    def accuracy(self) -> KnownAccuracy | None:
        """Accuracy over the images of known class that were not left unsure; None if there are none."""
        known = [one for one in self.answers if one.true_class is not None and not one.is_unsure]
        if not known:
            return None
        correct = sum(one.answer == one.true_class for one in known)
        looked_up = [one.was_trained_on for one in known if one.was_trained_on is not None]
        return KnownAccuracy(
            correct,
            len(known),
            compute_wilson_interval(correct, len(known), self.confidence),
            self.confidence,
            sum(looked_up) if looked_up else None,
            sum(one.role == "test" for one in known),
        )


@dataclass(frozen=True)
class ImageFile:
    """A file to ask about, and the class its folder is named after."""

    path: Path
    true_class: str | None = None


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


def find_files(places: Sequence[str | Path], class_names: Sequence[str]) -> list[ImageFile]:
    """Return image files, each once: those named, and those below folders named, by name.

    Of a folder's files only those with the ending of an image count. The class of an image is the innermost
    folder above it that is called like a class, up to the folder named; of a file named itself only its own
    folder counts. What no folder can be called, such as "T-shirt/top", may have "_" or "-" for the stroke.

    Raises:
        DataError: a place is not there, or a folder holds no image.
    """
    missing = [str(place) for place in places if not Path(place).exists()]
    if missing or not places:
        raise DataError(
            "There is nothing to look at." if not places else "These files and folders are not there.",
            got=", ".join(missing[:10]) or "no file and no folder",
            allowed="image files, and folders with images",
            next_step="name them by their paths, seen from here",
        )
    found: dict[Path, ImageFile] = {}
    for place in map(Path, places):
        if not place.is_dir():
            true_class = _find_class([place.absolute().parent.name], class_names)
            found.setdefault(place, ImageFile(place, true_class))
            continue
        images = list_images(place)
        if not images:
            raise DataError(
                f"There is no image in {place}.",
                got=str(place),
                allowed="a folder with images (png, jpg, webp, bmp, gif, tif …), in sub-folders too",
                next_step="name another folder, or the files themselves",
            )
        for path in images:
            folders = [place.absolute().name, *path.relative_to(place).parts[:-1]]
            found.setdefault(path, ImageFile(path, _find_class(folders, class_names)))
    return list(found.values())


def _find_class(folders: Sequence[str], class_names: Sequence[str]) -> str | None:
    """Return the class that the last of these folders is named after that is; case does not matter."""
    by_name = {name.replace("/", mark).casefold(): name for name in class_names for mark in "-_"}
    by_name |= {name: name for name in class_names}  # exactly so, where names differ in case alone
    for folder in reversed(folders):
        name = by_name.get(folder) or by_name.get(folder.casefold())
        if name is not None:
            return name
    return None


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
