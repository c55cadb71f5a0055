"""What single channels of a layer are: their filters, along the training too, and what excites them."""

import math

from pydantic import BaseModel, Field

from loupe.errors import LoupeError
from loupe.inspection import find_layer, read_filters
from loupe.using.exciting_images import ExcitedLayer, find_run_exciting_images
from loupe.using.opened_run import OpenedRun
from loupe.web.handlers import MOST_MAPS, cut_page, refuse_no_page
from loupe.web.inside_answers import GalleryImage, Maps, show_image

_CHANNELS_OF_PAGE = 12


class Filters(Maps):
    """Some filters of a layer."""

    epochs: list[int] = Field([], description="At which filters were kept along the training; 0 is before.")
    epoch: int | None = Field(None, description="Whose filters these are; None: the best weights.")


class ExcitingImage(BaseModel):
    """An image that excites a channel."""

    image: str = Field(description="Which of `pictures`.")
    value: float = Field(description="The largest number of the channel's map.")
    place: tuple[int, int] = Field(description="Its row and column on the map.")
    field: tuple[int, int, int, int] = Field(
        description="The pixels it depends on: first row, last row, first column, last column."
    )


class ExcitedChannel(BaseModel):
    """A channel and what excites it most."""

    channel: int
    is_silent: bool = Field(description="Whether it is never above zero.")
    images: list[ExcitingImage]


class Exciting(BaseModel):
    """For some channels of a layer the validation images that excite them most."""

    layer: str
    total: int = Field(description="Channels of the layer.")
    page: int
    num_pages: int
    num_images: int = Field(description="Validation images that were searched.")
    channels: list[ExcitedChannel]
    pictures: list[GalleryImage]


def list_filters(opened: OpenedRun, layer: str, page: int, epoch: int | None = None) -> Filters:
    """Return a page of a layer's filters, each with all its input channels.

    Args:
        opened: the run.
        layer: name of the layer.
        page: from 0.
        epoch: one at which its filters were kept; those of the best weights if left out.

    Raises:
        LoupeError: no such layer or page, or its filters were not kept at that epoch.
    """
    filters = read_filters(opened.model, layer, opened.shape)
    snapshots = opened.run.read_filter_snapshots()
    is_kept = snapshots is not None and snapshots.layer == layer
    kept = snapshots.shaped(opened.shape) if snapshots is not None and is_kept else {}
    if epoch is not None and epoch not in kept:
        raise LoupeError(
            f"The filters of {layer} were not kept at epoch {epoch}.",
            got=epoch,
            allowed=", ".join(map(str, kept)) or "the best weights only",
            next_step="train with the observer filter-snapshots" if not kept else "choose one of these",
        )
    kind = type(find_layer(opened.model, layer)).__name__
    values = filters.weights if epoch is None else kept[epoch]
    found = cut_page(layer, kind, values, page, most=MOST_MAPS)
    every = [filters.weights, *kept.values()]  # one scale for all epochs
    low, high = min(float(one.min()) for one in every), max(float(one.max()) for one in every)
    return Filters(**{**dict(found), "low": low, "high": high}, epochs=sorted(kept), epoch=epoch)


def list_exciting(opened: OpenedRun, layer: str, page: int) -> Exciting:
    """Return for a page of a layer's channels the validation images that excite them most.

    Raises:
        LoupeError: no such layer or page, or the run's images are gone.
    """
    excited = find_run_exciting_images(opened, layer)
    total = len(excited.found.indices)
    num_pages = math.ceil(total / _CHANNELS_OF_PAGE)
    refuse_no_page(layer, page, num_pages)
    first = page * _CHANNELS_OF_PAGE
    channels = [
        _describe(excited, channel) for channel in range(first, min(total, first + _CHANNELS_OF_PAGE))
    ]
    shown = sorted({int(one.image.partition("-")[2]) for channel in channels for one in channel.images})
    images = excited.images
    return Exciting(
        layer=layer,
        total=total,
        page=page,
        num_pages=num_pages,
        num_images=excited.found.num_images,
        channels=channels,
        pictures=[show_image("validation", images, index) for index in shown],
    )


def _describe(excited: ExcitedLayer, channel: int) -> ExcitedChannel:
    found, images = excited.found, []
    rows = zip(
        found.indices[channel].tolist(),
        found.values[channel].tolist(),
        found.places[channel].tolist(),
        strict=True,
    )
    for index, value, (row, column) in rows:
        seen = excited.fields.find(row, column)
        images.append(
            ExcitingImage(
                image=f"validation-{excited.searched[index]}",
                value=value,
                place=(row, column),
                field=(seen.first_row, seen.last_row, seen.first_column, seen.last_column),
            )
        )
    return ExcitedChannel(channel=channel, is_silent=found.is_silent(channel), images=images)
