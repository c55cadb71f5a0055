"""What a network learned, as figures with captions: for the report of a run and for `loupe inspect`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from loupe.data import EvaluationBatches, ImageDataset, take_stratified
from loupe.data.normalization import Normalization
from loupe.errors import LoupeError
from loupe.figures.arithmetic import draw_arithmetic
from loupe.figures.explanation_grid import MapColumn, draw_explanation_grid
from loupe.figures.feature_map_grid import draw_feature_maps, draw_maps_by_class
from loupe.figures.filter_grid import draw_filters
from loupe.figures.gate_weights import draw_gate_weights
from loupe.figures.layer_statistics import draw_layer_statistics
from loupe.inspection import (
    EXPLANATIONS,
    Explanation,
    compute_feature_maps,
    explain,
    list_explanations,
    measure_gates,
    measure_layers,
    read_filters,
    show_arithmetic,
)
from loupe.inspection.explanations import describe_map
from loupe.inspection.feature_maps import choose_shown_layers
from loupe.inspection.filters import list_filter_layers
from loupe.models.layer_table import describe_layers
from loupe.training.measure import evaluating

_MOST_WORK = 1e11  # multiply-adds to spend on figures over many images: seconds on a CPU
_MOST_IMAGES = 1000
_MOST_LAYERS_IN_REPORT = 3
_MOST_EXPLAINED = 5


@dataclass(frozen=True)
class InsideFigure:
    """A figure, what it is called as a file, and what stands above and below it on a page."""

    name: str
    heading: str
    caption: str
    figure: Figure


@dataclass(frozen=True)
class Subject:
    """A trained network and the images to look at it with.

    Args:
        model: on the CPU, in evaluation mode.
        normalization: what its input went through in training.
        shown: images to draw.
        measured: labelled images for figures over many of them.
        is_labelled: whether the labels of the images to draw are their classes.
    """

    model: nn.Module
    normalization: Normalization
    shown: ImageDataset
    measured: ImageDataset
    is_labelled: bool = True

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the images."""
        return self.shown.in_channels, *self.shown.image_size

    @property
    def inputs(self) -> Tensor:
        """The images to draw, as the network takes them."""
        return self.normalization.apply(self.shown.pixels)

    @property
    def pictures(self) -> list[np.ndarray]:
        """The images to draw, (height, width, 1 or 3) uint8; of two channels the first, of more three."""
        channels = self.shown.in_channels
        drawn = self.shown.pixels[:, : 1 if channels < 3 else 3]
        return list(drawn.permute(0, 2, 3, 1).numpy())

    @property
    def titles(self) -> list[str]:
        """The class of each image to draw."""
        return [self.shown.class_names[label] for label in self.shown.labels.tolist()]

    def batches(self) -> EvaluationBatches:
        """Return as many of the measured images as can be run in seconds."""
        channels, *size = self.image_shape
        layers = describe_layers(self.model, in_channels=channels, image_size=(size[0], size[1]))
        affordable = int(_MOST_WORK / max(1, layers.multiply_adds))
        count = max(20, min(_MOST_IMAGES, affordable))
        some = take_stratified(self.measured, count, seed=0)
        return EvaluationBatches(some, self.normalization, batch_size=100)


def take_one_per_class(images: ImageDataset, most: int = 10) -> ImageDataset:
    """Return the first image of each class, of the first classes if there are many."""
    classes = range(min(most, images.num_classes))
    firsts = [(images.labels == label).nonzero() for label in classes]
    return images.select(torch.cat([places[:1, 0] for places in firsts]))


def collect_inside(subject: Subject, plugins: Sequence[str] = ()) -> Iterator[InsideFigure]:
    """Yield what the report of a run shows: the first filters, some maps, statistics, gates, reasons.

    Args:
        subject: the network, and what to look at it with.
        plugins: modules of plugins whose explanations count.
    """
    drawable = list_filter_layers(subject.model, subject.image_shape)
    yield from show_filters(subject, drawable[:1], own_scale=False)
    yield from show_maps(subject, None, own_scale=False, most_layers=_MOST_LAYERS_IN_REPORT)
    yield from show_statistics(subject)
    yield from show_gates(subject)
    methods = choose_methods(subject, plugins)
    yield from show_explanations(subject, methods, most_images=_MOST_EXPLAINED, is_asked=False)


