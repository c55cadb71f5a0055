"""What metrics and evaluations say of a network on a set of images."""

from dataclasses import dataclass
from typing import Any

from loupe.data import ImageDataset
from loupe.evaluations import Looks
from loupe.metrics import MetricValue
from loupe.runs import RunFolder, name_run
from loupe.using.image_answers import Refusal


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

    def __str__(self) -> str:
        """Return what the terminal says first: the metrics, and the sentence of each look."""
        said = [f"{self.name} on {len(self.images):,} images: {self.split}"]
        said += [value.describe() for value in self.metrics]
        return "\n".join([*said, *(one.failure or one.sentence for one in self.looks.looks)])

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
