"""`loupe class grade`: everything handed in, judged on the hidden images."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from torch import Tensor

from loupe.classroom.answering import Question, Reply
from loupe.classroom.gathering import Gathered, Handed, Passed, gather
from loupe.classroom.isolation import ask, name_environment
from loupe.classroom.likeness import Graded, find_alike
from loupe.classroom.limits import Limits
from loupe.classroom.ranking import Place, find_places, order_best_first, score
from loupe.classroom.rules import Broken
from loupe.classroom.seal import STUDENTS, TEACHER, Pack, Seal, read_hidden, read_pack
from loupe.data import ImageDataset
from loupe.data.identity import to_keys
from loupe.errors import LoupeError
from loupe.metrics import Metric, MetricValue, Predictions, describe_metric
from loupe.runs.reading import is_plain
from loupe.wording import count_of


@dataclass(frozen=True, eq=False)
class Classroom:
    """An exercise as its teacher has it.

    Args:
        folder: what `loupe class make` wrote.
        pack: what students have.
        hidden: what they have not.
    """

    folder: Path
    pack: Pack
    hidden: ImageDataset

    @property
    def seal(self) -> Seal:
        return self.pack.seal

    @property
    def metric(self) -> Metric:
        """What is graded."""
        return describe_metric(self.seal.metric, "classification")

    @property
    def plugins(self) -> Path:
        """Where plugins lie that the teacher has to read."""
        return self.folder / TEACHER / "plugins"


@dataclass(frozen=True, eq=False)
class Entry:
    """One submission, judged.

    Args:
        handed: what was handed in.
        reply: what its process said.
        logits: (images, classes) float32 on the hidden images; None if it was refused.
        value: its score on the hidden images, with interval; None if it was refused.
        broken: rules it breaks, those that only show among others too.
        notes: what a teacher should know that breaks no rule.
        place: among those that break none; None for others.
    """

    handed: Handed
    reply: Reply
    logits: Tensor | None
    value: MetricValue | None
    broken: tuple[Broken, ...]
    notes: tuple[str, ...] = ()
    place: Place | None = None

    @property
    def name(self) -> str:
        return self.handed.name

    @property
    def is_refused(self) -> bool:
        """Whether nothing of it could be graded."""
        return self.value is None

    @property
    def is_ranked(self) -> bool:
        return self.place is not None


@dataclass(frozen=True, eq=False)
class Grades:
    """What came of a class.

    Args:
        classroom: the exercise.
        ranked: submissions that keep to the rules, best first.
        aside: those that were graded and break a rule, best first.
        refused: those of which nothing could be graded.
        passed: what was handed in and held no run that could be read.
        superseded: earlier submissions of those who handed in more than one: the last one counts.
    """

    classroom: Classroom
    ranked: tuple[Entry, ...]
    aside: tuple[Entry, ...]
    refused: tuple[Entry, ...]
    passed: tuple[Passed, ...]
    superseded: tuple[Entry, ...]
    folder: Path = field(default_factory=Path)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All submissions that count, in the order of the tables."""
        return (*self.ranked, *self.aside, *self.refused)


Say = Callable[[int, int, Entry], None]


def open_classroom(folder: Path) -> Classroom:
    """Return an exercise as its teacher has it.

    Args:
        folder: what `loupe class make` wrote.

    Raises:
        LoupeError: it is no such folder, or not as it was made.
    """
    pack = read_pack(folder / STUDENTS)
    return Classroom(folder, pack, read_hidden(folder / TEACHER, pack.seal))


def find_classroom(submissions: Path, exercise: Path | None) -> Path:
    """Return the folder of an exercise: as named, or the one that a folder of submissions lies in.

    Raises:
        LoupeError: there is none.
    """
    places = [exercise] if exercise is not None else [submissions.absolute().parent, Path()]
    for place in places:
        if (place / TEACHER).is_dir():
            return place
    raise LoupeError(
        "It is not known which exercise this is for.",
        got=f"no folder {TEACHER} in {', '.join(map(str, places))}",
        allowed="the folder that `loupe class make` wrote",
        next_step="name it: --exercise FOLDER",
    )


