"""The verbs of a class: an exercise made, handed in, graded, and shown on a leaderboard."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from loupe.cli.app import WORK, app
from loupe.terminal import print_line, print_table
from loupe.wording import count_of

if TYPE_CHECKING:
    from loupe.classroom.entries import Entry, Grades
    from loupe.classroom.seal import Seal

class_app = App(
    name="class",
    group=WORK,
    help="An exercise for a class: made, handed in, judged on images that no student has.",
    help_format="markdown",
)
app.command(class_app)

Seconds = Annotated[float, Parameter(help="Seconds that grading one submission may take.")]
Memory = Annotated[
    int, Parameter(help="MiB of memory that grading one submission may take; held to on Linux.")
]
ExerciseFolder = Annotated[
    Path | None,
    Parameter(help="The folder that `loupe class make` wrote; the one SUBMISSIONS lies in if left out."),
]


@class_app.command
def make(
    exercise: Path,
    /,
    *,
    out: Annotated[Path | None, Parameter(help="The folder; the exercise's name if left out.")] = None,
) -> int:
    """Divide an exercise's images into a pack for students and a hidden test set.

    Parameters
    ----------
    exercise
        A TOML file: task, data, recipe, what is fixed, what is graded.
    """
    from loupe.classroom.making import make_exercise

    made = make_exercise(exercise, out)
    words = {"train": "training"}
    shown = [f"{count:,} {words.get(name, name)}" for name, count in made.counts.items() if name != "hidden"]
    hidden = made.counts["hidden"]
    print_line(f"students get: {', '.join(shown)} images, with labels; how many are hidden, and not which")
    print_line(f"hidden, for you alone: {count_of(hidden, 'image')}; grades rest on these")
    if made.num_copies:
        print_line(f"left out: {count_of(made.num_copies, 'image')} equal to a hidden one")
    _print_deadline(made.seal)
    print_line(f"for students: {made.archive}", style="bold")
    print_line(f"for you alone: {made.folder / 'teacher'}; never hand it on")
    print_line(
        f"put what they hand in into {made.folder / 'submissions'}; "
        f"then: loupe class grade {made.folder / 'submissions'}"
    )
    return 0


def _print_deadline(seal: "Seal") -> None:
    if seal.due is not None:
        what = "set aside" if seal.late == "aside" else "counted, and said to be late"
        print_line(f"deadline: {seal.deadline}; what comes later is {what}")
    elif seal.deadline:
        print_line(
            f"deadline: {seal.deadline!r} is only shown; a date and time, 2026-12-04 18:00, is kept to"
        )


@class_app.command
def revise(
    exercise: Path,
    /,
    *,
    out: Annotated[
        Path | None,
        Parameter(help="The folder that `loupe class make` wrote; the exercise's name if left out."),
    ] = None,
) -> int:
    """Change an exercise that students have: task, rules, deadline, recipe; its images stay as they are.

    What was handed in before is judged by the new rules.

    Parameters
    ----------
    exercise
        The exercise's TOML file, changed.
    """
    from loupe.classroom.revising import revise_exercise

    revised = revise_exercise(exercise, out)
    print_line(f"changed: {', '.join(revised.changed) or 'nothing of the rules'}; images stay as they were")
    _print_deadline(revised.seal)
    print_line(f"for students: {revised.archive}", style="bold")
    print_line("who unpacks it over the older one keeps runs, and loses changes of recipe.toml")
    return 0


@class_app.command
def submit(
    run: str,
    /,
    *,
    name: Annotated[str | None, Parameter(help="Whose it is; the run's name if left out.")] = None,
    exercise: Annotated[
        Path | None, Parameter(help="The pack's folder; where the run's images lie if left out.")
    ] = None,
    out: Annotated[Path | None, Parameter(help="The file; NAME.zip if left out.")] = None,
) -> int:
    """Check a run against its exercise, and write the one file to hand in.

    Parameters
    ----------
    run
        A run folder, or its name (or how it begins) inside runs/.
    """
    from loupe.classroom.submitting import submit as write

    written = write(run, name=name, exercise=exercise, out=out)
    size = f"{written.file.stat().st_size / 2**20:.1f} MiB"
    print_line(f"hand in: {written.file} ({size}), by {written.name}, for the exercise {written.exercise}")
    for remark in written.remarks:
        print_line(f"note: {remark}", style="yellow")
    return 0


@class_app.command
def grade(
    submissions: Path,
    /,
    *,
    exercise: ExerciseFolder = None,
    out: Annotated[
        Path | None, Parameter(help="Folder for grades.csv and grades.html; the exercise's teacher/.")
    ] = None,
    seconds: Seconds = 120.0,
    memory: Memory = 2048,
) -> int:
    """Judge everything handed in on the hidden images, each network in a process of its own.

    Parameters
    ----------
    submissions
        The folder of what was handed in, as it came: zip files, folders, zip files in these; or the folder
        of the exercise.
    """
    from loupe.classroom.grading import find_classroom, find_submissions
    from loupe.classroom.grading import grade as judge
    from loupe.classroom.limits import Limits
    from loupe.classroom.results import write_results
    from loupe.classroom.summary import summarise

    submissions = find_submissions(submissions)
    grades = judge(submissions, exercise=exercise, limits=Limits(seconds, memory), say=_say)
    table, page = write_results(grades, out or find_classroom(submissions, exercise) / "teacher")
    _print_grades(grades)
    print_line(summarise(grades), style="bold")
    print_line(f"table: {table}")
    print_line(f"page: {page}")
    return 0


def _say(done: int, total: int, entry: "Entry") -> None:
    outcome = "refused" if entry.is_refused else "graded"
    print_line(f"{done} of {total}: {entry.name}, {outcome}", style="dim", stderr=True)


def _print_grades(grades: "Grades") -> None:
    metric = grades.classroom.metric
    if not grades.ranked:
        print_line("nobody keeps to the rules: no places")
    rows = [
        (str(one.place), one.name, one.value.write() if one.value else "", str(one.reply.num_looks))
        for one in grades.ranked
    ]
    if rows:
        print_table(("place", "name", metric.heading, "looks"), rows, right=(0, 3))
    for one in grades.aside:
        value = one.value.write() if one.value else ""
        print_line(f"set aside: {one.name}, {value}: {'; '.join(rule.text for rule in one.broken)}")
    for one in grades.refused:
        print_line(f"refused: {one.name}: {'; '.join(rule.text for rule in one.broken)}")
    for one in (*grades.ranked, *grades.aside, *grades.refused):
        for note in one.notes:
            print_line(f"note: {one.name}: {note}")
    for passed in grades.passed:
        print_line(f"not read: {passed.place}: {passed.reason}")
    for one in grades.superseded:
        when = one.handed.submitted.strftime("%Y-%m-%d %H:%M UTC")
        print_line(
            f"not counted: {one.name}: {one.handed.place}, handed in {when}: another one of that name does"
        )
    for again in grades.repeated:
        print_line(f"handed in again: {again.name}: {again.handed.place}, {again.why}")
    sys.stdout.flush()


@class_app.command
def serve(
    submissions: Path,
    /,
    *,
    exercise: ExerciseFolder = None,
    port: Annotated[
        int | None, Parameter(help="Port; the first free one from 8321 on if left out, 0 for any.")
    ] = None,
    host: Annotated[str, Parameter(help="Address to listen on.")] = "127.0.0.1",
    allow_network: Annotated[
        bool, Parameter(negative=(), help="Let other machines in, with the token that is printed.")
    ] = False,
    browser: Annotated[bool, Parameter(help="Show the page in a browser.")] = True,
    seconds: Seconds = 120.0,
    memory: Memory = 2048,
) -> int:
    """Show a leaderboard that grades what comes into a folder, in steps too coarse to be fitted to.

    Parameters
    ----------
    submissions
        The folder that students' files come into, or the folder of the exercise.
    """
    from loupe.classroom.board import Board
    from loupe.classroom.grading import find_classroom, find_submissions, open_classroom, refuse_missing
    from loupe.classroom.limits import Limits
    from loupe.web.server import serve_application

    submissions = find_submissions(submissions)
    refuse_missing(submissions)
    classroom = open_classroom(find_classroom(submissions, exercise))
    board = Board(classroom, submissions, Limits(seconds, memory))

    def create(token: str | None) -> object:
        from loupe.web.leaderboard import create_board_app

        return create_board_app(board, token=token, host=host)

    def greet(address: str) -> None:
        print_line(f"Leaderboard of {submissions} at {address}")
        print_line(f"Scores are shown in steps of {classroom.metric.write_gap(board.step)}. Ctrl-C ends it.")
        sys.stdout.flush()

    serve_application(create, greet, port=port, host=host, allow_network=allow_network, opens_browser=browser)
    return 0
