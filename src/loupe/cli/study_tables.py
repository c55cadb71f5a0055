"""A study's plan as text: its runs, what is done of them, and how long the rest will take."""

import math
from textwrap import indent

from loupe.studies.analysis import name_row
from loupe.studies.confounds import find_confounds
from loupe.studies.copies import find_planned_copies, name_originals
from loupe.studies.detectable import describe_power
from loupe.studies.estimate import CHECK_SECONDS, Estimate, estimate_time
from loupe.studies.plan import PlannedRun
from loupe.studies.run import Known, PreparedStudy
from loupe.terminal import print_line
from loupe.wording import count_of, format_duration


def describe_plan(prepared: PreparedStudy) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return headings and a row for each arm or stage at each place: its seeds, and how many are done."""
    study = prepared.study
    cells: dict[tuple[str, ...], list[PlannedRun]] = {}
    for run in prepared.plan.runs:
        places = [run.at.get(axis, "") for axis in study.axes]
        cells.setdefault((run.arm or f"stage {run.stage}", *places), []).append(run)
    waiting = {id(run) for task in prepared.scheduler.waiting for run in task.runs}
    rows = []
    for cell, runs in cells.items():
        num_done = sum(id(run) not in waiting for run in runs)
        source = next((run.source for run in runs if run.source is not None), None)
        rows.append(
            (*cell, ", ".join(str(run.seed) for run in runs), str(num_done), source.stage if source else "")
        )
    return ["arm", *study.axes, "seeds", "done", "starts from"], rows


def describe_design(prepared: PreparedStudy) -> list[str]:
    """Return what the planned seeds can find, which arms are the same, and which change several things."""
    study = prepared.study
    planned = [
        (name_row(study, run), run.seed, key) for run, key in prepared.scheduler.planned if not run.stage
    ]
    copies = find_planned_copies(planned, study.reference_arm)
    found = [one.sentence for one in copies]
    found += [one.sentence for one in find_confounds(study, study.reference_arm)]
    power = describe_power(study, prepared.scheduler.list_rows(), len(name_originals(copies)))
    return [*([power] if power else []), *found]


def describe_known(known: Known) -> str:
    """Return how many runs of another table are runs of the study, and why there may be none."""
    count = count_of(known.num_finished, "finished run")
    if known.num_fitting:
        return f"taken from {known.file}: {known.num_fitting} of {count}"
    if not known.num_finished:
        return f"taken from {known.file}: nothing; it holds no finished run"
    return (
        f"taken from {known.file}: nothing; none of {count} is one of this study: recipe, data or the code "
        "that makes the numbers is another"
    )


def describe_other(prepared: PreparedStudy) -> str:
    """Return how many finished runs of an earlier sitting do not count any more, and where they stay."""
    folder, count = prepared.folder, count_of(prepared.num_other, "finished run")
    return (
        f"not counted: {count} of {folder.results_file}: recipe, arms, seeds, data or the code that makes "
        f"the numbers is another; kept in {folder.earlier_file.name}"
    )


def print_rest(
    prepared: PreparedStudy, num_workers: int, *, name: str = "", checks_all: bool = False
) -> bool:
    """Print which runs will have no result, and how long the others will take; return whether all can be run.

    Args:
        prepared: the study.
        num_workers: runs at once.
        name: of the study, where several are carried out.
        checks_all: whether every run is set up, however long that takes.
    """
    waiting = prepared.scheduler.waiting
    later = [index for index, task in enumerate(waiting) if task.source is not None]
    seconds = math.inf if checks_all else CHECK_SECONDS
    recipes = [task.recipe for task in waiting]
    # a study that begins does not wait for a process that is only timed
    estimate = estimate_time(recipes, later, seconds, starts_processes=checks_all and num_workers > 1)
    for text in describe_refusals(prepared, estimate):
        print_line(text, style="yellow")
    print_line(f"{name}: " * bool(name) + describe_time(prepared, num_workers, estimate))
    return not estimate.refused


def describe_time(prepared: PreparedStudy, num_workers: int, estimate: Estimate) -> str:
    """Return how many runs there are, how many are done, and how long the others will take."""
    runs, num_waiting = prepared.plan.runs, prepared.num_waiting
    num_tasks = prepared.scheduler.num_tasks
    counts = count_of(len(runs), "run")
    if num_tasks < len(runs):
        counts += f" ({num_tasks} of them different)" if num_tasks > 1 else " (all of them one and the same)"
    if not num_waiting:
        return f"{counts}, all done"
    how = "at most about" if estimate.is_most else "about"
    at_once = f"{num_workers} at once" if num_workers > 1 else "one after another"
    told = f"{how} {format_duration(estimate.spread(num_workers))} for the rest, {at_once}"
    if estimate.start_seconds:
        told += f", {format_duration(estimate.start_seconds)} of it until the processes have started"
    elif num_workers > 1:
        told += ", once the processes have started"
    if estimate.is_most:
        told += ", less where training stops early"
    if estimate.num_unknown:
        told += f"; the time of {estimate.num_unknown} is unknown"
    if estimate.refused:
        told += f"; {len(estimate.refused)} cannot be trained"
    return f"{counts}, {num_tasks - num_waiting} done; {told}"


def describe_refusals(prepared: PreparedStudy, estimate: Estimate) -> list[str]:
    """Return which runs will have no result, and why: a text for each reason, after its runs."""
    by_reason: dict[str, list[str]] = {}
    for index, error in estimate.refused.items():
        by_reason.setdefault(str(error), []).append(prepared.scheduler.waiting[index].name)
    return [f"cannot be trained: {'; '.join(names)}\n{indent(why, '  ')}" for why, names in by_reason.items()]