def grade(
    submissions: Path,
    *,
    exercise: Path | None = None,
    limits: Limits | None = None,
    say: Say = lambda done, total, entry: None,
) -> Grades:
    """Return what everything handed in is worth, each network judged in a process of its own.

    Args:
        submissions: what was handed in, as it came: zip files, folders, zip files in these.
        exercise: the folder that `loupe class make` wrote; the one that `submissions` lies in if left out.
        limits: of time and memory for each.
        say: told of each submission that was judged, with how many are done and how many there are.

    Raises:
        LoupeError: there is no such folder or exercise, or nothing was handed in.
    """
    refuse_missing(submissions)
    classroom = open_classroom(find_classroom(submissions, exercise))
    with tempfile.TemporaryDirectory(prefix="loupe-class-") as temporary:
        work = Path(temporary)
        (work / "runs").mkdir()
        gathered = gather(submissions, work / "runs")
        if not gathered.runs and not gathered.passed:
            raise LoupeError(
                f"Nothing was handed in into {submissions}.",
                got="no run and no zip file",
                allowed="files of `loupe class submit`, run folders, zip files of these",
                next_step="put what students hand in into that folder, as it comes",
            )
        judge = Judge(classroom, work, limits or Limits())
        entries = []
        for number, one in enumerate(gathered.runs, 1):
            entries.append(judge.judge(one))
            say(number, len(gathered.runs), entries[-1])
    return rank(classroom, entries, gathered, submissions)


def refuse_missing(submissions: Path) -> None:
    """Check that there is a folder of submissions.

    Raises:
        LoupeError: there is none.
    """
    if not submissions.is_dir():
        raise LoupeError(
            f"There is no folder {submissions}.",
            got="a file" if submissions.exists() else "nothing there",
            allowed="the folder that students' files lie in",
            next_step="name it",
        )


class Judge:
    """Judges submissions of one exercise, one after another.

    Args:
        classroom: the exercise.
        work: a folder for what processes are handed.
        limits: of time and memory for each.
    """

    def __init__(self, classroom: Classroom, work: Path, limits: Limits) -> None:
        self._classroom, self._limits = classroom, limits
        self._images = work / "images.npy"
        np.save(self._images, classroom.hidden.pixels.numpy(), allow_pickle=False)
        self._hidden = tuple(key.hex() for key in to_keys(classroom.hidden.table.digests))

    def judge(self, handed: Handed) -> Entry:
        """Return what one submission is worth by itself, without a place."""
        seal, hidden = self._classroom.seal, self._classroom.hidden
        if handed.exercise is not None and handed.exercise != seal.digest:
            text = "was handed in for another exercise, or another version of this one"
            return Entry(handed, Reply(()), None, None, (Broken("data", text),))
        question = Question(
            run=str(handed.run),
            seal=seal.model_dump_json(),
            data=str(self._classroom.pack.data_file.resolve()),
            images=str(self._images),
            hidden=self._hidden,
            environment=name_environment(),
        )
        reply, logits = ask(question, self._limits, len(hidden), hidden.num_classes)
        if logits is None:
            if any(one.kind == "plugins" for one in reply.broken) and seal.plugins == "trusted":
                reply = self._hand_over_plugins(handed, reply)
            return Entry(handed, reply, None, None, reply.broken)
        value = score(Predictions(hidden.labels, logits), seal.metric, seal.confidence)
        return Entry(handed, reply, logits, value, reply.broken, reply.notes)

    def _hand_over_plugins(self, handed: Handed, reply: Reply) -> Reply:
        """Put a run's plugins where the teacher can read them, and say so."""
        places = []
        for file in sorted((handed.run / "plugins").glob("*.py")):
            if is_plain(file):
                self._classroom.plugins.mkdir(exist_ok=True)
                places.append(self._classroom.plugins / f"{handed.run.name}-{file.name}")
                shutil.copyfile(file, places[-1])
        advice = f". Read it; then: loupe trust {' '.join(map(str, places))}" if places else ""
        broken = [
            replace(one, text=f"{one.text}{advice}") if one.kind == "plugins" else one for one in reply.broken
        ]
        return replace(reply, broken=tuple(broken))


