"""What a run has on record as text: recipe, environment, result, history, looks; read back as typed objects.

Apart from `RunFolder`, which reads arrays too, so that lists of runs load no torch.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from loupe.data.opening import Opening
from loupe.errors import RunError
from loupe.recipe import Recipe, parse_recipe, read_toml
from loupe.runs.evidence import refuse_altered
from loupe.runs.files import RunFiles
from loupe.runs.history import read_record
from loupe.runs.locking import is_locked
from loupe.runs.progress import Progress
from loupe.runs.reading import is_there, read_json, read_lines, read_table, read_text, reading
from loupe.runs.result import RunResult
from loupe.training.epoch_record import EPOCH_COLUMNS, EpochRecord


class RunRecord(RunFiles):
    """One run on disk: those of its files (`RunFiles` says which) that hold text, as typed objects."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def __fspath__(self) -> str:
        """Return its path: whatever takes the place of a run takes the run too."""
        return str(self.path)

    def read_recipe(self) -> Recipe:
        self.refuse_altered(self.recipe_file)
        with reading(self.recipe_file):
            return parse_recipe(read_toml(read_text(self.recipe_file), str(self.recipe_file)))

    def read_environment(self) -> dict[str, Any]:
        self.refuse_altered(self.environment_file)
        environment = read_json(self.environment_file)
        with reading(self.environment_file):
            for field in ("data_digests", "plugins", "transfer", "continues"):
                _refuse_no_texts(field, environment.get(field) or {})
            _ = [environment["data_digests"][split] for split in ("train", "validation", "test")]
            return dict(environment.items())

    def require_result(self) -> RunResult:
        """Return the result.

        Raises:
            RunError: there is none yet.
        """
        result = self.read_result()
        if result is None:
            raise RunError(
                f"Run {self.path.name} has no result yet.",
                got="no result.json",
                allowed="a run that has ended",
                next_step=self.advise(),
            )
        return result

    def read_result(self) -> RunResult | None:
        """Return the result, or None while there is none; looks at the test set since then count."""
        if not is_there(self.result_file):
            return None
        self.refuse_altered(self.result_file)
        values = read_json(self.result_file)
        with reading(self.result_file):
            result = RunResult.from_dict(values)
            _RESULTS.validate_python(result.to_dict())
        openings = self.read_openings()
        is_more = len(openings) > len(result.test_openings)
        return replace(result, test_openings=tuple(openings)) if is_more else result

    def has_image_record(self) -> bool:
        """Return whether the run was begun with a record of its images, unlike those of earlier versions."""
        return "test_content" in self.read_environment()

    def refuse_altered(self, file: Path) -> None:
        """Check that a file is what it was when the run ended; nothing is checked of a run under way.

        Raises:
            RunError: it is another, or damaged.
        """
        refuse_altered(self.path, file)

    def read_history(self) -> list[EpochRecord]:
        """Return the epochs so far; an empty list before the first."""
        if not is_there(self.history_file):
            return []
        self.refuse_altered(self.history_file)
        with reading(self.history_file):
            return [read_record(row) for row in read_table(self.history_file, EPOCH_COLUMNS)]

    def is_being_trained(self) -> bool:
        """Return whether a process trains in this folder now."""
        return is_locked(self.path / ".lock")

    def advise(self) -> str:
        """Return what to do about a run that is not at its end: wait for whoever trains it, or resume it."""
        if self.is_being_trained():
            return "wait: another process is training it"
        return f"loupe resume {self.path}"

    def read_progress(self) -> Progress | None:
        """Return how far training is; None if it does not go on, or has only just begun."""
        try:
            progress = Progress(**json.loads(read_text(self.progress_file)))
            counts = (progress.epoch, progress.num_epochs, progress.step, progress.steps_per_epoch)
            is_sound = all(type(count) is int and count >= 0 for count in counts) and math.isfinite(
                progress.seconds
            )
            return progress if is_sound and type(progress.first_epoch) is int else None
        except (OSError, ValueError, TypeError, RecursionError):  # it comes and goes while one looks
            return None

    def read_warnings(self) -> tuple[str, ...]:
        """Return what the reader of a run's figures should know, as its result has it or as said before.

        Raises:
            RunError: the result is damaged.
        """
        result = self.read_result()
        if result is not None:
            return result.warnings
        try:
            said = json.loads(read_text(self.warnings_file))
        except (OSError, ValueError, RecursionError):  # it goes while one looks
            return ()
        return tuple(one for one in said if isinstance(one, str)) if isinstance(said, list) else ()

    def read_openings(self) -> list[Opening]:
        """Return every look at the test set on record, oldest first; see `count_openings`."""
        if not is_there(self.openings_file):
            return []
        self.refuse_altered(self.openings_file)
        with reading(self.openings_file):
            openings = [Opening(**line) for line in read_lines(self.openings_file)]
            _refuse_no_texts("openings", {one.at: one.reason for one in openings})
            return openings

    def count_openings(self) -> int | None:
        """Return how often this run looked at the test set; None where its record is gone, or begun anew."""
        if is_there(self.openings_file):
            openings = self.read_openings()
            return len(openings) if self._holds_looks_of_result(openings) else None
        if is_there(self.images_file) or not is_there(self.result_file):
            return None
        result = self.read_result()  # of an earlier version, which made the record with the first look
        return None if result is None or result.test_openings else 0

    def _holds_looks_of_result(self, openings: Sequence[Opening]) -> bool:
        """Return whether the looks that the result names stand first among those on record."""
        if is_there(self.digests_file) or not is_there(self.result_file):
            return True  # the record was held against its digest when it was read
        values = read_json(self.result_file)
        with reading(self.result_file):
            named = RunResult.from_dict(values).test_openings
        return tuple(openings[: len(named)]) == named

    def read_test_looks(self) -> dict[int, float]:
        """Return the test accuracy by epoch, as far as epochs were looked at."""
        if not is_there(self.test_looks_file):
            return {}
        self.refuse_altered(self.test_looks_file)
        with reading(self.test_looks_file):
            rows = read_lines(self.test_looks_file)
            return {int(row["epoch"]): float(row["accuracy"]) for row in rows}


_RESULTS = TypeAdapter(RunResult)


def _refuse_no_texts(what: str, values: Mapping[str, object]) -> None:
    if not all(isinstance(name, str) and isinstance(value, str) for name, value in values.items()):
        raise TypeError(f"{what} that are no texts")
