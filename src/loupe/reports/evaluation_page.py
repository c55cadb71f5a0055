"""The page of `loupe evaluate`: metrics and what evaluations found, in one file."""

from collections.abc import Sequence
from pathlib import Path

from loupe.data import ImageDataset
from loupe.evaluations import Looks
from loupe.metrics import MetricValue
from loupe.reports.looks import render_looks
from loupe.reports.page import write_page


def write_evaluation_page(
    path: Path,
    *,
    run_name: str,
    split: str,
    images: ImageDataset,
    level: float,
    metrics: Sequence[MetricValue],
    looks: Looks,
    warnings: Sequence[str],
) -> None:
    """Write the page.

    Args:
        path: the HTML file.
        run_name: how the run is called.
        split: "validation", "test", "other data".
        images: what the network was evaluated on; those of a test set are not shown.
        level: of intervals.
        metrics: what metrics say, the headline first.
        looks: what evaluations found.
        warnings: what a reader should know.
    """
    shown = {} if split == "test" else {split: images}
    write_page(
        path,
        "evaluation.html",
        run_name=run_name,
        split=split,
        num_images=len(images),
        source=images.source,
        level=level,
        metrics=metrics,
        warnings=warnings,
        findings=render_looks(looks, shown, images.class_names),
    )
