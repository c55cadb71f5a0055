"""The filters of a layer every few epochs, from the random ones of the beginning to the last."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from loupe.errors import LoupeError, suggest
from loupe.observers import Observer, register_observer
from loupe.runs import RunFolder
from loupe.runs.filter_snapshots import FilterSnapshots, write_filter_snapshots
from loupe.training.state import TrainingState


@register_observer("filter-snapshots")
class KeptFilters(Observer):
    """Keeps a layer's filters before training, every few epochs, and at the end, in `filters.safetensors`.

    They are those of the network that is measured: of the average of the weights where one is kept. Report,
    page, `loupe figures` and `run.plot_filter_history()` show them. A resumed run keeps the snapshots of the
    epochs that it does not train again.

    Args:
        folder: the run's folder.
        every: epochs from one snapshot to the next, ≥ 1.
        layer: whose filters; the first layer that multiplies with weights if left out.
    """

    def __init__(
        self,
        folder: Path,
        every: Annotated[int, Field(ge=1, description="Epochs from one snapshot to the next, ≥ 1.")] = 1,
        layer: Annotated[
            str | None, Field(description="Whose filters; of the first layer that has some if left out.")
        ] = None,
    ) -> None:
        self._run, self._every, self._wanted = RunFolder(folder), every, layer
        self._layer = ""
        self._kept: dict[int, Tensor] = {}

    def on_fit_start(self, state: TrainingState, *, num_epochs: int, steps_per_epoch: int) -> None:
        self._layer = _find_filters(state.judged, self._wanted)
        before = self._run.read_filter_snapshots() if state.epoch else None
        if before is not None and before.layer == self._layer:
            self._kept = {
                epoch: one
                for epoch, one in before.weights.items()
                if epoch <= state.epoch and epoch % self._every == 0
            }
        if not self._kept:
            self._keep(state)

    def on_epoch_end(self, state: TrainingState) -> None:
        if state.epoch % self._every == 0:
            self._keep(state)

    def on_fit_end(self, state: TrainingState) -> None:
        if state.epoch not in self._kept:
            self._keep(state)

    def _keep(self, state: TrainingState) -> None:
        weight = state.judged.get_submodule(self._layer).weight
        assert isinstance(weight, Tensor)
        self._kept[state.epoch] = weight.detach().float().cpu().clone()
        write_filter_snapshots(self._run.filters_file, FilterSnapshots(self._layer, self._kept))


def _find_filters(model: nn.Module, wanted: str | None) -> str:
    """Return the layer whose filters are kept.

    Raises:
        LoupeError: there is none, or the one that was named has no filters.
    """
    able = [
        name
        for name, module in model.named_modules()
        if isinstance(weight := getattr(module, "weight", None), Tensor) and weight.ndim in (2, 4)
    ]
    if not able or (wanted is not None and wanted not in able):
        raise LoupeError(
            f"{wanted or type(model).__name__} has no filters to keep.",
            got=wanted,
            allowed=", ".join(able) or "a network with a convolution or a dense layer",
            nearest=suggest(wanted, able) if wanted else None,
            next_step="`loupe show` lists the layers",
        )
    return wanted or able[0]
