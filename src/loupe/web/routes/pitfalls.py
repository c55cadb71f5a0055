"""Addresses on mistakes one can watch: which there are, and the pages of those that were carried out."""

from pathlib import Path

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from loupe.errors import LoupeError, UnknownNameError
from loupe.pitfalls import PITFALLS
from loupe.web.guards import PAGE, serve_report


class PitfallAnswer(BaseModel):
    """A mistake that `loupe pitfalls` carries out wrong and right."""

    name: str
    title: str
    summary: str = Field(description="What the mistake is.")
    tell_tale: str = Field(description="The number that gives it away.")
    rule: str = Field(description="What to do.")
    lint: list[str] = Field(description="Rules of `loupe lint` that find it.")
    is_written: bool = Field(description="Whether its page is there: `loupe pitfalls NAME` writes it.")


class PitfallList(BaseModel):
    """All of them, and where their pages are looked for."""

    folder: str
    pitfalls: list[PitfallAnswer]


def build_pitfall_routes(folder: Path) -> APIRouter:
    """Return the addresses on pitfalls.

    Args:
        folder: where `loupe pitfalls` writes its pages; it may not be there yet.
    """
    router = APIRouter(prefix="/api/pitfalls", tags=["pitfalls"])

    @router.get("")
    def list_pitfalls() -> PitfallList:
        """Mistakes one can watch, each with the number that gives it away."""
        found = []
        for name in PITFALLS.names():
            facts = PITFALLS.facts(name)
            found.append(
                PitfallAnswer(
                    name=name,
                    title=str(facts["title"]),
                    summary=PITFALLS.summary(name),
                    tell_tale=str(facts["tell_tale"]),
                    rule=str(facts["rule"]),
                    lint=list(facts["lint"]),
                    is_written=(folder / f"{name}.html").is_file(),
                )
            )
        return PitfallList(folder=str(folder), pitfalls=found)

    @router.get("/{name}/page", response_class=Response, responses=PAGE)
    def show_pitfall(name: str) -> Response:
        """The page of a pitfall, wrong beside right, once `loupe pitfalls` has written it."""
        names = PITFALLS.names()
        page = folder / f"{name}.html"
        if name not in names:
            raise UnknownNameError("pitfall", name, names, "loupe pitfalls")
        if not page.is_file():
            raise LoupeError(
                f"The pitfall {name!r} has no page yet.",
                got=str(page),
                allowed="a pitfall that was carried out",
                next_step=f"loupe pitfalls {name}",
            )
        return serve_report(page)

    return router
