"""How well weights do on a set of images: what a result holds of it, as it is kept in `result.json`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from loupe.metrics.metric import MetricValue, read_values
from loupe.metrics.reported import headline_of, reported_loss_of
from loupe.statistics.intervals import Interval


@dataclass(frozen=True)
class ClassAccuracy:
    """Accuracy among the images of one class."""

    name: str
    correct: int
    num_images: int
    accuracy: float
    interval: Interval


@dataclass(frozen=True)
class Metrics:
    """How well a network does on a set of images.

    Args:
        accuracy: share of images whose most probable class is the true one, in [0, 1].
        interval: Wilson interval of the accuracy.
        correct: images right.
        num_images: images in all.
        loss: mean negative log likelihood in nats, never smoothed.
        class_names: one name a class.
        per_class: accuracy of each class that has images here.
        confusion: counts; row = true class, column = predicted class.
        metrics: what the metrics that the recipe names say, by name.
    """

    accuracy: float
    interval: Interval
    correct: int
    num_images: int
    loss: float
    class_names: tuple[str, ...]
    per_class: tuple[ClassAccuracy, ...]
    confusion: tuple[tuple[int, ...], ...]
    metrics: Mapping[str, MetricValue] = field(default_factory=dict)

    @property
    def headline(self) -> MetricValue:
        """What stands for the network where there is room for one number: the accuracy."""
        return MetricValue(headline_of("classification"), self.accuracy, self.interval)

    @property
    def reported_loss(self) -> MetricValue:
        """The mean negative log likelihood."""
        return MetricValue(reported_loss_of("classification"), self.loss)

    @property
    def values(self) -> list[MetricValue]:
        """All there is: accuracy, loss, and what the further metrics say."""
        return [self.headline, self.reported_loss, *self.metrics.values()]

    @property
    def baselines(self) -> tuple[()]:
        """Guesses that need no network: none stands beside an accuracy."""
        return ()

    def describe(self) -> str:
        """Return the accuracy in words, with its interval."""
        return self.headline.describe()

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Metrics":
        return cls(
            **{
                **values,
                "interval": Interval(**values["interval"]),
                "class_names": tuple(values["class_names"]),
                "per_class": tuple(
                    ClassAccuracy(**{**one, "interval": Interval(**one["interval"])})
                    for one in values["per_class"]
                ),
                "confusion": tuple(tuple(row) for row in values["confusion"]),
                "metrics": read_values(values.get("metrics", {})),
            }
        )


@dataclass(frozen=True)
class Baseline:
    """The error of a guess that is the same for every image."""

    name: str
    loss: float


@dataclass(frozen=True)
class ReconstructionScore:
    """How well a network gives a set of images back.

    Args:
        loss: mean squared error per pixel, on the scale of the network's input.
        interval: Student's interval of that mean over images.
        num_images: images judged.
        baselines: guesses learnt from the training images: what a loss has to beat to mean anything.
        metrics: what the metrics that the recipe names say, by name.
    """

    loss: float
    interval: Interval
    num_images: int
    baselines: tuple[Baseline, ...]
    metrics: Mapping[str, MetricValue] = field(default_factory=dict)

    @property
    def headline(self) -> MetricValue:
        """What stands for the network where there is room for one number: the error."""
        return self.reported_loss

    @property
    def reported_loss(self) -> MetricValue:
        """The mean squared error."""
        return MetricValue(reported_loss_of("reconstruction"), self.loss, self.interval)

    @property
    def values(self) -> list[MetricValue]:
        """All there is: the error, and what the further metrics say."""
        return [self.headline, *self.metrics.values()]

    def describe(self) -> str:
        """Return the error in words, with its interval, beside those of guesses that need no network."""
        guesses = ", ".join(f"{one.name} {self.headline.metric.write(one.loss)}" for one in self.baselines)
        return f"mean squared error {self.headline.write()}; {guesses}"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ReconstructionScore":
        return cls(
            **{
                **values,
                "interval": Interval(**values["interval"]),
                "baselines": tuple(Baseline(**one) for one in values["baselines"]),
                "metrics": read_values(values.get("metrics", {})),
            }
        )
