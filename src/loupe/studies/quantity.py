"""What a study compares: a metric on a split."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loupe.metrics import Metric, headline_of
from loupe.models import ObjectiveName
from loupe.runs.metric_values import find_metric
from loupe.statistics.conclusions import EQUIVALENCE_MARGIN_POINTS, EQUIVALENCE_MARGIN_RATIO
from loupe.studies import Study
from loupe.studies.rows import StudyRow, find_run


@dataclass(frozen=True)
class Quantity:
    """What a study compares.

    Args:
        split: "test", or "validation" where the test set stayed locked; "train" for clean training images.
        metric: says how values are written, and which way is better.
    """

    split: str
    metric: Metric

    @property
    def name(self) -> str:
        """Split and title: "test accuracy"."""
        return f"{self.split} {self.metric.title}"

    @property
    def is_share(self) -> bool:
        """Whether values are written as percentages, and differences in points."""
        return self.metric.is_percent

    @property
    def counts_right_answers(self) -> bool:
        """Whether it is the share of right answers: then single images say more than their number."""
        return self.metric == headline_of("classification")

    @property
    def error_ceiling(self) -> float | None:
        """What a value is taken from to make an error that falls with more data; None where it is one."""
        return self.metric.high if self.metric.is_higher_better else None

    @property
    def is_relative(self) -> bool:
        """Whether values are compared as multiples of each other: errors and losses, which end at 0."""
        return not self.metric.is_higher_better and self.metric.low == 0 and not self.is_share

    @property
    def margin(self) -> float:
        """Size up to which a difference counts as practically none, unless a study says otherwise."""
        return EQUIVALENCE_MARGIN_RATIO if self.is_relative else EQUIVALENCE_MARGIN_POINTS

    def to_error(self, value: float) -> float:
        """Return a value as an error, or an error as a value."""
        return value if self.error_ceiling is None else self.error_ceiling - value

    def of(self, row: StudyRow, split: str = "") -> float | None:
        """Return the figure of a run; None where it has none."""
        return row.value(f"{split or self.split}_{self.metric.name}")


def choose_figure(study: Study, rows: Sequence[StudyRow], pool: Path | None = None) -> Quantity:
    """Return what is compared: on test where every finished run looked at it, else on validation.

    Raises:
        UnknownNameError: there is no such metric, neither registered nor in the results of the pool.
    """
    finished = [row for row in rows if row.is_finished]
    split = "test" if all(row.test_loss is not None for row in finished) else "validation"
    is_classifier = all(row.validation_accuracy is not None for row in finished)
    objective: ObjectiveName = "classification" if is_classifier else "reconstruction"
    if not is_classifier and study.compare == headline_of("classification").name:
        return Quantity(split, headline_of(objective))
    folders = (run for row in finished if (run := find_run(pool, row)) is not None)
    return Quantity(split, find_metric(study.compare, folders, objective))
