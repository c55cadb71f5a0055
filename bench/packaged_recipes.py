"""Train packaged recipes with several seeds and print a Markdown row for each.

usage: python bench/packaged_recipes.py [--seeds N] [--out FILE.json] RECIPE …
       python bench/packaged_recipes.py RECIPE --runs RUN …

With --runs nothing is trained: the row is of finished runs of the recipe, a seed each, such as those that
take hours. The interval of a single run is over its test images.

Test accuracy (of an autoencoder: mean squared error) is that of the best epoch on validation; the test set
is opened once a run. Recipes on official data need LOUPE_DATA, or a network.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

import loupe
from loupe.running.prepare import load_recipe
from loupe.running.seeds import summarise_results
from loupe.runs import RunFolder
from loupe.runtime import choose_device, describe_device
from loupe.wording import format_duration


def measure_recipe(name: str, seeds: int) -> dict[str, object]:
    """Return the summaries of a recipe trained with seeds 0, 1, …"""
    with tempfile.TemporaryDirectory() as folder:
        run = loupe.train(name, f"run.seeds={list(range(seeds))}", f"run.folder={folder}")
        summary: dict[str, object] = json.loads((run.path / "summary.json").read_text())
    return summary


def read_runs(name: str, places: Sequence[Path]) -> dict[str, object]:
    """Return the summaries of finished runs of a recipe, a seed each."""
    recipe, results = load_recipe(name), []
    for place in places:
        run = RunFolder(place)
        kept, result = run.read_recipe(), run.read_result()
        if result is None or result.status != "finished":
            raise SystemExit(f"{place} has not finished")
        settled = {"channels_last": kept.train.channels_last}  # "auto" is settled by trial, and kept so
        wanted = recipe.model_copy(update={"train": recipe.train.model_copy(update=settled)})
        for section in ("data", "model", "train", "transfer"):
            if getattr(kept, section) != getattr(wanted, section):
                raise SystemExit(f"{place} is no run of {name}: its section {section} is another")
        if result.best is None or result.best.test is None:
            raise SystemExit(f"{place} has no figure of the test set, which was never opened: evaluate.test")
        results.append(result)
    if len({result.seed for result in results}) < len(results):
        raise SystemExit("two of the runs have one seed")
    summaries = summarise_results(results, recipe.evaluate.confidence)
    figures = {figure: asdict(summary) for figure, summary in summaries.items()}
    best = results[0].best
    if len(results) == 1 and best is not None:
        for with_what, score in (("", best.test), (" with tta", best.test_tta)):
            if score is not None and score.headline.interval is not None:
                figure = f"best test {score.headline.metric.name}{with_what}"
                figures[figure]["interval"] = asdict(score.headline.interval)
    return {"seeds": [result.seed for result in results], "summaries": figures}


def write_rows(name: str, summary: dict[str, object]) -> list[str]:
    """Return recipe, seeds, mean, std, interval and seconds as Markdown rows, plain and with TTA."""
    metrics: dict[str, Any] = summary["summaries"]  # type: ignore[assignment]  # parsed JSON
    seconds = metrics["seconds"]
    spread = f" (std {seconds['std']:.1f} s)" if seconds["std"] is not None else ""
    took = format_duration(seconds["mean"]) + spread
    if "best test accuracy" not in metrics:
        if "best test loss" not in metrics:
            raise SystemExit(f"{name} has no figure of the test set, which was never opened: evaluate.test")
        return [write_row(f"`{name}`", metrics["best test loss"], 1, 5, "", took)]
    rows = [write_row(f"`{name}`", metrics["best test accuracy"], 100, 2, " %", took)]
    with_views = metrics.get("best test accuracy with tta")
    if with_views is not None:
        rows.append(write_row("with test-time augmentation", with_views, 100, 2, " %", "the same runs"))
    return rows


def write_row(name: str, test: dict[str, Any], scale: float, digits: int, unit: str, took: str) -> str:
    interval = test["interval"] or {"low": None, "high": None}
    mean, std, low, high = (
        "–" if value is None else f"{scale * value:.{digits}f}"
        for value in (test["mean"], test["std"], interval["low"], interval["high"])
    )
    ends = f"{low} to {high}{unit}" if test["interval"] else "–"
    return f"| {name} | {test['num_seeds']} | {mean}{unit} | {std} | {ends} | {took} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--seeds", type=int, default=3, choices=range(2, 101), metavar="2..100")
    parser.add_argument("--runs", nargs="+", type=Path, help="finished runs of the one recipe that is named")
    parser.add_argument("--out", type=Path, help="also write all values as JSON")
    arguments = parser.parse_args()
    if arguments.runs and len(arguments.recipes) > 1:
        parser.error("--runs are of one recipe")
    summaries = {}
    print(f"{describe_device(choose_device())}, torch {torch.__version__}, loupe {loupe.__version__}")
    print("| recipe | seeds | on test, mean | std | 95 % interval of the mean | training time a seed |")
    print("|---|---|---|---|---|---|")
    for name in arguments.recipes:
        runs = arguments.runs
        summaries[name] = read_runs(name, runs) if runs else measure_recipe(name, arguments.seeds)
        print(*write_rows(name, summaries[name]), sep="\n", flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(summaries, indent=2) + "\n")


if __name__ == "__main__":
    main()
