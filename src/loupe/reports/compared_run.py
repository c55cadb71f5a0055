"""A run as it stands on a page with others, and what they share."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loupe.metrics import Metric, MetricValue, headline_of
from loupe.recipe import Recipe
from loupe.runs import RunFolder, RunResult
from loupe.runs.metric_values import Split, find_value
from loupe.runs.result import Score


@dataclass(frozen=True)
class ComparedRun:
    """One run, or a series of seeds that stands for one.

    Args:
        path: its folder.
        recipe: what it was asked for.
        folders: of the run, or of each seed that has a result.
        results: one for each folder, each with its best weights judged.
        is_series: whether it is a series of seeds.
        shares_name: whether another run of the comparison is called alike.
    """

    path: Path
    recipe: Recipe
    folders: tuple[RunFolder, ...]
    results: tuple[RunResult, ...]
    is_series: bool
    shares_name: bool = False

    @property
    def name(self) -> str:
        """Its folder's name; its parent's before it for a seed of a series, or where two are called alike."""
        path = self.path.resolve()
        is_seed = (path.parent / "recipe.toml").is_file()
        return f"{path.parent.name}/{path.name}" if is_seed or self.shares_name else path.name

    @property
    def is_classifier(self) -> bool:
        return self.results[0].objective == "classification"

    @property
    def metrics(self) -> list[Metric]:
        """What stands for the network, and the further metrics of its recipe."""
        scores = self.scores("validation")
        further = {name: value.metric for score in scores for name, value in score.metrics.items()}
        return [headline_of(self.results[0].objective), *further.values()]

    def values(self, split: Split, metric: Metric) -> list[MetricValue]:
        """Return what a metric says of the best weights on a split, one a seed; computed if need be."""
        pairs = zip(self.folders, self.results, strict=True)
        found = [find_value(folder, result, split, metric.name) for folder, result in pairs]
        return [value for value in found if value is not None]

    def scores(self, split: str) -> list[Score]:
        """Return the best weights' scores on a split, one a seed; none for seeds whose test is locked."""
        outcomes = [result.best for result in self.results if result.best is not None]
        scores = [one.test if split == "test" else one.validation for one in outcomes]
        return [score for score in scores if score is not None]

    def digest(self, split: str) -> str | None:
        """Return the SHA-256 of a split's images; None if the seeds of a series have different ones."""
        digests = {folder.read_environment()["data_digests"][split] for folder in self.folders}
        return digests.pop() if len(digests) == 1 else None


def list_single(runs: Sequence[ComparedRun]) -> list[ComparedRun]:
    """Return the runs with one network, which have one answer to an image."""
    return [run for run in runs if not run.is_series]


def describe_series(runs: Sequence[ComparedRun]) -> str:
    """Return why series of seeds are not compared image by image, and what can be; "" without any."""
    series = [run for run in runs if run.is_series]
    if not series:
        return ""
    names = ", ".join(run.name for run in series)
    return (
        f"{names}: a series of seeds has several answers to an image; name one of its seeds, such as "
        f"{series[0].name}/{series[0].folders[0].path.name}."
    )


def find_shared(runs: Sequence[ComparedRun], split: str) -> str:
    """Return why runs cannot be compared image by image on a split; empty if they can."""
    series = describe_series(runs)
    if series:
        return series
    if any(not run.scores(split) for run in runs):
        return "Not all of these runs opened the test set."
    if len({run.digest(split) for run in runs}) > 1:
        way = " Runs with the same data and data.split_seed share them." if split == "validation" else ""
        return f"These runs do not share their {split} images.{way}"
    return ""
