"""What a search says it found, of made-up trials."""

from collections.abc import Sequence

from loupe.metrics.registry import choose_metric
from loupe.searches.folder import FreshRow, TrialRow
from loupe.searches.outcome import SearchOutcome, find_outcome
from loupe.searches.wording import answer_search, describe_optimism

from .conftest import make_search


def make_trial(number: int, score: float) -> TrialRow:
    settings = {"train.optimizer.learning_rate": 0.001 * (number + 1)}
    return TrialRow(number, "finished", score, 2, 2, 1.0, "", "", "", settings)


def make_outcome(scores: Sequence[float], fresh: Sequence[Sequence[float]]) -> SearchOutcome:
    """Return a search whose best trials, best first, had these scores with fresh seeds."""
    trials = [make_trial(number, score) for number, score in enumerate(scores)]
    ranked = sorted(trials, key=lambda row: -(row.score or 0.0))[: len(fresh)]
    rows = [
        FreshRow(rank, trial.number, seed, "finished", "", score, score, 0.1, None, None, 1.0)
        for rank, (trial, values) in enumerate(zip(ranked, fresh, strict=True), start=1)
        for seed, score in enumerate(values, start=1)
    ]
    return find_outcome(make_search(), choose_metric("accuracy").metric, trials, ranked, rows, {}, "", 60.0)


def test_settings_that_tie_with_fresh_seeds_are_all_named() -> None:
    outcome = make_outcome([0.95, 0.97, 0.96], [[0.95, 0.96], [0.96, 0.95]])
    said = answer_search(outcome)
    assert "The best settings are those of trial 1: learning_rate 0.002 (as good: trial 2)." in said
    assert [one.trial.number for one in outcome.tied] == [2]
    alone = make_outcome([0.95, 0.97, 0.96], [[0.95, 0.96], [0.96, 0.96]])
    assert "The best settings are those of trial 2: learning_rate 0.003." in answer_search(alone)


def test_trials_with_the_best_score_are_all_named() -> None:
    first = describe_optimism(make_outcome([0.97, 0.95, 0.97], [[0.95, 0.96], [0.96, 0.95]]))[0]
    assert "trial 0, had 97.00 % (as had trial 2); with fresh seeds its settings reach 95.50 %" in first
    alone = describe_optimism(make_outcome([0.97, 0.95, 0.96], [[0.95, 0.96], [0.96, 0.95]]))[0]
    assert "trial 0, had 97.00 %; with fresh seeds its settings reach" in alone
