"""Addresses on runs side by side."""

from typing import Annotated

from fastapi import APIRouter, Query

from loupe.web.cache import Kept
from loupe.web.routes.runs import stamp_run
from loupe.web.run_answers import Comparison
from loupe.web.run_details import compare, find_compared, make_comparison_section
from loupe.web.run_index import RunIndex
from loupe.web.sections import Section

_MOST_KEPT = 8  # sections; each is made anew when the files of one of its runs change

Chosen = Annotated[list[str], Query(description="Two to ten runs.")]


def build_comparison_routes(index: RunIndex) -> APIRouter:
    """Return the addresses on runs side by side."""
    router, kept = APIRouter(prefix="/api", tags=["runs"]), Kept[Section](_MOST_KEPT)

    @router.get("/compare")
    def compare_runs(run: Chosen) -> Comparison:
        """Runs side by side: curves, differences of the recipes, whether the networks differ."""
        return compare(index, run)

    @router.get("/compare/section")
    def show_comparison_section(run: Chosen) -> Section:
        """What the report of a comparison says: whether networks or recipes differ, accuracy against cost."""
        folders = find_compared(index, run)
        stamps = tuple(stamp_run(folder) for folder in folders)
        name = tuple(folder.path for folder in folders)
        return kept.get(name, stamps, lambda: make_comparison_section(folders))

    return router
