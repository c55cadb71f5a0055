"""A dataset as one HTML page and some PNGs: measured, not typed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from loupe.data import Augmentation, ImageDataset, Splits
from loupe.data.normalization import PRESETS, Normalization, count_levels, measure_normalization
from loupe.figures.class_balance import MOST_CLASSES, draw_class_balance
from loupe.figures.image_grid import draw_image_grid
from loupe.figures.pixel_histogram import draw_pixel_histogram
from loupe.figures.style import save_figure
from loupe.reports.page import write_page
from loupe.reports.pictures import encode_bytes, encode_png
from loupe.runtime import Streams
from loupe.wording import name_tied, quote_name

_PREVIEWED_IMAGES, _PREVIEWED_DRAWS = 4, 7
_CLOSE = 0.002  # a preset's std within this of the measured one agrees with it


@dataclass(frozen=True)
class PresetRow:
    """Known constants beside the measured ones."""

    name: str
    normalization: Normalization
    origin: str
    verdict: str
    problem: str
    dataset: str

    @property
    def is_wrong(self) -> bool:
        return bool(self.problem)


def write_data_card(
    folder: Path,
    *,
    title: str,
    splits: Splits,
    augmentations: Sequence[tuple[str, Augmentation]],
    seed: int,
    origin: str = "",
    problems: Sequence[str] = (),
) -> Path:
    """Write `card.html` and its PNGs, and return the page's path.

    Of the test images only counts by class are read; the test set stays locked.

    Args:
        folder: receives the files; made if it is not there.
        title: heading of the page.
        splits: the images.
        augmentations: name and augmentation, in order, for the preview.
        seed: decides which images and draws are shown.
        origin: author, year, address and licence of the data.
        problems: what is wrong with the split, in sentences.
    """
    folder.mkdir(parents=True, exist_ok=True)
    train = splits.train
    normalization = measure_normalization(train.images)
    counts = {
        "training": train.class_counts(),
        "validation": splits.validation.class_counts(),
        "test": splits.test.class_counts(),
    }
    histogram = count_levels(train.images).numpy()
    used = histogram.sum(0).nonzero()[0]
    figures = draw_data_figures(train, counts, histogram, normalization, augmentations, seed)
    pictures = {}
    for name, figure in figures.items():
        path = folder / f"{name}.png"
        save_figure(figure, path)
        pictures[name] = encode_bytes(path.read_bytes())
    page = folder / "card.html"
    write_page(
        page,
        "data_card.html",
        card_title=title,
        train=train,
        origin=origin,
        counts=counts,
        draws=splits.draws,
        problems=problems,
        balance=describe_balance(train.class_names, counts["training"]),
        normalization=normalization,
        normalized_range=describe_range(normalization),
        used_values=[int((of_channel > 0).sum()) for of_channel in histogram],
        extremes=[int(used.min()), int(used.max())],
        presets=compare_presets(normalization),
        digests={
            "training": train.digest,
            "validation": splits.validation.digest,
            "test": splits.test.digest,
        },
        pictures=pictures,
        examples=_show_examples(train, seed),
        augmentations=[(name, str(augmentation)) for name, augmentation in augmentations],
    )
    return page


def draw_data_figures(
    train: ImageDataset,
    counts: Mapping[str, Sequence[int]],
    histogram: np.ndarray,
    normalization: Normalization,
    augmentations: Sequence[tuple[str, Augmentation]],
    seed: int,
) -> dict[str, Figure]:
    """Return the figures of a data card: class balance, an image of each class, pixel values, augmentation.

    Args:
        train: the training images.
        counts: images of each class, by split.
        histogram: (channels, 256) number of pixels of each value.
        normalization: measured on the training images.
        augmentations: name and augmentation, in order; none gives no figure of them.
        seed: decides which images and draws are shown.
    """
    streams = Streams(seed)
    sample = _pick_examples(train, streams)
    figures = {
        "class_balance": draw_class_balance(train.class_names, counts),
        "one_per_class": draw_image_grid(
            _to_pixels(train.images[sample]),
            [f"{label}: {train.class_names[label]}" for label in train.labels[sample].tolist()],
            columns=min(5, len(sample)),
        ),
        "pixel_values": draw_pixel_histogram(histogram, [255 * mean for mean in normalization.mean]),
    }
    if augmentations:
        figures["augmentations"] = _draw_augmentations(train, augmentations, streams)
    return figures


def _show_examples(train: ImageDataset, seed: int) -> list[tuple[str, str]]:
    """Return for each class, as far as figures have them, its name and the picture that stands for it."""
    sample = _pick_examples(train, Streams(seed))
    return [(train.class_names[int(train.labels[one])], encode_png(train.images[one])) for one in sample]


def _pick_examples(train: ImageDataset, streams: Streams) -> Tensor:
    return pick_one_per_class(train, streams.generator("one per class"))[:MOST_CLASSES]


def pick_one_per_class(dataset: ImageDataset, generator: torch.Generator) -> Tensor:
    """Return the index of one random image of each class that has any, (classes,) int64."""
    order = torch.randperm(len(dataset), generator=generator)
    _, first = np.unique(dataset.labels[order].numpy(), return_index=True)
    return order[torch.from_numpy(first)]


def compare_presets(measured: Normalization) -> list[PresetRow]:
    """Return the presets with as many channels, each judged against the measured constants."""
    rows = []
    for name, preset in PRESETS.items():
        known = preset.normalization
        if len(known.std) != len(measured.std):
            continue
        ratios = [100 * (a / b - 1) for a, b in zip(known.std, measured.std, strict=True)]
        off = max(abs(a - b) for a, b in zip(known.std, measured.std, strict=True))
        if off <= _CLOSE:
            verdict = "agrees with the training split"
        else:
            verdict = f"std {', '.join(f'{ratio:+.0f} %' for ratio in ratios)} against the training split"
        rows.append(PresetRow(name, known, preset.origin, verdict, preset.problem, preset.dataset))
    return rows


def describe_balance(class_names: Sequence[str], counts: Sequence[int]) -> str:
    """Return one sentence on class balance, from all classes."""
    least, most = min(counts), max(counts)
    if least == most:
        return f"Balanced: every class has {most:,} training images."
    if most - least <= 1:
        return f"Balanced: every class has {least:,} or {most:,} training images."
    pairs, largest = list(zip(class_names, counts, strict=True)), class_names[list(counts).index(most)]
    word = "Nearly balanced" if most <= 1.1 * least else "Unbalanced"
    largest, share = quote_name(largest), most / sum(counts)
    return (
        f"{word}: from {least:,} training images ({name_tied(pairs, least)}) to {most:,} "
        f"({name_tied(pairs, most)}). "
        f"Always saying {largest} would be right for {100 * share:.1f} % of them."
    )


def describe_range(normalization: Normalization) -> list[str]:
    """Return what pixel 0 and 255 become in each channel."""
    ends = zip(normalization.mean, normalization.std, strict=True)
    return [f"{-mean / std:.2f} to {(1 - mean) / std:.2f}" for mean, std in ends]


def _to_pixels(images: Tensor) -> np.ndarray:
    """Return (images, channels, height, width) as (images, height, width, channels) uint8 for drawing."""
    return images[:, :3].permute(0, 2, 3, 1).numpy()


def _draw_augmentations(
    train: ImageDataset, augmentations: Sequence[tuple[str, Augmentation]], streams: Streams
) -> Figure:
    classes = pick_one_per_class(train, streams.generator("one per class"))[:_PREVIEWED_IMAGES]
    rows = []
    generator = streams.generator("augment")
    for index in classes:
        image = train.images[index]
        batch = image.expand(_PREVIEWED_DRAWS, *image.shape).contiguous()
        for _, augmentation in augmentations:
            batch = augmentation.apply(batch, augmentation.draw(batch, generator))
        rows += [image[None], batch]
    titles = ["original"] + [f"draw {number}" for number in range(1, _PREVIEWED_DRAWS + 1)]
    titles += [""] * (len(titles) * (len(classes) - 1))  # column headings stand above the first row only
    labels = [train.class_names[int(train.labels[index])] for index in classes]
    return draw_image_grid(
        _to_pixels(torch.cat(rows)), titles, columns=_PREVIEWED_DRAWS + 1, row_labels=labels
    )
