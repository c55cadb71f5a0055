"""What picking the epoch on the test set would have claimed: shown on request, used for nothing."""

from loupe.data.batches import EvaluationBatches
from loupe.running.training_setup import TrainingSetup
from loupe.runs import RunFolder, TestPicking
from loupe.training import Observer, TrainingState
from loupe.training.measure import measure


class TestPicker(Observer):
    """Look at the test set after every epoch, on the record, without telling the training.

    Observers hand nothing back to `fit`, so what is seen here can select nothing.
    """

    __test__ = False  # not a test class, whatever pytest thinks of its name

    def __init__(self, folder: RunFolder, setup: TrainingSetup) -> None:
        self._folder = folder
        self._bench = setup
        self._accuracies = folder.read_test_looks()

    def on_fit_start(self, state: TrainingState, *, num_epochs: int, steps_per_epoch: int) -> None:
        # epochs after the checkpoint are trained, and looked at, again
        looked = self._accuracies.items()
        self._accuracies = {epoch: accuracy for epoch, accuracy in looked if epoch <= state.epoch}

    def on_epoch_end(self, state: TrainingState) -> None:
        test = self._bench.splits.test.open(f"show what picking on test would claim, epoch {state.epoch}")
        batches = EvaluationBatches(
            test.to(self._bench.device), self._bench.normalization, self._bench.validation.batch_size
        )
        measured = measure(state.judged, batches, precision=self._bench.precision)
        assert measured.accuracy is not None  # recipes of other objectives are refused
        self._accuracies[state.epoch] = measured.accuracy
        self._folder.write_test_looks(self._accuracies)

    def result(self) -> TestPicking | None:
        """Return the epoch that looks best on test; None before the first epoch."""
        if not self._accuracies:
            return None
        epoch = max(self._accuracies, key=lambda epoch: self._accuracies[epoch])
        return TestPicking(epoch, self._accuracies[epoch], len(self._accuracies))
