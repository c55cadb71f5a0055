"""What was measured of a recipe's speed, as plain values, and what it says."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Literal


@dataclass(frozen=True)
class Measurement:
    """Median, smallest and largest of the rounds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Measurement":
        """Return the measurement of the values of all rounds, at least one."""
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True)
class Stage:
    """One stage of a training step, or a whole.

    Args:
        name: load, augment, rank (finding the hardest images), forward, backward, update, rest (what the
            loop does besides), step, evaluate.
        seconds_per_image: time for one image of the batch; the rest is a difference, below 0 only by noise.
        images_per_second: its reciprocal; None where the stage does nothing.
        flops_per_image: floating-point operations of convolutions and matrix products; 0 where it has none.
        flops_per_second: what it reached; None where it has none.
        share_of_product: of the rate of the matrix product, round by round; None where it has none.
    """

    name: str
    seconds_per_image: Measurement
    images_per_second: Measurement | None
    flops_per_image: float
    flops_per_second: Measurement | None
    share_of_product: Measurement | None


@dataclass(frozen=True)
class Yardstick:
    """Something the device does by itself, for comparison.

    Args:
        name: what it is, with its size.
        flops_per_second: its rate.
    """

    name: str
    flops_per_second: Measurement


Part = Literal["arithmetic", "operator overhead", "loading", "augmentation", "evaluation"]


@dataclass(frozen=True)
class SpeedReport:
    """What was measured of a recipe's speed.

    Args:
        recipe: its name.
        device: what it computed on.
        precision: what layers computed in.
        is_compiled: whether the network was compiled.
        batch_size: images in a training batch as it was measured.
        recipe_batch_size: images in a training batch of the recipe; larger only where a step would have taken
            too long to be measured.
        evaluation_batch_size: images evaluated at once.
        num_rounds: rounds, each with all tasks in turn.
        stages: of a step, the whole step, and evaluation.
        product: a matrix product.
        largest: the network's largest operation alone; None for a network that has none.
        steps_per_second: whole training steps.
        peak_memory_bytes: a GPU's tensors, on a CPU all of the process; None where the system does not say.
        compile_seconds: what the first step took longer than later ones; None without compiling.
        epoch_parts: seconds of an epoch, by what they go into.
        environment: versions, machine, digests.
        other_epochs: how epochs of the recipe differ from the one measured, of whole images with every layer
            training; empty where none does.
    """

    recipe: str
    device: str
    precision: str
    is_compiled: bool
    batch_size: int
    recipe_batch_size: int
    evaluation_batch_size: int
    num_rounds: int
    stages: tuple[Stage, ...]
    product: Yardstick
    largest: Yardstick | None
    steps_per_second: Measurement
    peak_memory_bytes: int | None
    compile_seconds: float | None
    epoch_parts: dict[Part, float]
    environment: dict[str, Any]
    other_epochs: tuple[str, ...] = ()

    @property
    def bound(self) -> Part:
        """What most of an epoch's time goes into."""
        return max(self.epoch_parts, key=lambda part: self.epoch_parts[part])

    @property
    def sentence(self) -> str:
        """What the recipe is bound by, in one sentence."""
        total = sum(self.epoch_parts.values())
        listed = sorted(self.epoch_parts.items(), key=lambda item: -item[1])
        shares = ", ".join(f"{100 * value / total:.0f} % {_MEANINGS[part]}" for part, value in listed)
        return f"{self.recipe} is bound by {self.bound}: of an epoch's {_write_seconds(total)}, {shares}."

    def stage(self, name: str) -> Stage:
        """Return a stage by its name."""
        return next(stage for stage in self.stages if stage.name == name)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "bound": self.bound, "sentence": self.sentence}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "SpeedReport":
        fields = {name: value for name, value in values.items() if name not in ("bound", "sentence")}
        return cls(
            **{
                **fields,
                "stages": tuple(_read_stage(stage) for stage in values["stages"]),
                "other_epochs": tuple(values.get("other_epochs", ())),
                "product": _read_yardstick(values["product"]),
                "largest": _read_yardstick(values["largest"]) if values["largest"] else None,
                "steps_per_second": Measurement(**values["steps_per_second"]),
            }
        )


_MEANINGS: dict[Part, str] = {
    "arithmetic": "arithmetic at the best rate measured",
    "operator overhead": "operators beyond their arithmetic",
    "loading": "loading",
    "augmentation": "augmentation",
    "evaluation": "evaluation",
}


def _read_stage(values: Mapping[str, Any]) -> Stage:
    def read(name: str) -> Measurement | None:
        return Measurement(**values[name]) if values[name] else None

    measurements = {
        name: read(name) for name in ("images_per_second", "flops_per_second", "share_of_product")
    }
    seconds = Measurement(**values["seconds_per_image"])
    return Stage(**{**values, **measurements, "seconds_per_image": seconds})


def _read_yardstick(values: Mapping[str, Any]) -> Yardstick:
    return Yardstick(values["name"], Measurement(**values["flops_per_second"]))


def make_stage(name: str, seconds: Sequence[float], flops: float, product: Sequence[float]) -> Stage:
    """Return a stage from its seconds for one image, round by round.

    Args:
        name: what it is.
        seconds: for one image, a value a round.
        flops: of one image.
        product: rate of the matrix product, a value a round.
    """
    is_timed = min(seconds) > 0
    rates = [flops / value for value in seconds] if flops and is_timed else None
    return Stage(
        name=name,
        seconds_per_image=Measurement.of(seconds),
        images_per_second=Measurement.of([1 / value for value in seconds]) if is_timed else None,
        flops_per_image=flops,
        flops_per_second=Measurement.of(rates) if rates else None,
        share_of_product=Measurement.of([a / b for a, b in zip(rates, product, strict=True)])
        if rates
        else None,
    )


def divide_epoch(
    seconds: Mapping[str, float], *, num_train: int, num_evaluated: int, flops: float, best_rate: float
) -> dict[Part, float]:
    """Return the seconds of an epoch by what they go into.

    Args:
        seconds: for one image, by stage.
        num_train: training images.
        num_evaluated: images evaluated after the epoch.
        flops: of one image's training step.
        best_rate: what the device reaches by itself: the faster of matrix product and largest operation.
    """
    preparing = max(0.0, seconds["load"]) + max(0.0, seconds["augment"])
    computing = max(0.0, seconds["step"] - preparing)
    arithmetic = min(computing, flops / best_rate)
    return {
        "arithmetic": num_train * arithmetic,
        "operator overhead": num_train * (computing - arithmetic),
        "loading": num_train * max(0.0, seconds["load"]),
        "augmentation": num_train * max(0.0, seconds["augment"]),
        "evaluation": num_evaluated * seconds["evaluate"],
    }


def _write_seconds(seconds: float) -> str:
    digits = max(0, 1 - math.floor(math.log10(seconds))) if seconds > 0 else 1
    return f"{seconds:.{min(digits, 4)}f} s"
