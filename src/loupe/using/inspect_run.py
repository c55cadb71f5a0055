"""`loupe inspect`: what the network of a run learned, as figures and one page."""

import re
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from loupe.data import ImageDataset
from loupe.data.dataset import find_classes
from loupe.data.image_files import Fit, prepare_image
from loupe.data.normalization import Normalization
from loupe.errors import LoupeError, UnknownNameError
from loupe.inspection.filters import list_filter_layers
from loupe.models.layer_table import describe_layers
from loupe.plugins import load_named_plugins, name_plugin_module
from loupe.reports.inside import (
    InsideFigure,
    Subject,
    choose_methods,
    show_explanations,
    show_filters,
    show_gates,
    show_maps,
    show_number,
    show_statistics,
    take_one_per_class,
)
from loupe.reports.inside_page import write_inside_page
from loupe.running.training_setup import load_validation_images
from loupe.runs import RunFolder, find_single_run, load_model, name_run
from loupe.using.classifier import find_bit_range, find_fit
from loupe.using.own_images import OwnImages

_MOST_LAYERS = 6
_MOST_CHANNELS, _MOST_CHANNELS_NAMED = 16, 128  # input channels of filters; a layer named is drawn in full
_OF_VALIDATION = "Images are validation images, so that looking at them costs no look at the test set."


def inspect_run(  # noqa: PLR0913 - what can be looked at, each by its name
    place: str | PathLike[str],
    *,
    image: Path | None = None,
    index: int | None = None,
    class_name: str | None = None,
    layers: Sequence[str] = (),
    number: str | None = None,
    why: Sequence[str] = (),
    own_scale: bool = False,
    out: Path = Path("inspections"),
    plugins: Sequence[str] = (),
    data: Path | None = None,
) -> Path:
    """Draw what the best weights of a run learned, and return the page that holds it all.

    The images are validation images, so that looking inside costs no look at the test set; without a choice
    there is one of each class.

    Args:
        place: a run's folder or name.
        image: a file to look at instead.
        index: number of a validation image, from 0.
        class_name: a class, for its first validation image.
        layers: layers to draw; some from first to last if left out.
        number: `layer,channel,row,column` of a number to take apart, or `layer,unit` of a dense layer.
        why: methods that say which pixels speak for the predicted class; some if nothing else is chosen.
        own_scale: give each filter and map a scale of its own.
        out: folder that receives a folder for the run, and in it one for the image that was chosen.
        plugins: Python files that register further explanations.
        data: where the run's images lie now; where they were if left out.

    Raises:
        LoupeError: no such run, image, class, layer or number.
    """
    plugins = load_named_plugins(plugins)  # first: one that changed since the run is trusted as it is now
    run = RunFolder(find_single_run(place))
    model, description = load_model(run)
    normalization = Normalization.from_dict(description["normalization"])
    validation = load_validation_images(run, data)
    recipe = run.read_recipe()
    reading = find_fit(recipe), find_bit_range(recipe)
    shown = choose_images(validation, description, reading, image=image, index=index, class_name=class_name)
    if image is not None:
        own = OwnImages(run, data)
        with own.one_look(f"inspect {image}"[:200]):
            own.note(own.list_keys(shown.images[0], image))
    subject = Subject(model, normalization, shown, validation, is_labelled=image is None)
    modules = [name_plugin_module(one) for one in (*run.read_recipe().run.plugins, *plugins)]
    figures = list(_draw(subject, layers, number, why, own_scale=own_scale, plugins=modules))
    looked_at = f"The image is {image.name}." if image else _OF_VALIDATION
    folder = out / name_run(run.path)
    chosen = _name_choice(image, index, class_name)
    channels, *size = subject.image_shape
    table = describe_layers(model, in_channels=channels, image_size=(size[0], size[1]))
    return write_inside_page(folder / chosen if chosen else folder, run, figures, looked_at, table)


def _name_choice(image: Path | None, index: int | None, class_name: str | None) -> str:
    """Return the folder for what was looked at, so that another image's figures stay; "" for one a class."""
    if image is not None:
        return "image-" + re.sub(r"[^\w.-]+", "-", image.name)
    if index is not None:
        return f"validation-{index}"
    return "" if class_name is None else "class-" + re.sub(r"[^\w.-]+", "-", class_name)


