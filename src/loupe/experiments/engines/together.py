"""Several runs at once in this process, as one batched network where they share shapes."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from loupe.errors import HeldError, TrainingError
from loupe.experiments.engines.engine import Conductor, Ended, Job
from loupe.experiments.engines.grouping import GroupPicker
from loupe.experiments.engines.worker import Reporter, Worker, describe_failure, describe_fault
from loupe.experiments.fitting import fit_bench, lay_out_training
from loupe.experiments.run_under_way import RunUnderWay, begin_run, conclude_run
from loupe.plugins import load_plugin
from loupe.runs import RunFolder
from loupe.runtime import computing, count_cores
from loupe.training import EpochRecord
from loupe.training.together import Training, find_form, find_obstacle, fit_together


@dataclass(frozen=True)
class _Seat:
    """A job of a group, with its run opened and its part in a training."""

    job: Job
    run: RunUnderWay
    training: Training
    reporter: Reporter


class TogetherEngine:
    """Trains runs that share shapes (seeds, rates, fractions of one network) as one batched network.

    Each run ends with the folder it would have had alone, its figures equal up to rounding, and can be gone
    on with alone. What cannot be trained together is carried out alone, and `reasons` says why: on a GPU, in
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

    def carry_out(self, conductor: Conductor) -> None:
        try:
            while group := self._picker.next_group(conductor.next_job, looks_ahead=conductor.plans_ahead):
                self.carry_out_group(group, conductor)
        except KeyboardInterrupt:
            self._picker.give_back(conductor)
            raise

    def carry_out_group(self, jobs: Sequence[Job], conductor: Conductor) -> None:
        """Carry out jobs that were picked together; the conductor is asked for no more.

        Raises:
            KeyboardInterrupt: Ctrl-C; the jobs have been told of.
        """
        if len(jobs) > 1:
            self._carry_out_together(jobs, conductor)
        else:
            self._carry_out_alone(jobs[0], conductor)

    def close(self) -> None:
        """Nothing to let go of."""

    def _carry_out_alone(self, job: Job, conductor: Conductor) -> None:
        ended = self._worker.carry_out(job, lambda record: conductor.on_epoch(job, record))
        conductor.on_end(job, ended)
        if ended.status == "interrupted":
            raise KeyboardInterrupt

    def _carry_out_together(self, jobs: Sequence[Job], conductor: Conductor) -> None:
        """Carry out jobs that share what a recipe says of shapes."""
        with ExitStack() as open_things:
            open_things.enter_context(computing(count_threads(jobs, self._most_threads)))
            seats = []
            for job in jobs:
                try:
                    seat = self._open(job, conductor, open_things)
                except Exception as error:
                    conductor.on_end(job, describe_fault(error))
                    continue
                if seat is None:
                    conductor.on_end(job, Ended("finished"))
                else:
                    seats.append(seat)
            interrupts = [self._train(alike, conductor) for alike in self._sort_by_form(seats)]
        if any(interrupts):
            raise KeyboardInterrupt

    def _sort_by_form(self, seats: Sequence[_Seat]) -> list[list[_Seat]]:
        """Return the runs that can be stacked with one another, and each other one by itself."""
        groups: dict[object, list[_Seat]] = {}
        for seat in seats:
            reason = find_obstacle(seat.training)
            if reason is not None:
                self._picker.note(seat.job, reason)  # the next ones are not held back
            form = find_form(seat.training) if reason is None else id(seat)
            groups.setdefault(form, []).append(seat)
        return list(groups.values())

    def _train(self, seats: Sequence[_Seat], conductor: Conductor) -> bool:
        """Train runs of one form, write them down, and return whether Ctrl-C broke them off."""
        if len(seats) > 1:
            for seat in seats:
                seat.run.folder.log(f"trained together with {len(seats) - 1} other runs")
        try:
            _fit(seats)
        except Exception as error:  # a fault of ours, or of a plugin, must not cost the other groups
            for seat in seats:
                conductor.on_end(seat.job, describe_fault(error))
            return False
        is_interrupted = False
        for seat in seats:
            ended = _conclude(seat)
            is_interrupted |= ended.status == "interrupted"
            conductor.on_end(seat.job, ended)
        return is_interrupted

    def _open(self, job: Job, conductor: Conductor, open_things: ExitStack) -> _Seat | None:
        """Return the seat of a job; None if another process has finished its run since it was handed out.

        Raises:
            HeldError: another process trains in its folder, or has begun to since it was handed out.
        """

        def on_epoch(record: EpochRecord) -> bool:
            return conductor.on_epoch(job, record)

        for plugin in job.recipe.run.plugins:
            load_plugin(plugin)
        folder, reporter = RunFolder(job.folder), Reporter(on_epoch)
        folder.path.mkdir(parents=True, exist_ok=True)
        open_things.enter_context(folder.locked())
        if folder.is_finished():
            return None
        if folder.checkpoint_file.exists():  # the next time it is gone on with, alone
            raise HeldError(f"Run {folder.path.name} was meanwhile trained by another process.")
        dataset = self._worker.load(job.recipe)
        run = begin_run(job.recipe, folder, observers=[reporter], dataset=dataset)
        training = lay_out_training(job.recipe, run.bench, run.streams, observers=run.observers)
        return _Seat(job, run, training, reporter)


def _fit(seats: Sequence[_Seat]) -> None:
    """Train runs of one form; one by itself in the usual loop."""
    if len(seats) > 1:
        fit_together([seat.training for seat in seats])
        return
    (seat,) = seats
    try:
        run = seat.run
        fit_bench(run.recipe, run.bench, run.streams, observers=run.observers, start=run.start)
    except (TrainingError, KeyboardInterrupt) as error:
        seat.training.ended_by = error


def _conclude(seat: _Seat) -> Ended:
    """Judge a run, write it down and return how it ended."""
    run = seat.run
    # the runs share their dataset, so the record of looks at its test set must become this run's again
    run.bench.splits.test.continue_record(run.folder.read_openings(), run.folder.log_opening)
    try:
        result, failure = conclude_run(run, seat.training.ended_by)
    except Exception as error:
        return describe_fault(error)
    if failure is not None:
        return Ended("failed", describe_failure(failure))
    if result.status == "finished":
        return Ended("finished")
    return Ended("stopped" if seat.reporter.has_stopped else "interrupted")


def count_threads(jobs: Sequence[Job], most: int) -> int:
    """Return the CPU threads of a group: those its runs would have had together, up to a limit."""
    return min(sum(job.recipe.run.threads or most for job in jobs), most)
