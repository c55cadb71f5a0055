"""The verb that searches settings, and the one that lists the packaged searches."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from loupe.cli.app import LOOK, WORK, app
from loupe.cli.misnamed import FieldsOf
from loupe.cli.studying import EngineName, Workers, find_parent
from loupe.terminal import print_line, print_table
from loupe.wording import count_of

if TYPE_CHECKING:
    from loupe.searches import Search
    from loupe.searches.outcome import SearchOutcome
    from loupe.searches.scheduler import Watcher

Change = Annotated[
    str, Parameter(help="Changes to the search: trials=50, set.train.epochs=3."), FieldsOf("search")
]


@app.command(group=WORK)
def search(
    file: str,
    /,
    *changes: Change,
    out: Annotated[
        Path | None,
        Parameter(help="Folder for searches; the one FILE lies in if that is a folder, else searches."),
    ] = None,
    engine: EngineName = "auto",
    workers: Workers = None,
    dry_run: Annotated[
        bool, Parameter(negative=(), help="Check and print the space; train nothing.")
    ] = False,
) -> int:
    """Search settings by validation alone, run the best few again with fresh seeds, and write a report.

    A search that was interrupted goes on where it stopped.

    Parameters
    ----------
    file
        A packaged search, a TOML file, or the folder of a search.
    """
    from loupe.searches.loading import load_search
    from loupe.searches.run import run_search

    loaded = load_search(file, changes)
    print_space(loaded)
    if dry_run:
        return 0
    out = out or find_parent(file, "search.toml") or Path("searches")
    folder = out / loaded.name
    print_line(f"searching in {folder}")
    outcome = run_search(loaded, out, engine=engine, workers=workers, watcher=make_watcher(loaded))
    print_outcome(outcome, folder)
    return 0 if outcome.winner is not None else 1


@app.command(group=LOOK)
def searches() -> int:
    """List the packaged searches."""
    from loupe.searches import list_searches

    print_table(("search", "about"), list(list_searches().items()))
    return 0


def print_space(search: "Search") -> None:
    """Print what is searched, and with which budget."""
    from loupe.searches.space import count_trials
    from loupe.searches.wording import describe_space

    print_table(("field", "values", "only where"), describe_space(search))
    most = count_trials(search)
    budget = [count_of(most, "trial")] if most else []
    if search.sampler == "grid":
        budget = [f"the whole grid, {budget[0]}"]
    elif most != search.trials:  # fewer, or a number where none was asked for
        budget = [f"{budget[0]} (the whole space)"]
    budget += [f"{search.minutes:g} minutes"] if search.minutes else []
    print_line(
        f"{' or '.join(budget)}, by {search.objective} on validation; sampler {search.sampler}, pruner "
        f"{search.pruner}; then the best {search.top} again with "
        f"{count_of(search.fresh_seeds, 'fresh seed')} each"
    )


def make_watcher(search: "Search") -> "Watcher":
    """Return what prints a line for each trial and each fresh run that ends."""
    from loupe.engines import Ended, Job
    from loupe.searches.folder import TrialRow
    from loupe.searches.metric import metric_of
    from loupe.searches.scheduler import Watcher
    from loupe.searches.wording import write_score, write_settings

    class Printer(Watcher):
        def on_mended(self, said: str) -> None:
            print_line(said)

        def on_trial(self, row: TrialRow, best: TrialRow | None, num_ended: int, most: int | None) -> None:
            how = {"pruned": " given up early", "failed": f" failed: {row.reason}"}.get(row.status, "")
            of = f" of {most}" if most is not None else ""
            metric = metric_of(search)
            best_score = f"; best {write_score(metric, best.score)}" if best is not None else ""
            settings = write_settings(search, dict(row.settings))
            score = write_score(metric, row.score)
            print_line(f"[{num_ended}{of}] trial {row.number}: {score}{how}  ({settings}){best_score}")

        def on_end(self, job: Job, ended: Ended) -> None:
            print_line(f"{job.name}: {ended.status}{f', {ended.reason}' if ended.reason else ''}")

    return Printer()


def print_outcome(outcome: "SearchOutcome", folder: Path) -> None:
    """Print what was found, how far the search flattered it, and where it is written."""
    from loupe.searches.wording import answer_search, describe_optimism

    print_line(answer_search(outcome))
    for line in describe_optimism(outcome):
        print_line(line)
    if outcome.importance:
        label = outcome.search.label_of
        shares = [
            f"{label(field)} {100 * one.share:.0f} % ({100 * one.low:.0f} to {100 * one.high:.0f})"
            for field, one in outcome.importance.items()
        ]
        print_line(f"what mattered: {', '.join(shares)}")
    print_line(outcome.importance_note)
    if outcome.winner is not None:
        print_line(f"winner: loupe train {folder / 'winner.toml'}")
    print_line(f"report: {folder / 'report.html'}")
