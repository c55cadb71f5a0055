"""Everything a run folder says of itself, and runs side by side, as the interface answers it."""

import contextlib
import math
from collections.abc import Sequence

from loupe.errors import LoupeError, RunError
from loupe.evaluations import compute_class_scores
from loupe.metrics import Metrics, ReconstructionScore
from loupe.models.layer_table import LayerTable
from loupe.reports.compared_run import describe_series
from loupe.reports.comparison import RunCurves, draw_histories, find_recipe_differences
from loupe.reports.run_report import draw_run_curves, explain_curves, flatten, make_tiles
from loupe.reports.run_verdicts import judge_split, render_verdicts
from loupe.runs import RunFolder
from loupe.runs.metric_values import list_history_metrics
from loupe.runs.reading import is_plain, read_bytes
from loupe.using.compare_runs import read_compared
from loupe.web.layer_answers import describe_row
from loupe.web.run_answers import Comparison, LayerAnswer, RunDetails
from loupe.web.run_index import RunIndex
from loupe.web.run_summaries import list_seeds
from loupe.web.sections import Section, make_fragment
from loupe.web.sessions import Sessions

_LOG_LINES = 40


def describe_run(index: RunIndex, sessions: Sessions, identifier: str) -> RunDetails:
    """Return everything a run, a series or a seed says of itself.

    Raises:
        LoupeError: there is no such run, or a file of it is damaged.
    """
    folder = index.find(identifier)
    summary = index.summarise(folder)
    recipe, result = folder.read_recipe(), folder.read_result()
    seeds = list_seeds(folder)
    if seeds:
        histories = [seed.read_history() for seed in seeds]
        curves = [RunCurves(recipe.name, histories, is_series=True)] if len(seeds) > 1 else []
        curves += [RunCurves(seed.path.name, [one]) for seed, one in zip(seeds, histories, strict=True)]
        charts, history = draw_histories(curves, list_history_metrics(seeds)), []
    else:
        history = folder.read_history()
        charts = draw_run_curves(folder, result)
    judged = result.best.test or result.best.validation if result and result.best else None
    return RunDetails(
        summary=summary,
        recipe=recipe.to_dict(),
        recipe_toml=recipe.to_toml(),
        history=[{name: _clean(value) for name, value in one.to_row().items()} for one in history],
        charts=[str(chart) for chart in charts],
        curves_note="" if seeds else explain_curves(recipe),
        result=result.to_dict() if result else None,
        warnings=list(dict.fromkeys(said for one in seeds or [folder] for said in _read_warnings(one))),
        tiles=list(make_tiles(result)) if result else [],
        class_scores=_list_class_scores(judged),
        layers=[] if seeds else list_layers(_read_layers(sessions, identifier)),
        environment=[] if seeds else list(flatten(folder.read_environment())),
        has_report=is_plain(folder.report_file),
        log=_read_log(folder),
    )


def _read_warnings(run: RunFolder) -> list[str]:
    """Return a run's warnings; those of a damaged one are left out, as the page has others to show."""
    with contextlib.suppress(RunError):
        return list(run.read_warnings())
    return []


def _clean(value: float | None) -> float | None:
    """Return a number JSON can hold; a loss that left the numbers is none."""
    return value if value is not None and math.isfinite(value) else None


def _list_class_scores(judged: Metrics | ReconstructionScore | None) -> list[dict[str, object]]:
    if not isinstance(judged, Metrics):
        return []
    scores = compute_class_scores(judged.confusion, judged.class_names)
    return [
        {
            "name": one.name,
            "num_images": one.num_images,
            "num_predicted": one.num_predicted,
            "precision": one.precision,
            "recall": one.recall,
            "f1": one.f1,
        }
        for one in scores.per_class
    ]


def _read_layers(sessions: Sessions, identifier: str) -> LayerTable | None:
    try:
        return sessions.open(identifier).layers
    except LoupeError:  # no weights yet, or a plugin is gone: the rest can still be shown
        return None


def list_layers(table: LayerTable | None) -> list[LayerAnswer]:
    """Return the rows of a layer table."""
    return [
        LayerAnswer(
            name=row.name,
            kind=row.kind,
            output_shape=list(row.output_shape),
            parameters=row.parameters,
            multiply_adds=row.multiply_adds,
            facts=describe_row(row),
        )
        for row in (table.rows if table else ())
    ]


def _read_log(folder: RunFolder) -> list[str]:
    try:
        text = read_bytes(folder.log_file).decode("utf-8", "replace")
    except (OSError, ValueError):
        return []
    return text.splitlines()[-_LOG_LINES:]


def find_compared(index: RunIndex, identifiers: Sequence[str]) -> list[RunFolder]:
    """Return the runs that are to stand side by side.

    Raises:
        LoupeError: fewer than two runs, or one is not there, or they are judged by different figures.
    """
    chosen = list(dict.fromkeys(identifiers))
    if not 2 <= len(chosen) <= 10:
        raise LoupeError(
            "A comparison needs two to ten runs.",
            got=", ".join(chosen)[:200] or "none",
            allowed="?run=…&run=…, each run once",
            next_step="choose further runs in the table",
        )
    folders = [index.find(one) for one in chosen]
    summaries = [index.summarise(folder) for folder in folders]
    objectives = {one.objective for one in summaries}
    if len(objectives) > 1:
        raise LoupeError(
            "Runs that name classes cannot be compared with runs that give images back.",
            got=", ".join(f"{one.id}: {one.objective}" for one in summaries),
            allowed="runs judged by the same figure: all accuracies, or all errors",
            next_step="compare runs of one kind",
        )
    return folders


def compare(index: RunIndex, identifiers: Sequence[str]) -> Comparison:
    """Return runs side by side: curves for all, tests for those with results on shared images.

    Raises:
        LoupeError: fewer than two runs, or one is not there, or they are judged by different figures.
    """
    folders = find_compared(index, identifiers)
    summaries = [index.summarise(folder) for folder in folders]
    curves, single = [], []
    for folder, summary in zip(folders, summaries, strict=True):
        runs = list_seeds(folder) or [folder]
        curves.append(RunCurves(summary.id, [one.read_history() for one in runs], summary.kind == "series"))
        single += runs
    is_classifier = summaries[0].objective == "classification"
    verdicts, reason = _judge(folders) if is_classifier else ([], "")
    return Comparison(
        runs=summaries,
        charts=[str(chart) for chart in draw_histories(curves, list_history_metrics(single))],
        differences=list(find_recipe_differences([folder.read_recipe() for folder in folders])),
        verdicts=verdicts,
        reason=reason,
    )


def _judge(folders: Sequence[RunFolder]) -> tuple[list[str], str]:
    """Return what the images say of each pair of networks, or why that cannot be said."""
    try:
        runs = read_compared([folder.path for folder in folders])
        found = judge_split(runs, "validation")
    except LoupeError as error:
        return [], error.message
    return [one.sentence for one in found.tests], found.reason or describe_series(runs)


def make_comparison_section(folders: Sequence[RunFolder]) -> Section:
    """Return what the report of a comparison says of networks, recipes and what they cost, for the page.

    Raises:
        LoupeError: a run has no result yet.
    """
    return make_fragment(render_verdicts(read_compared([folder.path for folder in folders])))
