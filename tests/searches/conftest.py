from typing import Any

from loupe.searches import Search
from loupe.searches.folder import SearchFolder, TrialRow
from loupe.searches.loading import load_search
from loupe.searches.scheduler import Watcher
from loupe.training import EpochRecord

QUICK = {
    "train": {"epochs": 2, "clean_train_images": 0},
    "model": {"width": 1},
    "data": {"fraction": 0.3},
}
RATE = {"kind": "float", "low": 1e-3, "high": 0.02, "log": True}


def make_search(space: dict[str, Any] | None = None, **changes: Any) -> Search:
    """Return a search of the digits whose trials take a fraction of a second."""
    mapping: dict[str, Any] = {
        "name": "small",
        "recipe": "digits",
        "set": QUICK,
        "space": space or {"train.optimizer.learning_rate": RATE},
        "sampler": "random",
        "pruner": "none",
        "trials": 4,
        "top": 2,
        "fresh_seeds": 2,
    }
    return load_search({**mapping, **changes})


def read_trials(folder: SearchFolder) -> list[list[str]]:
    """Return `trials.csv` without times."""
    lines = [line.split(",") for line in folder.trials_file.read_text(encoding="utf-8").splitlines()]
    timed = {lines[0].index(name) for name in ("seconds", "started", "ended")}
    return [[cell for index, cell in enumerate(line) if index not in timed] for line in lines]


class StopIn(Watcher):
    """Presses Ctrl-C in the first epoch of a trial."""

    def __init__(self, trial: int) -> None:
        self._name = f"trial {trial}"
        self.rows: list[TrialRow] = []

    def on_epoch(self, job: Any, record: EpochRecord) -> None:
        if job.name == self._name:
            raise KeyboardInterrupt

    def on_trial(self, row: TrialRow, *others: Any) -> None:
        self.rows.append(row)
