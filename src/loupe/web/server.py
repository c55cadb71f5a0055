"""`loupe open`: the server started, its address printed, the browser opened."""

import contextlib
import importlib.util
import os
import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loupe.errors import LoupeError

if TYPE_CHECKING:
    from concurrent.futures import Future

    import uvicorn

    from loupe.web.early_page import EarlyPage

_FIRST_PORT, _PORTS_TRIED = 8321, 20
_PACKAGES = ("fastapi", "uvicorn", "multipart")
_SECONDS_TO_THE_PAGE = 0.5
"""Within which whoever opens the page asks for it, and has it before torch is loaded."""


def serve(  # noqa: PLR0913 - what can be wished for, each by its name
    runs: Path,
    *,
    studies: Path | None = None,
    searches: Path | None = None,
    audits: Path | None = None,
    port: int | None = None,
    host: str = "127.0.0.1",
    allow_network: bool = False,
    opens_browser: bool = True,
    say: Callable[[str], None] = lambda line: None,
) -> None:
    """Serve the page and the interface until Ctrl-C.

    Args:
        runs: folder of run folders.
        studies: folder of studies; `studies` beside or inside the folder of runs if left out.
        searches: folder of searches; likewise.
        audits: folder of audits; likewise.
        port: to listen on; the first free one from 8321 on if left out, any free one if 0.
        host: address to listen on; another than this machine's own needs `allow_network`.
        allow_network: let other machines in, with a token (LOUPE_TOKEN, else a new one). A token in
            LOUPE_TOKEN is asked for at every address.
        opens_browser: show the page.
        say: told the address, and what else there is to know.

    Raises:
        LoupeError: the packages are not installed, the port is taken, or the host is not allowed.
    """

    def create(token: str | None) -> Any:
        from loupe.registry import discover_all
        from loupe.web.application import create_app

        discover_all()  # here, in one thread: questions come in several
        return create_app(runs, studies=studies, searches=searches, audits=audits, token=token, host=host)

    def greet(address: str) -> None:
        say(f"Loupe shows {runs} at {address}")
        say("Ctrl-C ends it.")
        if not runs.is_dir():
            say(f"There is no folder {runs} yet; `loupe train` makes one, and the page shows it then.")

    serve_application(
        create,
        greet,
        has_page=True,
        port=port,
        host=host,
        allow_network=allow_network,
        opens_browser=opens_browser,
    )


def serve_application(
    create: Callable[[str | None], Any],
    greet: Callable[[str], None],
    *,
    has_page: bool = False,
    port: int | None = None,
    host: str = "127.0.0.1",
    allow_network: bool = False,
    opens_browser: bool = True,
) -> None:
    """Serve an application until Ctrl-C.

    Args:
        create: returns it, given the token that it has to ask for, if any.
        greet: told the address before it is served.
        has_page: whether it has Loupe's page, whose files are served while the rest is still being loaded.
        port, host, allow_network, opens_browser: as `serve` takes them.

    Raises:
        LoupeError: as `serve` does.
    """
    _refuse_missing_packages()
    from loupe.web.early_page import EarlyPage, list_page_files
    from loupe.web.guards import is_loopback

    token = os.environ.get("LOUPE_TOKEN") or None  # one that is set is asked for, whatever the address
    if not is_loopback(host):
        if not allow_network:
            raise LoupeError(
                f"{host} can be reached from other machines.",
                got=f"--host {host}",
                allowed="127.0.0.1, ::1, localhost; others with --allow-network",
                next_step="add --allow-network if that is meant: whoever knows the token then sees the runs",
            )
        token = token or secrets.token_urlsafe(24)
    with contextlib.closing(listen(host, port)) as listening, contextlib.suppress(KeyboardInterrupt):
        number = listening.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{number}/" + (f"?token={token}" if token else "")
        greet(address)
        if opens_browser:
            threading.Timer(0.5, _open_browser, [address]).start()
        if has_page:
            app = EarlyPage(lambda: create(token), list_page_files(), token=token, host=host)
            _run(build_server(app), app, listening)
        else:
            build_server(create(token)).run(sockets=[listening])


def _refuse_missing_packages() -> None:
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise LoupeError(
            "The page needs a few more packages.",
            got=f"no module {missing[0]}",
            allowed="the extra `serve`",
            next_step="pip install 'loupe-bench[serve]'",
        )


def _run(server: "uvicorn.Server", app: "EarlyPage", listening: socket.socket) -> None:
    """Serve an application; what goes wrong while it is built ends that, and is raised."""
    failures: list[BaseException] = []

    def end_if_failed(built: "Future[Any]") -> None:
        if (error := built.exception()) is not None:
            failures.append(error)
            server.should_exit = True

    beginning = threading.Timer(_SECONDS_TO_THE_PAGE, lambda: app.build().add_done_callback(end_if_failed))
    beginning.start()
    try:
        server.run(sockets=[listening])
    finally:
        beginning.cancel()
    for error in failures:
        raise error


def build_server(app: Any) -> "uvicorn.Server":
    """Return what serves an application: quiet, and without what the page does not use."""
    import uvicorn

    from loupe.web.slow_connections import ImpatientProtocol

    config = uvicorn.Config(
        app,
        http=ImpatientProtocol,
        log_level="error",
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config)


def _open_browser(address: str) -> None:
    with contextlib.suppress(webbrowser.Error):  # a machine without one still has the address
        webbrowser.open(address)


def listen(host: str, port: int | None) -> socket.socket:
    """Return a socket that listens; arguments as `serve`.

    Raises:
        LoupeError: the port is taken, or the host is none of this machine's.
    """
    wanted = range(_FIRST_PORT, _FIRST_PORT + _PORTS_TRIED) if port is None else [port]
    problem = ""
    for number in wanted:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # the protocol is named: asyncio sends small answers at once only if it sees that this is TCP
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, number))
            listening.listen(128)  # from here on questions wait for their answer, and are not turned away
        except (OSError, OverflowError) as error:
            listening.close()
            problem = str(error)
            continue
        return listening
    raise LoupeError(
        f"Loupe cannot listen on {host}, port {wanted[0]}.",
        got=problem,
        allowed="a free port of this machine, 0 to 65535; 0 takes any free one",
        next_step="the same command with --port 0",
    )
