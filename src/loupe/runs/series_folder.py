"""The folder of a series: runs of one recipe that differ in their seed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from loupe.errors import RunError
from loupe.metrics import Metric
from loupe.runs.finding import find_run_folder
from loupe.runs.folder import RunFolder
from loupe.runs.reading import read_text, reading
from loupe.runs.result import RunResult
from loupe.statistics.intervals import Interval, SeedSummary


@dataclass(frozen=True)
class FigureSummary(SeedSummary):
    """A figure over seeds: mean, std and interval, with what it is called and the metric it is of.

    `metric` is None for what is none: epochs and seconds, and figures that an earlier version summed up.
    """

    title: str = ""
    metric: Metric | None = None

    @classmethod
    def of(cls, summary: SeedSummary, title: str, metric: Metric | None) -> "FigureSummary":
        return cls(**vars(summary), title=title, metric=metric)


class SeriesFolder(RunFolder):
    """A run with several seeds: a run folder for each, one report, and means with intervals over the seeds.

    What only one run has (result, predictions, weights) is with the runs: `series.runs[0].read_result()`.
    """

    @property
    def runs(self) -> dict[int, RunFolder]:
        """The runs that were begun, by seed."""
        seeds = self.read_recipe().run.seeds or ()
        folders = {seed: RunFolder(self.path / f"seed-{seed}") for seed in seeds}
        return {seed: folder for seed, folder in folders.items() if folder.environment_file.exists()}

    def read_summaries(self) -> dict[str, FigureSummary]:
        """Return mean, std and interval over the finished seeds, by figure: "best test accuracy" ….

        Raises:
            RunError: no seed has had its turn yet.
        """
        file = self.path / "summary.json"
        if not file.exists():
            raise RunError(
                f"Series {self.path.name} has no summary yet.",
                got="a series none of whose seeds has ended",
                next_step=self.advise(),
            )
        with reading(file):
            figures = json.loads(read_text(file))["summaries"]
            return {name: _read_summary(name, values) for name, values in figures.items()}

    def read_result(self) -> RunResult | None:
        """Not of a series.

        Raises:
            RunError: always; it names the runs that have one.
        """
        seeds = list(self.runs)
        first = seeds[0] if seeds else "SEED"
        raise RunError(
            f"Series {self.path.name} has a result for each of its seeds.",
            got="a series",
            allowed=f"one of its runs, with seed {', '.join(map(str, seeds))}",
            next_step=f"series.runs[{first}].read_result(), or series.read_summaries()",
        )

    def is_being_trained(self) -> bool:
        """Return whether a process trains one of the runs now."""
        return any(run.is_being_trained() for run in self.runs.values())

    def is_finished(self) -> bool:
        """Return whether every seed's run has finished."""
        runs, seeds = self.runs, self.read_recipe().run.seeds or ()
        return set(runs) == set(seeds) and all(run.is_finished() for run in runs.values())


def open_run_folder(path: Path) -> RunFolder:
    """Return the folder of a run, or of a series of seeds as a `SeriesFolder`."""
    is_series = not (path / "environment.json").is_file() and any(path.glob("seed-*/environment.json"))
    return SeriesFolder(path) if is_series else RunFolder(path)


def load_run(place: str | PathLike[str]) -> RunFolder:
    """Return a run on disk, by path or by name inside `runs/`; several seeds come as a `SeriesFolder`.

    Raises:
        RunError: there is no such run.
    """
    return open_run_folder(find_run_folder(place))


def _read_summary(name: str, values: Mapping[str, Any]) -> FigureSummary:
    ends, of_seeds, metric = values["interval"], values.get("seeds_interval"), values.get("metric")
    return FigureSummary(
        mean=values["mean"],
        std=values["std"] if "std" in values else values["sd"],  # as earlier versions called it
        interval=Interval(ends["low"], ends["high"]) if ends is not None else None,
        num_seeds=values["num_seeds"],
        seeds_interval=Interval(**of_seeds) if of_seeds is not None else None,
        counts_images=values.get("counts_images", False),
        title=values.get("title", name),
        metric=Metric(**metric) if metric is not None else None,
    )
