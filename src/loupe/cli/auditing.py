"""The verb that looks for what is wrong with the images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from loupe.cli.app import WORK, Override, Plugins, app
from loupe.cli.studying import EngineName, Workers
from loupe.terminal import open_console, print_line, print_table

if TYPE_CHECKING:
    from loupe.audits.audit import FinishedAudit
    from loupe.cli.study_progress import StudyProgress
    from loupe.studies.run import PreparedStudy

_MOST_PRINTED = 10


@app.command(group=WORK)
def audit(
    recipe: str = "digits",
    /,
    *overrides: Override,
    folds: Annotated[
        int, Parameter(help="Networks to train; each image is scored by one that has not seen it.")
    ] = 5,
    effect: Annotated[
        bool,
        Parameter(
            negative=(), help="Train with and without data.corrections, and say what they bring; no audit."
        ),
    ] = False,
    seeds: Annotated[int, Parameter(help="With --effect: runs with, and as many without.")] = 3,
    on: Annotated[
        Literal["validation", "test"],
        Parameter(help="With --effect: images to compare on; every run opens the test set, if it is that."),
    ] = "validation",
    out: Annotated[Path, Parameter(help="Folder for audits.")] = Path("audits"),
    engine: EngineName = "auto",
    workers: Workers = None,
    plugin: Plugins = (),
) -> int:
    """Look for wrong labels, duplicates, outliers and flawed images; test images are left alone.

    What is done already is not done again.

    Parameters
    ----------
    recipe
        A packaged recipe, a TOML file, or a run, whose recipe is taken.
    """
    from loupe.audits.audit import audit_recipe, find_recipe_place
    from loupe.audits.effect import measure_effect
    from loupe.running import load_recipe

    resolved = load_recipe(find_recipe_place(recipe), overrides, plugins=plugin)
    progress = _Progress()
    carried: dict[str, Any] = {"engine": engine, "workers": workers, "make_watcher": progress.make_watcher}
    try:
        if effect:
            measured = measure_effect(resolved, out, num_seeds=seeds, evaluated_on=on, **carried)
            progress.close()
            print_line(measured.describe(), style="bold")
            print_line(f"report: {measured.folder.report_file}")
            return 0
        found = audit_recipe(resolved, out, num_folds=folds, **carried)
    except KeyboardInterrupt:
        progress.close()
        print_line(f"Stopped; what was reached is kept in {out / resolved.name}. The same command goes on.")
        raise
    finally:
        progress.close()
    _print_found(found)
    return 0


class _Progress:
    """Shows the progress of the studies that an audit carries out, one after the other."""

    def __init__(self) -> None:
        self._shown: list[StudyProgress] = []

    def make_watcher(self, prepared: "PreparedStudy") -> "StudyProgress":
        from loupe.cli.study_progress import StudyProgress
        from loupe.cli.study_tables import print_rest

        self.close()
        print_rest(prepared, 1)
        num_tasks = prepared.scheduler.num_tasks
        self._shown.append(StudyProgress(open_console(), num_tasks - prepared.num_waiting, num_tasks))
        return self._shown[-1]

    def close(self) -> None:
        for one in self._shown:
            one.close()


def _print_found(found: "FinishedAudit") -> None:
    from loupe.audits.findings import TITLES

    audit, folder = found.audit, found.folder
    for note in audit.notes:
        print_line(f"note: {note}")
    suspects = audit.suspects["wrong_labels"][:_MOST_PRINTED]
    if suspects:
        names = audit.audited.images.class_names
        rows = [
            (
                audit.audited.name(one.index),
                audit.audited.side(one.index),
                audit.audited.label(one.index),
                names[one.suggested] if one.suggested is not None else "",
                f"{one.score:.2f}",
            )
            for one in suspects
        ]
        print_table(("image", "side", "label", "suggested", "score"), rows, right=(4,))
    for kind, title in TITLES.items():
        print_line(f"{title}: {len(audit.suspects[kind]):,} ({folder.csv_file(kind)})")
    print_line(audit.describe(), style="bold")
    print_line(f"page: {folder.page_file}")
