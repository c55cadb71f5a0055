"""The images of a run, measured and drawn: what a report says of its data."""

from collections.abc import Iterator

from loupe.data import Splits, build_augmentation
from loupe.data.normalization import Normalization, count_levels, measure_normalization
from loupe.figures.class_balance import MOST_CLASSES
from loupe.publishing.report_figure import Origin, ReportFigure, join_sentences
from loupe.publishing.table import ReportColumn, ReportTable
from loupe.reports.data_card import describe_balance, draw_data_figures
from loupe.runs import RunFolder, RunResult, load_model, name_run

_CHANNELS = ("red", "green", "blue")


def draw_data(folder: RunFolder, result: RunResult, splits: Splits) -> Iterator[ReportFigure]:
    """Yield images by class, one image of each, pixel values, and draws of the augmentation.

    Of the test images only counts by class are read.

    Args:
        folder: the run's folder.
        result: what it found.
        splits: its images.
    """
    recipe, train = folder.read_recipe(), splits.train
    counts = {
        "training": train.class_counts(),
        "validation": splits.validation.class_counts(),
        "test": splits.test.class_counts(),
    }
    counts = {
        name: of_split for name, of_split in counts.items() if sum(of_split)
    }  # a packed run has no test
    histogram = count_levels(train.images).numpy()
    normalization = measure_normalization(train.images)
    augmentations = [
        (choice.name, build_augmentation(choice.name, **choice.settings)) for choice in recipe.data.augment
    ]
    balance = describe_balance(train.class_names, counts["training"])
    figures = draw_data_figures(train, counts, histogram, normalization, augmentations, recipe.split_seed)
    used = histogram.sum(0).nonzero()[0]
    sizes = ", ".join(f"{sum(of_split):,} {name}" for name, of_split in counts.items())
    num_classes = len(train.class_names)
    which = (
        f"each of the first {MOST_CLASSES} of {num_classes:,} classes"
        if num_classes > MOST_CLASSES
        else "each class"
    )
    said = {
        "class_balance": (
            "data-classes",
            "Images by class",
            [f"Images by class: {sizes} images", balance],
        ),
        "one_per_class": (
            "data-images",
            "An image of each class",
            [f"One training image of {which}, drawn at random"],
        ),
        "pixel_values": (
            "data-pixels",
            "Pixel values",
            [f"How often each pixel value occurs in {len(train):,} training images, by channel; values go "
             f"from {used.min()} to {used.max()}, dotted lines are means"],
        ),
        "augmentations": (
            "data-augmentation",
            "Augmentation",
            ["Training images, and independent draws of their augmentation: "
             f"{', '.join(name for name, _ in augmentations)}", "Other images are never augmented"],
        ),
    }  # fmt: skip
    origin = Origin.of(folder, result)
    for key, figure in figures.items():
        name, title, sentences = said[key]
        caption = join_sentences([*sentences, f"Run {origin.name}, recipe {origin.recipe}"])
        yield ReportFigure(name, title, caption, figure)


def tabulate_normalization(run: RunFolder) -> ReportTable:
    """Return a row a channel: mean and deviation it is normalised with, and what pixels 0 and 255 become."""
    _, description = load_model(run)
    normalization = Normalization.from_dict(description["normalization"])
    mean, std = normalization.mean, normalization.std
    names = _CHANNELS if len(mean) == len(_CHANNELS) else tuple(f"channel {one}" for one in range(len(mean)))
    names = ("grey",) if len(mean) == 1 else names
    headings = ("channel", "mean", "deviation", "pixel 0 becomes", "pixel 255 becomes", "0 stands for pixel")
    columns = [ReportColumn(headings[0])]
    columns += [ReportColumn(one, digits=3 if one in ("mean", "deviation") else 2) for one in headings[1:-1]]
    columns.append(ReportColumn(headings[-1], digits=0))
    rows = tuple(
        (name, float(m), float(s), -m / s, (1 - m) / s, 255 * m)
        for name, m, s in zip(names, mean, std, strict=True)
    )
    caption = join_sentences(
        [
            "What normalisation makes of a pixel p from 0 to 255: (p / 255 − mean) / deviation",
            f"Run {name_run(run.path)}",
        ]
    )
    return ReportTable("normalization", caption, tuple(columns), rows)
