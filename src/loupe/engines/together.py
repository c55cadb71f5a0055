"""Several runs at once in this process, as one batched network where they share shapes."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from loupe.engines.engine import Ended, Job, Scheduler
from loupe.engines.grouping import GroupPicker
from loupe.engines.worker import Reporter, Worker, describe_failure, describe_fault
from loupe.errors import HeldError
from loupe.plugins import load_plugin
from loupe.running.fitting import fit_setup, lay_out_training
from loupe.running.run_under_way import RunUnderWay, begin_run, conclude_run
from loupe.runs import RunFolder
from loupe.runtime import computing, count_cores
from loupe.training import EpochRecord, Training
from loupe.training.together import find_form, find_obstacle, fit_together


@dataclass(frozen=True)
class _Slot:
    """A job of a group, with its run opened and its part in a training."""

    job: Job
    run: RunUnderWay
    training: Training
    reporter: Reporter


class TogetherEngine:
    """Trains runs that share shapes (seeds, rates, fractions of one network) as one batched network.

    Each run ends with the folder it would have had alone, its metrics equal up to rounding, and can be
    resumed alone. What cannot be trained together is carried out alone, and `reasons` says why: on a GPU, in
    half precision or compiled; a run with a checkpoint to go on from; a network with other layers than
    `loupe.training.together` knows, or with frozen ones; an optimizer other than SGD, Adam and AdamW; slow
    weights, hard examples, layers that freeze later, several processes.

    A group computes on as many CPU threads as its runs have together, up to a limit.

    Args:
        group_size: runs trained at once, ≥ 1.
        most_threads: CPU threads of a group, at most; as many as there are cores if left out.
    """

    num_workers = 1

    def __init__(self, group_size: int, most_threads: int | None = None) -> None:
        self._most_threads = most_threads or count_cores()
        self._worker = Worker()
        self._picker = GroupPicker(group_size)

    @property
    def reasons(self) -> dict[str, str]:
        """Why runs were carried out alone, by the name of the job."""
        return self._picker.reasons

    def carry_out(self, scheduler: Scheduler) -> None:
        try:
            while group := self._picker.next_group(scheduler.next_job, looks_ahead=scheduler.plans_ahead):
                self.carry_out_group(group, scheduler)
        except KeyboardInterrupt:
            self._picker.give_back(scheduler)
            raise

    def carry_out_group(self, jobs: Sequence[Job], scheduler: Scheduler) -> None:
        """Carry out jobs that were picked together; the scheduler is asked for no more.

        Raises:
            KeyboardInterrupt: Ctrl-C; the jobs have been told of.
        """
        if len(jobs) > 1:
            self._carry_out_together(jobs, scheduler)
        else:
            self._carry_out_alone(jobs[0], scheduler)

    def close(self) -> None:
        """Nothing to let go of."""

    def _carry_out_alone(self, job: Job, scheduler: Scheduler) -> None:
        ended = self._worker.carry_out(job, lambda record: scheduler.on_epoch(job, record))
        scheduler.on_end(job, ended)
        if ended.status == "interrupted":
            raise KeyboardInterrupt

    def _carry_out_together(self, jobs: Sequence[Job], scheduler: Scheduler) -> None:
        """Carry out jobs that share what a recipe says of shapes."""
        with ExitStack() as open_things:
            open_things.enter_context(computing(count_threads(jobs, self._most_threads)))
            slots = []
            for job in jobs:
                try:
                    slot = self._open(job, scheduler, open_things)
                except Exception as error:
                    scheduler.on_end(job, describe_fault(error))
                    continue
                if slot is None:
                    scheduler.on_end(job, Ended("finished"))
                else:
                    slots.append(slot)
            interrupts = [self._train(alike, scheduler) for alike in self._sort_by_form(slots)]
        if any(interrupts):
            raise KeyboardInterrupt

    def _sort_by_form(self, slots: Sequence[_Slot]) -> list[list[_Slot]]:
        """Return the runs that can be stacked with one another, and each other one by itself."""
        groups: dict[object, list[_Slot]] = {}
        for slot in slots:
            reason = find_obstacle(slot.training)
            if reason is not None:
                self._picker.note(slot.job, reason)  # the next ones are not held back
            form = find_form(slot.training) if reason is None else id(slot)
            groups.setdefault(form, []).append(slot)
        return list(groups.values())

    def _train(self, slots: Sequence[_Slot], scheduler: Scheduler) -> bool:
        """Train runs of one form, write them down, and return whether Ctrl-C interrupted them."""
        if len(slots) > 1:
            for slot in slots:
                slot.run.folder.log(f"trained together with {len(slots) - 1} other runs")
        try:
            ends = _fit(slots)
        except Exception as error:  # a fault of ours, or of a plugin, must not cost the other groups
            for slot in slots:
                scheduler.on_end(slot.job, describe_fault(error))
            return False
        is_interrupted = False
        for slot, ended_by in zip(slots, ends, strict=True):
            ended = _conclude(slot, ended_by)
            is_interrupted |= ended.status == "interrupted"
            scheduler.on_end(slot.job, ended)
        return is_interrupted

    def _open(self, job: Job, scheduler: Scheduler, open_things: ExitStack) -> _Slot | None:
        """Return the slot of a job; None if another process has finished its run since it was handed out.

        Raises:
            HeldError: another process trains in its folder, or has begun to since it was handed out.
        """

        def on_epoch(record: EpochRecord) -> bool:
            return scheduler.on_epoch(job, record)

        for plugin in job.recipe.run.plugins:
            load_plugin(plugin)
        folder, reporter = RunFolder(job.folder), Reporter(on_epoch)
        folder.path.mkdir(parents=True, exist_ok=True)
        open_things.enter_context(folder.locked())
        if folder.is_finished():
            return None
        if folder.checkpoint_file.exists():  # the next time it is resumed, alone
            raise HeldError(f"Run {folder.path.name} was meanwhile trained by another process.")
        dataset = self._worker.load(job.recipe)
        run = begin_run(job.recipe, folder, observers=[reporter], dataset=dataset)
        training = lay_out_training(run.setup, run.streams, run.observers)
        return _Slot(job, run, training, reporter)


def _fit(slots: Sequence[_Slot]) -> list[BaseException | None]:
    """Train runs of one form, one by itself in the usual loop; return what interrupted each."""
    if len(slots) > 1:
        return [one.ended_by for one in fit_together([slot.training for slot in slots])]
    (slot,) = slots
    try:
        run = slot.run
        fit_setup(run.recipe, run.setup, run.streams, observers=run.observers, start=run.start)
    except (KeyboardInterrupt, Exception) as error:
        return [error]
    return [None]


def _conclude(slot: _Slot, ended_by: BaseException | None) -> Ended:
    """Evaluate a run, write it down and return how it ended."""
    run = slot.run
    try:
        result, failure = conclude_run(run, ended_by)
    except Exception as error:
        return describe_fault(error)
    if failure is not None:
        return Ended("failed", describe_failure(failure))
    if result.status == "finished":
        return Ended("finished")
    return Ended("stopped" if slot.reporter.has_stopped else "interrupted")


def count_threads(jobs: Sequence[Job], most: int) -> int:
    """Return the CPU threads of a group: those its runs would have had together, up to a limit."""
    return min(sum(job.recipe.run.threads or most for job in jobs), most)
