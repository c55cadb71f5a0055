"""What a leaderboard keeps on disk: what came in and what became of it, rungs, and no score."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from loupe.classroom.entries import Classroom
from loupe.classroom.ladder import choose_step
from loupe.classroom.seal import Digest
from loupe.errors import warn
from loupe.runs.reading import read_text

Outcome = Literal["counted", "not better", "set aside", "refused", "not read", "nothing"]


class Attempt(BaseModel):
    """Something that came in, and what became of it; its score is nowhere kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    entry: str
    signature: str
    name: str
    outcome: Outcome
    why: str = ""
    looks: int = 0
    run: str = ""
    fingerprint: dict[str, Any] | None = None
    at: str

    @property
    def what(self) -> str:
        """What is equal where one run came twice."""
        return self.run or self.signature

    @property
    def is_graded(self) -> bool:
        """Whether it keeps to the rules and was held against the ladder."""
        return self.outcome in ("counted", "not better")


class Record(BaseModel):
    """What a leaderboard keeps on disk, so that it goes on as it was."""

    model_config = ConfigDict(extra="forbid")

    form: Literal[1] = 1
    exercise: Digest
    step: Annotated[float, Field(gt=0)]
    rungs: dict[str, int] = {}
    attempts: list[Attempt] = []


def read_record(file: Path, classroom: Classroom) -> Record:
    """Return what a leaderboard kept of an exercise, or an empty record.

    A file that is damaged, or of another exercise, is put aside and said.
    """
    seal = classroom.seal
    new = Record(exercise=seal.digest, step=seal.step or choose_step(classroom.metric, len(classroom.hidden)))
    if not file.exists():
        return new
    try:
        record = Record.model_validate_json(read_text(file))
        if record.exercise in (seal.digest, *classroom.earlier):
            return record.model_copy(update={"exercise": seal.digest})
        problem = "it is of another exercise"
    except (OSError, ValueError, ValidationError, RecursionError):
        problem = "it is damaged"
    aside = next(
        place
        for number in range(1, 1000)
        if not (place := file.with_name(f"{file.stem}-aside-{number}.json")).exists()
    )
    file.rename(aside)
    warn(
        f"{file} does not belong to this leaderboard: {problem}. It was renamed {aside.name}; "
        "the board begins anew"
    )
    return new
