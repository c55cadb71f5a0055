"""The verb that looks after the cache of decoded images."""

import time
from typing import Annotated, Literal

from cyclopts import Parameter

from loupe.cli.app import LOOK, app
from loupe.errors import LoupeError
from loupe.terminal import print_line, print_table

_GIGABYTE = 1024**3


@app.command(group=LOOK)
def cache(
    action: Literal["list", "prune"] = "list",
    /,
    *,
    older_than: Annotated[
        float | None, Parameter(help="With prune: entries not used for so many days.")
    ] = None,
    most: Annotated[
        float | None, Parameter(help="With prune: the longest unused, until so many GB are left.")
    ] = None,
    everything: Annotated[
        bool, Parameter(name="--all", negative=(), help="With prune: all entries.")
    ] = False,
) -> int:
    """List or prune the cache of decoded images; what is pruned is decoded again when it is needed.

    Parameters
    ----------
    action
        `list` shows what is kept; `prune` removes what the options say, and what earlier versions left.
    """
    from loupe.data.pixel_cache import find_cache_folder, list_entries, prune_entries

    asked = [name for name, value in (("--older-than", older_than), ("--most", most)) if value is not None]
    asked += ["--all"] if everything else []
    if action == "list" and asked:
        raise LoupeError(
            f"{asked[0]} says what is to be pruned.",
            got=f"loupe cache list {asked[0]}",
            allowed="loupe cache prune with it, or loupe cache alone",
            next_step=f"loupe cache prune {asked[0]}",
        )
    if action == "list":
        entries = list_entries()
        if entries:
            rows = [(one.title, _write_size(one.size_bytes), _write_age(one.used_seconds)) for one in entries]
            print_table(("decoded images of", "size", "last used"), rows, right=(1, 2))
        total = sum(one.size_bytes for one in entries)
        print_line(f"{len(entries)} in {find_cache_folder()}, {_write_size(total)}")
        return 0
    removed = prune_entries(
        most_bytes=None if most is None else int(most * _GIGABYTE),
        older_than_days=0 if everything else older_than,
    )
    freed = sum(one.size_bytes for one in removed)
    print_line(f"removed {len(removed)}, {_write_size(freed)}; {len(list_entries())} left")
    return 0


def _write_size(size_bytes: int) -> str:
    return f"{size_bytes / _GIGABYTE:.1f} GB" if size_bytes >= _GIGABYTE else f"{size_bytes / 1024**2:.1f} MB"


def _write_age(used_seconds: float) -> str:
    days = max(0, int((time.time() - used_seconds) / 86_400))
    return "today" if not days else f"{days} days ago"
