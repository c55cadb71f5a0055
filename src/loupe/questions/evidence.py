"""What the answers about a run rest on."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from loupe.data.ledger import Looks as MachineLooks
from loupe.evaluations import Looks
from loupe.metrics import Predictions
from loupe.recipe import Recipe
from loupe.runs import RunResult
from loupe.training import EpochRecord


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a run folder holds, and what is known beside it.

    Args:
        recipe: of the run.
        result: what it found.
        history: of all epochs.
        looks: what evaluations found.
        validation_answers: of the best weights; None where they are not at hand.
        seeds: results of all seeds of the series it belongs to, its own among them.
        own_looks: how often the run looked at the test set; None where the record is missing.
        scaling: how `loupe calibrate` set the probabilities right since; "" if it did not.
        machine_looks: how often that test set was looked at on this machine; None where nobody knows.
    """

    recipe: Recipe
    result: RunResult
    history: Sequence[EpochRecord]
    looks: Looks = field(default_factory=Looks)
    validation_answers: Predictions | None = None
    seeds: Sequence[RunResult] = ()
    own_looks: int | None = 0
    scaling: str = ""
    machine_looks: MachineLooks | None = None

    @property
    def best_record(self) -> EpochRecord | None:
        """The epoch whose weights are the run's; None if no epoch was completed."""
        best = self.result.best
        return next((one for one in self.history if best is not None and one.epoch == best.epoch), None)
