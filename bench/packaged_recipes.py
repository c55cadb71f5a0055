"""Train packaged recipes with several seeds and print a Markdown row for each.

usage: python bench/packaged_recipes.py [--seeds N] [--out FILE.json] RECIPE …

Test accuracy (of an autoencoder: mean squared error) is that of the best epoch on validation; the test set
is opened once a run. Recipes on official data need LOUPE_DATA, or a network.
"""

import argparse
import json
import tempfile
from pathlib import Path

import torch

import loupe
from loupe.reports.page import format_duration
from loupe.runtime import choose_device, describe_device


def measure_recipe(name: str, seeds: int) -> dict[str, object]:
    """Return the summaries of a recipe trained with seeds 0, 1, …"""
    with tempfile.TemporaryDirectory() as folder:
        run = loupe.train(name, f"run.seeds={list(range(seeds))}", f"run.folder={folder}")
        summary: dict[str, object] = json.loads((run.path / "summary.json").read_text())
    return summary


def write_row(name: str, summary: dict[str, object]) -> str:
    """Return recipe, seeds, mean, sd, interval and seconds as a row of a Markdown table."""
    figures = summary["summaries"]
    seconds = figures["seconds"]  # type: ignore[index]  # parsed JSON
    if "best test accuracy" in figures:
        test, scale, digits, unit = figures["best test accuracy"], 100, 2, " %"
    else:
        test, scale, digits, unit = figures["best test loss"], 1, 5, ""
    mean, sd, low, high = (
        f"{scale * value:.{digits}f}"
        for value in (test["mean"], test["sd"], test["interval"]["low"], test["interval"]["high"])
    )
    return (
        f"| `{name}` | {test['num_seeds']} | {mean}{unit} | {sd} | {low} to {high}{unit} "
        f"| {format_duration(seconds['mean'])} (sd {seconds['sd']:.1f} s) |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--seeds", type=int, default=3, choices=range(2, 101), metavar="2..100")
    parser.add_argument("--out", type=Path, help="also write all figures as JSON")
    arguments = parser.parse_args()
    summaries = {}
    print(f"{describe_device(choose_device())}, torch {torch.__version__}, loupe {loupe.__version__}")
    print("| recipe | seeds | on test, mean | sd | 95 % interval of the mean | training time a seed |")
    print("|---|---|---|---|---|---|")
    for name in arguments.recipes:
        summaries[name] = measure_recipe(name, arguments.seeds)
        print(write_row(name, summaries[name]), flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(summaries, indent=2) + "\n")


if __name__ == "__main__":
    main()
