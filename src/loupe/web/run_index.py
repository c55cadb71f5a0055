"""The runs of one folder: found by identifiers that cannot leave it, summed up, read again if changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from urllib.parse import quote

from loupe.data.ledger import find_ledger
from loupe.errors import LoupeError, RunError, suggest
from loupe.runs import RunFolder, is_run_folder, list_run_folders, read_tags
from loupe.runs.looks import describe_known_looks, read_test_content
from loupe.web.folder_index import is_file_name
from loupe.web.run_answers import RunSummary
from loupe.web.run_summaries import list_seeds, summarise_run, summarise_series

_SEPARATOR = ":"  # between a series and its seed; in no file name of any system
_ELSEWHERE = "@"  # before the name of a place of runs that is not the folder itself


@dataclass(frozen=True)
class _Known:
    """A run as it was read last: what changes when its files do, when the ledger does, and what it is."""

    stamp: object
    ledger: object
    test_content: str | None
    summary: RunSummary


class RunIndex:
    """The runs in a folder, and those of studies and searches in places of their own.

    Args:
        parent: the folder; it may not be there yet.
        places: further places by name. A run there is `@NAME:FOLDER:…`, and is found but not listed.
    """

    def __init__(self, parent: Path, places: Mapping[str, Path] | None = None) -> None:
        self.parent = parent
        self.places = dict(places or {})
        self._known: dict[Path, _Known] = {}
        self._listed: list[RunSummary] = []
        self._version = 0
        self._lock = Lock()

    def find(self, identifier: str) -> RunFolder:
        """Return the run, series or seed with an identifier.

        Raises:
            RunError: there is none in this folder.
        """
        base, parts, most = self.parent, identifier.split(_SEPARATOR), 2
        if parts[0].startswith(_ELSEWHERE) and parts[0][1:] in self.places:
            base, parts, most = self.places[parts[0][1:]], parts[1:], 3
        if 0 < len(parts) <= most and all(map(is_file_name, parts)):
            path = base.joinpath(*parts)
            if is_run_folder(path) and path.resolve().is_relative_to(base.resolve()):
                return RunFolder(path)
        names = [folder.name for folder in list_run_folders(self.parent)]
        raise RunError(
            f"There is no run {identifier[:80]!r}.",
            got=identifier[:80],
            allowed=", ".join(names[-8:]) or "no run yet",
            nearest=suggest(identifier, names),
            next_step="GET /api/runs lists the runs",
        )

    def find_single(self, identifier: str) -> RunFolder:
        """Return the run with one network that has an identifier.

        Raises:
            RunError: there is none, or it is a series of seeds.
        """
        folder = self.find(identifier)
        seeds = list_seeds(folder)
        if seeds and not folder.environment_file.exists():
            raise RunError(
                f"{identifier} is a series of seeds: as many networks.",
                got=identifier,
                allowed=", ".join(f"{identifier}{_SEPARATOR}{seed.path.name}" for seed in seeds),
                next_step="name one of its seeds",
            )
        return folder

    def name(self, folder: RunFolder) -> str:
        """Return the identifier of a run, series or seed of this folder or of one of the other places."""
        for name, place in self.places.items():
            if folder.path.is_relative_to(place):
                return _SEPARATOR.join([_ELSEWHERE + name, *folder.path.relative_to(place).parts])
        return _SEPARATOR.join(folder.path.relative_to(self.parent).parts)

    def address(self, folder: RunFolder) -> str:
        """Return the page's address of a run, "" where its folder is not on this disk."""
        return f"#/run/{quote(self.name(folder), safe='')}" if is_run_folder(folder.path) else ""

    def list_all(self) -> list[RunSummary]:
        """Return all runs, newest first."""
        return self.list_version()[0]

    def list_version(self) -> tuple[list[RunSummary], int]:
        """Return all runs, newest first, and a number that is another whenever what they say is."""
        tags = self._read_tags()
        inside = self.parent.resolve()
        paths = [path for path in list_run_folders(self.parent) if path.resolve().is_relative_to(inside)]
        summaries = [self.summarise(RunFolder(path), tags) for path in paths]
        listed = sorted(summaries, key=lambda one: -one.started)
        with self._lock:
            if listed != self._listed:
                self._listed, self._version = listed, self._version + 1
            return listed, self._version

    def summarise(self, folder: RunFolder, tags: dict[str, list[str]] | None = None) -> RunSummary:
        """Return a run, or a series with its seeds, in a few figures; what is damaged is said, not raised."""
        identifier = self.name(folder)
        tags = self._read_tags() if tags is None else tags
        seeds = list_seeds(folder)
        try:
            if seeds:
                summary = summarise_series(folder, identifier, [self.summarise(one, tags) for one in seeds])
            else:
                summary = self._summarise_run(folder, identifier)
        except LoupeError as error:
            summary = RunSummary(
                id=identifier, name=folder.path.name, kind="run", status="damaged", problem=error.message
            )
        return summary.model_copy(update={"tags": tags.get(identifier, [])})

    def _summarise_run(self, folder: RunFolder, identifier: str) -> RunSummary:
        files = (folder.recipe_file, folder.history_file, folder.result_file, folder.best_file)
        is_running = folder.is_being_trained()
        now = (is_running, *map(stamp, (*files, folder.progress_file, folder.openings_file)))
        ledger = stamp(find_ledger() or folder.path)
        with self._lock:
            before = self._known.get(folder.path)
        if before is not None and (before.stamp, before.ledger) == (now, ledger):
            return before.summary
        if (
            before is not None and before.stamp == now
        ):  # others looked at a test set: no file of this run changed
            content, summary = before.test_content, before.summary
        else:
            content = read_test_content(folder)
            summary = summarise_run(folder, identifier, is_running=is_running)
        looks = describe_known_looks([summary.test_looks], [content])
        if looks != summary.looks:
            summary = summary.model_copy(update={"looks": looks})
        with self._lock:
            self._known[folder.path] = _Known(now, ledger, content, summary)
        return summary

    def _read_tags(self) -> dict[str, list[str]]:
        try:
            return read_tags(self.parent)
        except RunError:  # a damaged file of tags is worth no table of runs
            return {}


def stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes when a file does; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
