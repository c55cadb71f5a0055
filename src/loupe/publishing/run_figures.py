"""Every figure that the report of a run shows, drawn for a page or a slide."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from loupe.data import ImageDataset, Splits
from loupe.errors import LoupeError
from loupe.publishing.class_figures import draw_classes
from loupe.publishing.curve_figures import draw_charts
from loupe.publishing.data_figures import draw_data
from loupe.publishing.inside_figures import choose_shown, draw_inside, open_subject
from loupe.publishing.look_figures import draw_looks
from loupe.publishing.network_figure import choose_place
from loupe.publishing.reconstruction_figures import draw_reconstructions
from loupe.publishing.report_figure import Origin, ReportFigure
from loupe.publishing.theory_figures import TheoryFigures
from loupe.reports.earlier_looks import read_looks
from loupe.running.recipe_data import load_run_splits, load_validation_images
from loupe.runs import RunFolder, RunResult
from loupe.runs.plugins import load_run_plugins


@dataclass
class RunFigures:
    """The figures of a run, one after the other, and what was left out.

    Args:
        folder: the run's folder.
        data: where its images lie now; where they were if left out.
        index: the validation image to look at; one of each class if neither it nor `class_name` is given.
        class_name: the class whose first validation image to look at.
        is_slide: whether there is room for a few rows only.
        is_theory: whether to draw what a chapter on theory shows, in place of the results.
        left_out: why figures are missing, in words; filled while they are drawn.
    """

    folder: RunFolder
    data: Path | None = None
    index: int | None = None
    class_name: str | None = None
    is_slide: bool = False
    is_theory: bool = False
    left_out: list[str] = field(default_factory=list)

    def draw(self) -> Iterator[ReportFigure]:
        """Yield the figures, in the order of the report.

        Raises:
            LoupeError: no result yet, or no such image or class.
        """
        result = self.folder.require_result()
        if self.is_theory:
            yield from self._draw_theory(result)
            return
        yield from draw_charts(self.folder, result)
        yield from draw_classes(self.folder, result)
        if result.best is None:
            return
        splits = self._load_splits()
        validation = splits.validation if splits is not None else self._load_validation()
        if validation is None:
            return
        shown = choose_shown(validation, self.index, self.class_name)
        if splits is not None:
            yield from draw_data(self.folder, result, splits)
        yield from self._draw_looks(result, validation)
        yield from draw_reconstructions(self.folder, result, validation)
        try:
            yield from draw_inside(self.folder, result, validation, shown, is_slide=self.is_slide)
        except LoupeError as error:
            self.left_out.append(f"not all figures of the inside could be drawn: {error.message}")

    def _draw_theory(self, result: RunResult) -> Iterator[ReportFigure]:
        validation = self._load_validation()
        if validation is None:
            return
        shown = choose_shown(validation, self.index, self.class_name)
        subject = open_subject(self.folder, validation, shown)
        one = choose_shown(validation, shown.indices[choose_place(subject)])
        subject, origin = replace(subject, shown=one.images), Origin.of(self.folder, result)
        theory = TheoryFigures(subject, one.indices[0], origin, self.left_out, is_slide=self.is_slide)
        yield from theory.draw()

    def _load_splits(self) -> Splits | None:
        """Return the run's images, the test set locked; None if some of them are not there."""
        try:
            load_run_plugins(self.folder)
            return load_run_splits(self.folder, self.data)
        except LoupeError:
            return None  # the validation images alone may be there, or say what is wrong

    def _load_validation(self) -> ImageDataset | None:
        try:
            load_run_plugins(self.folder)
            return load_validation_images(self.folder, self.data)
        except LoupeError as error:
            self.left_out.append(f"figures that need the run's images: {error.message}")
            return None

    def _draw_looks(self, result: RunResult, validation: ImageDataset) -> Iterator[ReportFigure]:
        looks = read_looks(self.folder, result, validation)
        origin = Origin.of(self.folder, result)
        yield from draw_looks(looks, {"validation": validation}, validation.class_names, origin)
        for look in looks.looks:
            if look.failure:
                self.left_out.append(f"{look.heading}: {look.failure}")
            elif any(block.kind == "drawing" for block in look.blocks):
                self.left_out.append(f"{look.heading}: a plugin's picture, which the report has as it is")
