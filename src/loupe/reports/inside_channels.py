"""What single channels became and look for: filters along the training, and the images that excite each."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from loupe.data import EvaluationBatches, ImageDataset
from loupe.figures.exciting_images import ExcitedChannel, draw_exciting_images
from loupe.figures.filter_history import draw_filter_history
from loupe.inspection.exciting_images import ExcitingImages, find_exciting_images
from loupe.inspection.feature_maps import choose_shown_layers
from loupe.inspection.receptive_fields import ReceptiveFields, find_receptive_fields
from loupe.reports.inside import InsideFigure, Subject
from loupe.runs.filter_snapshots import FilterSnapshots
from loupe.wording import count_of, list_names

_MOST_CHANNELS = 12
_MOST_PICTURES = 6


def show_filter_history(snapshots: FilterSnapshots, image_shape: tuple[int, int, int]) -> InsideFigure:
    """Return the figure of a layer's filters along the training, a row an epoch.

    Args:
        snapshots: as the run kept them.
        image_shape: (channels, height, width) of its images.
    """
    weights = {epoch: one.numpy() for epoch, one in snapshots.shaped(image_shape).items()}
    figure = draw_filter_history(weights, snapshots.layer)
    caption = (
        "A row an epoch, a column a filter, from the random ones of the beginning; mid-grey is zero, one "
        "scale for all. At the right how far all filters of the layer have moved from there, as a share of "
        "how large they were."
    )
    heading = f"Filters of {snapshots.layer} along the training"
    return InsideFigure(f"filters-{snapshots.layer}-by-epoch", heading, caption, figure)


def show_exciting(
    subject: Subject,
    layers: Sequence[str] | None,
    *,
    most_layers: int,
    most_channels: int = _MOST_CHANNELS,
    most_pictures: int = _MOST_PICTURES,
) -> list[InsideFigure]:
    """Return a figure a layer: for each of its first channels the measured images that excite it most.

    Args:
        subject: the network, and the images to search.
        layers: their names; some from first to last if left out.
        most_layers: of these.
        most_channels: rows.
        most_pictures: columns.

    Raises:
        LoupeError: there is no such layer, or it has no channels.
    """
    chosen = layers or choose_shown_layers(subject.model, subject.inputs, most_layers)
    batches, found = subject.batches(), []
    for layer in chosen:
        exciting = find_exciting_images(subject.model, batches, layer, most_pictures)
        fields = find_receptive_fields(subject.model, subject.image_shape, layer.partition("#")[0])
        found.append(_draw(exciting, batches, fields, most_channels))
    return found


def _draw(
    exciting: ExcitingImages, batches: EvaluationBatches, fields: ReceptiveFields, most_channels: int
) -> InsideFigure:
    layer, total = exciting.layer, len(exciting.indices)
    silent = [channel for channel in range(total) if exciting.is_silent(channel)]
    shown = [channel for channel in range(total) if channel not in silent][:most_channels] or [0]
    rows = [_make_row(exciting, batches.dataset, fields, channel) for channel in shown]
    of = f"all {total}" if len(shown) == total else f"{len(shown)} of {total}"
    figure = draw_exciting_images(rows, f"{layer}: {of} channels, each with its most exciting images")
    caption = (
        f"Among {exciting.num_images:,} validation images those on which a channel of {layer} has its "
        "largest number, the largest first. The frame holds the pixels that this number depends on; without "
        "one it is the whole image."
    )
    if silent:
        are = "is" if len(silent) == 1 else "are"
        names = list_names([str(one) for one in silent[:8]]) + (" …" if len(silent) > 8 else "")
        caption += f" {count_of(len(silent), 'channel')} {are} never above zero and left out: {names}."
    return InsideFigure(f"exciting-{layer}", f"What excites the channels of {layer}", caption, figure)


def _make_row(
    exciting: ExcitingImages, images: ImageDataset, fields: ReceptiveFields, channel: int
) -> ExcitedChannel:
    indices = exciting.indices[channel]
    pixels = images.select(indices).pixels
    drawn = pixels[:, : 1 if pixels.shape[1] < 3 else 3].permute(0, 2, 3, 1).numpy()
    names = Counter(images.class_names[int(images.labels[index])] for index in indices.tolist())
    most = max(names.values())
    named = [name for name, count in names.items() if count == most]
    note = f"{named[0]}: {most} of {len(indices)}" if len(named) == 1 and most > 1 else "several classes"
    low, high = float(exciting.values[channel, -1]), float(exciting.values[channel, 0])
    places = exciting.places[channel].tolist()
    seen = [fields.find(row, column) for row, column in places]
    boxes = [(one.first_row, one.last_row, one.first_column, one.last_column) for one in seen]
    return ExcitedChannel(channel, np.ascontiguousarray(drawn), boxes, f"{note}\n{high:.2f} to {low:.2f}")
