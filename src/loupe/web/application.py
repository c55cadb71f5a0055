"""The server as an ASGI application: addresses, errors in words, the page, and the guard before it all."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from loupe.errors import LoupeError, RunError, UnknownNameError
from loupe.version import __version__
from loupe.web.early_page import PAGE, SHARED, SHARED_NAMES
from loupe.web.folder_index import Shelf, find_place
from loupe.web.guards import Guard, TooLargeError, make_problem, refuse_large, refuse_slow
from loupe.web.routes.audits import build_audit_routes
from loupe.web.routes.comparisons import build_comparison_routes
from loupe.web.routes.data import build_data_routes
from loupe.web.routes.inside import build_inside_routes
from loupe.web.routes.pitfalls import build_pitfall_routes
from loupe.web.routes.runs import build_run_routes
from loupe.web.routes.studies import build_study_routes
from loupe.web.routes.theory import build_playground_routes
from loupe.web.run_index import RunIndex
from loupe.web.sessions import Sessions
from loupe.web.slow_connections import TooSlowError


class Problem(BaseModel):
    """What every error looks like."""

    error: str
    got: str | None = None
    allowed: str | None = None
    next: str | None = None


def create_app(
    runs: Path,
    *,
    studies: Path | None = None,
    searches: Path | None = None,
    audits: Path | None = None,
    token: str | None = None,
    host: str | None = None,
) -> FastAPI:
    """Return the application that serves the runs in a folder, and the studies, searches and audits near it.

    Args:
        runs: folder of run folders; it may not be there yet.
        studies: folder of studies; `studies` beside or inside the folder of runs if left out.
        searches: folder of searches; likewise.
        audits: folder of audits; likewise.
        token: what every request has to know, if the server can be reached from elsewhere.
        host: a name the server is known by, besides localhost and IP addresses.
    """
    app = FastAPI(
        title="Loupe",
        version=__version__,
        description="Runs, predictions, and the inside of networks. Errors are 4xx with `error`, `got`, "
        "`allowed` and `next`.",
        docs_url=None,  # these load their scripts from elsewhere; the page renders the description itself
        redoc_url=None,
        responses={"4XX": {"model": Problem, "description": "What is wrong, and what to do."}},
    )
    study_shelf = Shelf(find_place(runs, "studies", studies), "study", "studies")
    search_shelf = Shelf(find_place(runs, "searches", searches), "search", "searches")
    places = {"study": study_shelf.parent / "runs", "search": search_shelf.parent}
    sessions = Sessions(RunIndex(runs, places))
    app.include_router(build_run_routes(sessions))
    app.include_router(build_data_routes(sessions))
    app.include_router(build_comparison_routes(sessions.index))
    app.include_router(build_inside_routes(sessions))
    app.include_router(build_playground_routes())
    app.include_router(build_pitfall_routes(find_place(runs, "pitfalls")))
    app.include_router(build_study_routes(sessions.index, study_shelf, search_shelf))
    audit_shelf = Shelf(find_place(runs, "audits", audits), "audit", "audits", marker="audit.json")
    app.include_router(build_audit_routes(audit_shelf))
    _add_page(app)
    _add_errors(app)
    app.add_middleware(Guard, token=token, host=host)
    return app


def _add_page(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    def show_page() -> Response:
        return FileResponse(PAGE / "index.html")

    @app.get("/shared/{name}", include_in_schema=False)
    def show_shared(name: str) -> Response:
        if name not in SHARED_NAMES:
            raise HTTPException(404)
        return FileResponse(SHARED / name)

    app.mount("/page", StaticFiles(directory=PAGE), name="page")


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(LoupeError)
    def explain_mistake(request: Request, error: LoupeError) -> JSONResponse:
        is_unknown = isinstance(error, RunError | UnknownNameError) and "There is no" in error.message
        near = f"did you mean {error.nearest!r}? " if error.nearest else ""
        return make_problem(
            404 if is_unknown else 400,
            error.message,
            got=error.got,
            allowed=error.allowed,
            next_step=near + (error.next_step or "") or None,
        )

    @app.exception_handler(RequestValidationError)
    def explain_form(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return make_problem(
            422,
            f"{where}: {first['msg']}.",
            got=first.get("input"),
            allowed="what #/api says of this address",
            next_step="mend the request",
        )

    @app.exception_handler(TooLargeError)
    def explain_size(request: Request, error: TooLargeError) -> Response:
        return refuse_large()

    @app.exception_handler(TooSlowError)
    def explain_slowness(request: Request, error: TooSlowError) -> Response:
        return refuse_slow()

    @app.exception_handler(HTTPException)
    def explain_address(request: Request, error: HTTPException) -> JSONResponse:
        message = {
            404: "There is nothing at this address.",
            405: "This address does not do that.",
        }.get(error.status_code, "This request cannot be answered.")
        return make_problem(
            error.status_code,
            message,
            got=f"{request.method} {request.url.path[:200]}",
            allowed="what #/api lists",
            next_step="GET /api/runs lists the runs",
        )

    @app.exception_handler(Exception)
    def explain_fault(request: Request, error: Exception) -> JSONResponse:
        return make_problem(
            500,
            "This is a fault in Loupe, or in a network of yours; its story stands in the server's window.",
            got=type(error).__name__,
            next_step="report it with what the terminal shows",
        )
