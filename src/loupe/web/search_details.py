"""A search as the interface answers it: what its report says, also while it goes on."""

from pathlib import Path

from loupe.errors import LoupeError
from loupe.reports.page import format_level
from loupe.runs import RunFolder, is_run_folder
from loupe.runs.reading import is_plain, read_text
from loupe.searches import Search
from loupe.searches.folder import SearchFolder, TrialRow
from loupe.searches.look_back import look_back_at_search, read_search
from loupe.searches.metric import metric_of
from loupe.searches.outcome import Candidate, SearchOutcome
from loupe.searches.report import describe_candidate, list_settings, render_search, sort_trials
from loupe.searches.space import count_trials
from loupe.searches.wording import answer_search, describe_space, write_score
from loupe.web.run_index import RunIndex
from loupe.web.sections import Section, make_fragment
from loupe.web.study_answers import (
    CandidateAnswer,
    FreshAnswer,
    ImportanceAnswer,
    SearchDetails,
    SearchSummary,
    State,
    TrialAnswer,
)


def summarise_search(path: Path) -> SearchSummary:
    """Return a search in a few figures; what is damaged is said, not raised."""
    try:
        folder = SearchFolder(path)
        search = read_search(folder)
        trials = folder.read_trials(lambda _, text: text)
        return _summarise(folder, search, trials)
    except LoupeError as error:
        return SearchSummary(id=path.name, state="damaged", problem=error.message)


def _summarise(folder: SearchFolder, search: Search, trials: list[TrialRow]) -> SearchSummary:
    ended = [row for row in trials if row.status != "under way"]
    scores = [row.score for row in trials if row.status == "finished" and row.score is not None]
    metric = metric_of(search, folder)
    best = metric.choose_best(scores) if scores else None
    has_winner = is_plain(folder.winner_file)
    most = count_trials(search)
    if most is not None:
        most = max(most, len(ended))  # of an earlier version, which tried settings again
    state: State = "finished" if has_winner else "unfinished"
    return SearchSummary(
        id=folder.path.name,
        about=search.about,
        state="running" if folder.is_under_way() else state,
        num_trials=len(ended),
        most=most,
        best=write_score(metric, best),
        objective=metric.title,
        is_higher_better=metric.is_higher_better,
        has_winner=has_winner,
    )


def describe_search(index: RunIndex, path: Path) -> SearchDetails:
    """Return what a search found so far.

    Args:
        index: knows what the search's runs are called.
        path: the search's folder.

    Raises:
        LoupeError: a file of the search is damaged.
    """
    folder = SearchFolder(path)
    outcome = look_back_at_search(folder)
    search = outcome.search
    return SearchDetails(
        summary=_summarise(folder, search, list(outcome.trials)),
        answer=answer_search(outcome),
        level=format_level(search.confidence),
        labels=[search.label_of(field) for field in search.space],
        space=describe_space(search),
        importance=[
            ImportanceAnswer(label=search.label_of(field), share=one.share, low=one.low, high=one.high)
            for field, one in outcome.importance.items()
        ],
        trials=[_describe_trial(index, folder, outcome, row) for row in sort_trials(outcome)],
        candidates=[_describe_candidate(index, folder, outcome, one) for one in outcome.candidates],
        winner_toml=read_text(folder.winner_file) if is_plain(folder.winner_file) else "",
        toml=read_text(folder.search_file),
        has_report=is_plain(folder.report_file),
    )


def make_search_section(index: RunIndex, path: Path) -> Section:
    """Return what the report of a search says so far, for the page.

    Args:
        index: knows what the search's runs are called.
        path: the search's folder.

    Raises:
        LoupeError: a file of the search is damaged.
    """
    folder = SearchFolder(path)
    return make_fragment(render_search(folder, look_back_at_search(folder), index.address))


def _name_run(index: RunIndex, run: RunFolder) -> str | None:
    return index.name(run) if is_run_folder(run.path) else None


def _is_winner(outcome: SearchOutcome, number: int) -> bool:
    return outcome.winner is not None and outcome.winner.trial.number == number


def _describe_trial(
    index: RunIndex, folder: SearchFolder, outcome: SearchOutcome, row: TrialRow
) -> TrialAnswer:
    return TrialAnswer(
        number=row.number,
        status="given up early" if row.status == "pruned" else row.status,
        score=row.score,
        score_text=write_score(outcome.metric, row.score),
        settings=list_settings(outcome.search, row),
        values=[row.settings.get(field) for field in outcome.search.space],
        best_epoch=row.best_epoch,
        epochs=row.epochs,
        seconds=row.seconds,
        reason=row.reason,
        is_winner=_is_winner(outcome, row.number),
        run=_name_run(index, folder.trial(row.number)),
    )


def _describe_candidate(
    index: RunIndex, folder: SearchFolder, outcome: SearchOutcome, one: Candidate
) -> CandidateAnswer:
    found = describe_candidate(folder, outcome, one, lambda run: _name_run(index, run) or "")
    runs = [
        FreshAnswer(seed=run["seed"], text=run["text"], run=run["link"] or None) for run in found.pop("runs")
    ]
    del found["link"]  # the trial's run stands among the trials
    return CandidateAnswer(**found, runs=runs)
