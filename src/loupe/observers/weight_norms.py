"""How large the weights of each layer are, after every epoch."""

import csv
import io
from pathlib import Path

from loupe.observers import Observer, register_observer
from loupe.runs.reading import read_text, reading
from loupe.training.state import TrainingState


@register_observer("weight-norms")
class WeightNorms(Observer):
    """Writes the Euclidean norm of every trained tensor after each epoch to `weight-norms.csv`.

    One row an epoch, one column a tensor, named as in the network's `state_dict`. A resumed run keeps the
    rows of the epochs that it does not train again.

    Args:
        folder: the run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "weight-norms.csv"

    def on_fit_start(self, state: TrainingState, *, num_epochs: int, steps_per_epoch: int) -> None:
        kept: list[list[str]] = []
        if state.epoch and self._file.exists():
            with reading(self._file, f"delete {self._file.name}: rows of earlier epochs are then missing"):
                rows = list(csv.reader(io.StringIO(read_text(self._file))))
                kept = [row for row in rows[1:] if row and int(row[0]) <= state.epoch]
        with self._file.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["epoch", *(name for name, _ in state.model.named_parameters())])
            writer.writerows(kept)

    def on_epoch_end(self, state: TrainingState) -> None:
        norms = [float(weights.detach().norm()) for weights in state.model.parameters()]
        with self._file.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerow([state.epoch, *norms])
