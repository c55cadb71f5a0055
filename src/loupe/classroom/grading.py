"""`loupe class grade`: everything handed in, judged on the hidden images."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from loupe.classroom.entries import Classroom, Entry, Grades
from loupe.classroom.gathering import gather
from loupe.classroom.judging import Judge
from loupe.classroom.limits import Limits
from loupe.classroom.seal import STUDENTS, SUBMISSIONS, TEACHER, read_hidden, read_pack
from loupe.classroom.standing import rank
from loupe.errors import LoupeError

Say = Callable[[int, int, Entry], None]


def open_classroom(folder: Path) -> Classroom:
    """Return an exercise as its teacher has it.

    Args:
        folder: what `loupe class make` wrote.

    Raises:
        LoupeError: it is no such folder, or not as it was made.
    """
    pack = read_pack(folder / STUDENTS)
    hidden, key = read_hidden(folder / TEACHER, pack.seal)
    return Classroom(folder, pack, hidden, (key.exercise, *key.earlier))


def find_submissions(folder: Path) -> Path:
    """Return the folder of what was handed in: the one that is named, or that of the exercise that is."""
    return folder / SUBMISSIONS if (folder / TEACHER).is_dir() else folder


def find_classroom(submissions: Path, exercise: Path | None) -> Path:
    """Return the folder of an exercise: as named, or the one that a folder of submissions lies in.

    Raises:
        LoupeError: there is none.
    """
    places = [exercise] if exercise is not None else [submissions.absolute().parent, Path()]
    for place in places:
        if (place / TEACHER).is_dir():
            return place
    raise LoupeError(
        "It is not known which exercise this is for.",
        got=f"no folder {TEACHER} in {' or '.join(str(place.absolute()) for place in places)}",
        allowed="the folder that `loupe class make` wrote",
        next_step="name it: --exercise FOLDER",
    )


def grade(
    submissions: Path,
    *,
    exercise: Path | None = None,
    limits: Limits | None = None,
    say: Say = lambda done, total, entry: None,
) -> Grades:
    """Return what everything handed in is worth, each network judged in a process of its own.

    Args:
        submissions: what was handed in, as it came: zip files, folders, zip files in these; or the folder
            that `loupe class make` wrote, whose own folder of submissions is then meant.
        exercise: the folder that `loupe class make` wrote; the one that `submissions` lies in if left out.
        limits: of time and memory for each.
        say: told of each submission that was judged, with how many are done and how many there are.

    Raises:
        LoupeError: there is no such folder or exercise, or nothing was handed in.
    """
    submissions = find_submissions(submissions)
    refuse_missing(submissions)
    classroom = open_classroom(find_classroom(submissions, exercise))
    with tempfile.TemporaryDirectory(prefix="loupe-class-") as temporary:
        work = Path(temporary)
        (work / "runs").mkdir()
        gathered = gather(submissions, work / "runs")
        if not gathered.runs and not gathered.passed:
            raise LoupeError(
                f"Nothing was handed in into {submissions}.",
                got="no run and no zip file",
                allowed="files of `loupe class submit`, run folders, zip files of these",
                next_step="put what students hand in into that folder, as it comes",
            )
        judge = Judge(classroom, work, limits or Limits())
        entries = []
        for number, one in enumerate(gathered.runs, 1):
            entries.append(judge.judge(one))
            say(number, len(gathered.runs), entries[-1])
    return rank(classroom, entries, gathered, submissions)


def refuse_missing(submissions: Path) -> None:
    """Check that there is a folder of submissions.

    Raises:
        LoupeError: there is none.
    """
    if not submissions.is_dir():
        raise LoupeError(
            f"There is no folder {submissions}.",
            got="a file" if submissions.exists() else "nothing there",
            allowed="the folder that students' files lie in",
            next_step="name it",
        )
