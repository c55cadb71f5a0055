"""A search's figure and page."""

from collections.abc import Callable
from typing import Any

from markupsafe import Markup
from matplotlib.figure import Figure

from loupe.figures.search_overview import Point, Scale, draw_search_overview
from loupe.figures.style import save_figure
from loupe.reports.charts import LineChart, Series, draw_line_chart
from loupe.reports.cost_front import render_front
from loupe.reports.page import format_level, render_page, write_page
from loupe.reports.pictures import encode_bytes
from loupe.runs import RunFolder, is_run_folder
from loupe.runs.looks import describe_looks
from loupe.searches import Parameter, Search
from loupe.searches.costs import draw_search_costs
from loupe.searches.folder import SearchFolder, TrialRow
from loupe.searches.outcome import Candidate, SearchOutcome
from loupe.searches.wording import (
    answer_search,
    describe_optimism,
    describe_space,
    list_budget,
    write_difference,
    write_range,
    write_score,
    write_setting,
    write_settings,
    write_summary,
)


def write_search_report(folder: SearchFolder, outcome: SearchOutcome) -> None:
    """Write figure and page of a search; without a trial that has a score there is no figure."""
    picture = ""
    if any(row.score is not None for row in outcome.trials):
        save_figure(draw_search(outcome), folder.figure_file)
        picture = encode_bytes(folder.figure_file.read_bytes())
    costs = draw_search_costs(outcome)
    if costs is not None:
        save_figure(costs.figure, folder.cost_file)

    def link(run: RunFolder) -> str:
        is_there = run.report_file.is_file()
        return run.report_file.relative_to(folder.path).as_posix() if is_there else ""

    content = _gather(folder, outcome, link)
    write_page(folder.report_file, "search.html", has_files=True, picture=picture, **content)


def render_search(folder: SearchFolder, outcome: SearchOutcome, link: Callable[[RunFolder], str]) -> str:
    """Return what the page of a search says, as a part of another page.

    Args:
        folder: the search's folder.
        outcome: what it found so far.
        link: returns the address of a run, or "".
    """
    figure = folder.figure_file  # of the whole search; while it goes on, the chart says what there is so far
    picture = encode_bytes(figure.read_bytes()) if figure.is_file() and not folder.is_under_way() else ""
    content = _gather(folder, outcome, link)
    return render_page("search_fragment.html", has_files=False, picture=picture, **content)


def _gather(folder: SearchFolder, outcome: SearchOutcome, link: Callable[[RunFolder], str]) -> dict[str, Any]:
    """Return what the templates show of a search."""
    search, winner = outcome.search, outcome.winner
    return {
        "search": search,
        "outcome": outcome,
        "answer": answer_search(outcome),
        "optimism": describe_optimism(outcome),
        "level": format_level(search.confidence),
        "costs": render_front(draw_search_costs(outcome)),
        "chart": draw_best_so_far(outcome),
        "importance": [(search.label_of(field), one) for field, one in outcome.importance.items()],
        "budget": list_budget(outcome),
        "labels": [search.label_of(field) for field in search.space],
        "space": describe_space(search),
        "candidates": [describe_candidate(folder, outcome, one, link) for one in outcome.candidates],
        "trials": [
            {
                "row": row,
                "link": link(folder.trial(row.number)),
                "score": write_score(outcome.metric, row.score),
                "settings": list_settings(search, row),
            }
            for row in sort_trials(outcome)
        ],
        "has_failures": any(row.reason for row in outcome.trials),
        "winner_number": winner.trial.number if winner is not None else None,
        "winner_toml": folder.winner_file.read_text(encoding="utf-8") if folder.winner_file.is_file() else "",
        "search_toml": search.model_copy(update={"recipe": search.recipe_name}).to_toml(),
        "looks": describe_search_looks(folder, outcome),
    }


def describe_search_looks(folder: SearchFolder, outcome: SearchOutcome) -> str:
    """Return in words how often the fresh runs of a search looked at the test set; trials cannot."""
    named = [(run.number, run.seed) for one in outcome.candidates for run in one.runs]
    runs = [folder.fresh(number, seed) for number, seed in named]
    found = [run for run in runs if is_run_folder(run.path)]
    if not found:
        return "its trials: never" if not runs else "unknown: none of its fresh runs is on this disk"
    return f"its trials: never; {describe_looks(found)}"


