"""Addresses on audits: the list of finished ones, their review pages, what corrections brought."""

import json
from pathlib import Path

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from loupe.audits.folder import AuditFolder
from loupe.errors import LoupeError, RunError
from loupe.runs.reading import is_plain, read_text, reading
from loupe.web.folder_index import Shelf
from loupe.web.guards import PAGE, serve_report
from loupe.web.study_answers import State


class AuditSummary(BaseModel):
    """An audit, as one row of the list."""

    id: str
    state: State = Field(description="finished, or damaged: an audit that goes on is not listed yet.")
    about: str = Field("", description="What was found, in a sentence.")
    num_images: int = Field(0, description="Training and validation images; test images are not audited.")
    num_suspects: int = Field(0, description="Images that somebody should look at, of all kinds.")
    has_page: bool = False
    has_effect: bool = Field(False, description="Whether it was measured what corrections bring.")
    problem: str = Field("", description="Why it is damaged.")


class AuditList(BaseModel):
    """All finished audits of the folder."""

    folder: str
    audits: list[AuditSummary]


def build_audit_routes(audits: Shelf) -> APIRouter:
    """Return the addresses on audits."""
    router = APIRouter(prefix="/api", tags=["audits"])

    @router.get("/audits")
    def list_audits() -> AuditList:
        """All finished audits of the folder, the newest first."""
        return AuditList(
            folder=str(audits.parent), audits=[summarise_audit(one) for one in audits.list_all()]
        )

    @router.get("/audits/{audit}/report", response_class=Response, responses=PAGE)
    def show_audit_page(audit: str) -> Response:
        """The page on which suspects are kept, relabelled or dropped, a page of its own."""
        return _serve(AuditFolder(audits.find(audit)).page_file, audit, f"loupe audit {audit}")

    @router.get("/audits/{audit}/effect/report", response_class=Response, responses=PAGE)
    def show_audit_effect(audit: str) -> Response:
        """What corrections brought: the report of the study with and without."""
        command = f"loupe audit {audit} data.corrections=corrections.csv --effect"
        return _serve(_find_effect(audits.find(audit)), audit, command)

    return router


def summarise_audit(path: Path) -> AuditSummary:
    """Return an audit in a few figures; what is damaged is said, not raised."""
    folder = AuditFolder(path)
    try:
        with reading(folder.json_file):
            values = json.loads(read_text(folder.json_file))
            return AuditSummary(
                id=path.name,
                state="finished",
                about=str(values["summary"]),
                num_images=sum(int(count) for count in values["images"].values()),
                num_suspects=sum(int(count) for count in values["found"].values()),
                has_page=is_plain(folder.page_file),
                has_effect=is_plain(_find_effect(path)),
            )
    except LoupeError as error:
        return AuditSummary(id=path.name, state="damaged", problem=error.message)
    raise AssertionError


def _find_effect(path: Path) -> Path:
    """Return where the report of what corrections brought is, inside the folder of the audit."""
    report = AuditFolder(path).effect.report_file
    return report if report.resolve().is_relative_to(path.resolve()) else path / "no effect"


def _serve(page: Path, name: str, command: str) -> Response:
    if not is_plain(page):
        raise RunError(
            f"There is no page of audit {name[:80]!r} to show.",
            got=f"no {page.name}",
            allowed="an audit that has ended",
            next_step=f"`{command}` makes it",
        )
    return serve_report(page)
