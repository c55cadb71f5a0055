"""The command line: verbs that hand over to `loupe.running`; torch is loaded only where it is needed."""

import errno
import io
import os
import sys
from collections.abc import Sequence

from cyclopts import CycloptsError

from loupe.cli import (
    auditing,
    caching,
    classroom,
    evaluating,
    listing,
    looking,
    measuring,
    opening,
    publishing,
    searching,
    studying,
    taking,
    teaching,
    verifying,
    working,
)
from loupe.cli.app import app
from loupe.cli.misuse import MisuseError, describe_misuse
from loupe.errors import LoupeError, UntrustedPluginError
from loupe.terminal import print_error

__all__ = [
    "app",
    "auditing",
    "caching",
    "classroom",
    "evaluating",
    "listing",
    "looking",
    "main",
    "measuring",
    "opening",
    "publishing",
    "searching",
    "studying",
    "taking",
    "teaching",
    "verifying",
    "working",
]


_MOST_OF_A_PATH = 120  # characters that a message shows of a path that is too long


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status.

    0 well, 1 a mistake, 2 a command line that cannot be read, 130 stopped with Ctrl-C.
    """
    accept_any_output()
    add_fields_to_help(asks_for_help(sys.argv[1:] if arguments is None else arguments))
    try:
        refuse_empty_arguments(sys.argv[1:] if arguments is None else arguments)
        status = app(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        print_error(str(describe_misuse(error)))
        return 2
    except MisuseError as error:
        print_error(str(error))
        return 2
    except UntrustedPluginError as error:
        if is_trusted_by_answer(error):
            return main(arguments)
        print_error(str(error))
        return 1
    except LoupeError as error:
        print_error(str(error))
        return 1
    except OSError as error:  # a disk that is full, a folder that may not be written
        if isinstance(error, BrokenPipeError):  # the reader (`| head`) went away
            sys.stderr.close()
            return 0
        print_error(describe_system_error(error))
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)  # noqa: T201  # rich may have been interrupted itself
        return 130
    return status if isinstance(status, int) else 0


def describe_system_error(error: OSError) -> str:
    """Return what the system refused, where, and what to do."""
    is_named = isinstance(error.filename, str | bytes)
    got = (
        os.fsdecode(error.filename)
        if is_named
        else "a place the system does not name: output, or a scratch file"
    )
    if error.errno == errno.ENAMETOOLONG:  # most likely no path at all: a text in the place of one
        return (
            f"{error.strerror}.\n  got: {got[:_MOST_OF_A_PATH]}… ({len(got):,} characters)\n"
            "  allowed: names of up to 255 bytes, and as long a path as the system takes\n"
            "  next: mend the path: of a recipe data, weights, plugins or run.folder, else an argument"
        )
    return (
        f"{error.strerror or error}.\n  got: {got}\n"
        "  next: mend what is at that place, or name another one; the same command then goes on"
    )


def refuse_empty_arguments(arguments: Sequence[str]) -> None:
    """Check that no argument is empty: as a path it would be the current folder, with all that lies in it.

    Raises:
        MisuseError: one is, as where a variable of the shell is not set.
    """
    named = [one for one in arguments if one.startswith("--") and one.endswith("=")]
    if "" not in arguments and not named:
        return
    place = named[0] if named else f"argument {list(arguments).index('') + 1} of {len(arguments)}"
    raise MisuseError(
        "An argument is empty.",
        got=f"nothing, at {place}",
        allowed="a value; the current folder is .",
        next_step="see whether a variable of the shell is not set, or leave the argument out",
    )


def add_fields_to_help(verb: str | None) -> None:
    """Let the help of a verb that reads a file end with the fields of that file."""
    if verb == "train":
        app["train"].help_epilogue = describe_recipe_fields()
    elif verb == "study":
        app["study"].help_epilogue = describe_fields_of_studies()
    elif verb == "search":
        app["search"].help_epilogue = describe_fields_of_searches()
    elif verb == "class":
        app["class"]["make"].help_epilogue = describe_fields_of_exercises()


def is_trusted_by_answer(error: UntrustedPluginError) -> bool:
    """Ask whether a plugin's code may run, where somebody is there to answer, and remember a yes."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print(  # noqa: T201  # a question, not output
        f"A recipe or run names the plugin {error.place} (SHA-256 {error.digest[:16]}…), code that was not "
        "trusted yet. Run it, now and from now on? [y/N] ",
        end="",
        file=sys.stderr,
        flush=True,
    )
    if sys.stdin.readline().strip().casefold() not in ("y", "yes"):
        return False
    from loupe.plugins import trust_plugin

    return trust_plugin(error.place) == error.digest


def accept_any_output() -> None:
    """Let output whose encoding lacks a character (such as ≤) show a ? for it, rather than break off."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def describe_recipe_fields() -> str:
    """Return the fields of a recipe as Markdown, for `loupe train --help`."""
    from loupe.recipe import describe_fields

    lines = [f"- `{field}` = {default}: {text}" for field, default, text in describe_fields()]
    return "\n".join(["**Fields of a recipe** (`section.field` = default):", "", *lines])


def describe_fields_of_studies() -> str:
    """Return the fields of a study as Markdown, for `loupe study --help`."""
    from loupe.studies import describe_study_fields

    lines = [f"- `{field}` = {default}: {text}" for field, default, text in describe_study_fields()]
    return "\n".join(["**Fields of a study** (`field` = default):", "", *lines])


def describe_fields_of_searches() -> str:
    """Return the fields of a search as Markdown, for `loupe search --help`."""
    from loupe.searches import describe_search_fields

    lines = [f"- `{field}` = {default}: {text}" for field, default, text in describe_search_fields()]
    return "\n".join(["**Fields of a search** (`field` = default):", "", *lines])


def describe_fields_of_exercises() -> str:
    """Return the fields of an exercise as Markdown, for `loupe class make --help`."""
    from loupe.classroom import describe_exercise_fields

    lines = [f"- `{field}` = {default}: {text}" for field, default, text in describe_exercise_fields()]
    return "\n".join(["**Fields of an exercise** (`field` = default):", "", *lines])


def asks_for_help(arguments: Sequence[str]) -> str | None:
    """Return the verb whose help is asked for; None if none is."""
    if not {"--help", "-h"} & set(arguments):
        return None
    return next((argument for argument in arguments if not argument.startswith("-")), None)
