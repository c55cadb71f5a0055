"""Arms that are one and the same: a copy is no evidence of itself nor of what it is compared with."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from loupe.statistics import Interval
from loupe.statistics.arm_runs import ArmRun, Place
from loupe.statistics.arms import Cell, ComparedArms
from loupe.statistics.conclusions import Difference
from loupe.studies.rows import StudyRow
from loupe.wording import list_names


@dataclass(frozen=True)
class Copies:
    """Arms of which every run is a run of the others too.

    Args:
        arms: two or more, in the order of the study; the reference first where it is one of them.
        are_same_runs: whether they are the same runs by what determines their numbers; else their runs only
            came out the same, to the last digit.
        lacking: of two arms, the one that is a copy only as far as it has come: other runs may still follow.
    """

    arms: tuple[str, ...]
    are_same_runs: bool
    lacking: str = ""

    @property
    def sentence(self) -> str:
        """What the reader should know."""
        names = list_names(self.arms)
        if self.lacking:
            (whole,) = (arm for arm in self.arms if arm != self.lacking)
            how = "is" if self.are_same_runs else "came out the same to the last digit as"
            said = f"Every finished run of {self.lacking} {how} one of {whole}"
            return f"{said}: their difference is not known yet."
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
    found = [one for one in found if not any(set(one.arms) < set(other.arms) for other in found)]
    return [*found, *_find_lacking(rows, reference, name_originals(found))]


def _find_lacking(
    rows: Sequence[tuple[tuple[str, Place], StudyRow]], reference: str, originals: Mapping[str, str]
) -> list[Copies]:
    """Return each arm that is a copy as far as it has come with the arm that has all its runs, and more.

    Args:
        rows: of the arms.
        reference: the arm that others are compared with; it stands for an arm that has all of its runs.
        originals: of arms that are copies; they are left out.
    """
    different = [(name, row) for name, row in rows if name[0] not in originals and row.is_finished]
    found: dict[str, Copies] = {}  # by the arm that another stands for
    for are_same in (True, False):
        signs = _gather_signs(
            [(name, row.seed, row.key if are_same else _read_numbers(row)) for name, row in different]
        )
        for arm, of_arm in signs.items():
            wholes = [other for other, of_other in signs.items() if of_arm.items() < of_other.items()]
            for whole in sorted(wholes, key=lambda one: one != reference)[:1]:
                first, second = (arm, whole) if arm == reference else (whole, arm)
                if second not in found and first not in found and None not in of_arm.values():
                    found[second] = Copies((first, second), are_same, lacking=arm)
    return list(found.values())


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
    signs = _gather_signs(runs)
    groups: dict[Hashable, list[str]] = {}
    for arm, of_arm in signs.items():
        if None not in of_arm.values():
            groups.setdefault(frozenset(of_arm.items()), []).append(arm)
    return [
        tuple(sorted(arms, key=lambda arm: arm != reference)) for arms in groups.values() if len(arms) > 1
    ]


def _gather_signs(
    runs: Sequence[tuple[tuple[str, Place], int, Hashable | None]],
) -> dict[str, dict[Hashable, Hashable | None]]:
    signs: dict[str, dict[Hashable, Hashable | None]] = {}
    for (arm, place), seed, sign in runs:
        signs.setdefault(arm, {})[place, seed] = sign
    return signs


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
    compared: ComparedArms,
    runs: Sequence[ArmRun],
    reference: str,
    copies: Sequence[Copies],
    alone: Callable[[str], Sequence[Cell]],
) -> ComparedArms:
    """Return a comparison of different arms with their copies beside them, which say what those say.

    A copy of the reference differs from it by nothing at all, in these runs and, of the same runs, in any.

    Args:
        compared: without the copies.
        runs: all of them, those of the copies too.
        reference: the arm that others are compared with.
        copies: what `find_copies` found.
        alone: returns the cells of an arm by itself, for those that are copies only as far as they have come.
    """
    if not copies:
        return compared
    originals = name_originals(copies)
    none = {
        arm: _differ_by_nothing(compared, reference, are_same_runs=group.are_same_runs and not group.lacking)
        for group in copies
        for arm in group.arms[1:]
        if group.arms[0] == reference
    }
    by_cell: dict[tuple[str, Place], Cell] = {(cell.arm, cell.place): cell for cell in compared.cells}
    own = {arm for group in copies if group.lacking for arm in group.arms[1:]}
    own |= {arm for arm, original in originals.items() if original in own}
    by_cell |= {(arm, cell.place): cell for arm in own for cell in alone(arm)}
    cells = []
    for arm, place in dict.fromkeys((run.arm, run.place) for run in runs):
        cell = by_cell[arm if arm in own else originals.get(arm, arm), place]
        difference = none.get(arm, cell.difference)
        cells.append(replace(cell, arm=arm, difference=difference))
    arms = dict.fromkeys(run.arm for run in runs)
    known = {
        arm: none.get(arm) or compared.overall.get(arm if arm in own else originals.get(arm, arm))
        for arm in arms
    }
    return ComparedArms(cells, {arm: one for arm, one in known.items() if one is not None})


def _differ_by_nothing(compared: ComparedArms, reference: str, *, are_same_runs: bool) -> Difference:
    num_seeds = min((cell.summary.num_seeds for cell in compared.cells if cell.arm == reference), default=0)
    if not are_same_runs:
        return Difference(0.0, None, None, num_seeds)
    num_images = next((one.num_images for one in compared.overall.values()), None)
    return Difference(0.0, Interval(0.0, 0.0), 1.0, num_seeds, num_images, "practically none")
