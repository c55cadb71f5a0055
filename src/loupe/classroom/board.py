"""A leaderboard: what comes into a folder is graded, and the Ladder says what of it is shown."""

import hashlib
import json
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from loupe.classroom.gathering import Gathered, gather_one, is_junk
from loupe.classroom.grading import Classroom, Entry, Judge
from loupe.classroom.ladder import Ladder, choose_step
from loupe.classroom.limits import Limits
from loupe.classroom.seal import TEACHER, Digest
from loupe.errors import warn
from loupe.runs.reading import read_text
from loupe.runs.writing import write_text
from loupe.wording import count_of

_SETTLED_SECONDS = 2.0  # a file that was written to since is still being copied

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
    at: str


class Record(BaseModel):
    """What a leaderboard keeps on disk, so that it goes on as it was."""

    model_config = ConfigDict(extra="forbid")

    form: Literal[1] = 1
    exercise: Digest
    step: Annotated[float, Field(gt=0)]
    rungs: dict[str, int] = {}
    attempts: list[Attempt] = []


@dataclass(frozen=True)
class Row:
    """One student on the board.

    Args:
        place: one more than those on higher rungs.
        name: of the student.
        shown: what the score is at least (at most, where lower is better), as text.
        share: how high on the board, in [0, 1].
        num_attempts: submissions that were graded.
    """

    place: int
    name: str
    shown: str
    share: float
    num_attempts: int


@dataclass(frozen=True)
class View:
    """What a leaderboard shows."""

    rows: tuple[Row, ...]
    others: tuple[Attempt, ...]
    num_attempts: int
    is_grading: bool

    def to_dict(self) -> dict[str, object]:
        others = [{"name": one.name, "outcome": one.outcome, "why": one.why} for one in self.others]
        return {
            "rows": [asdict(one) for one in self.rows],
            "others": others,
            "num_attempts": self.num_attempts,
            "is_grading": self.is_grading,
        }


@dataclass
class Board:
    """Grades what comes into a folder, one after another, and keeps what may be shown.

    Args:
        classroom: the exercise.
        submissions: the folder.
        limits: of time and memory for each.
    """

    classroom: Classroom
    submissions: Path
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._is_grading = False
        self._record = self._read()
        self._ladder = Ladder(self.classroom.metric, self._record.step, self._record.rungs)

    @property
    def file(self) -> Path:
        """What is kept on disk."""
        return self.classroom.folder / TEACHER / "leaderboard.json"

    @property
    def step(self) -> float:
        """Height of a rung, in the metric's unit."""
        return self._record.step

    def view(self) -> View:
        """Return what is shown now."""
        with self._lock:
            attempts, order = list(self._record.attempts), self._ladder.order()
            shown = {name: self._ladder.shown(name) for name, _ in order}
            is_grading = self._is_grading
        rungs = [rung for _, rung in order]
        low, high = (min(rungs) - 1, max(rungs)) if rungs else (0, 1)
        rows = tuple(
            Row(
                place=1 + sum(other > rung for other in rungs),
                name=name,
                shown=self.classroom.metric.write(shown[name]),
                share=(rung - low) / (high - low),
                num_attempts=sum(
                    one.name == name and one.outcome in ("counted", "not better") for one in attempts
                ),
            )
            for name, rung in order
        )
        last = {one.entry: one for one in attempts}.values()
        others = tuple(one for one in last if one.outcome in ("set aside", "refused", "not read"))
        return View(rows, others, len(attempts), is_grading)

    def update(self, *, settled_seconds: float = _SETTLED_SECONDS) -> int:
        """Grade what is new in the folder, oldest first, and return how much that was."""
        done = {(one.entry, one.signature) for one in self._record.attempts}
        waiting = []
        for entry in self.submissions.iterdir() if self.submissions.is_dir() else ():
            if is_junk(entry.name):
                continue
            signature, newest = sign(entry)
            if (entry.name, signature) not in done and time.time() - newest >= settled_seconds:
                waiting.append((newest, entry.name, entry, signature))
        for _, _, entry, signature in sorted(waiting, key=lambda one: one[:2]):
            if self._stop.is_set():
                break
            self._take(entry, signature)
        return len(waiting)

    def keep_up(self, seconds: float = 2.0) -> None:
        """Grade what comes until `close` is called: the life of a thread."""
        is_busy = False
        while not self._stop.wait(0 if is_busy else seconds):
            try:
                is_busy = self.update() > 0
            except OSError as error:  # a full disk, a folder that went away: the board goes on
                is_busy = False
                warn(f"the leaderboard could not go on for now: {error}")

    def close(self) -> None:
        """End `keep_up` after the submission that is being graded."""
        self._stop.set()

    def _take(self, entry: Path, signature: str) -> None:
        with self._lock:
            self._is_grading = True
        try:
            with tempfile.TemporaryDirectory(prefix="loupe-class-") as temporary:
                work, gathered = Path(temporary), Gathered()
                (work / "runs").mkdir()
                gather_one(entry, work / "runs", gathered)
                judge = Judge(self.classroom, work, self.limits)
                entries = [judge.judge(one) for one in gathered.runs]
        except OSError:  # it was taken away while it was read
            return
        finally:
            with self._lock:
                self._is_grading = False
        with self._lock:
            self._add(entry.name, signature, entries, gathered)
            write_text(self.file, self._record.model_dump_json(indent=2) + "\n")

    def _add(self, name: str, signature: str, entries: Sequence[Entry], gathered: Gathered) -> None:
        at = datetime.now(UTC).isoformat(timespec="seconds")

        def note(whose: str, outcome: Outcome, why: str = "", looks: int = 0) -> None:
            self._record.attempts.append(
                Attempt(
                    entry=name, signature=signature, at=at, name=whose, outcome=outcome, why=why, looks=looks
                )
            )

        for one in entries:
            note(one.name, *self._judge(one), one.reply.num_looks or 0)
        for passed in gathered.passed:
            note(passed.name, "not read", passed.reason)
        if not entries and not gathered.passed:
            note(name, "nothing")

    def _judge(self, entry: Entry) -> tuple[Outcome, str]:
        """Return what becomes of a submission; only one that keeps to the rules climbs."""
        why = "; ".join(one.text for one in entry.broken)
        if entry.value is None or entry.value.value is None:
            return "refused", why
        before = sum(one.looks for one in self._record.attempts if one.name == entry.name)
        total, allowed = before + (entry.reply.num_looks or 0), self.classroom.seal.looks
        if not why and total > allowed:
            why = f"{count_of(total, 'look')} at the test images over all submissions; allowed: {allowed}"
        if why:
            return "set aside", why
        return ("counted" if self._ladder.climb(entry.name, entry.value.value) else "not better"), ""

    def _read(self) -> Record:
        seal = self.classroom.seal
        try:
            record = Record.model_validate_json(read_text(self.file))
            if record.exercise == seal.digest:
                return record
        except (OSError, ValueError, ValidationError, RecursionError):
            pass
        step = seal.step or choose_step(self.classroom.metric, len(self.classroom.hidden))
        return Record(exercise=seal.digest, step=step)


def sign(entry: Path) -> tuple[str, float]:
    """Return what changes when a file or folder does, and when it was last written (seconds since 1970)."""
    paths = [entry, *sorted(entry.rglob("*"))] if entry.is_dir() and not entry.is_symlink() else [entry]
    rows, newest = [], 0.0
    for path in paths:
        try:
            status = path.lstat()
        except OSError:
            continue
        rows.append([str(path.relative_to(entry.parent)), status.st_size, status.st_mtime_ns])
        newest = max(newest, status.st_mtime, status.st_ctime)
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest(), newest
