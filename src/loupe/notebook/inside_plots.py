"""What a run's network learned, drawn: filters and their history, maps, images that excite channels."""

from collections.abc import Callable
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loupe.data import ImageDataset
from loupe.errors import LoupeError
from loupe.notebook.drawing import embed_figure
from loupe.publishing.inside_figures import choose_shown, open_subject
from loupe.reports.inside import InsideFigure, show_filters, show_maps
from loupe.reports.inside_channels import show_exciting, show_filter_history
from loupe.running.recipe_data import load_validation_images
from loupe.runs import RunFolder, load_model
from loupe.runs.plugins import load_run_plugins


class InsidePlots(RunFolder):
    """A run on disk that draws the inside of its network."""

    def plot_filters(
        self, layer: str | None = None, *, own_scale: bool = False, ax: Axes | None = None
    ) -> Figure:
        """Draw the filters of a layer; of the first that has some if it is left out."""
        return self._show_inside(
            lambda subject: show_filters(subject, [layer], own_scale=own_scale, most_filters=32), ax
        )

    def plot_filter_history(self, *, ax: Axes | None = None) -> Figure:
        """Draw a layer's filters along the training, a row an epoch.

        Raises:
            LoupeError: the run kept none.
        """
        snapshots = self.read_filter_snapshots()
        if snapshots is None:
            raise LoupeError(
                f"Run {self.path.name} kept no filters along its training.",
                got="no filters.safetensors",
                allowed="a run with the observer filter-snapshots",
                next_step='train with "run.observers=filter-snapshots"',
            )
        _, description = load_model(self)
        shape = (description["in_channels"], *description["image_size"])
        return embed_figure(show_filter_history(snapshots, shape).figure, ax)

    def plot_exciting_images(
        self, layer: str | None = None, *, most_channels: int = 12, ax: Axes | None = None
    ) -> Figure:
        """Draw for each channel of a layer the validation images that excite it most.

        Args:
            layer: its name; one of the first if left out.
            most_channels: channels to draw, from the first that is ever above zero.
            ax: axes to draw into.
        """
        layers = [layer] if layer else None
        return self._show_inside(
            lambda subject: show_exciting(subject, layers, most_layers=1, most_channels=most_channels), ax
        )

    def plot_feature_maps(
        self,
        layer: str | None = None,
        *,
        index: int | None = None,
        class_name: str | None = None,
        own_scale: bool = False,
        ax: Axes | None = None,
    ) -> Figure:
        """Draw what a layer makes of validation images: one of each class, or every channel for one image.

        Args:
            layer: its name; one of the first if left out.
            index: a validation image, by number from 0.
            class_name: the first validation image of this class.
            own_scale: give each map a scale of its own.
            ax: axes to draw into.
        """
        layers = [layer] if layer else None
        return self._show_inside(
            lambda subject: show_maps(subject, layers, own_scale=own_scale, most_layers=1),
            ax,
            index=index,
            class_name=class_name,
        )

    def load_validation(self) -> ImageDataset:
        """Return the run's validation images.

        Raises:
            LoupeError: they are gone, or not what they were.
        """
        load_run_plugins(self)
        return load_validation_images(self)

    def _show_inside(
        self,
        show: Callable[[Any], list[InsideFigure]],
        ax: Axes | None,
        *,
        index: int | None = None,
        class_name: str | None = None,
    ) -> Figure:
        validation = self.load_validation()
        subject = open_subject(self, validation, choose_shown(validation, index, class_name))
        drawn = show(subject)
        if not drawn:
            raise LoupeError(
                "There is nothing to draw.", got=self.path.name, allowed="a network with such layers",
                next_step="`loupe show` lists the layers",
            )  # fmt: skip
        return embed_figure(drawn[0].figure, ax)