def show_filters(
    subject: Subject,
    layers: Sequence[str | None],
    *,
    own_scale: bool,
    most_channels: int = 16,
    most_filters: int | None = None,
) -> list[InsideFigure]:
    """Return a figure of filters a layer; None stands for the first layer that has some.

    Of a layer with more than `most_channels` input channels, or more than `most_filters` filters, the first
    ones are drawn; the title says so.

    Raises:
        LoupeError: a layer has none.
    """
    found = []
    for layer in layers:
        filters = read_filters(subject.model, layer, subject.image_shape)
        weights = filters.weights.numpy()
        figure = draw_filters(
            weights,
            filters.layer,
            own_scale=own_scale,
            most_channels=most_channels,
            most_filters=most_filters,
        )
        caption = (
            "Mid-grey is zero. "
            + ("Each filter has a scale of its own: shades of different filters cannot be compared."
               if own_scale else "All filters share one scale, so that shades can be compared.")
        )  # fmt: skip
        found.append(InsideFigure(f"filters-{filters.layer}", f"Filters of {filters.layer}", caption, figure))
    return found


def show_maps(
    subject: Subject, layers: Sequence[str] | None, *, own_scale: bool, most_layers: int
) -> list[InsideFigure]:
    """Return a figure of feature maps a layer: of one image every channel, of several a row an image.

    Raises:
        LoupeError: there is no such layer, or it gives no maps.
    """
    chosen = layers or choose_shown_layers(subject.model, subject.inputs, most_layers)
    found = []
    for one in compute_feature_maps(subject.model, subject.inputs, chosen) if chosen else []:
        maps = one.maps.numpy()
        if len(maps) == 1:
            figure = draw_feature_maps(
                subject.pictures[0], maps[0], one.layer, subject.titles[0], own_scale=own_scale
            )
            caption = "Every channel once, as the network computed it."
        else:
            figure = draw_maps_by_class(
                subject.pictures, maps, one.layer, subject.titles, own_scale=own_scale
            )
            caption = "A row an image, a column a channel, as the network computed them."
        found.append(InsideFigure(f"maps-{one.layer}", f"Feature maps of {one.layer}", caption, figure))
    return found


def show_statistics(subject: Subject) -> list[InsideFigure]:
    """Return the figure of sparsity, dead units and selectivity by layer; none without activations."""
    batches = subject.batches()
    measured = measure_layers(subject.model, batches, subject.measured.num_classes)
    if not measured:
        return []
    figure = draw_layer_statistics(
        [one.layer for one in measured],
        [one.sparsity for one in measured],
        [one.num_dead / one.num_units for one in measured],
        [one.selectivity for one in measured],
    )
    first, last = measured[0], measured[-1]
    caption = (
        f"Over {len(batches.dataset):,} validation images. A dead unit is zero for all of them. Class "
        "selectivity: 0 answers all classes alike, 100 answers one class only"
    )
    if first.selectivity is not None and last.selectivity is not None and len(measured) > 1:
        caption += f"; here it goes from {first.selectivity:.0%} in {first.layer} to {last.selectivity:.0%} "
        caption += f"in {last.layer}"
    return [InsideFigure("layer-statistics", "From first layer to last", caption + ".", figure)]


def show_gates(subject: Subject) -> list[InsideFigure]:
    """Return the figure of the weights that gates give to experts; none for a network without gates."""
    batches = subject.batches()
    gates = measure_gates(subject.model, batches, subject.measured.num_classes)
    if not gates:
        return []
    weights = [gate.by_class.numpy() for gate in gates]
    figure = draw_gate_weights(weights, [gate.layer for gate in gates], subject.measured.class_names)
    entropies = ", ".join(f"{gate.layer} {gate.entropy:.2f}" for gate in gates)
    caption = (
        f"Mean weight of each expert for the images of each class, over {len(batches.dataset):,} validation "
        f"images. Entropy of an image's weights, 1 where all experts count alike: {entropies}."
    )
    warnings = [gate.warning for gate in gates if gate.warning]
    caption += "".join(f" {warning[0].upper()}{warning[1:]}." for warning in warnings)
    return [InsideFigure("gates", "Which expert for which class", caption, figure)]


