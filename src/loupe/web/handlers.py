"""Looks into a network as the interface answers them."""

import io
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from loupe.data import ImageDataset
from loupe.errors import LoupeError
from loupe.evaluations import rank_mistakes, rank_uncertain
from loupe.inspection import EXPLANATIONS, find_layer, list_explanations
from loupe.inspection.explanations import describe_map
from loupe.metrics import Predictions as StoredPredictions
from loupe.plugins import name_plugin_module
from loupe.reports.pictures import encode_png
from loupe.using.drawing import DrawingStyle, measure_style
from loupe.using.look_inside import Look, explain_image, look, read_layer
from loupe.using.nearest_neighbours import find_nearest_neighbours
from loupe.using.opened_run import OpenedRun
from loupe.web.inside_answers import (
    Attribution,
    ExplanationChoice,
    Gallery,
    GalleryImage,
    Gate,
    InsideFacts,
    Inspection,
    Maps,
    NearestNeighbours,
    Prediction,
    SeenLayer,
    pack_numbers,
    show_image,
    sum_up,
)
from loupe.web.layer_answers import describe_row
from loupe.web.number_handlers import gives_answer, name_inputs

_PAGE_IMAGES = 48
MOST_MAPS, _MOST_VALUES = 64, 200_000  # of one page of maps: under a megabyte


def note_look(opened: OpenedRun, image: Tensor, content: bytes | None = None) -> None:
    """Count a look if an image is a test image of the run, once for all that is asked about it.

    Args:
        opened: the run.
        image: (channels, height, width) uint8, as its network takes it.
        content: of the file it came as.
    """
    with opened.asking():
        own = opened.own
        own.note_once(own.list_keys(image, io.BytesIO(content) if content is not None else None))


def describe_inside(opened: OpenedRun) -> InsideFacts:
    """Return what has to be known before an image is chosen."""
    validation, problem = _try_validation(opened)
    predictions = _fitting_predictions(opened, validation)
    is_classifier = opened.classifier is not None
    return InsideFacts(
        run=opened.run.path.name,
        objective="classification" if is_classifier else "reconstruction",
        model=opened.recipe.model.name,
        class_names=list(opened.class_names),
        in_channels=opened.in_channels,
        image_size=opened.image_size,
        fit=opened.fit,
        mean=list(opened.normalization.mean),
        std=list(opened.normalization.std),
        can_draw=opened.in_channels == 1,
        methods=_list_methods(opened) if is_classifier else [],
        num_validation=len(validation) if validation is not None else 0,
        num_mistakes=int((~predictions.is_right).sum()) if predictions is not None else None,
        counts=validation.class_counts() if validation is not None else [],
        problem=problem,
        epoch=opened.epoch,
    )


def _list_methods(opened: OpenedRun) -> list[ExplanationChoice]:
    plugins = [name_plugin_module(one) for one in opened.recipe.run.plugins]
    return [
        ExplanationChoice(name=name, title=EXPLANATIONS.facts(name)["title"])
        for name in list_explanations(plugins)
    ]


def _try_validation(opened: OpenedRun) -> tuple[ImageDataset | None, str]:
    try:
        return opened.validation, ""
    except LoupeError as error:
        return None, error.message


def _fitting_predictions(opened: OpenedRun, validation: ImageDataset | None) -> StoredPredictions | None:
    predictions = opened.predictions
    fits = predictions is not None and validation is not None and len(predictions.labels) == len(validation)
    return predictions if fits else None


def measure_drawings(opened: OpenedRun) -> DrawingStyle:
    """Return how the run's images are drawn; a guess where they are not at hand."""
    validation, _ = _try_validation(opened)
    return measure_style(validation.images) if validation is not None else DrawingStyle()


def predict(opened: OpenedRun, images: Tensor) -> list[Prediction]:
    """Return what a network says of (images, channels, height, width) uint8."""
    if opened.classifier is None:
        return [_describe_prediction(opened, look(opened, image)) for image in images]
    with opened.asking(), opened.own.counted():
        probabilities = opened.classifier.predict(images)
    return [_describe_classes(opened, row) for row in probabilities]


def _describe_classes(opened: OpenedRun, probabilities: Tensor) -> Prediction:
    values = probabilities.tolist()
    best = int(probabilities.argmax())
    return Prediction(
        class_name=opened.class_names[best],
        probability=values[best],
        probabilities=dict(zip(opened.class_names, values, strict=True)),
    )


def _describe_prediction(opened: OpenedRun, seen: Look) -> Prediction:
    if seen.probabilities is not None:
        return _describe_classes(opened, seen.probabilities)
    assert seen.remade is not None
    return Prediction(error=seen.error, remade=encode_png(seen.remade))


