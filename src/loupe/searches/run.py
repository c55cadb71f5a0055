"""A search on one screen: try settings out, run the best again with fresh seeds, report."""

from pathlib import Path

from loupe.engines import Engine, open_engine
from loupe.recipe import Recipe
from loupe.running.training_setup import load_recipe_data
from loupe.searches import Search
from loupe.searches.folder import FreshRow, SearchFolder, TrialRow
from loupe.searches.fresh import FreshConductor
from loupe.searches.importance import measure_importance
from loupe.searches.outcome import SearchOutcome, find_outcome
from loupe.searches.report import write_search_report
from loupe.searches.scheduler import SearchConductor, Watcher, rank_trials
from loupe.searches.space import Settings, count_trials, make_recipe
from loupe.searches.trials import Trials


def run_search(
    search: Search,
    out: Path = Path("searches"),
    *,
    engine: str = "auto",
    workers: int | None = None,
    watcher: Watcher | None = None,
) -> SearchOutcome:
    """Search, write tables, figure, report and the winner's recipe, and return what was found.

    Trials are judged by validation alone and never open the test set. A search that was interrupted goes on
    where it stopped; a trial that fails is recorded, and the others go on.

    Args:
        search: from `load_search`.
        out: receives `<search's name>/`.
        engine: "serial", "processes", "ray", "together" or "auto".
        workers: runs at once; as many as there is room for if left out.
        watcher: hears what happens.

    Raises:
        LoupeError: the data is missing, or the folder holds another search.
        KeyboardInterrupt: after Ctrl-C, when what was reached is written.
    """
    recipe = make_recipe(search, {}, seed=search.seed)
    load_recipe_data(recipe)  # or there is nothing to search on, and no folder is made
    folder = SearchFolder(out / search.name)
    with folder.locked():
        trials = Trials(search, folder, recipe.train.epochs)
        if watcher is not None and trials.mended:
            watcher.on_mended(trials.mended)
        folder.write_search(search)
        opened = open_engine(engine, workers=workers, threads=search.threads, num_jobs=count_runs(search))
        try:
            return carry_out_search(search, folder, trials, opened, watcher or Watcher())
        finally:
            opened.close()


def carry_out_search(
    search: Search, folder: SearchFolder, trials: Trials, engine: Engine, watcher: Watcher
) -> SearchOutcome:
    """Carry out what is left of a search, and return what was found; `run_search` says more."""
    scheduler = SearchConductor(search, folder, trials, watcher)
    rows: list[TrialRow] = []
    best: list[TrialRow] = []
    fresh: list[FreshRow] = []
    seconds = trials.seconds_before
    try:
        try:
            engine.carry_out(scheduler)
        finally:
            rows, seconds = scheduler.write(), scheduler.seconds
        best = rank_trials(trials.metric, rows)[: search.top]
        again = FreshConductor(search, folder, best, watcher)
        try:
            engine.carry_out(again)
        finally:
            fresh = again.write()
    finally:
        importance, note = measure_importance(trials.study)
        outcome = find_outcome(search, trials.metric, rows, best, fresh, importance, note, seconds)
        if outcome.winner is not None:
            folder.write_winner(make_winner(search, dict(outcome.winner.trial.settings)).to_toml())
        write_search_report(folder, outcome)
    return outcome


def make_winner(search: Search, settings: Settings) -> Recipe:
    """Return the recipe of a trial's settings, to be trained like any other."""
    recipe = make_recipe(search, settings, seed=search.seed, opens_test=None)
    return recipe.model_copy(
        update={
            "name": f"{search.name}-winner",
            "about": f"the winner of the search {search.name}",
            "evaluate": recipe.evaluate.model_copy(update={"look_inside": True}),
        }
    )


def count_runs(search: Search) -> int:
    """Return how many runs a search takes at most; many if only time says."""
    return (count_trials(search) or 10**6) + search.top * search.fresh_seeds
