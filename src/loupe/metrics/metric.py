"""What is known of a metric without computing it: unit, which way is better, bounds; how it is written."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from loupe.models import ObjectiveName
from loupe.statistics.intervals import Interval
from loupe.wording import write_signed

Better = Literal["higher", "lower"]
PERCENT = "percent"
"""The unit of a share in [0, 1]: written times 100, its differences in points."""


@dataclass(frozen=True)
class Metric:
    """A metric as tables, charts and sentences need it: whoever shows a value asks this, never the name.

    Args:
        name: as recipes and columns have it; settings that are not the default follow: `top_k_accuracy:k=3`.
        title: for readers, in running text: "balanced accuracy".
        unit: "percent" for shares in [0, 1], or the unit's own name ("nats"); "" for a number without one.
        better: which way is better.
        low: smallest value there can be; None without one.
        high: largest value there can be; None without one.
        objective: what networks it is for; None for any.
    """

    name: str
    title: str
    unit: str
    better: Better
    low: float | None
    high: float | None
    objective: ObjectiveName | None

    @property
    def is_percent(self) -> bool:
        """Whether values are shares, written as percentages."""
        return self.unit == PERCENT

    @property
    def is_higher_better(self) -> bool:
        return self.better == "higher"

    @property
    def bounds(self) -> dict[str, float]:
        """The smallest and largest value as `low` and `high`, infinite where there is none."""
        return {
            "low": -math.inf if self.low is None else self.low,
            "high": math.inf if self.high is None else self.high,
        }

    @property
    def widest_gap(self) -> float:
        """How far apart two values can be; infinite where nothing bounds them."""
        return self.bounds["high"] - self.bounds["low"]

    @property
    def scale(self) -> int:
        """The factor from a value to what is written on an axis."""
        return 100 if self.is_percent else 1

    @property
    def digits(self) -> int:
        """Digits behind the point on an axis."""
        return 2 if self.is_percent else 4

    @property
    def label(self) -> str:
        """Title and unit, for axes and heads of columns: "accuracy (%)", "loss (nats)"."""
        unit = "%" if self.is_percent else self.unit
        return f"{self.title} ({unit})" if unit else self.title

    @property
    def heading(self) -> str:
        """Title, and the unit where a written value does not have it: "accuracy", "loss (nats)"."""
        return self.name_with_unit(self.title)

    def name_with_unit(self, title: str) -> str:
        """Return a title of values of this metric, and the unit where a written value does not have it."""
        return title if self.is_percent or not self.unit else f"{title} ({self.unit})"

    @property
    def difference_unit(self) -> str:
        """What differences are counted in: "points" of a percentage, else the unit."""
        return "points" if self.is_percent else self.unit

    def is_better(self, now: float, before: float) -> bool:
        """Return whether one value is better than another; equal ones are not."""
        return now > before if self.is_higher_better else now < before

    def choose_best(self, values: Iterable[float]) -> float:
        """Return the best of values.

        Raises:
            ValueError: there are none.
        """
        return max(values) if self.is_higher_better else min(values)

    def gain(self, now: float, before: float) -> float:
        """Return how much better one value is than another, > 0 if it is."""
        return now - before if self.is_higher_better else before - now

    def write(self, value: float | None) -> str:
        """Return a value: "98.43 %", or three significant digits without the unit: "0.0199"; "" for None."""
        if value is None:
            return ""
        return f"{100 * value:.2f} %" if self.is_percent else write_number(value)

    def write_interval(self, interval: Interval | None) -> str:
        """Return the ends of an interval: "98.16 to 98.70 %"; "" for None."""
        if interval is None:
            return ""
        if self.is_percent:
            return f"{100 * interval.low:.2f} to {100 * interval.high:.2f} %"
        return f"{write_number(interval.low)} to {write_number(interval.high)}"

    def write_spread(self, std: float | None) -> str:
        """Return a standard deviation: "0.12" in points, or "0.0031"; "" for None."""
        if std is None:
            return ""
        return f"{100 * std:.2f}" if self.is_percent else write_number(std)

    def write_gap(self, size: float) -> str:
        """Return the size of a difference, with its unit: "0.31 points", "0.0021 nats"."""
        number = f"{100 * size:.2f}" if self.is_percent else write_number(size)
        return f"{number} {self.difference_unit}".rstrip()

    def write_difference(self, difference: float) -> str:
        """Return a difference with its sign: "+0.12" in points, or "-0.0031"."""
        return write_signed(100 * difference, 2) if self.is_percent else f"{difference:+.2g}"

    def describe(self, value: float | None, interval: Interval | None = None) -> str:
        """Return title, value with its unit, and interval: "macro F1 91.20 % (90.61 to 91.79 %)"."""
        if value is None:
            return f"{self.title} not defined"
        unit = f" {self.unit}" if self.unit and not self.is_percent else ""
        ends = f" ({self.write_interval(interval)})" if interval is not None else ""
        return f"{self.title} {self.write(value)}{unit}{ends}"


@dataclass(frozen=True)
class MetricValue:
    """What a metric says of a set of images.

    Args:
        metric: the metric.
        value: in the metric's unit, a share if that is percent; None where it is not defined.
        interval: over the images, at the run's level; None where none is defined.
    """

    metric: Metric
    value: float | None
    interval: Interval | None = None

    def write(self) -> str:
        """Return value and interval: "98.43 % (98.16 to 98.70 %)"; "not defined" where it is not."""
        if self.value is None:
            return "not defined"
        ends = f" ({self.metric.write_interval(self.interval)})" if self.interval is not None else ""
        return f"{self.metric.write(self.value)}{ends}"

    def describe(self) -> str:
        """Return title, value and interval in words."""
        return self.metric.describe(self.value, self.interval)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "MetricValue":
        interval = values["interval"]
        return cls(
            Metric(**values["metric"]),
            values["value"],
            Interval(**interval) if interval is not None else None,
        )


def read_values(values: Mapping[str, Mapping[str, Any]]) -> dict[str, MetricValue]:
    """Return the values that a file holds, by the metric's name."""
    return {name: MetricValue.from_dict(one) for name, one in values.items()}


def write_number(value: float) -> str:
    """Return a number with three significant digits: "0.0336", "150"."""
    return f"{value:.3g}" if abs(value) < 1e-4 else f"{value:#.3g}".removesuffix(".")
