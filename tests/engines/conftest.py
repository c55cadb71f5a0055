"""A scheduler that knows its jobs beforehand, and remembers what it heard."""

import csv
import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from loupe.engines import Ended, Job
from loupe.running import load_recipe
from loupe.runs import RunFolder
from loupe.training import EpochRecord

QUICK = (
    *("train.epochs=3", "train.clean_train_images=0", "model.width=1", "data.fraction=0.3"),
    *("evaluate.look_inside=false", "evaluate.test=false", "run.threads=1"),
)
needs_ray = pytest.mark.skipif(
    find_spec("ray") is None, reason="the package ray is not installed: pip install 'loupe-bench[ray]'"
)
OnEpoch = Callable[[Job, EpochRecord], bool]


def make_jobs(folder: Path, count: int, *overrides: str) -> list[Job]:
    """Return jobs that differ in their seed."""
    return [
        Job(
            f"job {seed}", load_recipe("digits", [*QUICK, *overrides, f"run.seed={seed}"]), folder / str(seed)
        )
        for seed in range(count)
    ]


class Jobs:
    """Hands out jobs in order, and remembers their ends and epochs."""

    plans_ahead = True

    def __init__(self, jobs: Sequence[Job], on_epoch: OnEpoch | None = None) -> None:
        self.waiting = list(jobs)
        self.ended: dict[str, Ended] = {}
        self.epochs: list[tuple[str, int]] = []
        self._on_epoch = on_epoch

    def next_job(self) -> Job | None:
        return self.waiting.pop(0) if self.waiting else None

    def on_epoch(self, job: Job, record: EpochRecord) -> bool:
        self.epochs.append((job.name, record.epoch))
        return self._on_epoch is None or self._on_epoch(job, record)

    def on_end(self, job: Job, ended: Ended) -> None:
        assert job.name not in self.ended
        self.ended[job.name] = ended

    @property
    def statuses(self) -> list[str]:
        return [self.ended[name].status for name in sorted(self.ended)]


def read_numbers(folder: Path) -> list[list[str]]:
    """Return the digits of a run's history, without times."""
    assert RunFolder(folder).is_finished()
    with (folder / "history.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [[value for name, value in row.items() if "second" not in name] for row in rows]


def write_fragile_model(folder: Path) -> Path:
    """Return a plugin whose model kills its process when it is built, except in the process `driver`.

    It does so `most` times: each time leaves a file in the folder `deaths`.
    """
    path = folder / "fragile.py"
    path.write_text(
        "import os, pathlib, signal\n"
        "from torch import nn\n"
        "from loupe import register_model\n\n\n"
        '@register_model("fragile")\n'
        "def fragile(*, in_channels: int, image_size: tuple[int, int], num_classes: int, driver: int,\n"
        "            deaths: str, most: int) -> nn.Module:\n"
        '    """Does not live long."""\n'
        "    died = pathlib.Path(deaths)\n"
        "    if os.getpid() != driver and len(list(died.iterdir())) < most:\n"
        "        (died / str(os.getpid())).touch()\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    pixels = in_channels * image_size[0] * image_size[1]\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(pixels, num_classes))\n",
        encoding="utf-8",
    )
    return path


def make_fragile_job(folder: Path, most: int) -> Job:
    """Return a job whose process dies the first `most` times."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "deaths").mkdir()
    model = f"model={{name='fragile', driver={os.getpid()}, deaths='{folder / 'deaths'}', most={most}}}"
    overrides = [one for one in QUICK if not one.startswith("model")]
    recipe = load_recipe("digits", [*overrides, model], plugins=[str(write_fragile_model(folder))])
    return Job("fragile", recipe, folder / "fragile")


def make_diverging_job(folder: Path) -> Job:
    recipe = load_recipe("digits", [*QUICK, "train.optimizer={name='sgd', learning_rate=1e30}"])
    return Job("diverging", recipe, folder / "diverging")
