"""What a network learned, drawn for a report: filters, feature maps, statistics, gates, reasons."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from loupe.data import ImageDataset
from loupe.data.dataset import find_classes
from loupe.data.normalization import Normalization
from loupe.errors import LoupeError, UnknownNameError
from loupe.figures.maps_by_layer import draw_maps_by_layer
from loupe.inspection import compute_feature_maps
from loupe.inspection.feature_maps import choose_shown_layers
from loupe.inspection.filters import list_filter_layers
from loupe.plugins import name_plugin_module
from loupe.publishing.network_figure import choose_place, draw_network_of
from loupe.publishing.report_figure import Origin, ReportFigure, join_sentences
from loupe.reports.inside import (
    InsideFigure,
    Subject,
    choose_methods,
    show_explanations,
    show_filters,
    show_gates,
    show_maps,
    show_statistics,
    take_one_per_class,
)
from loupe.reports.inside_channels import show_exciting, show_filter_history
from loupe.runs import RunFolder, RunResult, load_model

_ROWS_OF_PAGE, _ROWS_OF_SLIDE = (24, 5), (10, 3)  # filters of a deeper layer, images explained
_MOST_FILTER_LAYERS, _MOST_MAP_LAYERS, _MOST_IMAGES, _MOST_EXCITED_LAYERS = 4, 4, 5, 2


@dataclass(frozen=True)
class ShownImages:
    """Which validation images are drawn.

    Args:
        images: the images.
        indices: their places in validation, from 0.
    """

    images: ImageDataset
    indices: tuple[int, ...]

    def name(self, place: int) -> str:
        """Return an image as part of a file's name: "validation-17-cat"."""
        return f"validation-{self.indices[place]}-{self.title(place)}"

    def title(self, place: int) -> str:
        """Return the class of an image."""
        return self.images.class_names[int(self.images.labels[place])]

    def describe(self) -> str:
        """Return which images these are, in words."""
        if len(self.indices) == 1:
            return f"Validation image {self.indices[0]}"
        return f"The first validation image of each of {len(self.indices)} classes"


def choose_shown(
    validation: ImageDataset, index: int | None = None, class_name: str | None = None
) -> ShownImages:
    """Return the validation images to draw: one by number, the first of a class, or one of each class.

    Raises:
        LoupeError: there is no such image or class.
    """
    if index is not None:
        if not 0 <= index < len(validation):
            raise LoupeError(
                f"There is no validation image {index}.",
                got=index,
                allowed=f"0 to {len(validation) - 1}",
                next_step="choose a number in that range",
            )
        indices = [index]
    elif class_name is not None:
        names = [
            name
            for name, count in zip(validation.class_names, validation.class_counts(), strict=True)
            if count
        ]
        if class_name.casefold() not in [name.casefold() for name in names]:
            raise UnknownNameError("class", class_name, names, "choose one with validation images")
        (label,) = find_classes(validation.class_names, [class_name])
        indices = (validation.labels == label).nonzero()[:1, 0].tolist()
    else:
        shown = take_one_per_class(validation)
        indices = [int((validation.labels == label).nonzero()[0]) for label in shown.labels.tolist()]
    return ShownImages(validation.select(torch.tensor(indices)), tuple(indices))


def open_subject(folder: RunFolder, validation: ImageDataset, shown: ShownImages) -> Subject:
    """Return a run's network and the images to look at it with."""
    model, description = load_model(folder)
    normalization = Normalization.from_dict(description["normalization"])
    return Subject(model, normalization, shown.images, validation)


def draw_inside(
    folder: RunFolder,
    result: RunResult,
    validation: ImageDataset,
    shown: ShownImages,
    *,
    is_slide: bool = False,
) -> Iterator[ReportFigure]:
    """Yield the figures of what the best weights learned.

    Args:
        folder: the run's folder.
        result: what it found.
        validation: its validation images.
        shown: those of them to draw.
        is_slide: whether there is room for a few rows only.
    """
    subject, origin = open_subject(folder, validation, shown), Origin.of(folder, result)
    which = shown.name(0) if len(shown.indices) == 1 else "one-per-class"
    rows, explained = _ROWS_OF_SLIDE if is_slide else _ROWS_OF_PAGE
    place = choose_place(subject)
    yield draw_network_of(
        subject, shown.name(place), shown.indices[place], origin, place=place, is_slide=is_slide
    )
    layers = list_filter_layers(subject.model, subject.image_shape)[:_MOST_FILTER_LAYERS]
    for one in show_filters(subject, layers, own_scale=False, most_filters=rows):
        yield _caption(one, one.name, [], origin)
    snapshots = folder.read_filter_snapshots()
    if snapshots is not None:
        history = show_filter_history(snapshots, subject.image_shape)
        yield _caption(history, history.name, [], origin)
    for one in show_maps(subject, None, own_scale=False, most_layers=_MOST_MAP_LAYERS):
        yield _caption(one, f"{one.name}-{which}", [shown.describe()], origin)
    yield from draw_maps_of_images(subject, shown, origin)
    for one in show_exciting(
        subject, None, most_layers=_MOST_EXCITED_LAYERS, most_channels=4 if is_slide else 12
    ):
        yield _caption(one, one.name, [], origin)
    for one in show_statistics(subject):
        yield _caption(one, one.name, [], origin)
    for one in show_gates(subject):
        yield _caption(one, one.name, [], origin)
    plugins = [name_plugin_module(one) for one in folder.read_recipe().run.plugins]
    methods = choose_methods(subject, plugins)
    for one in show_explanations(subject, methods, most_images=explained, is_asked=False):
        few = replace(shown, indices=shown.indices[:explained])
        yield _caption(one, f"{one.name}-{which}", [few.describe()], origin)


def draw_maps_of_images(
    subject: Subject, shown: ShownImages, origin: Origin, layers: Sequence[str] | None = None
) -> Iterator[ReportFigure]:
    """Yield for each of the first images a figure: the first maps of some layers, a row a layer."""
    chosen = layers or choose_shown_layers(subject.model, subject.inputs, _MOST_MAP_LAYERS)
    if not chosen:
        return
    found = compute_feature_maps(subject.model, subject.inputs[:_MOST_IMAGES], chosen)
    for place in range(min(_MOST_IMAGES, len(shown.indices))):
        maps = {one.layer: one.maps[place].numpy() for one in found}
        figure = draw_maps_by_layer(subject.pictures[place], maps, shown.title(place))
        sentences = [
            f"Validation image {shown.indices[place]}, of class {shown.title(place)}, and the first feature "
            f"maps of {', '.join(maps)}: a row a layer, one scale a row",
            origin.describe(),
        ]
        title = f"Feature maps of validation image {shown.indices[place]}"
        yield ReportFigure(f"layers-{shown.name(place)}", title, join_sentences(sentences), figure)


def _caption(one: InsideFigure, name: str, more: list[str], origin: Origin) -> ReportFigure:
    sentences = [one.heading, *more, one.caption, origin.describe()]
    return ReportFigure(name, one.heading, join_sentences(sentences), one.figure)