def rank(classroom: Classroom, entries: Sequence[Entry], gathered: Gathered, folder: Path) -> Grades:
    """Return submissions in their places, after they were held against one another."""
    entries = _add_likeness(_add_looks(entries, classroom.seal.looks))
    last = _find_last(entries)
    counting = [one for one in entries if last[one.name] is one]
    clean = [one for one in counting if not one.is_refused and not one.broken]
    order = order_best_first([_value(one) for one in clean], classroom.metric)
    clean = [clean[index] for index in order]
    answers = [Predictions(classroom.hidden.labels, one.logits) for one in clean if one.logits is not None]
    places = find_places(answers, classroom.seal.metric, classroom.seal.confidence)
    ranked = tuple(replace(one, place=place) for one, place in zip(clean, places, strict=True))
    aside = [one for one in counting if not one.is_refused and one.broken]
    order = order_best_first([_value(one) for one in aside], classroom.metric)
    return Grades(
        classroom,
        ranked,
        tuple(aside[index] for index in order),
        tuple(one for one in counting if one.is_refused),
        tuple(gathered.passed),
        tuple(one for one in entries if last[one.name] is not one),
        folder,
    )


def _value(entry: Entry) -> float:
    return entry.value.value if entry.value is not None and entry.value.value is not None else float("nan")


def _find_last(entries: Sequence[Entry]) -> dict[str, Entry]:
    """Return the submission of each student that counts: the last one handed in."""
    last: dict[str, Entry] = {}
    moments: dict[str, tuple[datetime, str]] = {}
    for one in entries:
        moment = one.handed.submitted, one.handed.place
        if one.name not in last or moment >= moments[one.name]:
            last[one.name], moments[one.name] = one, moment
    return last


def _add_looks(entries: Sequence[Entry], allowed: int) -> list[Entry]:
    """Return submissions with the looks of each student summed over all that he handed in."""
    total: dict[str, int] = {}
    several: dict[str, int] = {}
    for one in entries:
        total[one.name] = total.get(one.name, 0) + (one.reply.num_looks or 0)
        several[one.name] = several.get(one.name, 0) + 1
    found = []
    for one in entries:
        has_too_many = total[one.name] > allowed and not any(rule.kind == "looks" for rule in one.broken)
        if has_too_many and not one.is_refused:
            what = (
                f"{count_of(total[one.name], 'look')} at the test images over {several[one.name]} submissions"
            )
            one = replace(one, broken=(*one.broken, Broken("looks", f"{what}; allowed: {allowed}")))
        found.append(one)
    return found


def _add_likeness(entries: Sequence[Entry]) -> list[Entry]:
    """Return submissions with what they are alike to: the later one is set aside, both are named."""
    found = list(entries)
    compared = [
        (index, Graded(one.name, one.handed.submitted, one.reply.fingerprint, one.logits))
        for index, one in enumerate(entries)
        if one.reply.fingerprint is not None and one.logits is not None
    ]
    for pair in find_alike([one for _, one in compared]):
        (first, earlier), (second, later) = compared[pair.earlier], compared[pair.later]
        text = pair.describe(earlier.name)
        if pair.is_copy:
            text += ", which was handed in earlier, as the files say; whose it is, is for you to find out"
            found[second] = replace(found[second], broken=(*found[second].broken, Broken("copy", text)))
        else:
            found[second] = replace(found[second], notes=(*found[second].notes, text))
        note = f"{later.name} handed in the same later: {pair.likeness}"
        found[first] = replace(found[first], notes=(*found[first].notes, note))
    return found
