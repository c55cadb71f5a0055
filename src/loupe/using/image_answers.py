"""What a network said of image files, and how often it was right where one knows."""

from dataclasses import dataclass
from pathlib import Path

from loupe.statistics import Interval, compute_wilson_interval
from loupe.statistics.selective import Threshold
from loupe.using.own_images import Role


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
