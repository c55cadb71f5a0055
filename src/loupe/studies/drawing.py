"""The figures of a study: bands over an axis, or arms side by side; as pictures and as charts of a page."""

import contextlib
from collections.abc import Iterator, Sequence

from markupsafe import Markup
from matplotlib.figure import Figure

from loupe.errors import UnknownNameError
from loupe.figures.learning_curve import Law, draw_learning_curve
from loupe.figures.study_dots import Dot, draw_study_dots
from loupe.figures.study_lines import Band, draw_study_lines
from loupe.metrics import describe_metric, headline_of
from loupe.metrics.reported import LOSS
from loupe.reports.charts import LineChart, Series, draw_line_chart
from loupe.statistics import Interval
from loupe.statistics.arm_runs import Place
from loupe.statistics.arms import Cell
from loupe.studies.analysis import StudyAnalysis, analyse_study, find_numeric_axis
from loupe.studies.quantity import Quantity
from loupe.studies.wording import name_cell

_LEAST_SPAN = 2.0  # percentage points of an axis: a narrower one makes chance look large
_COLOURS = ("c1", "c2", "c4", "c5", "c3")


def draw_study(analysis: StudyAnalysis) -> Figure:
    """Return the study's figure: bands over its numeric axis, or a row for each arm and place."""
    axis = find_numeric_axis(analysis.study)
    return _draw_rows(analysis) if axis is None else _draw_bands(analysis, axis)


def draw_laws(analysis: StudyAnalysis) -> Figure:
    """Return the learning curves of the arms: errors over training images, with the fitted laws."""
    scale = analysis.figure.metric.scale
    laws = {}
    for one in analysis.laws:
        points = [point for point in one.curve if one.holds or point.size <= one.sizes[-1]]
        ends = [point.interval or Interval(point.error, point.error) for point in points]
        laws[" ".join([one.arm, *one.place]) if len(analysis.laws) > 1 else "error and its power law"] = Law(
            one.sizes,
            [tuple(scale * error for error in errors) for errors in one.errors],
            [point.size for point in points],
            [scale * point.error for point in points],
            [scale * end.low for end in ends],
            [scale * end.high for end in ends],
        )
    return draw_learning_curve(laws, y_label=_name_error(analysis))


def _name_error(analysis: StudyAnalysis) -> str:
    figure = analysis.figure
    if figure.error_ceiling is None:
        return name_figure(analysis)
    title = "error" if figure.counts_right_answers else f"{figure.metric.high:g} − {figure.metric.title}"
    return f"{figure.split} {title}{' (%)' if figure.is_share else ''}"


def draw_charts(analysis: StudyAnalysis) -> list[Markup]:
    """Return a chart for a page for each panel of the figure; none without a numeric axis."""
    axis = find_numeric_axis(analysis.study)
    if axis is None:
        return []
    return [_draw_chart(analysis, axis, rest) for rest in _find_panels(analysis, axis)]


def draw_other_figures(analysis: StudyAnalysis) -> list[Markup]:
    """Return charts of the figures a study does not compare: losses, validation, clean training images."""
    if find_numeric_axis(analysis.study) is None:
        return []
    charts = []
    for figure in list_figures(analysis, ("test", "validation", "train")):
        other = analyse_study(analysis.study, analysis.rows, figure=figure)
        if figure != analysis.figure and other.cells:
            charts += draw_charts(other)
    return charts


def list_figures(analysis: StudyAnalysis, splits: Sequence[str]) -> list[Quantity]:
    """Return every figure that some run has: of each split accuracy, loss, and further metrics.

    A further metric whose plugin is not loaded is left out.
    """
    compared = analysis.figure.metric
    metrics = {}
    if compared.objective is not None:
        measured = (headline_of(compared.objective), describe_metric(LOSS, compared.objective))
        metrics = {one.name: one for one in measured}
    metrics[compared.name] = compared
    for name in dict.fromkeys(column.partition("_")[2] for row in analysis.rows for column in row.metrics):
        with contextlib.suppress(UnknownNameError):
            metrics.setdefault(name, describe_metric(name, compared.objective))
    figures = [Quantity(split, metric) for split in splits for metric in metrics.values()]
    return [one for one in figures if any(one.of(row) is not None for row in analysis.rows)]


def name_figure(analysis: StudyAnalysis) -> str:
    """Return what is compared, with its unit: "test accuracy (%)"."""
    return f"{analysis.figure.split} {analysis.figure.metric.label}"


