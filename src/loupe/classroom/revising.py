"""`loupe class revise`: other rules, another task or deadline for an exercise that students have already."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loupe.classroom.grading import open_classroom
from loupe.classroom.loading import load_exercise
from loupe.classroom.making import EXERCISE_NAME, Hidden, write_exercise, write_pack, zip_pack
from loupe.classroom.reading import parse_exercise, read_exercise_file
from loupe.classroom.schema import Exercise
from loupe.classroom.seal import DATA_NAME, KEY_NAME, STUDENTS, TEACHER, Seal, read_key, read_parts
from loupe.errors import ExerciseError, Mistake
from loupe.runs.writing import write_json


@dataclass(frozen=True)
class Revised:
    """An exercise after it was revised.

    Args:
        folder: all of it.
        seal: what its pack says of itself now.
        changed: what of the seal was changed, by name.
    """

    folder: Path
    seal: Seal
    changed: tuple[str, ...]

    @property
    def archive(self) -> Path:
        """The pack as one file."""
        return self.folder / f"{STUDENTS}.zip"


def revise_exercise(place: str | Path | Mapping[str, Any], folder: Path | None = None) -> Revised:
    """Write an exercise's pack anew with other rules, on the same images, and return what changed.

    Hidden images and those that students have stay as they were drawn. What was handed in before is judged by
    the new rules.

    Args:
        place: the changed TOML file, or a mapping.
        folder: what `loupe class make` wrote; the exercise's name if left out.

    Raises:
        ExerciseError: with every mistake; or data or hidden images would be others.
        LoupeError: there is no such exercise.
    """
    prepared = load_exercise(place)
    folder = folder or Path(prepared.exercise.name)
    before = open_classroom(folder)
    was = parse_exercise(read_exercise_file(folder / TEACHER / EXERCISE_NAME))
    _refuse_other_images(was, prepared.exercise)
    parts = read_parts(folder / STUDENTS / DATA_NAME)
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{STUDENTS}.") as temporary:
        new = Path(temporary) / "new"
        new.mkdir()
        shutil.copyfile(folder / STUDENTS / DATA_NAME, new / DATA_NAME)
        hidden = Hidden(before.seal.num_hidden, before.seal.hidden_commitment)
        seal = write_pack(new, prepared, parts, hidden)
        key = read_key(folder / TEACHER)
        earlier = [one for one in dict.fromkeys([*key.earlier, key.exercise]) if one != seal.digest]
        revised = key.model_copy(update={"exercise": seal.digest, "earlier": earlier})
        write_json(folder / TEACHER / KEY_NAME, revised.model_dump())  # it knows both, whatever happens next
        (folder / TEACHER / KEY_NAME).chmod(0o600)
        (folder / STUDENTS).rename(Path(temporary) / "old")
        new.rename(folder / STUDENTS)
    write_exercise(folder / TEACHER, prepared.exercise, key.seed)
    zip_pack(folder / STUDENTS, folder / f"{STUDENTS}.zip", prepared.exercise.name)
    return Revised(folder, seal, _find_changed(before.seal, seal))


def _refuse_other_images(was: Exercise, now: Exercise) -> None:
    mistakes = []
    if was.data != now.data:
        mistakes.append(Mistake("data", repr(now.data), f"{was.data!r}, as it was made"))
    for name in ("part", "of", "seed"):
        before, wanted = getattr(was.hidden, name), getattr(now.hidden, name)
        if wanted != before and not (name == "seed" and wanted is None):
            mistakes.append(Mistake(f"hidden.{name}", repr(wanted), f"{before!r}, as it was made"))
    if mistakes:
        raise ExerciseError(now.name, mistakes)


def _find_changed(before: Seal, after: Seal) -> tuple[str, ...]:
    shown = ("title", "task", "deadline", "late", "fixed", "looks", "plugins", "starting_weights", "metric")
    return tuple(
        name for name in (*shown, "confidence", "step") if getattr(before, name) != getattr(after, name)
    )
