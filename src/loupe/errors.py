"""Errors a user can cause, each saying what was got, what is allowed, and what to do next.

Every error raised for a user's mistake is a `LoupeError`; the command line prints it without a
traceback. Anything else that reaches the user is a fault in Loupe itself and keeps its traceback.
"""

import difflib
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace

from loupe.other_names import likeness_of, translate
from loupe.wording import count_of


def suggest(word: object, candidates: Iterable[str]) -> str | None:
    """Return the candidate nearest to `word`, or what another tool calls so; None if none is near.

    Numbers are near to none: 12 is not meant by who writes 2.
    """
    candidates = list(candidates)
    known = translate(word, candidates)
    if known is not None:
        return known
    if str(word).strip("-").isdigit():
        return str(word) if str(word) in candidates else None
    by_folded = {candidate.casefold(): candidate for candidate in candidates}
    numbered = [one for one in by_folded if one.rstrip("0123456789") == str(word).casefold() != one]
    if numbered:  # a layer without its number
        return by_folded[numbered[0]]
    near = difflib.get_close_matches(str(word).casefold(), by_folded, n=1, cutoff=likeness_of(word, 0.6))
    return by_folded[near[0]] if near else None


def describe_cause(error: Exception) -> str:
    """Return why a file cannot be read: in the system's words, or the first line of the error."""
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8 text"
    first_line = str(error).partition("\n")[0][:200]
    return getattr(error, "strerror", None) or first_line or type(error).__name__


