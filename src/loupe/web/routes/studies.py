"""Addresses on studies and searches: lists, one of each, their reports."""

import time
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import Response

from loupe.errors import RunError
from loupe.runs.locking import is_locked
from loupe.runs.reading import is_plain
from loupe.web.cache import Kept
from loupe.web.folder_index import Shelf
from loupe.web.guards import PAGE, serve_report
from loupe.web.run_index import RunIndex, stamp
from loupe.web.search_details import describe_search, make_search_section, summarise_search
from loupe.web.sections import Section
from loupe.web.study_answers import SearchDetails, SearchList, StudyDetails, StudyList
from loupe.web.study_details import describe_study, make_study_section, summarise_study

_MOST_KEPT = 8  # answers; each is drawn anew when a table of its folder changes
_FILES = ("study.toml", "results.csv", "search.toml", "trials.csv", "fresh.csv", "winner.toml", "report.html")


def build_study_routes(index: RunIndex, studies: Shelf, searches: Shelf) -> APIRouter:
    """Return the addresses on studies and searches."""
    router = APIRouter(prefix="/api", tags=["studies"])
    kept_studies, kept_searches = Kept[StudyDetails](_MOST_KEPT), Kept[SearchDetails](_MOST_KEPT)
    sections = Kept[Section](_MOST_KEPT)

    @router.get("/studies")
    def list_studies() -> StudyList:
        """All studies of the folder, the one changed last first."""
        found = [summarise_study(path) for path in studies.list_all()]
        return StudyList(folder=str(studies.parent), studies=found)

    @router.get("/studies/{study}")
    def show_study(study: str) -> StudyDetails:
        """One study: its answer, arms with intervals and differences, runs, progress."""
        path = studies.find(study)
        return kept_studies.get(path, _stamp(path), lambda: describe_study(index, path))

    @router.get("/studies/{study}/section")
    def show_study_section(study: str) -> Section:
        """What the report of a study says, as far as it has come: figures, tables, how it was made."""
        path = studies.find(study)
        return sections.get(path, _stamp_files(path), lambda: make_study_section(index, path))

    @router.get("/studies/{study}/report", response_class=Response, responses=PAGE)
    def show_study_report(study: str) -> Response:
        """The study's report, a page of its own."""
        return send_report(studies.find(study), "study")

    @router.get("/searches")
    def list_searches() -> SearchList:
        """All searches of the folder, the one changed last first."""
        found = [summarise_search(path) for path in searches.list_all()]
        return SearchList(folder=str(searches.parent), searches=found)

    @router.get("/searches/{search}")
    def show_search(search: str) -> SearchDetails:
        """One search: its answer, trials, importance, fresh seeds, the winner's recipe."""
        path = searches.find(search)
        return kept_searches.get(path, _stamp(path), lambda: describe_search(index, path))

    @router.get("/searches/{search}/section")
    def show_search_section(search: str) -> Section:
        """What the report of a search says, as far as it has come: figures, trials, fresh seeds, winner."""
        path = searches.find(search)
        return sections.get(path, _stamp_files(path), lambda: make_search_section(index, path))

    @router.get("/searches/{search}/report", response_class=Response, responses=PAGE)
    def show_search_report(search: str) -> Response:
        """The search's report, a page of its own."""
        return send_report(searches.find(search), "search")

    return router


def send_report(path: Path, kind: str) -> Response:
    """Return a folder's report, shut in.

    Raises:
        RunError: there is none yet.
    """
    report = path / "report.html"
    if not is_plain(report):
        raise RunError(
            f"The {kind} {path.name} has no report yet.",
            got="no report.html",
            allowed=f"a {kind} that has ended, or was interrupted",
            next_step="look at its page meanwhile",
        )
    return serve_report(report)


def _stamp(path: Path) -> object:
    """Return what changes with what is known of a study or search; always another while it goes on."""
    moment = time.monotonic() if is_locked(path / ".lock") else None
    return moment, _stamp_files(path)


def _stamp_files(path: Path) -> object:
    """Return what changes with the tables of a study or search, and when it begins or ends."""
    return is_locked(path / ".lock"), *(stamp(path / name) for name in _FILES)
