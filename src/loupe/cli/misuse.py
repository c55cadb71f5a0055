"""A command line that no verb takes, put into words like every other mistake."""

from collections.abc import Callable, Sequence
from pathlib import PurePath
from types import UnionType
from typing import Union, get_args, get_origin

from cyclopts import (
    App,
    Argument,
    CoercionError,
    CycloptsError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from loupe.cli.misnamed import read_misnamed
from loupe.errors import LoupeError, suggest
from loupe.other_names import translate_verb

_WORDS = {int: "a whole number", float: "a number", PurePath: "a path", str: "a text"}


class MisuseError(LoupeError):
    """A command line that no verb takes."""


def describe_misuse(error: CycloptsError) -> MisuseError:
    """Return what is wrong with a command line, what would be right, and what comes nearest."""
    for kind, describe in _DESCRIBE.items():
        if isinstance(error, kind):
            return describe(error)
    return MisuseError(str(error).partition("\n")[0], next_step=_point_to_help(error))


def _name_command(error: CycloptsError) -> str:
    return " ".join(("loupe", *(error.command_chain or ())))


def _point_to_help(error: CycloptsError, says: str = "says what it takes") -> str:
    return f"`{_name_command(error)} --help` {says}"


def _describe_unknown_command(error: UnknownCommandError) -> MisuseError:
    (typed, *_) = error.unused_tokens or ("",)
    verbs = _list_verbs(error.app) if error.app is not None else []
    command = _name_command(error)
    if typed.startswith("-"):
        return MisuseError(
            f"`{command}` has no option {typed} before its verb.",
            got=typed,
            allowed="--help, --version; other options stand behind a verb",
            next_step=_point_to_help(error, "lists the verbs, `loupe VERB --help` the options of one"),
        )
    return MisuseError(
        f"`{command}` has no verb {typed!r}.",
        got=typed,
        allowed=", ".join(verbs),
        nearest=_find_meant(error.unused_tokens or ("",), command, verbs),
        next_step=_point_to_help(error, "says what each does"),
    )


def _list_verbs(app: App) -> list[str]:
    return sorted(name for name in app if not name.startswith("-") and app[name].show)


def _find_meant(typed: Sequence[str], command: str, verbs: Sequence[str]) -> str | None:
    """Return the verb that is meant, or the command for what stands in its place: a recipe, a file …"""
    from loupe.recipe.kinds import find_command

    word = typed[0].partition(" ")[0]
    if command != "loupe":
        return suggest(word, verbs)
    if word == "loupe":  # typed behind another
        return " ".join(typed) if len(typed) > 1 else None
    named = find_command(typed[0])
    return named or (word in verbs and word) or translate_verb(word) or suggest(word, verbs)


def _describe_unknown_option(error: UnknownOptionError) -> MisuseError:
    found = read_misnamed(error)
    return MisuseError(
        f"`{_name_command(error)}` has no option {found.typed}.",
        got=found.given,
        allowed=found.allowed,
        nearest=found.nearest,
        next_step=found.next_step or _point_to_help(error),
    )


def _describe_missing(error: MissingArgumentError) -> MisuseError:
    argument = error.argument
    name = (error.keyword or argument.name) if argument is not None else "an argument"
    is_option = name.startswith("-")
    return MisuseError(
        f"{name} has no value." if is_option else f"`{_name_command(error)}` needs {name}.",
        got="nothing",
        allowed=_describe_values(argument, error.app),
        next_step=_point_to_help(error),
    )


def _describe_value(error: CoercionError) -> MisuseError:
    argument, token = error.argument, error.token
    typed = token.value if token is not None else ""
    name = (token.keyword if token is not None else None) or (argument.name if argument is not None else "")
    choices = [str(one) for one in (argument.get_choices() or ())] if argument is not None else []
    return MisuseError(
        f"{name} cannot be {typed!r}.",
        got=typed,
        allowed=_describe_values(argument, error.app),
        nearest=suggest(typed, choices),
        next_step=_point_to_help(error),
    )


def _describe_repeated(error: RepeatArgumentError) -> MisuseError:
    return MisuseError(
        f"{error.token.keyword} is there more than once.",
        got=f"{error.token.keyword} {error.token.value}".rstrip() + " behind another",
        allowed="once",
        next_step="leave one of them out",
    )


def _describe_unused(error: UnusedCliTokensError) -> MisuseError:
    arguments = error.app.assemble_argument_collection() if error.app is not None else ()
    places = [argument.name for argument in arguments if not argument.name.startswith("-")]
    unused = " ".join(error.unused_tokens or ())
    return MisuseError(
        f"`{_name_command(error)}` takes no more arguments.",
        got=f"{unused} behind them" if places else unused,
        allowed=", ".join(places) or "options only",
        next_step=_point_to_help(error),
    )


def _describe_values(argument: Argument | None, app: App | None) -> str:
    """Return what an argument may be, with what it is for."""
    if argument is None:
        return "a value"
    choices = argument.get_choices()
    if argument.hint is bool:
        return f"{argument.name} alone, with no value"
    if choices:
        return ", ".join(map(str, choices))
    listed = app.assemble_argument_collection(parse_docstring=True) if app is not None else ()
    told = next((one.parameter.help or "" for one in listed if one.name == argument.name), "")
    meaning = " ".join(told.split()).rstrip(".")
    if meaning.partition(" ")[0][1:].lower() == meaning.partition(" ")[0][1:]:  # PNG and MiB stay as they are
        meaning = meaning[:1].lower() + meaning[1:]
    if argument.required:
        return meaning
    kinds = list_kinds(argument.hint)
    what = next((_WORDS[kind] for kind in _WORDS if any(issubclass(one, kind) for one in kinds)), "a value")
    return f"{what} ({meaning})" if meaning else what


def list_kinds(hint: object) -> list[type]:
    """Return the types that a hint is made of: of an optional one, of a tuple's items."""
    if get_origin(hint) in (Union, UnionType, tuple):
        return [kind for one in get_args(hint) for kind in list_kinds(one)]
    return [hint] if isinstance(hint, type) and hint is not type(None) else []


_DESCRIBE: dict[type[CycloptsError], Callable[..., MisuseError]] = {
    UnknownCommandError: _describe_unknown_command,
    UnknownOptionError: _describe_unknown_option,
    MissingArgumentError: _describe_missing,
    CoercionError: _describe_value,
    RepeatArgumentError: _describe_repeated,
    UnusedCliTokensError: _describe_unused,
}
