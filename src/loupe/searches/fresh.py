"""The best few trials, run again with seeds the search has not used."""

from collections.abc import Sequence

from loupe.engines import Ended, Job
from loupe.searches import Search
from loupe.searches.folder import FreshRow, SearchFolder, TrialRow, read_run
from loupe.searches.scheduler import Watcher
from loupe.searches.space import make_recipe
from loupe.training import EpochRecord


def list_fresh_seeds(search: Search) -> list[int]:
    """Return the seeds of the fresh runs; all trials have the search's own."""
    return [search.seed + 1 + number for number in range(search.fresh_seeds)]


class FreshConductor:
    """Hands out the fresh runs that are not done.

    These may open the test set, once each, at their end, if the recipe says so.

    Args:
        search: what is searched.
        folder: of the search.
        ranked: the best few trials, best first.
        watcher: hears what happens.
    """

    plans_ahead = True

    def __init__(
        self, search: Search, folder: SearchFolder, ranked: Sequence[TrialRow], watcher: Watcher
    ) -> None:
        self._search = search
        self._folder = folder
        self._ranked = ranked
        self._watcher = watcher
        self._reasons: dict[str, str] = {}
        self._jobs = [
            Job(
                f"trial {row.number} again, seed {seed}",
                make_recipe(search, dict(row.settings), seed=seed, opens_test=None),
                folder.fresh(row.number, seed).path.resolve(),
            )
            for seed in list_fresh_seeds(search)
            for row in ranked
            if not folder.fresh(row.number, seed).is_finished()
        ]

    def next_job(self) -> Job | None:
        if not self._jobs:
            return None
        job = self._jobs.pop(0)
        self._watcher.on_start(job)
        return job

    def on_epoch(self, job: Job, record: EpochRecord) -> bool:
        self._watcher.on_epoch(job, record)
        return True

    def on_end(self, job: Job, ended: Ended) -> None:
        if ended.status in ("failed", "held"):
            self._reasons[job.folder.name] = ended.reason
        self.write()
        self._watcher.on_end(job, ended)

    def write(self) -> list[FreshRow]:
        """Write `fresh.csv`, and return its rows."""
        rows = [
            row
            for rank, trial in enumerate(self._ranked, start=1)
            for seed in list_fresh_seeds(self._search)
            if (row := self._make_row(rank, trial, seed)) is not None
        ]
        self._folder.write_fresh(rows)
        return rows

    def _make_row(self, rank: int, trial: TrialRow, seed: int) -> FreshRow | None:
        run = self._folder.fresh(trial.number, seed)
        figures, failure = read_run(run), self._reasons.get(run.path.name)
        if not figures and failure is None:
            return None
        return FreshRow(
            rank=rank,
            number=trial.number,
            seed=seed,
            status="failed" if failure is not None else figures["status"],
            reason=failure or figures.get("reason", ""),
            score=figures.get(f"validation_{self._search.objective}"),
            validation_accuracy=figures.get("validation_accuracy"),
            validation_loss=figures.get("validation_loss"),
            test_accuracy=figures.get("test_accuracy"),
            test_loss=figures.get("test_loss"),
            seconds=figures.get("seconds"),
            test_score=figures.get(f"test_{self._search.objective}"),
        )
