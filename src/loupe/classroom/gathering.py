"""What was handed in: runs in folders, zip files and zip files in these, however they are called."""

import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from loupe.classroom.people import clean_name
from loupe.classroom.submitting import SUBMISSION_NAME, Submission, write_file_name
from loupe.errors import describe_cause
from loupe.runs.reading import is_plain, read_text
from loupe.runs.writing import is_leftover
from loupe.wording import show_plainly

_DEEPEST = 5  # zip files inside one another
_MOST_FILES, _MOST_BYTES = 20_000, 4 * 2**30  # of one file handed in, unpacked
_MOST_RUNS = 50
_OTHER_ARCHIVES = (".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
_DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    zlib.error,
    zipfile.BadZipFile,
)


@dataclass(frozen=True)
class Handed:
    """A run that was handed in.

    Args:
        name: whose it is: as its own file says, else what lies at the top of the folder is called.
        place: where it was found, for people.
        run: its folder, unpacked.
        exercise: digest of the exercise it says it is for; None if it does not say.
        submitted: when, as its own file says, else when the file was written.
    """

    name: str
    place: str
    run: Path
    exercise: str | None
    submitted: datetime


@dataclass(frozen=True)
class Passed:
    """Something handed in that holds no run that can be read, and why."""

    name: str
    place: str
    reason: str


@dataclass
class Gathered:
    """All that was handed in, in the order of names."""

    runs: list[Handed] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)


@dataclass
class _Unpacking:
    """One thing at the top of the folder, and how much was taken out of it."""

    top: str
    written: datetime
    work: Path
    gathered: Gathered
    num_files: int = 0
    num_bytes: int = 0
    num_runs: int = 0

    def count(self, size: int) -> None:
        self.num_files, self.num_bytes = self.num_files + 1, self.num_bytes + size
        if self.num_files > _MOST_FILES or self.num_bytes > _MOST_BYTES:
            raise ValueError("it holds more than a run can")

    def pass_over(self, place: str, reason: str) -> None:
        self.gathered.passed.append(Passed(_name(self.top), show_plainly(place), reason))


def gather(folder: Path, work: Path) -> Gathered:
    """Return what was handed in into a folder.

    Args:
        folder: what students handed in lies in it, as it came.
        work: an empty folder that runs are unpacked into.
    """
    gathered = Gathered()
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if not is_junk(entry.name):
            gather_one(entry, work, gathered)
    return gathered


def gather_one(entry: Path, work: Path, gathered: Gathered) -> None:
    """Add what one file or folder holds to what was gathered."""
    written = datetime.fromtimestamp(entry.lstat().st_mtime, UTC).replace(microsecond=0)
    unpacking = _Unpacking(entry.name, written, work, gathered)
    before = len(gathered.runs), len(gathered.passed)
    with _passing(unpacking, entry.name):
        if entry.is_symlink():
            raise ValueError("it is a link")
        if entry.is_dir():
            _take_folder(entry, entry.name, unpacking)
        elif entry.suffix.casefold() == ".zip":
            _take_archive(entry, entry.name, unpacking, 1)
        elif entry.suffix.casefold() in _OTHER_ARCHIVES:
            unpacking.pass_over(entry.name, f"a {entry.suffix} file is not read: it has to be a zip file")
    is_empty = before == (len(gathered.runs), len(gathered.passed))
    if is_empty and (entry.is_dir() or entry.suffix.casefold() == ".zip"):
        unpacking.pass_over(entry.name, "it holds no run")


def is_junk(name: str) -> bool:
    """Return whether systems, not people, put a file or folder of this name there."""
    return (name.startswith(".") and name != "..") or name in ("__MACOSX", "desktop.ini", "Thumbs.db")


