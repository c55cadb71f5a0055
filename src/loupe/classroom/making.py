"""`loupe class make`: an exercise divided into a pack for students and what the teacher keeps."""

import hashlib
import secrets
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w
from jinja2 import Environment, PackageLoader, StrictUndefined

from loupe.classroom.dividing import Divided, divide
from loupe.classroom.loading import Prepared, find_fixed, keep_preparation, load_exercise
from loupe.classroom.people import write_moment
from loupe.classroom.schema import Exercise
from loupe.classroom.seal import (
    DATA_NAME,
    STUDENTS,
    SUBMISSIONS,
    TEACHER,
    Key,
    Seal,
    commit,
    digest_sides,
    read_sides,
    write_hidden,
    write_parts,
    write_seal,
)
from loupe.data import ImageDataset
from loupe.data.identity import to_keys
from loupe.errors import LoupeError
from loupe.metrics import describe_metric
from loupe.plugins import expand_path
from loupe.running import load_recipe
from loupe.running.recipe_data import load_recipe_data
from loupe.runs.writing import write_text
from loupe.version import __version__

EXERCISE_NAME = "exercise.toml"
_DATE = (1980, 1, 1, 0, 0, 0)  # the same pack makes the same archive


@dataclass(frozen=True)
class Hidden:
    """What a pack says of the hidden images: how many, and a salted digest."""

    count: int
    commitment: str


@dataclass(frozen=True)
class Made:
    """An exercise on disk.

    Args:
        folder: all of it; nothing but `students.zip` is for students.
        seal: what the pack says of itself.
        counts: images by "train", "validation", "test" and "hidden".
        num_copies: images left out because they are equal to a hidden one.
    """

    folder: Path
    seal: Seal
    counts: Mapping[str, int]
    num_copies: int

    @property
    def archive(self) -> Path:
        """The pack as one file."""
        return self.folder / f"{STUDENTS}.zip"


def make_exercise(place: str | Path | Mapping[str, Any], out: Path | None = None) -> Made:
    """Write an exercise's pack, its hidden images and its key, and return what was made.

    Args:
        place: a TOML file, the folder of an `exercise.toml`, or a mapping.
        out: the folder; the exercise's name if left out.

    Raises:
        ExerciseError: with every mistake, before any data is loaded.
        LoupeError: an exercise lies there already, or the data cannot be divided so.
    """
    prepared = load_exercise(place)
    folder = out or Path(prepared.exercise.name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LoupeError(
            f"There is something at {folder} already.",
            got=str(folder),
            allowed="a new folder: another draw would hide images that students have",
            next_step="other rules for the same images: loupe class revise; another exercise: --out FOLDER; "
            "or remove that one if nobody has its pack yet",
        )
    hidden = prepared.exercise.hidden
    seed = secrets.randbits(63) if hidden.seed is None else hidden.seed
    divided = divide(load_recipe_data(prepared.recipe), hidden, seed)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
        new = Path(temporary) / "new"
        seal = _write(new, prepared, divided, seed)
        if folder.exists():
            folder.rmdir()
        new.rename(folder)
    counts = {name: len(part) for name, part in divided.parts.items()} | {"hidden": len(divided.hidden)}
    return Made(folder, seal, counts, divided.num_copies)


def write_deadline(exercise: Exercise) -> str:
    """Return an exercise's deadline for people: the moment with its zone, or the text."""
    return write_moment(exercise.due) if exercise.due is not None else str(exercise.deadline)


def _write(folder: Path, prepared: Prepared, divided: Divided, seed: int) -> Seal:
    students, teacher, salt = folder / STUDENTS, folder / TEACHER, secrets.token_hex(32)
    for one in (students, teacher, folder / SUBMISSIONS):
        one.mkdir(parents=True)
    teacher.chmod(0o700)
    write_parts(students / DATA_NAME, dict(divided.parts))
    seal = write_pack(
        students, prepared, divided.parts, Hidden(len(divided.hidden), commit(salt, divided.hidden))
    )
    images = [key.hex() for key in to_keys(divided.hidden.table.digests)]
    write_hidden(teacher, divided.hidden, Key(exercise=seal.digest, seed=seed, salt=salt, images=images))
    write_exercise(teacher, prepared.exercise, seed)
    zip_pack(students, folder / f"{STUDENTS}.zip", prepared.exercise.name)
    return seal


def write_exercise(teacher: Path, exercise: Exercise, seed: int) -> None:
    """Write what an exercise was made of, with the seed of its draw."""
    written = exercise.model_dump(mode="json", exclude_none=True)
    written["hidden"]["seed"] = seed
    write_text(teacher / EXERCISE_NAME, tomli_w.dumps(written))


def write_pack(folder: Path, prepared: Prepared, parts: Mapping[str, ImageDataset], hidden: Hidden) -> Seal:
    """Write what students get beside the images: recipe, README, plugins if there are such, and the seal.

    Args:
        folder: the pack's; its images are there.
        prepared: the exercise.
        parts: its images.
        hidden: what may be said of those that are not.
    """
    exercise = prepared.exercise
    recipe = {**prepared.written, "data": keep_preparation(prepared.written["data"])}
    plugins = [expand_path(one) for one in prepared.recipe.run.plugins]
    for plugin in plugins:
        shutil.copyfile(plugin, folder / plugin.name)
    if plugins:
        recipe["run"] = {**recipe["run"], "plugins": [one.name for one in plugins]}
    resolved = load_recipe({**recipe, "data": {**recipe["data"], "path": str(folder / DATA_NAME)},
                            "run": prepared.written.get("run", {})})  # fmt: skip
    fixed = {field: find_fixed(resolved, field) for field in exercise.fixed}
    write_text(folder / "recipe.toml", tomli_w.dumps(recipe))
    write_text(folder / "README.md", render_readme(exercise, parts, hidden.count))
    files = sorted([DATA_NAME, *(one.name for one in plugins)])  # the others are there to be changed
    seal = Seal(
        name=exercise.name,
        title=exercise.heading,
        task=exercise.task,
        deadline=write_deadline(exercise),
        due=exercise.due,
        late=exercise.late,
        fixed=fixed,
        looks=exercise.looks,
        plugins=exercise.plugins,
        starting_weights=exercise.starting_weights,
        metric=exercise.graded.metric,
        confidence=exercise.graded.confidence,
        step=exercise.graded.step,
        class_names=list(parts["train"].class_names),
        images=digest_sides(read_sides(folder / DATA_NAME)),
        num_hidden=hidden.count,
        hidden_commitment=hidden.commitment,
        files={name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files},
    )
    write_seal(folder, seal)
    return seal


def render_readme(exercise: Exercise, parts: Mapping[str, ImageDataset], num_hidden: int) -> str:
    """Return what a pack's README says, in Markdown."""
    environment = Environment(
        loader=PackageLoader("loupe.classroom", "."),
        autoescape=False,  # Markdown
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("README.md.jinja").render(
        exercise=exercise,
        deadline=write_deadline(exercise),
        metric=describe_metric(exercise.graded.metric, "classification"),
        parts=parts,
        num_hidden=num_hidden,
        loupe_version=__version__,
    )


def zip_pack(folder: Path, out: Path, name: str) -> None:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            info = zipfile.ZipInfo(f"{name}/{file.name}", _DATE)
            info.external_attr = 0o644 << 16
            archive.writestr(info, file.read_bytes(), zipfile.ZIP_DEFLATED)
