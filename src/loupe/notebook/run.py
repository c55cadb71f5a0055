"""A run that draws itself, and gives its tables."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loupe.errors import LoupeError
from loupe.evaluations import Chart, Gallery, Look, Looks
from loupe.figures.class_balance import MOST_CLASSES
from loupe.figures.class_bars import ClassBar, draw_class_bars, plot_class_bars
from loupe.figures.confusion_matrix import draw_confusion, plot_confusion
from loupe.figures.line_chart import Curve, plot_lines
from loupe.figures.style import new_axes, new_figure
from loupe.markup import render_card
from loupe.metrics import Metrics
from loupe.notebook.drawing import embed_figure, figure_of
from loupe.notebook.inside_plots import InsidePlots
from loupe.publishing import ReportTable, gather_tables
from loupe.publishing.class_figures import list_scores, measure_classes, pick_worst
from loupe.publishing.curve_figures import list_charts, plot_chart
from loupe.publishing.look_figures import draw_block
from loupe.reports.earlier_looks import read_looks
from loupe.runs.metric_values import Split
from loupe.wording import format_duration


class Run(InsidePlots):
    """A run on disk that draws itself. Every `plot_…` returns the matplotlib figure.

    With `ax`, it draws into these axes instead: charts as charts; figures of many pictures as one picture.
    No test image is drawn: what is said of the test set comes from the stored result.
    """

    def plot_curves(self, what: str | None = None, *, ax: Axes | None = None) -> Figure:
        """Draw the curves of the training: loss and accuracy side by side, or one of them.

        Args:
            what: "loss", "accuracy", "gap", "learning-rate", or a metric that the recipe names. Left out,
                loss and accuracy are drawn; into `ax`, accuracy, of a network without one loss.
            ax: axes to draw into.

        Raises:
            LoupeError: no epoch yet, or no such curve.
        """
        result = self.read_result()
        charts = list_charts(self, result)
        if not charts:
            raise LoupeError(
                f"Run {self.path.name} has no epoch to draw yet.",
                got="no history",
                next_step="let it train on",
            )
        if what is None and ax is None:
            names = [name for name in ("loss", "accuracy") if name in charts]
            figure = new_figure(4.2 * len(names), 2.9)
            for place, name in enumerate(names, start=1):
                plot_chart(new_axes(figure, 1, len(names), place), self, charts[name], result)
            return figure
        what = what or ("accuracy" if "accuracy" in charts else "loss")
        if what not in charts:
            raise LoupeError(
                f"There is no curve {what!r}.",
                got=what,
                allowed=", ".join(charts),
                next_step="choose one of these",
            )
        ax = ax if ax is not None else new_axes(new_figure(4.4, 2.9))
        plot_chart(ax, self, charts[what], result)
        return figure_of(ax)

    def plot_confusion(
        self, split: Split | None = None, *, as_shares: bool = False, ax: Axes | None = None
    ) -> Figure:
        """Draw the confusion matrix: counts, or percent of the true class.

        Args:
            split: "validation" or "test"; test if it was opened.
            as_shares: write percent in place of counts.
            ax: axes to draw into.

        Raises:
            LoupeError: an autoencoder, or a split that was not looked at.
        """
        split, score = self._find_score(split)
        title = f"{split}, {score.num_images:,} images"
        counts = np.array(score.confusion)
        if ax is None:
            return draw_confusion(counts, score.class_names, as_shares=as_shares, title=title)
        plot_confusion(ax, counts, score.class_names, as_shares=as_shares, title=title)
        return figure_of(ax)

    def plot_classes(
        self, split: Split | None = None, *, score: str = "f1", ax: Axes | None = None
    ) -> Figure:
        """Draw precision, recall and F1 of each class with intervals; into `ax` one of them.

        Of more than 40 classes, the 40 with the least F1.

        Args:
            split: "validation" or "test"; test if it was opened.
            score: "precision", "recall" or "f1", for `ax`.
            ax: axes to draw into.
        """
        _, metrics = self._find_score(split)
        classes = measure_classes(metrics, self.require_result().confidence)
        if len(classes) > MOST_CLASSES:
            classes = pick_worst(classes)
        panels = {
            name: [
                ClassBar(one.name, None)
                if (share := getattr(one, name)) is None
                else ClassBar(one.name, share[0], share[1].low, share[1].high)
                for one in classes
            ]
            for name in ("precision", "recall", "f1")
        }
        if score not in panels:
            raise LoupeError(
                f"There is no score {score!r} of classes.", got=score, allowed=", ".join(panels),
                next_step="choose one of these",
            )  # fmt: skip
        if ax is None:
            return draw_class_bars([(_TITLES[name], bars, None) for name, bars in panels.items()])
        plot_class_bars(ax, panels[score], x_label=f"{_TITLES[score]} (%)")
        return figure_of(ax)

    def plot_calibration(self, *, ax: Axes | None = None) -> Figure:
        """Draw the reliability diagram that the evaluation `calibration` kept.

        Raises:
            LoupeError: the run was not asked for it.
        """
        look, _ = self._find_look("calibration")
        chart = next(block for block in look.blocks if isinstance(block, Chart))
        ax = ax if ax is not None else new_axes(new_figure(4.0, 3.4))
        curves = [
            Curve(
                one.name, _percent(one.values), _percent(one.low), _percent(one.high), is_level=one.is_dashed
            )
            for one in chart.lines
        ]
        plot_lines(ax, chart.x, curves, x_label=chart.x_label, y_label=f"{chart.y_label} (%)")
        return figure_of(ax)

    def plot_mistakes(self, *, ax: Axes | None = None) -> Figure:
        """Draw the most confident mistakes on validation, with what they are taken for and what they are.

        Raises:
            LoupeError: there is none, or the images are gone.
        """
        look, looks = self._find_look("mistakes")
        validation = self.load_validation()
        for block in look.blocks:
            if isinstance(block, Gallery):
                drawn = draw_block(block, look, looks, {"validation": validation}, validation.class_names)
                if drawn is not None:
                    return embed_figure(drawn[0], ax)
        raise LoupeError(
            f"Run {self.path.name} makes no mistake on validation.",
            got=look.sentence,
            next_step="look at its classes",
        )

    def table(self, name: str = "results") -> ReportTable:
        """Return a table: results, cost, recipe, classes, confusion, layers (of a split the last one)."""
        return gather_tables([self], [name])[-1]

    def to_frame(self) -> Any:
        """Return the history as a pandas DataFrame, a row an epoch.

        Raises:
            LoupeError: pandas is not installed.
        """
        pandas = import_pandas()
        return pandas.DataFrame([record.to_row() for record in self.read_history()])

    def _repr_html_(self) -> str:
        facts = {"folder": str(self.path)}
        result = self.read_result()
        if result is None:
            facts["state"] = "not finished"
            return render_card(f"Run {self.path.name}", facts)
        facts["state"] = f"{result.status} after {format_duration(result.seconds)}"
        if result.best is not None:
            for split, score in (("validation", result.best.validation), ("test", result.best.test)):
                if score is not None:
                    said = "; ".join(one.describe() for one in score.values)
                    facts[split] = f"{said} ({score.num_images:,} images)"
            facts["weights"] = f"of epoch {result.best.epoch}, best {result.selected_by} on validation"
        facts["network"] = f"{result.parameters:,} parameters"
        facts |= {f"warning {place}": text for place, text in enumerate(result.warnings, start=1)}
        return render_card(f"Run {self.path.name}", facts)

    def _find_score(self, split: Split | None) -> tuple[Split, Metrics]:
        scores = dict(list_scores(self.require_result()))
        chosen = split or ("test" if "test" in scores else "validation")
        if chosen not in scores:
            raise LoupeError(
                f"Run {self.path.name} has no classes to show on {chosen}.",
                got=chosen,
                allowed=", ".join(scores) or "a classifier with a result",
                next_step="choose another split" if scores else "look at its curves and filters",
            )
        return chosen, scores[chosen]

    def _find_look(self, name: str) -> tuple[Look, Looks]:
        looks = self.read_evaluations()
        if looks is None:
            looks = read_looks(self, self.require_result(), self.load_validation())
        found = [one for one in looks.looks if one.name.partition(":")[0] == name and not one.failure]
        if not found:
            raise LoupeError(
                f"Run {self.path.name} keeps no evaluation {name!r}.",
                got=name,
                allowed=", ".join(dict.fromkeys(one.name for one in looks.looks)) or "none is kept",
                next_step=f'train with evaluate.looks=["default", "{name}"], or `loupe evaluate`',
            )
        return found[-1], looks


_TITLES = {"precision": "precision", "recall": "recall", "f1": "F1"}


def import_pandas() -> Any:
    """Return pandas.

    Raises:
        LoupeError: it is not installed.
    """
    try:
        import pandas  # type: ignore[import-untyped]  # there only where the user has it
    except ImportError:
        raise LoupeError(
            "A frame needs pandas.",
            got="it is not installed",
            allowed="read_history() and history.csv without it",
            next_step="pip install pandas",
        ) from None
    return pandas


def _percent(values: Any) -> list[float | None]:
    return [None if value is None else 100 * value for value in values]
