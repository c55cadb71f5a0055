"""Images beside what an autoencoder made of them, drawn."""

from collections.abc import Iterator

import numpy as np

from loupe.data import ImageDataset
from loupe.figures.image_grid import draw_image_grid
from loupe.publishing.report_figure import Origin, ReportFigure, join_sentences
from loupe.runs import RunFolder, RunResult
from loupe.wording import list_names

_KINDS = ("least error", "around the median", "most error")


def draw_reconstructions(
    folder: RunFolder, result: RunResult, validation: ImageDataset
) -> Iterator[ReportFigure]:
    """Yield the figure of validation images and what the network gave back; none of a classifier."""
    if result.best is None or result.objective == "classification":
        return
    made = folder.read_reconstructions()["validation"]
    indices = made.shown.tolist()
    third = len(indices) // 3 if len(indices) % 3 == 0 else 0
    groups = (
        [slice(start, start + third) for start in range(0, len(indices), third)] if third else [slice(None)]
    )
    kinds = _KINDS if third else ("",)
    pictures, titles, row_labels = [], [], []
    for group, kind in zip(groups, kinds, strict=True):
        some = indices[group]
        given = validation.images[some]
        for images, label in ((given, f"{kind}\nimage"), (made.pictures[group], "given back")):
            channels = 1 if images.shape[1] < 3 else 3
            pictures += list(images[:, :channels].permute(0, 2, 3, 1).numpy())
            row_labels.append(label.strip())
        titles += [validation.class_names[int(validation.labels[index])] for index in some]
        titles += [f"{float(made.errors[index]):.4f}" for index in some]
    columns = third or len(indices)
    figure = draw_image_grid(np.stack(pictures), titles, columns=columns, row_labels=row_labels)
    count = len(made.errors)
    sentences = [
        f"{len(indices)} of {count:,} validation images and, below each, what the network gave back, with "
        "the mean squared error per pixel" + (f": {list_names(_KINDS)}" if third else ""),
        Origin.of(folder, result).describe(),
    ]
    yield ReportFigure("reconstructions-validation", "Reconstructions", join_sentences(sentences), figure)