def draw_search(outcome: SearchOutcome) -> Figure:
    """Return the picture of a search."""
    search = outcome.search
    metric, scale = outcome.metric, outcome.metric.scale
    ranks = {one.trial.number: one.rank for one in outcome.candidates}
    points = [
        Point(
            number=row.number,
            score=scale * row.score,
            is_pruned=row.status == "pruned",
            rank=ranks.get(row.number, 0),
            values={search.label_of(field): value for field, value in row.settings.items()},
        )
        for row in outcome.trials
        if row.score is not None and row.status in ("finished", "pruned")
    ]
    return draw_search_overview(
        points,
        {search.label_of(field): _make_scale(parameter) for field, parameter in search.space.items()},
        {search.label_of(field): (one.share, one.low, one.high) for field, one in outcome.importance.items()},
        score_label=f"validation {metric.label}",
        is_maximised=metric.is_higher_better,
        winner=outcome.winner.trial.number if outcome.winner is not None else None,
        importance_note=outcome.importance_note,
    )


def draw_best_so_far(outcome: SearchOutcome) -> Markup | None:
    """Return a chart of the scores of the trials and the best of them so far; None before the first score."""
    metric = outcome.metric
    scores = [row.score if row.status == "finished" else None for row in outcome.trials]
    best: list[float | None] = []
    for score in scores:
        known = [one for one in (*best[-1:], score) if one is not None]
        best.append(metric.choose_best(known) if known else None)
    if not any(score is not None for score in scores):
        return None
    series = [Series("best so far", best, "c1"), Series("finished trial", scores, "c3", is_dashed=True)]
    return draw_line_chart(
        LineChart(
            "Best so far",
            f"validation {metric.label}",
            [row.number for row in outcome.trials],
            series,
            scale=metric.scale,
            digits=metric.digits,
            x_label="trial",
        )
    )


def _make_scale(parameter: Parameter) -> Scale:
    names = parameter.names if parameter.kind == "choice" else ()
    ends = (
        (parameter.low, parameter.high) if parameter.low is not None and parameter.high is not None else None
    )
    return Scale(names=names, ends=ends, is_log=parameter.log, is_whole=parameter.kind == "int")


def sort_trials(outcome: SearchOutcome) -> list[TrialRow]:
    """Return the trials, finished ones first and best first among them."""
    sign = -1.0 if outcome.metric.is_higher_better else 1.0
    order = {"finished": 0, "pruned": 1, "under way": 2, "failed": 3}
    return sorted(outcome.trials, key=lambda row: (order[row.status], sign * (row.score or 0.0), row.number))


def describe_candidate(
    folder: SearchFolder, outcome: SearchOutcome, one: Candidate, link: Callable[[RunFolder], str]
) -> dict[str, Any]:
    """Return one of the best trials, run again with fresh seeds, as text; each run with the way to it."""
    search, optimism = outcome.search, one.optimism
    return {
        "rank": one.rank,
        "number": one.trial.number,
        "link": link(folder.trial(one.trial.number)),
        "is_winner": outcome.winner is not None and one.rank == outcome.winner.rank,
        "settings": write_settings(search, dict(one.trial.settings)),
        "found": write_score(outcome.metric, one.trial.score),
        "fresh": write_summary(outcome.metric, one.fresh),
        "optimism": write_difference(outcome.metric, optimism.difference) if optimism else "",
        "optimism_range": write_range(outcome.metric, optimism.interval, is_signed=True) if optimism else "",
        "test": write_summary(outcome.metric, one.test),
        "runs": [
            {
                "seed": run.seed,
                "link": link(folder.fresh(run.number, run.seed)),
                "text": write_score(outcome.metric, run.score) or f"{run.status}: {run.reason}",
            }
            for run in one.runs
        ],
    }


def list_settings(search: Search, row: TrialRow) -> list[str]:
    """Return the settings of a trial as text, one for each parameter; "" where it does not apply."""
    return [write_setting(row.settings[field]) if field in row.settings else "" for field in search.space]