class LoupeError(Exception):
    """A mistake the user can mend.

    Args:
        message: one sentence that says what is wrong.
        got: what was received.
        allowed: what would have been accepted.
        nearest: the accepted value that looks most like what was received.
        next_step: what to do now, best as a command to type.
    """

    def __init__(
        self,
        message: str,
        *,
        got: object = None,
        allowed: str | None = None,
        nearest: str | None = None,
        next_step: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.got = got
        self.allowed = allowed
        self.nearest = nearest
        self.next_step = next_step

    def __str__(self) -> str:
        rows = [
            ("got", self.got),
            ("allowed", self.allowed),
            ("did you mean", self.nearest),
            ("next", self.next_step),
        ]
        details = [f"  {label}: {text}" for label, text in rows if text is not None]
        return "\n".join([self.message, *details])

    def tell_briefly(self) -> str:
        """Return what is wrong and what was got as part of a sentence: "x.toml is damaged: no UTF-8 text"."""
        got = "" if self.got is None else str(self.got).strip()
        lead = self.message.rstrip(".")
        return f"{lead}: {got}" if got and got not in lead else lead


class UnknownNameError(LoupeError):
    """A model, dataset, recipe … was asked for by a name nobody registered."""

    def __init__(self, kind: str, name: object, names: Iterable[str], next_step: str) -> None:
        names = sorted(names)
        super().__init__(
            f"There is no {kind} called {name!r}.",
            got=name,
            allowed=", ".join(names) or "(nothing is registered)",
            nearest=suggest(name, names),
            next_step=next_step,
        )


class DataError(LoupeError):
    """Images or labels that cannot be used as they are."""


class MissingClassError(DataError):
    """A part of the images that would hold none of some class.

    Args:
        message: one sentence that says which.
        setting: what divides the images, such as "data.test_part".
        works: a value of it that gives each part images of each class; None if there is none.
        class_names: of all classes.
        hopeless: those of them for which no value does.
        told: as of `LoupeError`.
    """

    def __init__(
        self,
        message: str,
        *,
        setting: str,
        works: float | int | None = None,
        class_names: Iterable[str] = (),
        hopeless: Iterable[str] = (),
        **told: str | None,
    ) -> None:
        super().__init__(
            message, got=told.get("got"), allowed=told.get("allowed"), next_step=told.get("next_step")
        )
        self.setting = setting
        self.class_names = tuple(class_names)
        self.works = works
        self.hopeless = tuple(hopeless)


class DataFileError(DataError):
    """A data file that is missing, truncated, or not the official one."""


class TestSetLockedError(LoupeError):
    """The test set was used without going through its door."""

    __test__ = False  # not a test class, whatever pytest thinks of its name


class ShapeError(LoupeError):
    """A model and the images it is meant for do not fit."""


class TrainingError(LoupeError):
    """Training cannot go on, for instance because the loss is no longer a number."""


class MetricError(TrainingError):
    """A metric that cannot be computed; a training that measures it cannot go on."""


class RunError(LoupeError):
    """A run folder that is missing, unfinished, or not what was expected."""


def warn(text: str) -> None:
    """Say on standard error, once a process, what a user should know and what breaks nothing off."""
    if text not in _warned:
        _warned.add(text)
        sys.stderr.write(f"warning: {text}\n")


_warned: set[str] = set()


class UntrustedPluginError(LoupeError):
    """A plugin whose code nobody has said yet may run.

    Args:
        place: the file.
        digest: SHA-256 of its text.
    """

    def __init__(self, place: str, digest: str) -> None:
        super().__init__(
            f"The plugin {place} is code that has not been trusted yet.",
            got=f"SHA-256 {digest[:16]}…, named by a recipe or run",
            allowed="a plugin named by yourself (--plugin), or one you trust, as it is now",
            next_step=f"read it; then: loupe trust {place}",
        )
        self.place = place
        self.digest = digest


class HeldError(RunError):
    """A folder that another process works in."""


@dataclass(frozen=True)
class Mistake:
    """One thing wrong in a recipe.

    Args:
        where: dotted place of the field, such as `train.epochs`.
        got: what stands there.
        allowed: what may stand there.
        nearest: the accepted name that looks most like what was got.
        said: what is wrong, in words, where no single field is.
    """

    where: str
    got: str
    allowed: str
    nearest: str | None = None
    said: str = ""

    @classmethod
    def of_whole(cls, error: LoupeError, allowed: str) -> "Mistake":
        """Return an error of a description as a whole; `allowed` stands in where it says nothing."""
        got = "" if error.got is None else str(error.got)
        return cls("", got, error.allowed or allowed, error.nearest, error.message.rstrip("."))

    def within(self, place: str) -> "Mistake":
        """Return the same mistake of a part: "arm wide" before where it is."""
        return replace(self, where=f"{place}: {self.where}" if self.where else place)

    def __str__(self) -> str:
        near = f"; did you mean {self.nearest!r}?" if self.nearest else ""
        got = f"got {self.got}" if self.got else ""
        found = ", ".join(filter(None, [self.said, got]))
        return f"{self.where}: {found}; allowed: {self.allowed}{near}".removeprefix(": ")


class DescriptionError(LoupeError):
    """A recipe, study, reproduction or search with mistakes: all of them, not only the first.

    Args:
        subject: what has them, such as "Recipe 'digits'".
        mistakes: one or more.
        next_step: what to do now.
    """

    def __init__(self, subject: str, mistakes: Iterable[Mistake], next_step: str) -> None:
        self.mistakes = tuple(mistakes)
        counted = count_of(len(self.mistakes), "mistake")
        super().__init__(f"{subject} has {counted}; no data was loaded.", next_step=next_step)

    def __str__(self) -> str:
        lines = [self.message, *(f"  - {mistake}" for mistake in self.mistakes)]
        return "\n".join([*lines, f"  next: {self.next_step}"])


class RecipeError(DescriptionError):
    """A recipe with mistakes."""

    def __init__(self, name: str, mistakes: Iterable[Mistake]) -> None:
        next_step = "mend the lines above; `loupe train --help` describes every field"
        super().__init__(f"Recipe {name!r}", mistakes, next_step)


class StudyError(DescriptionError):
    """A study with mistakes, in itself or in the recipes it makes."""

    def __init__(self, name: str, mistakes: Iterable[Mistake]) -> None:
        next_step = "mend the lines above; `loupe study --help` describes every field"
        super().__init__(f"Study {name!r}", mistakes, next_step)


class ReproductionError(DescriptionError):
    """A reproduction with mistakes in its form, or claims about what its studies do not hold."""

    def __init__(self, name: str, mistakes: Iterable[Mistake]) -> None:
        next_step = "mend the lines above; `loupe studies` lists the packaged studies"
        super().__init__(f"Reproduction {name!r}", mistakes, next_step)


class SearchError(DescriptionError):
    """A search with mistakes, in itself or in the recipes it makes."""

    def __init__(self, name: str, mistakes: Iterable[Mistake]) -> None:
        next_step = "mend the lines above; `loupe search --help` describes every field"
        super().__init__(f"Search {name!r}", mistakes, next_step)


class ExerciseError(DescriptionError):
    """An exercise with mistakes, in itself or in the recipe it hands out."""

    def __init__(self, name: str, mistakes: Iterable[Mistake]) -> None:
        next_step = "mend the lines above; `loupe class make --help` describes every field"
        super().__init__(f"Exercise {name!r}", mistakes, next_step)
