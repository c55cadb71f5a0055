"""A search as the interface answers it: what its report says, also while it goes on."""

from pathlib import Path

from loupe.errors import LoupeError
from loupe.reports.page import format_level
from loupe.reports.pictures import encode_bytes
from loupe.runs import RunFolder, is_run_folder
from loupe.runs.reading import is_plain, read_bytes, read_text
from loupe.searches import Search
from loupe.searches.folder import SearchFolder, TrialRow
from loupe.searches.look_back import look_back_at_search, read_search
from loupe.searches.outcome import Candidate, SearchOutcome
from loupe.searches.report import draw_best_so_far, list_settings, sort_trials
from loupe.searches.space import list_grid
from loupe.searches.wording import (
    answer_search,
    describe_optimism,
    describe_space,
    list_budget,
    write_difference,
    write_range,
    write_score,
    write_settings,
    write_summary,
)
from loupe.web.run_index import RunIndex
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
    best = (max if search.is_maximised else min)(scores, default=None)
    has_winner = is_plain(folder.winner_file)
    state: State = "finished" if has_winner else "unfinished"
    return SearchSummary(
        id=folder.path.name,
        about=search.about,
        state="running" if folder.is_under_way() else state,
        num_trials=len(ended),
        most=len(list_grid(search)) if search.sampler == "grid" else search.trials,
        best=write_score(search, best),
        objective=search.objective,
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
    search, chart = outcome.search, draw_best_so_far(outcome)
    picture = encode_bytes(read_bytes(folder.figure_file)) if is_plain(folder.figure_file) else ""
    return SearchDetails(
        summary=_summarise(folder, search, list(outcome.trials)),
        answer=answer_search(outcome),
        optimism=describe_optimism(outcome),
        level=format_level(search.confidence),
        labels=[search.label_of(field) for field in search.space],
        space=describe_space(search),
        how=_tell_how(search),
        budget=list(list_budget(outcome)),
        chart=str(chart) if chart is not None else "",
        picture=picture,
        importance=[
            ImportanceAnswer(label=search.label_of(field), share=one.share, low=one.low, high=one.high)
            for field, one in outcome.importance.items()
        ],
        importance_note=outcome.importance_note,
        trials=[_describe_trial(index, folder, outcome, row) for row in sort_trials(outcome)],
        candidates=[_describe_candidate(index, folder, outcome, one) for one in outcome.candidates],
        fresh_note=_tell_of_fresh(search),
        winner_toml=read_text(folder.winner_file) if is_plain(folder.winner_file) else "",
        toml=search.to_toml(),
        has_report=is_plain(folder.report_file),
    )


def _tell_how(search: Search) -> str:
    budget = [f"{search.trials} trials"] if search.trials else []
    budget += [f"no trial started after {search.minutes:g} minutes"] if search.minutes else []
    budget = budget or ["the whole grid"]
    return (
        f"Recipe {search.recipe}; sampler {search.sampler}, pruner {search.pruner}, seed {search.seed}; "
        f"budget: {', '.join(budget)}. What selects: {search.objective} on validation."
    )


def _tell_of_fresh(search: Search) -> str:
    return (
        f"The winner has the best mean on validation over seeds the search has not used "
        f"({search.fresh_seeds} each; the search used {search.seed}); test figures chose nothing. "
        f"Brackets: {format_level(search.confidence)} interval of the mean (Student)."
    )


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
        score_text=write_score(outcome.search, row.score),
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
    search, optimism = outcome.search, one.optimism
    return CandidateAnswer(
        rank=one.rank,
        number=one.trial.number,
        is_winner=_is_winner(outcome, one.trial.number),
        settings=write_settings(search, dict(one.trial.settings)),
        found=write_score(search, one.trial.score),
        fresh=write_summary(search, one.fresh),
        optimism=write_difference(search, optimism.difference) if optimism else "",
        optimism_range=write_range(search, optimism.interval, is_signed=True) if optimism else "",
        test=write_summary(search, one.test),
        runs=[
            FreshAnswer(
                seed=run.seed,
                text=write_score(search, run.score) or f"{run.status}: {run.reason}",
                run=_name_run(index, folder.fresh(run.number, run.seed)),
            )
            for run in one.runs
        ],
    )
