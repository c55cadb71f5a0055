"""An exercise as its teacher has it, one submission judged, and what came of a class."""

from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from loupe.classroom.answering import Reply
from loupe.classroom.gathering import Handed, Passed
from loupe.classroom.people import identify
from loupe.classroom.ranking import Place
from loupe.classroom.rules import Broken
from loupe.classroom.seal import TEACHER, Pack, Seal
from loupe.data import ImageDataset
from loupe.metrics import Metric, MetricValue, describe_metric


@dataclass(frozen=True, eq=False)
class Classroom:
    """An exercise as its teacher has it.

    Args:
        folder: what `loupe class make` wrote.
        pack: what students have.
        hidden: what they have not.
        earlier: digests of exercises that this one was before it was revised.
    """

    folder: Path
    pack: Pack
    hidden: ImageDataset
    earlier: tuple[str, ...] = ()

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
    def person(self) -> str:
        """Whose it is, the same however the name was typed."""
        return identify(self.handed.name)

    @property
    def is_refused(self) -> bool:
        """Whether nothing of it could be graded."""
        return self.value is None

    @property
    def is_ranked(self) -> bool:
        return self.place is not None


@dataclass(frozen=True)
class Repeat:
    """A run that was handed in again: no submission of its own.

    Args:
        handed: what was handed in.
        stands: the one of the same run that stands for both.
    """

    handed: Handed
    stands: Handed

    @property
    def name(self) -> str:
        return self.handed.name

    @property
    def why(self) -> str:
        return f"the same run as {self.stands.place}"


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
        repeated: runs that were handed in again.
    """

    classroom: Classroom
    ranked: tuple[Entry, ...]
    aside: tuple[Entry, ...]
    refused: tuple[Entry, ...]
    passed: tuple[Passed, ...]
    superseded: tuple[Entry, ...]
    repeated: tuple[Repeat, ...] = ()
    folder: Path = field(default_factory=Path)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All submissions that count, in the order of the tables."""
        return (*self.ranked, *self.aside, *self.refused)
