"""Train packaged recipes with several seeds and print a Markdown row for each.

usage: python bench/packaged_recipes.py [--seeds N] [--out FILE.json] RECIPE …

Test accuracy (of an autoencoder: mean squared error) is that of the best epoch on validation; the test set
is opened once a run. Recipes on official data need LOUPE_DATA, or a network.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import torch

import loupe
from loupe.runtime import choose_device, describe_device
from loupe.wording import format_duration


def measure_recipe(name: str, seeds: int) -> dict[str, object]:
    """Return the summaries of a recipe trained with seeds 0, 1, …"""
    with tempfile.TemporaryDirectory() as folder:
        run = loupe.train(name, f"run.seeds={list(range(seeds))}", f"run.folder={folder}")
        summary: dict[str, object] = json.loads((run.path / "summary.json").read_text())
    return summary


def write_rows(name: str, summary: dict[str, object]) -> list[str]:
    """Return recipe, seeds, mean, std, interval and seconds as Markdown rows, plain and with TTA."""
    metrics: dict[str, Any] = summary["summaries"]  # type: ignore[assignment]  # parsed JSON
    seconds = metrics["seconds"]
    took = f"{format_duration(seconds['mean'])} (std {seconds['std']:.1f} s)"
    if "best test accuracy" not in metrics:
        return [write_row(f"`{name}`", metrics["best test loss"], 1, 5, "", took)]
    rows = [write_row(f"`{name}`", metrics["best test accuracy"], 100, 2, " %", took)]
    with_views = metrics.get("best test accuracy with tta")
    if with_views is not None:
        rows.append(write_row("with test-time augmentation", with_views, 100, 2, " %", "the same runs"))
    return rows


def write_row(name: str, test: dict[str, Any], scale: float, digits: int, unit: str, took: str) -> str:
    mean, std, low, high = (
        f"{scale * value:.{digits}f}"
        for value in (test["mean"], test["std"], test["interval"]["low"], test["interval"]["high"])
    )
    return f"| {name} | {test['num_seeds']} | {mean}{unit} | {std} | {low} to {high}{unit} | {took} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--seeds", type=int, default=3, choices=range(2, 101), metavar="2..100")
    parser.add_argument("--out", type=Path, help="also write all values as JSON")
    arguments = parser.parse_args()
    summaries = {}
    print(f"{describe_device(choose_device())}, torch {torch.__version__}, loupe {loupe.__version__}")
    print("| recipe | seeds | on test, mean | std | 95 % interval of the mean | training time a seed |")
    print("|---|---|---|---|---|---|")
    for name in arguments.recipes:
        summaries[name] = measure_recipe(name, arguments.seeds)
        print(*write_rows(name, summaries[name]), sep="\n", flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(summaries, indent=2) + "\n")


if __name__ == "__main__":
    main()