@contextmanager
def _passing(unpacking: _Unpacking, place: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        unpacking.pass_over(place, f"it cannot be read: {describe_cause(error)}")


def _take_folder(folder: Path, place: str, unpacking: _Unpacking, depth: int = 0) -> None:
    """Take the runs below a folder, and those in zip files below it; links are not followed."""
    if depth > 20:
        raise ValueError("folders too deep inside one another")
    if (folder / "environment.json").is_file():
        _copy_run(folder, place, unpacking)
        return
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        inside = f"{place}/{entry.name}"
        if is_junk(entry.name) or entry.is_symlink():
            continue
        if entry.is_dir():
            _take_folder(entry, inside, unpacking, depth + 1)
        elif entry.suffix.casefold() == ".zip":
            with _passing(unpacking, inside):
                _take_archive(entry, inside, unpacking, 1)
        elif entry.suffix.casefold() in _OTHER_ARCHIVES:
            unpacking.pass_over(inside, f"a {entry.suffix} file is not read: it has to be a zip file")


def _copy_run(folder: Path, place: str, unpacking: _Unpacking) -> None:
    files = [path for path in sorted(folder.rglob("*")) if is_plain(path) and not is_leftover(path)]
    target = _new_run(place, unpacking)
    for path in files:
        unpacking.count(path.stat().st_size)
        copy = target / path.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    _add_run(target, place, unpacking)


def _take_archive(file: Path, place: str, unpacking: _Unpacking, depth: int) -> None:
    """Take the runs of a zip file, and those in zip files inside it."""
    if depth > _DEEPEST:
        raise ValueError("zip files too deep inside one another")
    with zipfile.ZipFile(file) as archive:
        members = {}
        for info in archive.infolist():
            path = PurePosixPath(info.filename.replace("\\", "/"))
            if not info.is_dir() and not any(map(is_junk, path.parts)):
                members[path] = info
        roots = sorted({path.parent for path in members if path.name == "environment.json"})
        roots = [root for root in roots if not any(other in root.parents for other in roots)]
        for root in roots:
            inside = place if str(root) == "." else f"{place}/{root}"
            target = _new_run(inside, unpacking)
            for path, info in members.items():
                if root in path.parents:
                    _extract(archive, info, target / path.relative_to(root), unpacking)
            _add_run(target, inside, unpacking)
        inner = [path for path in members if path.suffix.casefold() == ".zip"]
        for path in sorted(path for path in inner if not any(root in path.parents for root in roots)):
            nested = _new_place(unpacking) / "nested.zip"
            with _passing(unpacking, f"{place}/{path}"):
                _extract(archive, members[path], nested, unpacking)
                _take_archive(nested, f"{place}/{path}", unpacking, depth + 1)
            nested.unlink(missing_ok=True)


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, unpacking: _Unpacking) -> None:
    """Write one member as a file; no more of it than its header says, whatever it unpacks to."""
    if ".." in target.relative_to(unpacking.work).parts:
        raise ValueError(f"a file called {show_plainly(info.filename)[:80]!r}")
    unpacking.count(info.file_size)
    target.parent.mkdir(parents=True, exist_ok=True)
    left = info.file_size
    with archive.open(info) as source, target.open("wb") as copy:
        while block := source.read(min(2**20, left + 1)):
            left -= len(block)
            if left < 0:
                raise ValueError("a file holds more than it says")
            copy.write(block)


def _new_place(unpacking: _Unpacking) -> Path:
    unpacking.num_runs += 1
    if unpacking.num_runs > _MOST_RUNS:
        raise ValueError(f"it holds more than {_MOST_RUNS} runs")
    place = unpacking.work / f"{sum(1 for _ in unpacking.work.iterdir()):05d}"
    place.mkdir()
    return place


def _new_run(place: str, unpacking: _Unpacking) -> Path:
    """Return a new folder for a run, called as the run and the folder around it are: messages name it."""
    folder = _new_place(unpacking).joinpath(*map(write_file_name, PurePosixPath(place).parts[-2:]))
    folder.mkdir(parents=True)
    return folder


def _add_run(target: Path, place: str, unpacking: _Unpacking) -> None:
    said = _read_submission(target / SUBMISSION_NAME)
    unpacking.gathered.runs.append(
        Handed(
            name=(clean_name(show_plainly(said.name)) if said else "") or _name(unpacking.top),
            place=show_plainly(place),
            run=target,
            exercise=said.exercise if said else None,
            submitted=_in_utc(said.submitted) if said else unpacking.written,
        )
    )


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _read_submission(file: Path) -> Submission | None:
    try:
        return Submission.model_validate_json(read_text(file, 2**16))
    except (OSError, ValueError, ValidationError, RecursionError, OverflowError):
        return None


def _name(top: str) -> str:
    """Return what a file or folder is called as a person's name: without its ending, and not too long."""
    stem = top[:-4] if top.casefold().endswith(".zip") else top
    return clean_name(show_plainly(stem)) or "nameless"
