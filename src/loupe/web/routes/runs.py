"""Addresses on runs: the table, one run, tags, the report."""

import secrets
from collections.abc import Hashable
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field, WithJsonSchema
from starlette.requests import Request
from starlette.responses import Response

from loupe.data.ledger import find_ledger
from loupe.errors import RunError
from loupe.evaluations import Looks
from loupe.questions import answer_questions, gather_evidence
from loupe.runs import RunFolder, change_tags, write_tags
from loupe.runs.reading import is_plain
from loupe.runs.tags import LONGEST_TAG, MOST_TAGS, TAG
from loupe.web.cache import Kept
from loupe.web.guards import PAGE, serve_report
from loupe.web.run_answers import RunDetails, RunList, TagsAnswer
from loupe.web.run_details import describe_run
from loupe.web.run_index import RunIndex, stamp
from loupe.web.run_summaries import list_seeds
from loupe.web.sections import Section, SectionName, make_section
from loupe.web.sessions import Sessions

_MOST_KEPT = 24  # sections; each is made anew when the run's files change


# what `write_tags` takes, which says in its own words what is wrong
Tag = Annotated[str, WithJsonSchema({"type": "string", "maxLength": LONGEST_TAG, "pattern": f"^{TAG}$"})]


class Tags(BaseModel, extra="forbid"):
    """The tags a run is to have."""

    tags: list[Tag] = Field(json_schema_extra={"maxItems": MOST_TAGS})


class TagChanges(BaseModel, extra="forbid"):
    """What is to change among the tags of a run."""

    add: list[Tag] = Field([], json_schema_extra={"maxItems": MOST_TAGS}, description="Behind those it has.")
    remove: list[str] = Field([], description="Those it does not have are passed over.")


def build_run_routes(sessions: Sessions) -> APIRouter:
    """Return the addresses on the runs of a folder."""
    router, index, kept = APIRouter(prefix="/api", tags=["runs"]), sessions.index, Kept[Section](_MOST_KEPT)
    born = secrets.token_hex(4)  # another server begins its versions anew

    @router.get(
        "/runs", response_model=RunList, responses={304: {"description": "As `If-None-Match` has it."}}
    )
    def list_runs(request: Request) -> Response:
        """All runs, newest first, with what is known of those that train now."""
        return _answer_list(index, born, request.headers.get("if-none-match"))

    @router.get("/runs/{run}")
    def show_run(run: str) -> RunDetails:
        """One run: figures, curves, recipe, layers, environment."""
        return describe_run(index, sessions, run)

    @router.put("/runs/{run}/tags")
    def tag_run(run: str, wanted: Tags) -> TagsAnswer:
        """Put tags on a run in place of those it has."""
        folder = index.find(run)
        return TagsAnswer(tags=write_tags(index.parent, index.name(folder), wanted.tags))

    @router.patch("/runs/{run}/tags")
    def change_tags_of(run: str, wanted: TagChanges) -> TagsAnswer:
        """Put tags on a run, or take some away; the others stay, also those that somebody adds meanwhile."""
        folder = index.find(run)
        changed = change_tags(index.parent, index.name(folder), add=wanted.add, remove=wanted.remove)
        return TagsAnswer(tags=changed)

    @router.get("/runs/{run}/report", response_class=Response, responses=PAGE)
    def show_report(run: str) -> Response:
        """The run's report, a page of its own."""
        return serve_report(_find_report(index.find(run)))

    @router.get("/runs/{run}/sections/{name}")
    def show_section(run: str, name: SectionName) -> Section:
        """A part of the run's report: answers, weights, findings, figures, layers; of a series its seeds."""
        folder = index.find(run)
        return kept.get((folder.path, name), stamp_run(folder), lambda: make_section(sessions, run, name))

    @router.get("/runs/{run}/evaluations")
    def show_evaluations(run: str) -> dict[str, Any]:
        """What each evaluation found: sentence, numbers with intervals, tables, and what else is drawn."""
        found = index.find_single(run).read_evaluations()
        return (found or Looks()).to_dict()

    @router.get("/runs/{run}/answers")
    def show_answers(run: str) -> list[dict[str, Any]]:
        """Questions about the run, each with its answer, the number behind it, and what would help."""
        folder = index.find_single(run)
        answers = answer_questions(gather_evidence(folder, folder.require_result()))
        return [one.to_dict() for one in answers]

    return router


def _answer_list(index: RunIndex, born: str, known: str | None) -> Response:
    """Return all runs, or that they are what the asker knows already: a page asks every few seconds."""
    listed, version = index.list_version()
    headers = {"etag": f'"{born}-{version}"'}
    if known == headers["etag"]:
        return Response(status_code=304, headers=headers)
    content = RunList(folder=str(index.parent), runs=listed).model_dump_json()
    return Response(content, media_type="application/json", headers=headers)


def stamp_run(folder: RunFolder) -> tuple[Hashable, ...]:
    """Return what changes when the sections of a run do; they tell of other runs' looks too."""
    files = [
        file
        for one in (folder, *list_seeds(folder))
        for file in (
            one.result_file,
            one.best_file,
            one.evaluations_file,
            one.openings_file,
            one.scaling_file,
        )
    ]
    ledger = find_ledger()
    return tuple(map(stamp, [*files, ledger] if ledger is not None else files))


def _find_report(folder: RunFolder) -> Path:
    """Return the file of a run's report.

    Raises:
        RunError: there is none.
    """
    if not is_plain(folder.report_file):
        raise RunError(
            f"Run {folder.path.name} has no report yet.",
            got="no report.html",
            allowed="a run that has ended",
            next_step="look at its curves meanwhile",
        )
    return folder.report_file
