"""Parts of reports, as fragments for the page."""

import re
from typing import Literal

from pydantic import BaseModel, Field

from loupe.errors import RunError
from loupe.reports.run_report import (
    render_answers,
    render_figures,
    render_findings,
    render_layers,
    render_weights,
)
from loupe.reports.seeds_report import render_seeds
from loupe.running.seeds import summarise_results
from loupe.runs import RunFolder, RunResult
from loupe.web.run_summaries import list_seeds
from loupe.web.sessions import Sessions

SectionName = Literal["answers", "weights", "findings", "figures", "layers", "seeds"]


class Section(BaseModel):
    """A part of a report."""

    html: str = Field(
        description="As in the report; `data-style` stands for `style`, which the page's policy forbids."
    )
    style: str = Field("", description="Rules the part needs: the sheet that holds its pictures.")


def make_section(sessions: Sessions, identifier: str, name: SectionName) -> Section:
    """Return a part of a run's report, made from its folder as it is now.

    Raises:
        LoupeError: there is no such run, it has no result yet, or its images are gone.
    """
    folder = sessions.index.find(identifier)
    if name == "seeds":
        return _make_seeds(sessions, folder)
    if name == "layers":
        return make_fragment(render_layers(sessions.open(identifier).layers))
    result = folder.read_result()
    if result is None or result.best is None:
        raise RunError(
            f"Run {folder.path.name} has no result yet.",
            got="no result.json with a best epoch",
            allowed="a run that has ended",
            next_step="look at its curves meanwhile",
        )
    if name == "answers":
        return make_fragment(render_answers(folder, result))
    if name == "weights":
        return make_fragment(render_weights(folder, result))
    validation = sessions.open(identifier).validation
    if name == "findings":
        return make_fragment(*render_findings(folder, result, validation))
    return make_fragment(render_figures(folder, validation))


def _make_seeds(sessions: Sessions, folder: RunFolder) -> Section:
    index, results, links = sessions.index, list[RunResult](), {}
    for seed in list_seeds(folder):
        result = seed.read_result()
        if result is not None:
            results.append(result)
            links[result.seed] = f"#/run/{index.name(seed)}"
    if not results:
        raise RunError(
            f"No seed of {folder.path.name} has a result yet.",
            got="no result.json",
            allowed="a series of which a seed has ended",
            next_step="look at its curves meanwhile",
        )
    summaries = summarise_results(results, folder.read_recipe().evaluate.confidence)
    return make_fragment(render_seeds(folder.path, results, summaries, links))


def make_fragment(html: str, style: str = "") -> Section:
    """Return a part of a report as the page takes it."""
    # quotes in the text of a report are escaped, so that this finds attributes only
    return Section(html=re.sub(r'\sstyle="', ' data-style="', html), style=style)
