"""Progress of a training where somebody watches: a bar of plain text, in terminals and notebooks."""

import os
import sys
from collections.abc import Sequence

from tqdm import tqdm

from loupe.running import RunObserver
from loupe.training import TrainingState

VARIABLE = "LOUPE_PROGRESS"
"""Set to 0, no training shows its progress; to 1, every one does."""


class TextProgress(RunObserver):
    """A bar over all steps of a training, with the last epoch's validation loss and accuracy behind it.

    Warnings come before the first step, each once for all seeds; while the network is judged a line says what
    is done.
    """

    def __init__(self) -> None:
        self._bar: tqdm | None = None
        self._steps_per_epoch = 0
        self._epoch = 0
        self._warned: set[str] = set()

    def on_warnings(self, warnings: Sequence[str]) -> None:
        for warning in warnings:
            if warning not in self._warned:
                tqdm.write(f"warning: {warning}", file=sys.stderr)
                self._warned.add(warning)

    def on_judging(self, step: str) -> None:
        if self._bar is None:
            self._bar = tqdm(
                bar_format="judging: {desc} [{elapsed}]", file=sys.stderr, dynamic_ncols=True, leave=False
            )
        self._bar.set_description_str(step)

    def on_fit_start(self, state: TrainingState, *, num_epochs: int, steps_per_epoch: int) -> None:
        self.close()  # the seed before
        self._steps_per_epoch, self._epoch = steps_per_epoch, state.epoch
        total = num_epochs * steps_per_epoch
        self._bar = tqdm(
            total=total,
            initial=state.epoch * steps_per_epoch,
            unit="step",
            file=sys.stderr,
            mininterval=0.2,
            dynamic_ncols=True,
            desc=f"epoch {state.epoch + 1}/{num_epochs}",
        )
        self._num_epochs = num_epochs

    def on_step(self, step: int) -> None:
        if self._bar is not None:
            self._bar.update(self._epoch * self._steps_per_epoch + step - self._bar.n)

    def on_epoch_end(self, state: TrainingState) -> None:
        self._epoch = state.epoch
        if self._bar is None:
            return
        record = state.history[-1]
        shown = {"validation loss": f"{record.validation_loss:.4f}"}
        if record.validation_accuracy is not None:
            shown["accuracy"] = f"{100 * record.validation_accuracy:.2f} %"
        self._bar.set_description(
            f"epoch {min(state.epoch + 1, self._num_epochs)}/{self._num_epochs}", refresh=False
        )
        self._bar.set_postfix(shown)

    def on_fit_end(self, state: TrainingState) -> None:
        self.close()

    def close(self) -> None:
        """Leave what stands on the screen and stop drawing; safe to call more than once."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def is_watched(progress: bool | None = None) -> bool:
    """Return whether to show progress: as asked for, as `LOUPE_PROGRESS` says, else where somebody sees it.

    Args:
        progress: True or False; None asks the variable, then shows it in terminals and notebooks.
    """
    if progress is not None:
        return progress
    said = os.environ.get(VARIABLE, "")
    if said:
        return said.casefold() not in ("0", "false", "no", "off")
    return is_notebook() or sys.stderr.isatty()


def is_notebook() -> bool:
    """Return whether code runs in a notebook's kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell"