def _draw_rows(analysis: StudyAnalysis) -> Figure:
    scale = analysis.figure.metric.scale
    seeds: dict[str, list[float]] = {}
    for run in analysis.runs:
        seeds.setdefault(_name_run(analysis, run.arm, run.place), []).append(scale * run.figure)
    dots = []
    for cell in analysis.cells:
        name, interval = name_cell(analysis, cell), cell.summary.interval
        low = scale * interval.low if interval else None
        high = scale * interval.high if interval else None
        dots.append(Dot(name, scale * cell.summary.mean, low, high, seeds[name], _conclude(cell)))
    least_span = _LEAST_SPAN if analysis.figure.is_share else 0.0
    return draw_study_dots(
        dots, x_label=_label(analysis), reference=analysis.reference, least_span=least_span
    )


def _conclude(cell: Cell) -> str:
    """Return what follows of a cell's difference, as its dot shows it."""
    if cell.difference is None:
        return ""
    return "cannot tell" if cell.is_open else cell.difference.conclusion


def _name_run(analysis: StudyAnalysis, arm: str, place: Place) -> str:
    cell = analysis.find_cell(arm, place)
    return name_cell(analysis, cell) if cell else arm


def _label(analysis: StudyAnalysis) -> str:
    if all(cell.summary.interval is None for cell in analysis.cells):
        return f"{name_figure(analysis)} of single seeds"
    return f"mean {name_figure(analysis)} and {100 * analysis.study.confidence:g} % interval"


def _draw_bands(analysis: StudyAnalysis, axis: str) -> Figure:
    scale = analysis.figure.metric.scale
    panels = {}
    for rest in _find_panels(analysis, axis):
        bands = {}
        for arm in analysis.study.arms:
            cells = [(x, cell) for x, cell in _cells_over(analysis, axis, arm, rest) if cell is not None]
            ends = [cell.summary.interval for _, cell in cells]
            means = [scale * cell.summary.mean for _, cell in cells]
            bands[arm] = Band(
                [x for x, _ in cells],
                means,
                [scale * end.low if end else mean for end, mean in zip(ends, means, strict=True)],
                [scale * end.high if end else mean for end, mean in zip(ends, means, strict=True)],
            )
        panels[_name_panel(analysis, axis, rest)] = bands
    return draw_study_lines(
        panels, x_label=_label_axis(analysis, axis), y_label=_label(analysis).replace(" and ", "\nand ")
    )


def _draw_chart(analysis: StudyAnalysis, axis: str, rest: Place) -> Markup:
    series, numbers = [], list(analysis.study.axes[axis].numbers or ())
    for index, arm in enumerate(analysis.study.arms):
        cells = [cell for _, cell in _cells_over(analysis, axis, arm, rest)]
        ends = [cell.summary.interval if cell else None for cell in cells]
        lows, highs = [end.low if end else None for end in ends], [end.high if end else None for end in ends]
        series.append(
            Series(
                arm,
                [cell.summary.mean if cell else None for cell in cells],
                _COLOURS[index % len(_COLOURS)],
                band=(lows, highs),
            )
        )
    metric = analysis.figure.metric
    panel = _name_panel(analysis, axis, rest)
    title = f"{analysis.figure.name}{', ' if panel else ''}{panel}".capitalize()
    return draw_line_chart(
        LineChart(
            title,
            name_figure(analysis),
            numbers,
            series,
            scale=metric.scale,
            digits=metric.digits,
            x_label=_label_axis(analysis, axis),
        )
    )


def _label_axis(analysis: StudyAnalysis, axis: str) -> str:
    return analysis.study.axes[axis].label or axis


def _find_panels(analysis: StudyAnalysis, axis: str) -> Sequence[Place]:
    """Return the values on the other axes that have cells, each once, in order."""
    return list(dict.fromkeys(_rest(analysis, axis, cell.place) for cell in analysis.cells))


def _rest(analysis: StudyAnalysis, axis: str, place: Place) -> Place:
    return tuple(value for name, value in zip(analysis.study.axes, place, strict=True) if name != axis)


def _name_panel(analysis: StudyAnalysis, axis: str, rest: Place) -> str:
    others = [name for name in analysis.study.axes if name != axis]
    return ", ".join(
        value if analysis.study.axes[name].cases else f"{name} {value}"
        for name, value in zip(others, rest, strict=True)
    )


def _cells_over(
    analysis: StudyAnalysis, axis: str, arm: str, rest: Place
) -> Iterator[tuple[float, Cell | None]]:
    """Yield the axis' values and the arm's cell at each, with the other axes held; None where it has none."""
    study = analysis.study
    of_arm = {
        dict(zip(study.axes, cell.place, strict=True))[axis]: cell
        for cell in analysis.cells
        if cell.arm == arm and _rest(analysis, axis, cell.place) == rest
    }
    for name, number in zip(study.axes[axis].names, study.axes[axis].numbers or (), strict=True):
        yield number, of_arm.get(name)
