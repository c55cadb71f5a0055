"""The scheduler of a search: which settings next, which runs are given up, what became of each."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import optuna
from optuna.trial import FrozenTrial, TrialState

from loupe.engines import Ended, Job
from loupe.engines.worker import describe_failure
from loupe.errors import LoupeError
from loupe.metrics import Metric
from loupe.searches import Search
from loupe.searches.folder import SearchFolder, TrialRow, TrialStatus, find_interval, read_run
from loupe.searches.space import Settings, make_recipe
from loupe.searches.trials import Trials
from loupe.training import EpochRecord


class Watcher:
    """Hears what a search does. Override what is of interest; every method does nothing."""

    def on_mended(self, said: str) -> None:
        """Called first of all, if something that a killed session left half written was taken off."""

    def on_start(self, job: Job) -> None:
        """Called when a run is handed to a worker."""

    def on_epoch(self, job: Job, record: EpochRecord) -> None:
        """Called after every epoch of every run."""

    def on_trial(self, row: TrialRow, best: TrialRow | None, num_ended: int, most: int | None) -> None:
        """Called when a trial has ended.

        Args:
            best: the best so far.
            num_ended: trials that have ended.
            most: how many there may be; None if only time says.
        """

    def on_end(self, job: Job, ended: Ended) -> None:
        """Called when a run with a fresh seed has ended."""


@dataclass
class _UnderWay:
    """A trial that is being carried out."""

    trial: optuna.Trial
    is_pruned: bool = False


class SearchConductor:
    """Asks for settings as long as there is budget, hands them out as runs, and tells what came of them.

    Args:
        search: what is searched.
        folder: of the search.
        trials: asks and remembers.
        watcher: hears what happens.
        clock: seconds that pass.
    """

    plans_ahead = False

    def __init__(
        self,
        search: Search,
        folder: SearchFolder,
        trials: Trials,
        watcher: Watcher,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._search = search
        self._folder = folder
        self._trials = trials
        self._watcher = watcher
        self._clock = clock
        self._started = clock()
        self._broken_off = trials.resume()
        self._under_way: dict[str, _UnderWay] = {}
        self._rows: dict[int, TrialRow] = {}  # of trials that have ended; their run folders are read once

    @property
    def seconds(self) -> float:
        """How long was searched, in all sessions."""
        return self._trials.seconds_before + self._clock() - self._started

    def next_job(self) -> Job | None:
        while (asked := self._ask()) is not None:
            trial, settings = asked
            try:
                recipe = make_recipe(self._search, settings, seed=self._search.seed)
            except LoupeError as error:  # settings that go wrong only together
                self._fail(trial, describe_failure(error))
                continue
            job = Job(f"trial {trial.number}", recipe, self._folder.trial(trial.number).path.resolve())
            self._under_way[job.name] = _UnderWay(trial)
            self._watcher.on_start(job)
            return job
        return None

    def _ask(self) -> tuple[optuna.Trial, Settings] | None:
        if self._broken_off:
            return self._broken_off.pop(0)
        minutes = self._search.minutes
        if minutes is not None and self.seconds >= 60 * minutes:
            return None
        return self._trials.ask()

    def on_epoch(self, job: Job, record: EpochRecord) -> bool:
        one = self._under_way[job.name]
        value = record.validation_of(self._search.objective)
        if value is not None and not one.is_pruned:  # a metric may not be defined yet
            one.is_pruned = not self._trials.report(one.trial, record.epoch, value)
        self._watcher.on_epoch(job, record)
        return not one.is_pruned

    def on_end(self, job: Job, ended: Ended) -> None:
        one = self._under_way.pop(job.name)
        if ended.status == "finished":
            score = read_score(self._search, self._folder, one.trial.number)
            if score is None:
                self._fail(one.trial, f"{self._search.objective} is not defined for its answers")
            else:
                self._end(one.trial, TrialState.COMPLETE, score)
        elif ended.status in ("failed", "held"):
            self._fail(one.trial, ended.reason)
        elif one.is_pruned:
            self._end(one.trial, TrialState.PRUNED)
        else:  # Ctrl-C: it stays under way, and the next session resumes it
            self._trials.note_seconds(self._clock() - self._started)

    def _fail(self, trial: optuna.Trial, reason: str) -> None:
        trial.set_user_attr("reason", reason)
        self._end(trial, TrialState.FAIL)

    def _end(self, trial: optuna.Trial, state: TrialState, score: float | None = None) -> None:
        self._trials.end(trial, state, score)
        self._trials.note_seconds(self._clock() - self._started)
        rows = self.write()
        best = find_best(self._trials.metric, rows)
        row = next(row for row in rows if row.number == trial.number)
        self._watcher.on_trial(row, best, self._trials.num_ended, self._trials.most)

    def write(self) -> list[TrialRow]:
        """Write `trials.csv`, and return its rows."""
        rows = []
        for trial in self._trials.all:
            row = self._rows.get(trial.number) or _make_row(self._search, self._folder, trial)
            if row.status != "under way":
                self._rows[trial.number] = row
            rows.append(row)
        self._folder.write_trials(rows, list(self._search.space))
        return rows


def read_score(search: Search, folder: SearchFolder, number: int) -> float | None:
    """Return the figure that is sought of a trial's best weights, on validation; None if there is none."""
    return read_run(folder.trial(number)).get(f"validation_{search.objective}")


_STATUSES: dict[TrialState, TrialStatus] = {
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "under way",
}


def _make_row(search: Search, folder: SearchFolder, trial: FrozenTrial) -> TrialRow:
    run = folder.trial(trial.number)
    figures = read_run(run) if trial.state != TrialState.RUNNING else {}
    ends = find_interval(run, search.objective) if figures else None
    return TrialRow(
        number=trial.number,
        status=_STATUSES[trial.state],
        score=figures.get(f"validation_{search.objective}"),
        best_epoch=figures.get("best_epoch"),
        epochs=figures.get("epochs"),
        seconds=figures.get("seconds"),
        started=_write_time(trial.datetime_start),
        ended=_write_time(trial.datetime_complete),
        reason=str(trial.user_attrs.get("reason", "")),
        settings=trial.params,
        low=ends.low if ends is not None else None,
        high=ends.high if ends is not None else None,
        parameters=figures.get("parameters"),
        multiply_adds=figures.get("multiply_adds"),
    )


def _write_time(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds")


def find_best(metric: Metric, rows: Sequence[TrialRow]) -> TrialRow | None:
    """Return the finished trial with the best score, the earlier of two; None if none has finished."""
    ranked = rank_trials(metric, rows)
    return ranked[0] if ranked else None


def rank_trials(metric: Metric, rows: Sequence[TrialRow]) -> list[TrialRow]:
    """Return the finished trials, best first; of several with the same settings the first."""
    sign = -1.0 if metric.is_higher_better else 1.0
    finished = [row for row in rows if row.status == "finished" and row.score is not None]
    ranked: list[TrialRow] = []
    for row in sorted(finished, key=lambda row: sign * (row.score or 0.0)):
        if all(row.settings != other.settings for other in ranked):
            ranked.append(row)
    return ranked