def choose_methods(subject: Subject, plugins: Sequence[str] = ()) -> list[str]:
    """Return the methods of explanation to show unasked: those that take seconds; none without classes.

    Args:
        subject: the network.
        plugins: modules of plugins that count.
    """
    inputs = subject.inputs[:1]
    with evaluating(subject.model):
        if subject.model(inputs).ndim != 2:
            return []
    channels, *size = subject.image_shape
    layers = describe_layers(subject.model, in_channels=channels, image_size=(size[0], size[1]))
    work = layers.multiply_adds * _MOST_EXPLAINED
    facts = {name: EXPLANATIONS.facts(name) for name in list_explanations(plugins)}
    return [
        name for name, one in facts.items() if one["is_default"] and work * one["num_passes"] < _MOST_WORK
    ]


def show_explanations(
    subject: Subject, methods: Sequence[str], *, most_images: int | None = None, is_asked: bool = True
) -> list[InsideFigure]:
    """Return the figure of what speaks for the predicted class, a column a method; none without methods.

    Args:
        subject: the network and the images.
        methods: names of methods.
        most_images: that are explained; all if left out.
        is_asked: whether somebody named the methods. If not, one that does not fit the network is left out.

    Raises:
        UnknownNameError: there is no such method.
        LoupeError: a method that was asked for does not fit the network, or its package is not installed.
    """
    inputs = subject.inputs[:most_images]
    found, failures = _explain(subject, inputs, methods, is_asked=is_asked)
    if not found:
        return []
    names, titles = subject.measured.class_names, []
    for target, probability, true in zip(
        found[0].targets.tolist(), found[0].probabilities.tolist(), subject.titles, strict=False
    ):
        is_wrong = subject.is_labelled and names[target] != true
        titles.append(f"{names[target]} {probability:.0%}" + (f"\nis {true}" if is_wrong else ""))
    columns = [MapColumn(one.method, one.maps.cpu().numpy(), one.is_signed) for one in found]
    figure = draw_explanation_grid(np.stack(subject.pictures[: len(inputs)]), titles, columns)
    caption = (
        "What speaks for the class the network names, with its probability. Amber speaks for it"
        + (", blue against it. " if any(one.is_signed for one in found) else ". ")
        + "".join(
            f"{EXPLANATIONS.facts(one.method)['title']}: {describe_map(one.method, one.extras)}. "
            for one in found
        )
        + "Each map has a range of its own. A map is what its method says, "
        + "and methods disagree: only one whose maps change with random weights in place of these depends "
        + "on what the network learned; Loupe's Python interface has a sanity check for that."
        + "".join(f" {failure}." for failure in failures)
    )
    return [InsideFigure("reasons", "Why this class", caption, figure)]


def _explain(
    subject: Subject, inputs: Tensor, methods: Sequence[str], *, is_asked: bool
) -> tuple[list[Explanation], list[str]]:
    """Return what each method finds, and in words which failed though they should fit."""
    found, failures = [], []
    for method in methods:
        try:
            found.append(explain(subject.model, inputs, method))
        except LoupeError as error:
            if is_asked:
                raise
            if error.__cause__ is not None:  # a fault, not one that does not fit this network
                failures.append(f"{error.message.rstrip('.')} ({error.got})")
    return found, failures


def show_number(subject: Subject, layer: str, channel: int, row: int, column: int) -> InsideFigure:
    """Return the figure of how one number came about, for the first of the images to draw.

    Raises:
        LoupeError: there is no such number.
    """
    shown = show_arithmetic(subject.model, subject.inputs[0], layer, channel, row, column)
    field = shown.receptive_field
    assert field is not None
    figure = draw_arithmetic(
        subject.pictures[0],
        (field.first_row, field.last_row, field.first_column, field.last_column),
        shown.window.numpy(),
        shown.weights.numpy(),
        shown.bias,
        [(step.layer, step.after) for step in shown.steps],
        f"{layer}, channel {channel}, row {row}, column {column}",
    )
    caption = (
        f"Products of input and weights, their sum and the bias: {shown.total:.5f}; the network itself has "
        f"{shown.value:.5f}. The frame holds all pixels the number can depend on."
    )
    return InsideFigure(f"number-{layer}-{channel}-{row}-{column}", f"One number of {layer}", caption, figure)
