"""Arms that are one and the same: a copy is no evidence of itself nor of what it is compared with."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from loupe.statistics import Interval
from loupe.statistics.arm_runs import ArmRun, Place
from loupe.statistics.arms import Cell, ComparedArms
from loupe.statistics.conclusions import Difference
from loupe.studies.folder import StudyRow
from loupe.wording import list_names


@dataclass(frozen=True)
class Copies:
    """Arms of which every run is a run of the others too.

    Args:
        arms: two or more, in the order of the study; the reference first where it is one of them.
        are_same_runs: whether they are the same runs by what determines their numbers; else their runs only
            came out the same, to the last digit.
    """

    arms: tuple[str, ...]
    are_same_runs: bool

    @property
    def sentence(self) -> str:
        """What the reader should know."""
        names = list_names(self.arms)
        if self.are_same_runs:
            return f"{names} are the same runs, whatever they change."
        return f"{names} came out the same to the last digit in every run: what sets them apart did nothing."


def find_copies(rows: Sequence[tuple[tuple[str, Place], StudyRow]], reference: str = "") -> list[Copies]:
    """Return the arms that are copies of each other, each group once.

    Args:
        rows: of the arms, each with the arm and place that it counts for.
        reference: the arm that others are compared with; it stands for its copies.
    """
    same = _group([(name, row.seed, row.key) for name, row in rows], reference)
    alike = _group([(name, row.seed, _read_numbers(row)) for name, row in rows], reference)
    found = [Copies(arms, are_same_runs=True) for arms in same]
    found += [Copies(arms, are_same_runs=False) for arms in alike if arms not in same]
    return [one for one in found if not any(set(one.arms) < set(other.arms) for other in found)]


def find_planned_copies(
    runs: Sequence[tuple[tuple[str, Place], int, str]], reference: str = ""
) -> list[Copies]:
    """Return the arms of a plan that are the same runs: before anything is trained.

    Args:
        runs: of the arms: the arm and place each counts for, its seed and its key.
        reference: the arm that others are compared with.
    """
    return [Copies(arms, are_same_runs=True) for arms in _group(runs, reference)]


def _group(
    runs: Sequence[tuple[tuple[str, Place], int, Hashable | None]], reference: str
) -> list[tuple[str, ...]]:
    """Return the arms that have the same sign in each run; what has none is no copy."""
    signs: dict[str, dict[Hashable, Hashable | None]] = {}
    for (arm, place), seed, sign in runs:
        signs.setdefault(arm, {})[place, seed] = sign
    groups: dict[Hashable, list[str]] = {}
    for arm, of_arm in signs.items():
        if None not in of_arm.values():
            groups.setdefault(frozenset(of_arm.items()), []).append(arm)
    return [
        tuple(sorted(arms, key=lambda arm: arm != reference)) for arms in groups.values() if len(arms) > 1
    ]


def _read_numbers(row: StudyRow) -> tuple[float | None, ...] | None:
    """Return what only the same network has, to nine digits; None where it is not on record."""
    numbers = (row.train_loss, row.validation_loss, row.validation_accuracy, row.test_loss, row.test_accuracy)
    if not row.is_finished or row.train_loss is None or row.validation_loss is None:
        return None
    return (*numbers, *(row.metrics[name] for name in sorted(row.metrics)))


def name_originals(copies: Sequence[Copies]) -> dict[str, str]:
    """Return for each arm that is a copy the one that stands for it."""
    return {arm: group.arms[0] for group in copies for arm in group.arms[1:]}


def add_copies(
    compared: ComparedArms, runs: Sequence[ArmRun], reference: str, copies: Sequence[Copies]
) -> ComparedArms:
    """Return a comparison of different arms with their copies beside them, which say what those say.

    A copy of the reference differs from it by nothing at all, in these runs and, of the same runs, in any.

    Args:
        compared: without the copies.
        runs: all of them, those of the copies too.
        reference: the arm that others are compared with.
        copies: what `find_copies` found.
    """
    if not copies:
        return compared
    originals = name_originals(copies)
    none = {
        arm: _differ_by_nothing(compared, reference, are_same_runs=group.are_same_runs)
        for group in copies
        for arm in group.arms[1:]
        if group.arms[0] == reference
    }
    by_cell: Mapping[tuple[str, Place], Cell] = {(cell.arm, cell.place): cell for cell in compared.cells}
    cells = []
    for arm, place in dict.fromkeys((run.arm, run.place) for run in runs):
        cell = by_cell[originals.get(arm, arm), place]
        difference = none.get(arm, cell.difference)
        cells.append(replace(cell, arm=arm, difference=difference))
    arms = dict.fromkeys(run.arm for run in runs)
    known = {arm: none.get(arm) or compared.overall.get(originals.get(arm, arm)) for arm in arms}
    return ComparedArms(cells, {arm: one for arm, one in known.items() if one is not None})


def _differ_by_nothing(compared: ComparedArms, reference: str, *, are_same_runs: bool) -> Difference:
    num_seeds = min((cell.summary.num_seeds for cell in compared.cells if cell.arm == reference), default=0)
    if not are_same_runs:
        return Difference(0.0, None, None, num_seeds)
    num_images = next((one.num_images for one in compared.overall.values()), None)
    return Difference(0.0, Interval(0.0, 0.0), 1.0, num_seeds, num_images, "practically none")
