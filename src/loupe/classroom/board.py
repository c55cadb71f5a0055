"""A leaderboard: what comes into a folder is graded, and the Ladder says what of it is shown."""

import hashlib
import json
import math
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from loupe.classroom.answering import Reply
from loupe.classroom.board_record import Attempt, Outcome, read_record
from loupe.classroom.entries import Classroom, Entry
from loupe.classroom.fingerprints import Fingerprint
from loupe.classroom.gathering import Gathered, gather_one, is_junk
from loupe.classroom.judging import Judge
from loupe.classroom.ladder import Ladder
from loupe.classroom.likeness import compare_weights, is_copy
from loupe.classroom.limits import Limits
from loupe.classroom.people import identify
from loupe.classroom.seal import TEACHER
from loupe.errors import warn
from loupe.runs.writing import write_text
from loupe.wording import count_of

_SETTLED_SECONDS = 2.0  # a file that was written to since is still being copied


@dataclass(frozen=True)
class Row:
    """One student on the board.

    Args:
        place: one more than those on higher rungs.
        name: of the student.
        shown: what the score is at least (at most, where lower is better), as text.
        share: how long its bar is, from 0 to the score that `View.bar_end` says, in [0, 1].
        num_attempts: runs that were graded; one that was handed in again is no other.
    """

    place: int
    name: str
    shown: str
    share: float
    num_attempts: int


@dataclass(frozen=True)
class View:
    """What a leaderboard shows.

    Args:
        rows: of those on a rung, the highest first.
        others: what does not count.
        num_attempts: all that came in.
        is_grading: whether a submission is being graded.
        bar_end: what a whole bar stands for, as text: "100 %".
    """

    rows: tuple[Row, ...]
    others: tuple[Attempt, ...]
    num_attempts: int
    is_grading: bool
    bar_end: str

    def to_dict(self) -> dict[str, object]:
        others = [{"name": one.name, "outcome": one.outcome, "why": one.why} for one in self.others]
        return {
            "rows": [asdict(one) for one in self.rows],
            "others": others,
            "num_attempts": self.num_attempts,
            "is_grading": self.is_grading,
            "bar_end": self.bar_end,
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
        self._record = read_record(self.file, self.classroom)
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
        most = self.classroom.metric.bounds["high"]
        end = most if math.isfinite(most) else max((0.0, *shown.values()))
        rows = tuple(
            Row(
                place=1 + sum(other > rung for other in rungs),
                name=name,
                shown=self.classroom.metric.write(shown[name]),
                share=min(1.0, max(0.0, shown[name] / end)) if end > 0 else 0.0,
                num_attempts=len({one.what for one in attempts if one.name == name and one.is_graded}),
            )
            for name, rung in order
        )
        last = {one.entry: one for one in attempts}.values()
        told = {
            (one.name, one.why): one for one in last if one.outcome in ("set aside", "refused", "not read")
        }
        others = tuple(told.values())  # a file that came twice is said once
        bar_end = f"{100 * end:g} %" if self.classroom.metric.is_percent else f"{end:.3g}"
        return View(rows, others, len(attempts), is_grading, bar_end)

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

        def note(whose: str, outcome: Outcome, why: str = "", reply: Reply | None = None) -> None:
            print_ = reply.fingerprint if reply else None
            self._record.attempts.append(
                Attempt(
                    entry=name,
                    signature=signature,
                    at=at,
                    name=self._find_name(whose),
                    outcome=outcome,
                    why=why,
                    looks=(reply.num_looks or 0) if reply else 0,
                    run=print_.training if print_ else "",
                    fingerprint=asdict(print_) if print_ else None,
                )
            )

        for one in entries:
            note(one.name, *self._judge(one), one.reply)
        for passed in gathered.passed:
            note(passed.name, "not read", passed.reason)
        if not entries and not gathered.passed:
            note(name, "nothing")

    def _judge(self, entry: Entry) -> tuple[Outcome, str]:
        """Return what becomes of a submission; only one that keeps to the rules climbs."""
        was_in_time = self._has_counted(entry)  # handed in again late, it is what it was
        why = "; ".join(one.text for one in entry.broken if not (one.kind == "late" and was_in_time))
        if entry.value is None or entry.value.value is None:
            return "refused", why
        total, allowed = self._count_looks(entry), self.classroom.seal.looks
        if not why and total > allowed:
            why = f"{count_of(total, 'look')} at the test images over all submissions; allowed: {allowed}"
        if not why and self._is_like_another(entry):
            why = "is like what somebody else handed in earlier; whose it is, the teacher finds out"
        if why:
            return "set aside", why
        name = self._find_name(entry.name)
        return ("counted" if self._ladder.climb(name, entry.value.value) else "not better"), ""

    def _count_looks(self, entry: Entry) -> int:
        """Return the looks of a student with this submission; a run that comes twice counts once."""
        runs = {one.what: one.looks for one in self._record.attempts if identify(one.name) == entry.person}
        run = entry.reply.fingerprint.training if entry.reply.fingerprint else ""
        return sum(looks for key, looks in runs.items() if key != run) + (entry.reply.num_looks or 0)

    def _has_counted(self, entry: Entry) -> bool:
        """Return whether this run of the student's counted already."""
        own = entry.reply.fingerprint
        return own is not None and any(
            one.is_graded and one.run == own.training and identify(one.name) == entry.person
            for one in self._record.attempts
        )

    def _is_like_another(self, entry: Entry) -> bool:
        """Return whether a network came from another student's, by the fingerprints that are kept."""
        own = entry.reply.fingerprint
        may_share = self.classroom.seal.starting_weights != "none"
        for one in self._record.attempts:
            if own is None or one.fingerprint is None or identify(one.name) == entry.person:
                continue
            likeness = compare_weights(Fingerprint.from_dict(one.fingerprint), own)
            if likeness and is_copy(likeness[0], may_share):
                return True
        return False

    def _find_name(self, name: str) -> str:
        """Return how a student's name was typed first."""
        person = identify(name)
        return next((one.name for one in self._record.attempts if identify(one.name) == person), name)


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
