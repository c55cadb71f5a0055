"""The verb that opens the page."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from loupe.cli.app import LOOK, app
from loupe.terminal import print_line


@app.command(name="open", group=LOOK)
def open_(
    runs: Path = Path("runs"),
    /,
    *,
    studies: Annotated[
        Path | None, Parameter(help="Folder of studies; `studies` beside or inside RUNS if left out.")
    ] = None,
    searches: Annotated[
        Path | None, Parameter(help="Folder of searches; `searches` beside or inside RUNS if left out.")
    ] = None,
    audits: Annotated[
        Path | None, Parameter(help="Folder of audits; `audits` beside or inside RUNS if left out.")
    ] = None,
    port: Annotated[
        int | None, Parameter(help="Port; the first free one from 8321 on if left out, 0 for any.")
    ] = None,
    host: Annotated[str, Parameter(help="Address to listen on.")] = "127.0.0.1",
    allow_network: Annotated[
        bool, Parameter(negative=(), help="Let other machines in, with the token that is printed.")
    ] = False,
    browser: Annotated[bool, Parameter(help="Show the page in a browser.")] = True,
) -> int:
    """Open the page: runs as they train, studies, searches, audits, and the inside of networks.

    Parameters
    ----------
    runs
        Where the run folders are.
    """
    from loupe.web.server import serve

    def say(line: str) -> None:
        print_line(line)
        sys.stdout.flush()  # the server goes on for long, and the address is wanted now

    serve(
        runs,
        studies=studies,
        searches=searches,
        audits=audits,
        port=port,
        host=host,
        allow_network=allow_network,
        opens_browser=browser,
        say=say,
    )
    return 0
