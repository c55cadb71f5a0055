"""The same recipe with several seeds: a run folder for each, and one summary with intervals."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from loupe.errors import TrainingError
from loupe.metrics import Metric, headline_of
from loupe.recipe import Recipe
from loupe.running.record import refuse_other_recipe
from loupe.running.run import run_recipe
from loupe.running.training_setup import load_recipe_data
from loupe.runs import RunFolder, RunResult
from loupe.runs.result import Score
from loupe.runs.series_folder import FigureSummary
from loupe.runs.writing import write_json, write_text
from loupe.statistics import Interval, summarise_seeds
from loupe.training import Observer


def run_seeds(recipe: Recipe, path: Path, *, observers: Sequence[Observer] = ()) -> None:
    """Run a recipe once for each of its seeds, in `path/seed-<seed>`; finished seeds are kept.

    A run that is interrupted ends the series; `resume` goes on with it. A run that diverges is recorded
    as failed, and the others go on.

    Raises:
        LoupeError: as `run_recipe`; for a diverged run when all seeds have had their turn.
    """
    seeds = recipe.run.seeds or (recipe.run.seed,)
    folders = {seed: RunFolder(path / f"seed-{seed}") for seed in seeds}
    for seed, folder in folders.items():
        if folder.environment_file.exists():
            refuse_other_recipe(folder, recipe.for_seed(seed))
    dataset, results = load_recipe_data(recipe), []
    write_text(path / "recipe.toml", recipe.to_toml())
    failure: TrainingError | None = None
    for seed, folder in folders.items():
        result = folder.read_result() if folder.is_finished() else None
        try:
            result = result or run_recipe(recipe.for_seed(seed), folder, observers=observers, dataset=dataset)
        except TrainingError as error:  # recorded in its folder; the other seeds go on
            result, failure = folder.read_result(), error
        assert result is not None
        results.append(result)
        if result.status == "interrupted":
            break
    summaries = summarise_results(results, recipe.evaluate.confidence)
    from loupe.reports.seeds_report import write_seeds_report  # loads matplotlib

    write_seeds_report(path, list(folders.values())[: len(results)], summaries)
    finished = [result.seed for result in results if result.status == "finished"]
    figures = {name: asdict(summary) for name, summary in summaries.items()}
    write_json(path / "summary.json", {"seeds": finished, "summaries": figures})
    if failure is not None:
        raise failure


def summarise_results(results: Sequence[RunResult], confidence: float) -> dict[str, FigureSummary]:
    """Return mean, std and interval over seeds of each figure of the finished runs.

    By name: "best test accuracy", "last validation macro_f1", "best test accuracy with tta", "best epoch" ….
    """
    finished = [run for run in results if run.status == "finished" and run.best and run.last]
    figures = _Figures(confidence)
    for run in finished:
        assert run.best is not None
        assert run.last is not None
        for name, outcome in (("best", run.best), ("last", run.last)):
            for split, score in (("validation", outcome.validation), ("test", outcome.test)):
                figures.add_score(f"{name} {split}", score, with_loss=split == "test")
        figures.add("best epoch", run.best.epoch)
        figures.add("seconds", run.seconds)
        if run.test_picking is not None:
            figures.add(
                "test accuracy if picked on test", run.test_picking.accuracy, headline_of(run.objective)
            )
    for run in finished:
        for name, judged in (("best", run.best), ("last", run.last)):
            assert judged is not None
            for split, score in (("validation", judged.validation_tta), ("test", judged.test_tta)):
                figures.add_score(f"{name} {split}", score, " with tta")
    return figures.summarise()


class _Figures:
    """Values of several seeds by name, each with the metric that they are of."""

    def __init__(self, confidence: float) -> None:
        self._confidence = confidence
        self._values: dict[str, list[float]] = {}
        self._over_images: dict[str, list[Interval | None]] = {}
        self._titles: dict[str, tuple[str, Metric | None]] = {}

    def add_score(
        self, of: str, score: Score | None, with_what: str = "", *, with_loss: bool = False
    ) -> None:
        """Add what stands for a score, its loss if that is asked for, and its further metrics."""
        if score is None:
            return
        values = [score.headline, *([score.reported_loss] if with_loss else []), *score.metrics.values()]
        for metric, one in {one.metric: one for one in values}.items():
            if one.value is not None:
                name, title = f"{of} {metric.name}{with_what}", f"{of} {metric.title}{with_what}"
                self.add(name, one.value, metric, title)
                self._over_images.setdefault(name, []).append(one.interval)

    def add(self, name: str, value: float, metric: Metric | None = None, title: str = "") -> None:
        self._values.setdefault(name, []).append(value)
        self._titles[name] = (title or name, metric)

    def summarise(self) -> dict[str, FigureSummary]:
        """Return mean, std and interval of each figure, by name."""
        summaries = {}
        for name, values in self._values.items():
            title, metric = self._titles[name]
            bounds = metric.bounds if metric is not None else {"low": 0.0}
            over_images = self._over_images.get(name, [])
            summary = summarise_seeds(values, self._confidence, over_images=over_images, **bounds)
            summaries[name] = FigureSummary.of(summary, title, metric)
        return summaries
