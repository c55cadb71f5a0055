"""The figures of a study: what it compares, its other metrics, its law, and the losses of each place."""

from collections.abc import Iterator

from loupe.figures.line_chart import Curve, draw_lines
from loupe.publishing.report_figure import ReportFigure, join_sentences
from loupe.reports.charts import name_loss
from loupe.reports.page import format_level
from loupe.studies.analysis import StudyAnalysis, analyse_study, find_numeric_axis
from loupe.studies.answer import answer_question
from loupe.studies.costs import draw_study_costs
from loupe.studies.curves import average_losses
from loupe.studies.drawing import draw_laws, draw_study, list_figures
from loupe.studies.folder import StudyFolder
from loupe.studies.loading import load_study
from loupe.studies.wording import tell_missing
from loupe.wording import count_of


def read_analysis(folder: StudyFolder) -> StudyAnalysis:
    """Return what a study on disk found, from its rows; its runs are looked for in `runs` beside it.

    Raises:
        LoupeError: its files cannot be read.
    """
    study = load_study(folder.path)
    pool = folder.path.resolve().parent / "runs"
    rows = folder.read_results(tuple(study.axes))
    return analyse_study(study, rows, pool if pool.is_dir() else None)


def draw_study_figures(folder: StudyFolder) -> Iterator[ReportFigure]:
    """Yield the figures of a study."""
    analysis = read_analysis(folder)
    if not analysis.cells:
        return
    runs = describe_runs(analysis, folder)
    yield ReportFigure(
        name_quantity(analysis),
        _title(analysis),
        join_sentences([_describe(analysis), answer_question(analysis), runs]),
        draw_study(analysis),
    )
    if find_numeric_axis(analysis.study) is not None:
        for quantity in list_figures(analysis, ("test", "validation", "train")):
            other = analyse_study(analysis.study, analysis.rows, figure=quantity)
            if quantity != analysis.figure and other.cells:
                caption = join_sentences([_describe(other), runs])
                yield ReportFigure(name_quantity(other), _title(other), caption, draw_study(other))
    costs = draw_study_costs(analysis)
    if costs is not None:
        level = format_level(analysis.study.confidence)
        what = f"{costs.title[:1].upper()}{costs.title[1:]}, bars: {level} interval of the mean"
        caption = join_sentences([what, *costs.sentences, runs])
        yield ReportFigure("cost", "Against what it costs", caption, costs.figure)
    if analysis.laws:
        level = format_level(analysis.study.confidence)
        what = "Error over the number of training images, with the fitted laws"
        band = f"Band: {level} interval of the mean over new seeds on these images, not of one more run"
        caption = join_sentences([what, band, runs])
        yield ReportFigure("learning-curve", "Learning curve", caption, draw_laws(analysis))
    yield from _draw_losses(analysis, folder, runs)


def _draw_losses(analysis: StudyAnalysis, folder: StudyFolder, runs: str) -> Iterator[ReportFigure]:
    pool = folder.path.resolve().parent / "runs"
    y_label = name_loss(analysis.figure.metric.objective != "reconstruction")
    for title, arms in average_losses(analysis, pool if pool.is_dir() else None):
        longest = max(len(validation) for validation, _ in arms.values())
        curves = []
        for arm, (validation, train) in arms.items():
            rest = [None] * (longest - len(validation))
            curves += [Curve(f"{arm}, validation", [*validation, *rest])]
            curves += [Curve(f"{arm}, training", [*train, *rest], beside=f"{arm}, validation")]
        figure = draw_lines(range(1, longest + 1), curves, x_label="epoch", y_label=y_label, title=title)
        what = f"Loss on validation and on training images{f', {title}' if title else ''}"
        caption = join_sentences([what, "Means over seeds, as far as all of them trained", runs])
        yield ReportFigure(f"losses-{title}" if title else "losses", title or "Losses", caption, figure)


def name_quantity(analysis: StudyAnalysis) -> str:
    """Return what is compared as part of a file's name: "test-accuracy"."""
    return f"{analysis.figure.split}-{analysis.figure.metric.name}"


def _title(analysis: StudyAnalysis) -> str:
    name = analysis.figure.name
    return name[:1].upper() + name[1:]


def _describe(analysis: StudyAnalysis) -> str:
    axis = find_numeric_axis(analysis.study)
    level = format_level(analysis.study.confidence)
    over = f" over {analysis.study.axes[axis].label or axis}" if axis is not None else " of each arm"
    return f"Mean {analysis.figure.name}{over} and {level} interval of the mean"


def describe_runs(analysis: StudyAnalysis, folder: StudyFolder) -> str:
    """Return which study and how many runs, as a sentence."""
    finished = [row for row in analysis.run_rows if row.is_finished]
    seeds = len({row.seed for row in finished})
    told = tell_missing(analysis) or count_of(len(finished), "run")
    return f"Study {folder.path.name}: {told}, {count_of(seeds, 'seed')}"
