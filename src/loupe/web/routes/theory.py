"""Addresses on what each operation does: on the image of a run, and in the playground without any run."""

from collections.abc import Callable

import torch
from fastapi import APIRouter

from loupe.using.opened_run import OpenedRun
from loupe.web import theory_handlers
from loupe.web.routes.queries import Image, Layer, Place
from loupe.web.sessions import Sessions
from loupe.web.theory_answers import PlaygroundAnswer, Theory, WorkingAnswer

FindImage = Callable[[str, OpenedRun], torch.Tensor]


def add_theory_routes(router: APIRouter, sessions: Sessions, find_image: FindImage) -> None:
    """Add what shows the operations of a run's network on one image."""

    @router.get("/theory")
    def show_theory(run: str, image: Image) -> Theory:
        """What normalisation, augmentation, mixing, softmax, loss and a step of descent do with an image."""
        opened = sessions.open(run)
        return theory_handlers.describe_theory(opened, find_image(image, opened), image)

    @router.get("/working")
    def show_working(run: str, image: Image, layer: Layer, channel: Place = 0) -> WorkingAnswer:
        """What one channel of a layer is made of: its inputs, weights and windows."""
        opened = sessions.open(run)
        return theory_handlers.describe_working(opened, find_image(image, opened), layer, channel)


def build_playground_routes() -> APIRouter:
    """Return the address of the playground, which needs no run."""
    router = APIRouter(prefix="/api", tags=["playground"])

    @router.get("/playground")
    def show_playground() -> PlaygroundAnswer:
        """Digits and a small network trained on the spot, to be changed and recomputed."""
        return theory_handlers.describe_playground()

    return router