def inspect(opened: OpenedRun, image: Tensor, name: str) -> Inspection:
    """Return what a network makes of an image, layer by layer."""
    seen = look(opened, image)
    rows = {row.name: row for row in opened.layers.rows}
    layers = []
    for one in seen.layers:
        row, block = rows.get(one.name), one.name.rpartition(".")[0]
        layers.append(
            SeenLayer(
                name=one.name,
                kind=one.kind,
                block=block,
                block_kind=type(find_layer(opened.model, block)).__name__ if block else "",
                shape=list(one.output.shape),
                parameters=row.parameters if row else 0,
                multiply_adds=row.multiply_adds if row else 0,
                has_filters=one.has_filters,
                multiplies=one.multiplies,
                facts=describe_row(row),
                unit_names=list(opened.class_names) if gives_answer(opened, one.name) else [],
                input_names=name_inputs(opened, one.name),
                overview=pack_numbers(sum_up(one.output)),
            )
        )
    return Inspection(
        image=name,
        picture=encode_png(image),
        true_class=_find_true_class(opened, name),
        prediction=_describe_prediction(opened, seen),
        layers=layers,
        gates=[Gate(name=gate, weights=weights.tolist()) for gate, weights in seen.gates.items()],
    )


def _find_true_class(opened: OpenedRun, name: str) -> str | None:
    kind, _, number = name.partition("-")
    if kind != "validation":
        return None
    return opened.class_names[int(opened.validation.labels[int(number)])]


def list_maps(opened: OpenedRun, image: Tensor, layer: str, page: int) -> Maps:
    """Return a page of what a layer gives for an image, channel by channel."""
    maps = read_layer(opened, image, layer)
    kind = type(find_layer(opened.model, layer.partition("#")[0])).__name__
    return cut_page(layer, kind, maps, page, most=512 if maps[0].numel() == 1 else MOST_MAPS)


def cut_page(layer: str, kind: str, values: Tensor, page: int, *, most: int) -> Maps:
    """Return a page of (channels, …) values of a layer.

    Raises:
        LoupeError: there is no such page.
    """
    each = max(1, min(most, _MOST_VALUES // max(1, values[0].numel())))
    num_pages = math.ceil(len(values) / each)
    refuse_no_page(layer, page, num_pages)
    shown = pack_numbers(values[page * each : (page + 1) * each])
    finite = values[values.isfinite()]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    return Maps(
        layer=layer,
        kind=kind,
        first=page * each,
        total=len(values),
        page=page,
        num_pages=num_pages,
        maps=shown,
        low=low,
        high=high,
    )


def refuse_no_page(layer: str, page: int, num_pages: int) -> None:
    """Check that a layer has such a page.

    Raises:
        LoupeError: it has not.
    """
    if not 0 <= page < num_pages:
        raise LoupeError(
            f"The layer {layer!r} has no page {page}.",
            got=page,
            allowed=f"0 to {num_pages - 1}",
            next_step="choose a page in that range",
        )


def compute_attribution(opened: OpenedRun, image: Tensor, method: str, target: int | None) -> Attribution:
    """Return which pixels speak for a class."""
    found = explain_image(opened, image, method, target)
    return Attribution(
        method=method,
        target=opened.class_names[int(found.targets[0])],
        probability=float(found.probabilities[0]),
        is_signed=found.is_signed,
        note=describe_map(method, found.extras),
        map=pack_numbers(found.maps[0]),
    )


def list_images(
    opened: OpenedRun, *, true: int | None, predicted: int | None, only: str, page: int
) -> Gallery:
    """Return a page of validation images: all, or of a class, taken for a class, wrong, or unsure."""
    validation = opened.validation
    predictions = _fitting_predictions(opened, validation)
    order = torch.arange(len(validation))
    if only != "all" or predicted is not None:
        if predictions is None:
            raise LoupeError(
                "This run has no predictions to search among.",
                got=only,
                allowed="all, by class: a classifier's predictions come when its run has ended",
                next_step="leave out `only` and `predicted`",
            )
        order = rank_mistakes(predictions) if only == "mistakes" else order
        order = rank_uncertain(predictions) if only == "unsure" else order
    if true is not None:
        order = order[validation.labels[order] == true]
    if predicted is not None and predictions is not None:
        order = order[predictions.predicted[order] == predicted]
        order = order[predictions.confidence[order].argsort(descending=True, stable=True)]
    num_pages = max(1, math.ceil(len(order) / _PAGE_IMAGES))
    some = order[min(page, num_pages - 1) * _PAGE_IMAGES :][:_PAGE_IMAGES].tolist()
    return Gallery(
        total=len(order),
        page=min(page, num_pages - 1),
        num_pages=num_pages,
        images=[_show(validation, index, predictions) for index in some],
    )


def _show(images: ImageDataset, index: int, predictions: StoredPredictions | None) -> GalleryImage:
    names = images.class_names
    return show_image(
        "validation",
        images,
        index,
        predicted=names[int(predictions.predicted[index])] if predictions else None,
        probability=float(predictions.confidence[index]) if predictions else None,
    )


def list_nearest_neighbours(opened: OpenedRun, image: Tensor) -> NearestNeighbours:
    """Return the nearest training images."""
    found, train = find_nearest_neighbours(opened, image), opened.splits.train
    return NearestNeighbours(
        num_searched=found.num_searched,
        num_wanted=found.num_wanted,
        num_training=len(train),
        images=_show_neighbours(train, found.indices.tolist(), found.distances.tolist()),
    )


def _show_neighbours(
    train: ImageDataset, indices: Sequence[int], distances: Sequence[float]
) -> list[GalleryImage]:
    return [
        show_image("train", train, index, distance=distance)
        for index, distance in zip(indices, distances, strict=True)
    ]
