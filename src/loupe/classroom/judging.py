"""One submission judged by itself, its network in a process of its own."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from loupe.classroom.answering import Question, Reply
from loupe.classroom.entries import Classroom, Entry
from loupe.classroom.gathering import Handed
from loupe.classroom.isolation import ask, name_environment
from loupe.classroom.limits import Limits
from loupe.classroom.people import describe_lateness
from loupe.classroom.ranking import score
from loupe.classroom.rules import Broken
from loupe.data.identity import to_keys
from loupe.metrics import Predictions
from loupe.plugins import digest_plugin
from loupe.runs.reading import is_plain


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
        is_earlier = handed.exercise in self._classroom.earlier and handed.exercise != seal.digest
        if handed.exercise not in (None, seal.digest) and not is_earlier:
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
        reply = _name_by_place(reply, handed)
        if logits is None:
            if any(one.kind == "plugins" for one in reply.broken) and seal.plugins == "trusted":
                reply = self._hand_over_plugins(handed, reply)
            return Entry(handed, reply, None, None, reply.broken)
        value = score(Predictions(hidden.labels, logits), seal.metric, seal.confidence)
        broken, notes = list(reply.broken), list(reply.notes)
        late = describe_lateness(seal.due, handed.submitted) if seal.due else None
        if late is not None and seal.late == "aside":
            broken.append(Broken("late", f"{late}, by the time in its file"))
        elif late is not None:
            notes.append(f"{late}, by the time in its file")
        if is_earlier:
            notes.append("handed in for this exercise before it was revised; judged by the rules of now")
        return Entry(handed, reply, logits, value, tuple(broken), tuple(notes))

    def _hand_over_plugins(self, handed: Handed, reply: Reply) -> Reply:
        """Put a run's plugins where the teacher can read them, and say so."""
        places = []
        for file in sorted((handed.run / "plugins").glob("*.py")):
            if is_plain(file):
                self._classroom.plugins.mkdir(exist_ok=True)
                digest = digest_plugin(str(file))  # another student's may be called the same
                places.append(self._classroom.plugins / f"{handed.run.name}-{digest[:8]}-{file.name}")
                shutil.copyfile(file, places[-1])
        advice = f". Read it; then: loupe trust {' '.join(map(str, places))}" if places else ""
        broken = [
            replace(one, text=f"{one.text}{advice}") if one.kind == "plugins" else one for one in reply.broken
        ]
        return replace(reply, broken=tuple(broken))


def _name_by_place(reply: Reply, handed: Handed) -> Reply:
    """Return a reply whose words name what was handed in, not the folder it was unpacked into and is gone."""
    folders = sorted({str(handed.run.resolve()), str(handed.run)}, key=len, reverse=True)

    def tell(text: str) -> str:
        for folder in folders:
            text = text.replace(folder, handed.place)
        return text

    broken = tuple(replace(one, text=tell(one.text)) for one in reply.broken)
    return replace(reply, broken=broken, notes=tuple(map(tell, reply.notes)))
