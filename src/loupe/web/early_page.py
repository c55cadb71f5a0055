"""The page before there is anything to ask: its own files at once, while what answers is being loaded."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from importlib import resources
from pathlib import Path

from starlette.responses import FileResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from loupe.web.guards import Guard

PAGE = Path(str(resources.files("loupe.web").joinpath("page")))
SHARED = Path(str(resources.files("loupe.reports").joinpath("templates")))
SHARED_NAMES = (  # the page draws with what the reports draw with
    *("charts.js", "mistakes.js", "kept_tables.js", "kept_figures.js", "keeping.js"),
    *("style.css", "charts.css", "blocks.css", "print.css"),
)


def list_page_files() -> dict[str, Path]:
    """Return the files of the page by the path of their address."""
    files = {f"/page/{path.relative_to(PAGE).as_posix()}": path for path in PAGE.rglob("*") if path.is_file()}
    return {"/": PAGE / "index.html", **files, **{f"/shared/{name}": SHARED / name for name in SHARED_NAMES}}


class EarlyPage:
    """An application that has some files at once, and leaves all else to another one once that is built.

    Building loads torch, which takes seconds; it begins once somebody asked for something, or with `build`.

    Args:
        create: builds the application, in a thread of its own; it guards itself.
        files: what is there before, by the path of its address.
        token: what a request has to know, as `Guard` takes it.
        host: a further name of the server, likewise.
    """

    def __init__(
        self,
        create: Callable[[], ASGIApp],
        files: Mapping[str, Path],
        *,
        token: str | None = None,
        host: str | None = None,
    ) -> None:
        self._create = create
        self._files = files
        self._guarded = Guard(self._send_file, token=token, host=host)
        self._lock = threading.Lock()
        self._built: Future[ASGIApp] | None = None

    def build(self) -> "Future[ASGIApp]":
        """Begin to build the application, unless that was begun before, and return what will hold it."""
        with self._lock:
            if self._built is None:
                self._built = Future()
                # a daemon: Ctrl-C does not wait for torch
                threading.Thread(target=self._fill, args=[self._built], daemon=True).start()
            return self._built

    def _fill(self, built: "Future[ASGIApp]") -> None:
        built.set_running_or_notify_cancel()  # whoever no longer waits for it does not take it back
        try:
            built.set_result(self._create())
        except BaseException as error:  # whoever waits for it raises it
            built.set_exception(error)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # Loupe's page has nothing to do at the start or end of the server
            return
        is_built = self._built is not None and self._built.done()
        if not is_built and scope["method"] in ("GET", "HEAD") and scope["path"] in self._files:
            await self._guarded(scope, receive, send)
            self.build()
            return
        try:
            application = await asyncio.shield(asyncio.wrap_future(self.build()))
        except Exception:  # the server ends, and says why
            application = PlainTextResponse("Loupe could not be loaded; the terminal says why.", 503)
        await application(scope, receive, send)

    async def _send_file(self, scope: Scope, receive: Receive, send: Send) -> None:
        await FileResponse(self._files[scope["path"]])(scope, receive, send)
