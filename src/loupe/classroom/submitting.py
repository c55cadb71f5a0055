"""`loupe class submit`: a run held against its exercise, and packed into one file to hand in."""

import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from loupe.classroom.people import clean_name, describe_lateness, identify
from loupe.classroom.rules import Broken, find_broken, find_unsound
from loupe.classroom.seal import SEAL_NAME, Digest, Pack, Seal, read_pack
from loupe.errors import LoupeError
from loupe.runs import RunFolder, find_single_run
from loupe.runs.packing import pack
from loupe.runs.reading import read_text
from loupe.runs.writing import replacing
from loupe.using.verify_run import verify
from loupe.wording import count_of

SUBMISSION_NAME, RECORD_NAME = "submission.json", "handed-in.jsonl"
_DATE = (1980, 1, 1, 0, 0, 0)
PersonName = Annotated[str, Field(min_length=1, max_length=80)]


class Submission(BaseModel):
    """What stands beside a run that is handed in: who, for what, and when, as its own file says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    form: Literal[1] = 1
    exercise: Digest
    name: PersonName
    submitted: datetime


@dataclass(frozen=True)
class Submitted:
    """A file to hand in.

    Args:
        file: the file.
        name: whose it is.
        exercise: which it is for.
        remarks: what does not keep it from being handed in, and matters to who does.
    """

    file: Path
    name: str
    exercise: str
    remarks: tuple[str, ...] = ()


def submit(
    run: str | Path, *, name: str | None = None, exercise: Path | None = None, out: Path | None = None
) -> Submitted:
    """Check a run against its exercise, and write it as one file.

    Args:
        run: a run folder, or its name in runs/.
        name: whose it is; the run's name if left out.
        exercise: the pack's folder; where the run's images lie if left out.
        out: the file; NAME.zip if left out.

    Raises:
        LoupeError: no such run or pack, or the run breaks a rule of the exercise.
    """
    folder = RunFolder(find_single_run(run))
    pack_found = find_pack(folder, exercise)
    refuse_broken(folder, pack_found)
    whose = clean_name(name or folder.path.name)
    if not whose:
        raise LoupeError(
            "Nobody hands this in.", got=repr(name), allowed="a name", next_step='--name "Your Name"'
        )
    submission = Submission(
        exercise=pack_found.seal.digest, name=whose, submitted=datetime.now(UTC).replace(microsecond=0)
    )
    file = out or Path(f"{write_file_name(whose)}.zip")
    remarks = [*_note_earlier_file(file, folder.path.name), *_note_lateness(pack_found.seal, submission)]
    pack(folder, file)
    _add(file, folder.path.name, submission)
    remarks += _note_looks(folder, pack_found, whose)
    return Submitted(file, whose, pack_found.seal.name, tuple(remarks))


def _note_earlier_file(file: Path, run: str) -> Iterator[str]:
    """Yield what is said of a file that is there already.

    Raises:
        LoupeError: it is nothing that was handed in, and would be lost.
    """
    if not file.exists():
        return
    try:
        with zipfile.ZipFile(file) as archive:
            inside = [one.partition("/") for one in archive.namelist()]
    except (OSError, ValueError, zipfile.BadZipFile):
        inside = []
    earlier = next((top for top, _, rest in inside if rest == SUBMISSION_NAME), None)
    if earlier is None:
        raise LoupeError(
            f"There is another file at {file}.",
            got=str(file),
            allowed="a new file, or an earlier one of loupe class submit",
            next_step="name another one: --out FILE.zip",
        )
    if earlier != run:
        yield f"{file} held the run {earlier} before, and holds this one now"


def _note_lateness(seal: Seal, submission: Submission) -> Iterator[str]:
    late = describe_lateness(seal.due, submission.submitted) if seal.due else None
    if late:
        then = (
            "it is graded and has no place" if seal.late == "aside" else "it counts, and is said to be late"
        )
        yield f"{late}, {seal.deadline}: {then}"


def _note_looks(run: RunFolder, found: Pack, whose: str) -> list[str]:
    """Keep on record which runs are handed in, and return what is said of the looks of all of them."""
    file = found.folder / RECORD_NAME
    looks: dict[str, int] = {}
    try:
        for line in read_text(file).splitlines() if file.exists() else ():
            values = json.loads(line)
            if values["name"] == identify(whose):
                looks[str(values["run"])] = int(values["looks"])
    except (OSError, ValueError, KeyError, TypeError):
        looks = {}
    looks[run.path.name] = run.count_openings() or 0
    with suppress(OSError):  # a pack that cannot be written to
        line = json.dumps({"run": run.path.name, "looks": looks[run.path.name], "name": identify(whose)})
        with file.open("a", encoding="utf-8") as record:
            record.write(f"{line}\n")
    total, allowed = sum(looks.values()), found.seal.looks
    if total <= allowed:
        return []
    return [
        f"with this one you handed in {count_of(len(looks), 'run')} that looked at the test images {total} "
        f"times together; allowed: {allowed}. If you hand in all of them, it is graded and has no place"
    ]


def find_pack(run: RunFolder, exercise: Path | None = None) -> Pack:
    """Return the pack that a run was trained on.

    Args:
        run: the run.
        exercise: the pack's folder; where the run's images lie, or here, if left out.

    Raises:
        LoupeError: there is none, or it is not as it was handed out.
    """
    if exercise is not None:
        return read_pack(exercise)
    path = run.read_recipe().data.settings.get("path")
    places = [Path(path).parent] if isinstance(path, str) else []
    for place in (*places, Path()):
        if (place / SEAL_NAME).is_file():
            return read_pack(place)
    raise LoupeError(
        f"Run {run.path.name} was not trained on the images of an exercise.",
        got=f"no {SEAL_NAME} beside {path or 'its images'}",
        allowed="a run on the data.npz of a pack",
        next_step="train in the pack's folder, or name it: --exercise FOLDER",
    )


def refuse_broken(run: RunFolder, found: Pack) -> None:
    """Check that a run breaks no rule of its exercise, and that `verify` finds nothing altered.

    Raises:
        LoupeError: it does, with every reason.
    """
    broken = find_broken(run, found.seal, found.sides)
    if not any(one.is_refusing for one in broken):
        (verification,) = verify(run.path, data=found.data_file)
        broken += find_unsound(verification, found.seal)
    if broken:
        raise LoupeError(
            f"Run {run.path.name} is not what the exercise {found.seal.name} asks for.",
            got="; ".join(one.text for one in broken),
            allowed="a finished run on the pack's images that keeps to the rules of its README.md",
            next_step=_advise(broken),
        )


def _advise(broken: list[Broken]) -> str:
    if any(one.kind == "altered" for one in broken):
        return "hand in a run as its training left it; `loupe verify RUN` says more"
    return "train anew from recipe.toml, and change only what is not fixed"


def write_file_name(name: str) -> str:
    """Return a name as a file may be called: letters and digits of any script, and hyphens."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:60] or "submission"


def _add(file: Path, run: str, submission: Submission) -> None:
    """Put who hands it in into a packed run."""
    with replacing(file) as temporary:
        temporary.write_bytes(file.read_bytes())
        with zipfile.ZipFile(temporary, "a", zipfile.ZIP_DEFLATED) as archive:
            info = zipfile.ZipInfo(f"{run}/{SUBMISSION_NAME}", _DATE)
            info.external_attr = 0o644 << 16
            text = json.dumps(submission.model_dump(mode="json"), ensure_ascii=False, indent=2)
            archive.writestr(info, text.encode(), zipfile.ZIP_DEFLATED)
