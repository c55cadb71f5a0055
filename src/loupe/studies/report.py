"""A study's table, figure and page, from its rows."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tomli_w

from loupe.figures.style import save_figure
from loupe.recipe import name_recipe
from loupe.reports.cost_front import render_front
from loupe.reports.page import format_level, render_page, write_page
from loupe.reports.pictures import encode_figure
from loupe.runs import RunFolder
from loupe.runs.looks import describe_looks
from loupe.statistics.arms import Cell
from loupe.statistics.conclusions import Difference
from loupe.studies import Study
from loupe.studies.analysis import StudyAnalysis, analyse_study, compares_places
from loupe.studies.answer import answer_question
from loupe.studies.confounds import find_confounds
from loupe.studies.costs import draw_study_costs
from loupe.studies.curves import draw_curves
from loupe.studies.drawing import (
    draw_charts,
    draw_laws,
    draw_other_figures,
    draw_study,
    list_figures,
    name_figure,
)
from loupe.studies.folder import StudyFolder
from loupe.studies.quantity import Quantity
from loupe.studies.rows import StudyRow, find_run
from loupe.studies.table import COLUMNS, list_numbers
from loupe.studies.wording import (
    name_cell,
    tell_missing,
    tell_shared_seeds,
    write_change,
    write_change_of_cell,
    write_difference_interval,
    write_figure,
    write_interval,
    write_margin,
    write_needed,
    write_std,
)
from loupe.wording import count_of, list_names

FIGURE_DPI = 110  # of the picture in a page


def write_study_report(
    study: Study, folder: StudyFolder, pool: Path | None, skipped: Sequence[tuple[str, str]] = ()
) -> StudyAnalysis:
    """Write table, figure and page of a study, and return what they show.

    Args:
        study: the study.
        folder: holds its `results.csv`.
        pool: folder of its run folders.
        skipped: combinations left out, and why.
    """
    analysis = analyse_study(study, folder.read_results(tuple(study.axes)), pool)
    columns = [*analysis.study.axes, *COLUMNS]
    folder.write_table(folder.table_file, ["arm", *columns], list_numbers(analysis))
    if analysis.cells:
        save_figure(draw_study(analysis), folder.figure_file)
    if analysis.laws:
        save_figure(draw_laws(analysis), folder.law_file)
    costs = draw_study_costs(analysis)
    if costs is not None:
        save_figure(costs.figure, folder.cost_file)

    def link(run: RunFolder) -> str:
        return f"../{run.path.parent.name}/{run.path.name}/report.html" if run.report_file.is_file() else ""

    content = _gather(analysis, pool, link, skipped)
    write_page(folder.report_file, "study.html", has_files=True, **content)
    return analysis


def render_study(study: Study, folder: StudyFolder, pool: Path, link: Callable[[RunFolder], str]) -> str:
    """Return what the page of a study says, as a part of another page, from the rows there are so far.

    Args:
        study: the study.
        folder: holds its `results.csv`.
        pool: folder of its run folders.
        link: returns the address of a run, or "".
    """
    analysis = analyse_study(study, folder.read_results(tuple(study.axes)), pool)
    return render_page("study_fragment.html", has_files=False, **_gather(analysis, pool, link))


def _gather(
    analysis: StudyAnalysis,
    pool: Path | None,
    link: Callable[[RunFolder], str],
    skipped: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Return what the templates show of a study."""
    study, charts = analysis.study, draw_charts(analysis)
    rows, whole = (*analysis.stage_rows, *analysis.run_rows), analysis.whole
    figures = list_figures(analysis, ("train", "validation", "test"))
    has_picture = bool(analysis.cells) and not charts
    return {
        "study": study,
        "run_axes": list(whole.axes),
        "answer": answer_question(analysis),
        "analysis": analysis,
        "figure_name": name_figure(analysis),
        "level": format_level(study.confidence),
        "charts": charts,
        "other_charts": draw_other_figures(analysis),
        "curves": draw_curves(analysis, pool),
        "picture": encode_figure(draw_study(analysis), FIGURE_DPI) if has_picture else "",
        "law_picture": encode_figure(draw_laws(analysis), FIGURE_DPI) if analysis.laws else "",
        "costs": render_front(draw_study_costs(analysis)),
        "has_differences": any(cell.difference is not None for cell in analysis.cells),
        "has_judged": any(map(_is_judged, analysis.cells)),
        "has_unlooked": any(cell.difference and not _is_judged(cell) for cell in analysis.cells),
        "missing": _describe_missing(analysis),
        "has_validation": analysis.figure.split != "validation",  # a column beside it, not twice
        "counts_images": any(cell.difference and cell.difference.num_images for cell in analysis.cells),
        "is_grid": compares_places(study),
        "best": [name_cell(analysis, cell) for cell in analysis.best],
        "cells": [{"cell": cell, **write_cell(analysis, cell)} for cell in analysis.cells],
        "headings": [f"{figure.split} {figure.metric.heading}" for figure in figures],
        "runs": [_write_run(row, whole, figures, pool, link) for row in rows],
        "changes": describe_changes(study),
        "same": [group.sentence for group in analysis.copies],
        "effects": [
            {
                "effect": one,
                **write_comparison(analysis, one.difference),
            }
            for one in analysis.effects
        ],
        "overall": [(arm, one, write_comparison(analysis, one)) for arm, one in analysis.overall.items()],
        "margin": write_margin(analysis),
        "shared_seeds": tell_shared_seeds(analysis),
        "confounds": [one.sentence for one in find_confounds(study, analysis.reference)],
        "mean_holds_for": "new test images and new seeds"
        if any(cell.summary.counts_images for cell in analysis.cells)
        else "new seeds on these images",
        "skipped": _gather_reasons(skipped),
        "study_toml": whole.rename_recipes(name_recipe).to_toml(),
        "looks": describe_study_looks(rows, pool),
    }


