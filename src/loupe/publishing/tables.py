"""All tables of runs, series and studies, chosen by name, and written in one form."""

from collections.abc import Callable, Sequence
from os import PathLike

from loupe.errors import LoupeError, UnknownNameError
from loupe.publishing.data_figures import tabulate_normalization
from loupe.publishing.latex_table import write_latex
from loupe.publishing.place import list_runs, open_place
from loupe.publishing.run_tables import (
    tabulate_classes,
    tabulate_confusion,
    tabulate_cost,
    tabulate_layers,
    tabulate_pairs,
    tabulate_recipes,
    tabulate_results,
)
from loupe.publishing.study_figures import read_analysis
from loupe.publishing.study_tables import tabulate_arms, tabulate_study
from loupe.publishing.table import ReportTable, write_csv, write_markdown
from loupe.runs import RunFolder
from loupe.studies.folder import StudyFolder

OF_RUNS = ("results", "cost", "recipe", "classes", "confusion", "pairs", "layers", "normalization")
OF_STUDIES = ("study", "arms")
_SHOWN_OF_SEVERAL = ("results", "cost", "recipe")


def gather_tables(places: Sequence[str | PathLike[str]], names: Sequence[str] = ()) -> list[ReportTable]:
    """Return tables of runs and series, or of one study.

    Args:
        places: runs and series, or one study: folders, or names in runs/ or studies/.
        names: of tables: results, cost, recipe, classes, confusion, pairs, layers, normalization; study,
            arms. All that fit if left out: of several runs those that set them side by side.

    Raises:
        LoupeError: no such place or table, no result yet, or a study beside something else.
    """
    opened = [open_place(place) for place in places]
    if not opened:
        raise LoupeError(
            "A table is of something.", got="no run", allowed="runs, series, or one study",
            next_step="loupe table RUN; `loupe list` shows the runs",
        )  # fmt: skip
    studies = [one for one in opened if isinstance(one, StudyFolder)]
    if studies and len(opened) > 1:
        raise LoupeError(
            "A study has tables of its own.",
            got=f"{studies[0].path.name} beside {len(opened) - 1} more",
            allowed="runs and series together, or one study",
            next_step=f"loupe table {studies[0].path}",
        )
    _refuse_unknown(names, OF_STUDIES if studies else OF_RUNS)
    if studies:
        return _gather_of_study(studies[0], names or OF_STUDIES)
    return _gather_of_runs([one for one in opened if isinstance(one, RunFolder)], names)


def _refuse_unknown(names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise UnknownNameError("table", name, known, "leave --only out for all of them")


def _gather_of_study(folder: StudyFolder, names: Sequence[str]) -> list[ReportTable]:
    analysis = read_analysis(folder)
    if not analysis.cells:
        raise LoupeError(
            f"Study {folder.path.name} has no finished run yet.",
            got="no result",
            allowed="a study with at least one finished run",
            next_step=f"loupe study {folder.path}",
        )
    made: dict[str, Callable[[], ReportTable]] = {
        "study": lambda: tabulate_study(analysis, folder),
        "arms": lambda: tabulate_arms(analysis),
    }
    return [made[name]() for name in names]


def _gather_of_runs(places: Sequence[RunFolder], names: Sequence[str]) -> list[ReportTable]:
    runs = [run for place in places for run in list_runs(place)]
    results = [run.require_result() for run in runs]
    objectives = {result.objective for result in results}
    if len(objectives) > 1:
        raise LoupeError(
            "Runs that name classes and runs that give images back share no table.",
            got=", ".join(sorted(objectives)),
            allowed="runs judged by the same metrics",
            next_step="make a table of each kind",
        )
    chosen = names or (OF_RUNS if len(runs) == 1 else _SHOWN_OF_SEVERAL)
    tables: list[ReportTable] = []
    for name in chosen:
        if name == "results":
            tables.append(tabulate_results(places, results[0].confidence))
        elif name == "cost":
            tables.append(tabulate_cost(places))
        elif name == "recipe":
            tables.append(tabulate_recipes(places))
        else:
            tables += [table for run in runs for table in _gather_of_run(name, run)]
    return tables


def _gather_of_run(name: str, run: RunFolder) -> list[ReportTable]:
    made: dict[str, Callable[[], list[ReportTable]]] = {
        "classes": lambda: tabulate_classes(run),
        "confusion": lambda: tabulate_confusion(run),
        "pairs": lambda: tabulate_pairs(run),
        "layers": lambda: [tabulate_layers(run)],
        "normalization": lambda: [tabulate_normalization(run)],
    }
    return made[name]()


def write_tables(
    tables: Sequence[ReportTable], *, latex: bool = False, markdown: bool = False, csv: bool = False
) -> str:
    """Return tables one below the other, as Markdown if nothing is said; as CSV the one there is.

    Raises:
        LoupeError: two forms at once, or several tables as CSV.
    """
    chosen = [name for name, is_on in (("--latex", latex), ("--markdown", markdown), ("--csv", csv)) if is_on]
    if len(chosen) > 1:
        raise LoupeError(
            "A table is written in one form.",
            got=", ".join(chosen),
            allowed="one of --latex, --markdown, --csv",
            next_step=f"leave out {chosen[-1]}",
        )
    if csv:
        if len(tables) > 1:
            raise LoupeError(
                "A CSV file holds one table.",
                got=", ".join(table.name for table in tables),
                allowed="one of these",
                next_step=f"--only {tables[0].name.partition('-')[0]}",
            )
        return write_csv(tables[0])
    return "\n".join(map(write_latex if latex else write_markdown, tables))
