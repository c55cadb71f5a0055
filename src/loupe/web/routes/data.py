"""Addresses on the images of a run: the data card, and images of each class."""

from typing import Annotated

from fastapi import APIRouter, Query

from loupe.web.data_answers import DataCard, describe_data, show_one_per_class
from loupe.web.inside_answers import Gallery
from loupe.web.sessions import Sessions


def build_data_routes(sessions: Sessions) -> APIRouter:
    """Return the addresses on the images of a run."""
    router = APIRouter(prefix="/api", tags=["data"])

    @router.get("/runs/{run}/data")
    def show_data(run: str) -> DataCard:
        """The data card of a run's images; of test images only counts and a digest."""
        return describe_data(sessions.open(run))

    @router.get("/runs/{run}/data/classes")
    def show_classes(run: str, page: Annotated[int, Query(ge=0, le=100_000)] = 0) -> Gallery:
        """Training images, one of each class, a page at a time."""
        return show_one_per_class(sessions.open(run), page)

    return router