def _draw(
    subject: Subject,
    layers: Sequence[str],
    number: str | None,
    why: Sequence[str],
    *,
    own_scale: bool,
    plugins: Sequence[str],
) -> Iterator[InsideFigure]:
    if number is not None:
        yield show_number(subject, *parse_number(number))
    if why:
        yield from show_explanations(subject, why)
    if layers or not (number or why):
        yield from _draw_layers(subject, layers, own_scale=own_scale, plugins=plugins)


def _draw_layers(
    subject: Subject, layers: Sequence[str], *, own_scale: bool, plugins: Sequence[str]
) -> Iterator[InsideFigure]:
    drawable = list_filter_layers(subject.model, subject.image_shape)
    wanted = [layer for layer in layers if layer in drawable] if layers else drawable[:1]
    most_channels = _MOST_CHANNELS_NAMED if layers else _MOST_CHANNELS
    yield from show_filters(subject, wanted, own_scale=own_scale, most_channels=most_channels)
    maps = [layer for layer in layers if layer not in drawable or _is_convolution(subject, layer)]
    if maps or not layers:
        yield from show_maps(subject, maps or None, own_scale=own_scale, most_layers=_MOST_LAYERS)
    if not layers:
        yield from show_statistics(subject)
        yield from show_gates(subject)
        yield from show_explanations(subject, choose_methods(subject, plugins), is_asked=False)


def _is_convolution(subject: Subject, layer: str) -> bool:
    return getattr(subject.model.get_submodule(layer), "weight", torch.empty(0)).ndim == 4


def choose_images(
    validation: ImageDataset,
    description: dict[str, Any],
    reading: tuple[Fit | None, int | None],
    *,
    image: Path | None,
    index: int | None,
    class_name: str | None,
) -> ImageDataset:
    """Return the images to look at: a file, one validation image, or one of each class.

    Args:
        validation: to choose from.
        description: of the network.
        reading: how files come to the network's size, and the bits that their 16-bit values use.
        image: a file.
        index: of a validation image.
        class_name: of a class.

    Raises:
        LoupeError: more than one was asked for, or it is not there.
    """
    choices = {"--image": image, "--index": index, "--class": class_name}
    asked = [name for name, value in choices.items() if value is not None]
    if len(asked) > 1:
        raise LoupeError(
            "One image is looked at, and several were asked for.",
            got=", ".join(asked),
            allowed="one of --image, --index, --class; none of them shows one image of each class",
            next_step=f"leave out {asked[-1]}",
        )
    if image is not None:
        return read_image(image, description, *reading)
    if index is not None:
        if not 0 <= index < len(validation):
            raise LoupeError(
                f"There is no validation image {index}.",
                got=index,
                allowed=f"0 to {len(validation) - 1}",
                next_step="choose a number in that range",
            )
        return validation.select(torch.tensor([index]))
    if class_name is not None:
        counts = zip(validation.class_names, validation.class_counts(), strict=True)
        present = [name for name, count in counts if count]
        if class_name.casefold() not in [name.casefold() for name in present]:
            raise UnknownNameError("class", class_name, present, "choose one with validation images")
        (label,) = find_classes(validation.class_names, [class_name])
        return validation.select((validation.labels == label).nonzero()[0])
    return take_one_per_class(validation)


def read_image(
    file: Path, description: dict[str, Any], fit: Fit | None, bit_range: int | None = None
) -> ImageDataset:
    """Return an image file as a dataset of one, in the size and channels the network takes.

    Raises:
        LoupeError: the file is no image, or not of the network's size and `fit` says not how to change it.
    """
    height, width = description["image_size"]
    size, channels = (height, width), description["in_channels"]
    image = prepare_image(file, channels=channels, image_size=size, fit=fit, bit_range=bit_range)
    return ImageDataset(image[None], torch.zeros(1, dtype=torch.int64), (file.name,), str(file))


def parse_number(text: str) -> tuple[str, int, int, int]:
    """Return layer, channel, row and column of `layer,channel,row,column` or `layer,unit`.

    Raises:
        LoupeError: it is neither.
    """
    match = re.fullmatch(r"([\w.]+),(\d+)(?:,(\d+),(\d+))?", text.replace(" ", ""))
    if match is None:
        raise LoupeError(
            f"{text!r} names no number of a network.",
            got=text,
            allowed="layer,channel,row,column, such as conv1,3,10,10; or layer,unit for a dense layer",
            next_step="`loupe show` lists the layers and the shapes of their outputs",
        )
    layer, channel, row, column = match.groups()
    return layer, int(channel), int(row or 0), int(column or 0)
