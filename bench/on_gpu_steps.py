"""The steps of `on_gpu.py`, each in a process of its own; results are lines of JSON, written as they come.

usage: python bench/on_gpu_steps.py RESULTS.jsonl against | train RECIPE SEED … | bench | together | exports
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from airbench_code import load_muon

import loupe
from loupe.data import Dataset
from loupe.running import load_recipe, run_recipe
from loupe.running.training_setup import load_recipe_data
from loupe.runs import RunFolder, RunResult

DEVICE, IS_TINY = os.environ.get("LOUPE_GPU_DEVICE", "cuda"), bool(os.environ.get("LOUPE_GPU_TINY"))
SETTINGS = (f"run.device={DEVICE}", "evaluate.look_inside=false", "train.clean_train_images=0")
BENCHED = ("fast-cifar10", "resnet18-cifar10", "six-block-cifar10", "expert-cifar10", "fast-cifar10-96")
TINY: dict[str, tuple[str, ...]] = {
    "expert-cifar10": ("model.blocks=1", "model.width=8"),
    "expert-cifar10-long": ("model.blocks=1", "model.width=8"),
    "six-block-cifar10": ("model.width=0.125",),
    "resnet18-cifar10": ("model.depth=20",),
}
"""What makes a recipe small enough to try the script on a CPU."""


class Results:
    """A file that receives a line of JSON for each thing found out."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.unlink(missing_ok=True)

    def add(self, **values: Any) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")
        print(values, flush=True)


def choose_settings(recipe: str) -> list[str]:
    """Return the changes to a packaged recipe: the device, and small settings for a try."""
    small = ["train.epochs=2", "data.fraction=0.005", "data.validation=100", "train.batch_size=50"]
    small += ["evaluate.test=false", "evaluate.tta=none"]
    return [*SETTINGS, *(small + list(TINY.get(recipe, ())) if IS_TINY else [])]


def train_seeds(results: Results, name: str, seeds: list[int]) -> None:
    """Train a recipe with each of the seeds; what an interruption leaves is evaluated too."""
    recipe = load_recipe(name, choose_settings(name))
    dataset = load_recipe_data(recipe)
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            started = time.perf_counter()
            result = run_recipe(recipe.for_seed(seed), RunFolder(Path(folder) / f"{seed}"), dataset=dataset)
            results.add(recipe=name, **describe(result, recipe.train.epochs, time.perf_counter() - started))
            if result.status != "finished":
                break


def describe(result: RunResult, num_epochs: int, whole_seconds: float) -> dict[str, Any]:
    """Return a run's numbers: accuracies of the best weights, and times in seconds."""
    best = result.to_dict()["best"] or {}
    accuracies = {
        split: score["accuracy"]
        for split, score in best.items()
        if isinstance(score, dict) and "accuracy" in score
    }
    return {
        "seed": result.seed,
        "status": result.status,
        "epochs": result.last.epoch if result.last else 0,
        "planned_epochs": num_epochs,
        "accuracy": accuracies,
        "training_seconds": round(result.seconds, 3),
        "whole_seconds": round(whole_seconds, 3),
        "images_per_second": round(result.images_per_second),
    }


def train_against_airbench(results: Results) -> None:
    """Train fast-cifar10 and airbench94_muon's own code in turn, until the process is stopped or n is 25."""
    rounds = 2 if IS_TINY else 25
    recipe = load_recipe("fast-cifar10", choose_settings("fast-cifar10"))
    dataset = load_recipe_data(recipe)
    path = os.environ.get("LOUPE_GPU_AIRBENCH")
    airbench = prepare_airbench(Path(path), dataset) if path else None
    times: dict[str, list[float]] = {"fast-cifar10": [], "airbench94_muon": []}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(rounds):
            started = time.perf_counter()
            run = run_recipe(recipe.for_seed(seed), RunFolder(Path(folder) / f"{seed}"), dataset=dataset)
            whole = time.perf_counter() - started
            results.add(way="fast-cifar10", **describe(run, recipe.train.epochs, whole))
            if run.status != "finished":
                return
            times["fast-cifar10"].append(run.seconds)
            if airbench is not None:
                accuracy, seconds = airbench()
                results.add(way="airbench94_muon", accuracy=accuracy, training_seconds=round(seconds, 3))
                times["airbench94_muon"].append(seconds)
    if times["airbench94_muon"]:
        pairs = zip(*times.values(), strict=True)
        results.add(ratio=statistics.median(ours / theirs for ours, theirs in pairs), n=rounds)


def prepare_airbench(path: Path, dataset: Dataset) -> Callable[[], tuple[float, float]]:
    """Return what trains once by airbench94_muon's code; see `load_muon`."""
    train = load_muon(path, dataset.train, dataset.test.open("airbench94_muon, beside fast-cifar10"))
    train()  # the first compiles
    return train


def measure_speed(results: Results) -> None:
    """Measure the stages of each recipe's step."""
    from loupe.benchmarking import measure_recipe

    for name in BENCHED[: 2 if IS_TINY else None]:
        recipe = load_recipe(name, choose_settings(name))
        results.add(recipe=name, speed=measure_recipe(recipe, 2.0 if IS_TINY else 6.0).to_dict())


def train_together(results: Results) -> None:
    """Train eight seeds of a small CNN as one batched network, and the same seeds one after another."""
    from loupe.studies.loading import load_study
    from loupe.studies.run import run_study

    description: dict[str, Any] = {
        "name": "eight-seeds",
        "recipe": "fashion-cnn",
        "seeds": list(range(2 if IS_TINY else 8)),
        "set": {
            "train": {"epochs": 2},
            "run": {"device": DEVICE},
            "data": {"fraction": 0.02 if IS_TINY else 1.0},
        },
    }
    for name in ("together", "serial"):
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            run_study(load_study(description), Path(folder), engine=name, workers=1)
            results.add(engine=name, seconds=round(time.perf_counter() - started, 2))


def export_both(results: Results) -> None:
    """Export a digits network trained on the device in two formats; each is compared before it is kept."""
    with tempfile.TemporaryDirectory() as folder:
        run = loupe.train("digits", f"run.device={DEVICE}", "train.epochs=3", f"run.folder={folder}/runs")
        for form in ("onnx", "torch"):
            started = time.perf_counter()
            exported = loupe.export_run(run.path, form)
            results.add(
                form=form, seconds=round(time.perf_counter() - started, 2), parity=str(exported.parity)
            )


def main() -> None:
    results, verb, *rest = Results(Path(sys.argv[1])), *sys.argv[2:]
    results.add(step=verb, torch=torch.__version__, device=DEVICE)
    if verb == "train":
        train_seeds(results, rest[0], [int(seed) for seed in rest[1:]])
    else:
        steps = {
            "against": train_against_airbench,
            "bench": measure_speed,
            "together": train_together,
            "exports": export_both,
        }
        steps[verb](results)


if __name__ == "__main__":
    main()
