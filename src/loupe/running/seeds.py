"""The same recipe with several seeds: a run folder for each, and one summary with intervals."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from loupe.errors import TrainingError
from loupe.metrics import Metrics, ReconstructionScore
from loupe.recipe import Recipe
from loupe.reports.seeds_report import write_seeds_report
from loupe.running.record import refuse_other_recipe
from loupe.running.run import run_recipe
from loupe.running.training_setup import load_recipe_data
from loupe.runs import RunFolder, RunResult
from loupe.runs.writing import write_json, write_text
from loupe.statistics import summarise_seeds
from loupe.statistics.intervals import SeedSummary
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
    write_seeds_report(path, list(folders.values())[: len(results)], summaries)
    finished = [result.seed for result in results if result.status == "finished"]
    figures = {name: asdict(summary) for name, summary in summaries.items()}
    write_json(path / "summary.json", {"seeds": finished, "summaries": figures})
    if failure is not None:
        raise failure


def summarise_results(results: Sequence[RunResult], confidence: float) -> dict[str, SeedSummary]:
    """Return mean, sd and interval over seeds of each headline figure of the finished runs."""
    finished = [run for run in results if run.status == "finished" and run.best and run.last]
    figures: dict[str, list[float]] = {}
    with_tta: dict[str, list[float]] = {}
    for run in finished:
        assert run.best is not None
        assert run.last is not None
        for name, outcome in (("best", run.best), ("last", run.last)):
            for split, tta in (("validation", outcome.validation_tta), ("test", outcome.test_tta)):
                if isinstance(tta, Metrics):
                    with_tta.setdefault(f"{name} {split} accuracy with tta", []).append(tta.accuracy)
            for split, score in (("validation", outcome.validation), ("test", outcome.test)):
                if isinstance(score, Metrics):
                    figures.setdefault(f"{name} {split} accuracy", []).append(score.accuracy)
                if isinstance(score, ReconstructionScore) or (score is not None and split == "test"):
                    figures.setdefault(f"{name} {split} loss", []).append(score.loss)
        figures.setdefault("best epoch", []).append(run.best.epoch)
        figures.setdefault("seconds", []).append(run.seconds)
        if run.test_picking is not None:
            figures.setdefault("test accuracy if picked on test", []).append(run.test_picking.accuracy)
    return {
        name: summarise_seeds(values, confidence, low=0, high=1 if "accuracy" in name else math.inf)
        for name, values in {**figures, **with_tta}.items()
    }