def _describe_missing(analysis: StudyAnalysis) -> str:
    """Return what has no result yet, or none at all, and where its reason stands; "" for nothing."""
    missing, failed = tell_missing(analysis), analysis.failed
    sentences = [f"{missing}."] if missing else []
    if failed:
        sentences.append(f"{count_of(len(failed), 'run')} failed: the table of runs says why.")
    if sentences and analysis.cells:
        sentences.append("All figures are of the runs with a result.")
    return " ".join(sentences)


def write_cell(analysis: StudyAnalysis, cell: Cell) -> dict[str, str]:
    """Return the row of an arm and place in the table, as text by column."""
    figure, difference = analysis.figure, cell.difference
    return {
        "arm": name_cell(analysis, cell),
        "seeds": str(cell.summary.num_seeds),
        "validation": write_figure(analysis.validation_mean(cell), figure),
        "mean": write_figure(cell.summary.mean, figure),
        "std": write_std(cell.summary, figure),
        "interval": write_interval(cell.summary.interval, figure) if cell.summary.interval else "",
        "difference": write_change_of_cell(analysis, cell),
        "difference_interval": write_difference_interval(difference, analysis) if difference else "",
        "p": "" if difference is None else write_p_value(difference.p_value),
        "conclusion": "" if difference is None else _write_conclusion(difference),
    }


