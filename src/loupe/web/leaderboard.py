"""The leaderboard of a class as an ASGI application: a page, the same as JSON, the guard before both."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from loupe.classroom.board import Board
from loupe.reports.page import read_style, read_template, render_page
from loupe.version import __version__
from loupe.web.guards import Guard, make_problem


def create_board_app(board: Board, *, token: str | None = None, host: str | None = None) -> FastAPI:
    """Return the application that shows a leaderboard; while it is served, what comes in is graded.

    Args:
        board: the leaderboard.
        token: what every request has to know, if the server can be reached from elsewhere.
        host: a name the server is known by, besides localhost and IP addresses.
    """

    @asynccontextmanager
    async def grading(app: FastAPI) -> AsyncIterator[None]:
        thread = threading.Thread(target=board.keep_up, daemon=True)
        thread.start()
        try:
            yield
        finally:
            board.close()

    app = FastAPI(
        title="Loupe leaderboard",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=grading,
    )

    @app.get("/")
    def show_board() -> Response:
        return HTMLResponse(render_board(board))

    @app.get("/api/board")
    def read_board() -> dict[str, object]:
        return board.view().to_dict()

    @app.get("/board.css")
    def show_style() -> Response:
        return Response(read_style() + read_template("leaderboard.css"), media_type="text/css")

    @app.exception_handler(HTTPException)
    def explain_address(request: Request, error: HTTPException) -> JSONResponse:
        return make_problem(
            error.status_code,
            "There is nothing at this address."
            if error.status_code == 404
            else "This address does not do that.",
            got=f"{request.method} {request.url.path[:200]}",
            allowed="/, /api/board",
            next_step="open the address that `loupe class serve` prints",
        )

    app.add_middleware(Guard, token=token, host=host)
    return app


def render_board(board: Board) -> str:
    """Return the page as it is now."""
    seal = board.classroom.seal
    metric = board.classroom.metric
    return render_page(
        "leaderboard.html",
        seal=seal,
        metric=metric,
        view=board.view(),
        step=metric.write_gap(board.step),
    )
