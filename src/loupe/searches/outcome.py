"""What a search found: who won, by how much the search flattered it, and what the settings mattered."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from loupe.metrics import Metric
from loupe.searches import Search
from loupe.searches.folder import FreshRow, TrialRow
from loupe.statistics import Optimism, estimate_optimism, expected_best_of, summarise_seeds
from loupe.statistics.intervals import SeedSummary
from loupe.wording import is_tied


@dataclass(frozen=True)
class Candidate:
    """One of the best trials, run again with fresh seeds.

    Args:
        rank: by the search's score, from 1.
        trial: as the search saw it.
        runs: with fresh seeds, failed ones too.
        fresh: validation score over the fresh seeds that finished; None if none has.
        test: figure on test over the same runs; None if the test set stayed closed.
        optimism: of the search's score; above 0 if it flattered the settings.
    """

    rank: int
    trial: TrialRow
    runs: tuple[FreshRow, ...]
    fresh: SeedSummary | None
    test: SeedSummary | None
    optimism: Optimism | None

    @property
    def is_complete(self) -> bool:
        """Whether every fresh run has finished."""
        return all(run.status == "finished" for run in self.runs)


@dataclass(frozen=True)
class Share:
    """A parameter's share in what sets good trials apart, in [0, 1].

    Args:
        share: of all trials.
        low: the least that comes out with some of the trials left out.
        high: the most.
    """

    share: float
    low: float
    high: float


@dataclass(frozen=True)
class SearchOutcome:
    """What a search found.

    Args:
        search: what was searched.
        metric: what was sought.
        trials: a row each, in the order they were started.
        candidates: the best few, by rank.
        winner: the candidate with the best mean over the fresh seeds, of several that tie the one of the best
            trial; None before there is one.
        luck: by how much the best of as many equally good trials would lie above their mean, by the spread
            between the fresh seeds; None if that is not known.
        importance: of each parameter, largest first; empty if it cannot be said.
        importance_note: why there is none, or how it is to be read.
        seconds: how long was searched, in all sessions; the fresh runs not counted.
    """

    search: Search
    metric: Metric
    trials: tuple[TrialRow, ...]
    candidates: tuple[Candidate, ...]
    winner: Candidate | None
    luck: float | None
    importance: Mapping[str, Share]
    importance_note: str
    seconds: float

    @property
    def tied(self) -> tuple[Candidate, ...]:
        """Candidates whose mean over the fresh seeds is the winner's, without it."""
        if self.winner is None or self.winner.fresh is None:
            return ()
        best = self.winner.fresh.mean
        return tuple(
            one
            for one in self.candidates
            if one is not self.winner
            and one.is_complete
            and one.fresh is not None
            and is_tied(one.fresh.mean, best)
        )

    def count(self, status: str) -> int:
        """Return how many trials ended so."""
        return sum(row.status == status for row in self.trials)

    @property
    def training_seconds(self) -> float:
        """Training and validation of all trials and fresh runs, added up."""
        fresh = [run.seconds for one in self.candidates for run in one.runs]
        return sum(seconds or 0.0 for seconds in [*(row.seconds for row in self.trials), *fresh])

    @property
    def num_test_openings(self) -> int:
        """Fresh runs that opened the test set; each does so once, at its end."""
        return sum(run.test_loss is not None for one in self.candidates for run in one.runs)


def find_outcome(
    search: Search,
    metric: Metric,
    trials: Sequence[TrialRow],
    ranked: Sequence[TrialRow],
    fresh: Sequence[FreshRow],
    importance: Mapping[str, Share],
    importance_note: str,
    seconds: float,
) -> SearchOutcome:
    """Return what a search found.

    Args:
        ranked: the trials that were run again, best first.
        fresh: their runs with fresh seeds, as far as there are any.
    """
    candidates = [
        _make_candidate(search, metric, rank, trial, [run for run in fresh if run.number == trial.number])
        for rank, trial in enumerate(ranked, start=1)
    ]
    whole = [one for one in candidates if one.fresh is not None and one.is_complete]
    sign = 1.0 if metric.is_higher_better else -1.0
    means = [sign * one.fresh.mean for one in whole if one.fresh is not None]
    # of several that are equal up to rounding, the one that the search ranked first
    winner = next((one for one, mean in zip(whole, means, strict=True) if is_tied(mean, max(means))), None)
    return SearchOutcome(
        search=search,
        metric=metric,
        trials=tuple(trials),
        candidates=tuple(candidates),
        winner=winner,
        luck=_estimate_luck(candidates, sum(row.status == "finished" for row in trials), metric),
        importance=importance,
        importance_note=importance_note,
        seconds=seconds,
    )


def _make_candidate(
    search: Search, metric: Metric, rank: int, trial: TrialRow, runs: Sequence[FreshRow]
) -> Candidate:
    scores = [run.score for run in runs if run.status == "finished" and run.score is not None]
    column = f"test_{metric.name}"  # tables of earlier versions have no test_score
    on_test = [getattr(run, column, None) if run.test_score is None else run.test_score for run in runs]
    tested = [value for value in on_test if value is not None]
    optimism, low, high = None, metric.bounds["low"], metric.bounds["high"]
    if scores and trial.score is not None:
        sign = 1.0 if metric.is_higher_better else -1.0
        ends = sorted((sign * low, sign * high))
        optimism = estimate_optimism(
            sign * trial.score, [sign * one for one in scores], search.confidence, low=ends[0], high=ends[1]
        )
    return Candidate(
        rank=rank,
        trial=trial,
        runs=tuple(runs),
        fresh=summarise_seeds(scores, search.confidence, low=low, high=high) if scores else None,
        test=summarise_seeds(tested, search.confidence, low=low, high=high) if tested else None,
        optimism=optimism,
    )


def _estimate_luck(candidates: Sequence[Candidate], num_finished: int, metric: Metric) -> float | None:
    variances = [
        one.fresh.std**2 for one in candidates if one.fresh is not None and one.fresh.std is not None
    ]
    if not variances or not num_finished:
        return None
    end = metric.bounds["high" if metric.is_higher_better else "low"]
    mean = fmean(one.fresh.mean for one in candidates if one.fresh is not None)
    return min(expected_best_of(num_finished, math.sqrt(fmean(variances))), abs(end - mean))
