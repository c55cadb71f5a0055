"""Text for the terminal: plain lines, tables, errors. Nothing here knows what it prints."""

import io
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from loupe.wording import show_plainly

if TYPE_CHECKING:
    from rich.console import Console


def open_console(*, stderr: bool = False) -> "Console":
    """Return a console; where output is not a terminal, lines are as long as they need."""
    from rich.console import Console

    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=200)


def print_line(text: str, *, style: str = "", stderr: bool = False) -> None:
    """Print text as it is: no markup, no colours of its own, no breaks of ours, no orders to a terminal."""
    open_console(stderr=stderr).print(
        show_plainly(text), highlight=False, markup=False, soft_wrap=True, style=style
    )


def print_data(text: str) -> None:
    """Write a table or JSON to standard output: to a file or pipe as UTF-8, whatever the locale says.

    A file's or class's name in it is then the name; a terminal shows what it can.
    """
    stream = sys.stdout
    if not isinstance(stream, io.TextIOWrapper) or stream.isatty():
        stream.write(text)
        return
    stream.flush()
    stream.buffer.write(text.encode("utf-8", "backslashreplace"))
    stream.buffer.flush()


def print_error(text: str) -> None:
    """Print an error to standard error."""
    from rich.text import Text

    line = Text.assemble(("Error: ", "bold red"), show_plainly(text))
    open_console(stderr=True).print(line, highlight=False, soft_wrap=True)


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Print rows of text under headings; the columns in `right` are aligned to the right."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    for index, heading in enumerate(headings):
        is_right = index in right
        table.add_column(heading, justify="right" if is_right else "left", no_wrap=is_right or index == 0)
    for row in rows:
        table.add_row(*(Text(show_plainly(cell)) for cell in row))
    open_console().print(table)


def write_count(value: int) -> str:
    """Return a count with thousands set apart; "" for none."""
    return f"{value:,}" if value else ""