def name_columns(analysis: StudyAnalysis, cells: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return a table's headings by column of `write_cell`; those of differences where there are some."""
    level = format_level(analysis.study.confidence)
    columns = {
        "arm": "arm",
        "seeds": "seeds",
        "mean": f"mean {analysis.figure.name}",
        "std": "std",
        "interval": f"{level} interval",
    }
    if any(cell["difference"] for cell in cells):
        columns["difference"] = f"against {analysis.reference}"
    if any(_is_judged(cell) for cell in analysis.cells):
        columns |= {"difference_interval": f"{level} interval", "conclusion": "shown"}
    return columns


def _is_judged(cell: Cell) -> bool:
    return cell.difference is not None and cell.difference.conclusion != "not looked at"


def tabulate_arms(analysis: StudyAnalysis) -> tuple[list[str], list[list[str]]]:
    """Return headings and a row an arm: figure, interval, difference, and the size of the network."""
    cells = [write_cell(analysis, cell) for cell in analysis.cells]
    columns = {**name_columns(analysis, cells), "mean": analysis.figure.name}
    del columns["std"]
    first = {row.arm: row for row in reversed(analysis.rows)}
    sizes = {
        "parameters": [first[cell.arm].parameters for cell in analysis.cells],
        "multiply-adds an image": [first[cell.arm].multiply_adds for cell in analysis.cells],
    }
    known = {heading: found for heading, found in sizes.items() if any(found)}
    rows = [[written[column] for column in columns] for written in cells]
    for found in known.values():
        rows = [[*row, f"{size:,}" if size else ""] for row, size in zip(rows, found, strict=True)]
    return [*columns.values(), *known], rows


def write_comparison(analysis: StudyAnalysis, difference: Difference) -> dict[str, str]:
    """Return a difference with interval, p value and what follows, as text."""
    return {
        "difference": write_change(difference.mean, analysis),
        "interval": write_difference_interval(difference, analysis),
        "p": write_p_value(difference.p_value),
        "conclusion": _write_conclusion(difference),
    }


def write_p_value(p_value: float | None) -> str:
    """Return a p value with two digits: "0.012", "< 0.0001"; "" for none."""
    return "" if p_value is None else f"{p_value:.2g}" if p_value >= 1e-4 else "< 0.0001"


def _write_conclusion(difference: Difference) -> str:
    needed = write_needed(difference)
    return f"{difference.conclusion}: {needed}" if needed else difference.conclusion


def _write_run(
    row: StudyRow,
    study: Study,
    figures: Sequence[Quantity],
    pool: Path | None,
    link: Callable[[RunFolder], str],
) -> dict[str, Any]:
    """Return a run for the page, with the way to it if it is on this disk."""
    run = find_run(pool, row)
    at = [row.at.get(axis, "") for axis in study.axes]
    values = [(value := figure.of(row), figure.metric.write(value)) for figure in figures]
    return {"row": row, "at": at, "values": values, "link": link(run) if run is not None else ""}


def describe_study_looks(rows: Sequence[StudyRow], pool: Path | None) -> str:
    """Return in words how often the runs of a study looked at the test set, and how often others did.

    A run that failed before it had a record cannot have looked: it is told with its reason.
    """
    keys = {row.key: row for row in rows}
    failed = [row for row in keys.values() if _failed_without_record(pool, row)]
    others = [row for row in keys.values() if row not in failed]
    found = [run for row in others if (run := find_run(pool, row)) is not None]
    said = [describe_looks(found)] if found else []
    if not found and (others or not failed):
        said.append("unknown: none of its runs is on this disk")
    elif missing := len(others) - len(found):
        said.append(f"those of {count_of(missing, 'run')} from elsewhere are unknown")
    if failed:
        said.append(_describe_without_record(failed))
    return "; ".join(said)


def _failed_without_record(pool: Path | None, row: StudyRow) -> bool:
    if row.status != "failed" or row.epochs is not None:
        return False
    run = find_run(pool, row)
    return run is None or not (run.images_file.exists() or run.result_file.exists())


def _describe_without_record(failed: Sequence[StudyRow]) -> str:
    """Return which runs failed before they had a record; their reasons stand with them."""
    names = [" ".join(filter(None, (row.arm or f"stage {row.stage}", *row.at.values()))) for row in failed]
    named = list_names(tuple(dict.fromkeys(names)))
    return f"{count_of(len(failed), 'run')} failed before there was a record, so without a look ({named})"


def _gather_reasons(skipped: Sequence[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """Return what was left out by reason."""
    reasons: dict[str, list[str]] = {}
    for name, why in skipped:
        reasons.setdefault(why, []).append(name)
    return list(reasons.items())


def describe_changes(study: Study) -> list[tuple[str, str]]:
    """Return what makes each part of the study, as TOML: (heading, changes)."""
    parts: list[tuple[str, dict[str, Any]]] = [("all runs", study.set)]
    parts += [(f"arm {name}", changes) for name, changes in study.arms.items()]
    for name, stage in study.stages.items():
        parts.append((f"stage {name}: recipe {name_recipe(stage.recipe)}", stage.set))
    return [(heading, tomli_w.dumps(changes).strip()) for heading, changes in parts]
