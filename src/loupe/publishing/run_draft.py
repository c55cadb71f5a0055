"""Methods and results of a run in words: every number from the record, with its interval."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from loupe.publishing.data_figures import tabulate_normalization
from loupe.publishing.draft import Draft, Heading, Paragraph, Part, Points
from loupe.publishing.look_figures import name_look_figure, name_split
from loupe.publishing.report_figure import ReportFigure, join_sentences
from loupe.publishing.run_figures import RunFigures
from loupe.publishing.run_tables import (
    read_layers,
    tabulate_classes,
    tabulate_layers,
    tabulate_pairs,
    tabulate_recipes,
    tabulate_results,
)
from loupe.publishing.run_words import (
    describe_data,
    describe_network,
    describe_reproduction,
    describe_results,
    describe_seeds,
    describe_selection,
    describe_training,
)
from loupe.publishing.theory_chapter import write_chapter
from loupe.questions import answer_questions, gather_evidence
from loupe.runs import RunFolder, RunResult, SeriesFolder

NOTE = "A draft that Loupe wrote from the record. Every number is the record's; what they mean, you say."
_FIGURES = ("data-", "network-", "curves-loss", "curves-accuracy", "curves-learning-rate", "classes-",
            "confusion-counts-", "calibration", "mistakes-", "right_answers-", "reconstructions", "filters-",
            "layers-", "gates")  # fmt: skip
_ONLY_FIRST = ("filters-", "layers-")


def draft_run(
    run: RunFolder, places: RunFolder, *, data: Path | None, left_out: list[str], theory: bool = False
) -> Draft:
    """Return the draft of a run; of a series that of its first run, with the means of all.

    Args:
        run: the run whose network is described.
        places: the run itself, or the series it is of.
        data: where the run's images lie now.
        left_out: receives why figures are missing.
        theory: whether it begins with a chapter on theory, drawn from the run's network.
    """
    recipe, result = run.read_recipe(), run.require_result()
    figures = RunFigures(run, data)
    drawn = _choose_figures(list(figures.draw()), result)
    left_out += figures.left_out
    results, layers, settings = (
        tabulate_results([places], result.confidence),
        tabulate_layers(run),
        tabulate_recipes([run]),
    )
    seeds = [run]
    if isinstance(places, SeriesFolder):
        seeds = [one for one in places.runs.values() if one.is_finished()] or seeds
    classes = [
        table
        for table in (*tabulate_classes(run), *tabulate_pairs(run))
        if table.name.endswith(f"-{_judged(result)}")
    ]
    of_data, network, rates, curves, of_classes, inside = (
        [one for one in drawn if one.name.startswith(start)]
        for start in (
            "data-", "network-", "curves-learning-rate", ("curves-loss", "curves-accuracy"),
            ("classes-", "confusion-"), _INSIDE,
        )
    )  # fmt: skip
    looked = [one for one in drawn if not one.name.startswith(_PLACED)]
    normalization = tabulate_normalization(run)
    parts: list[Part] = list(_write_theory(run, data, left_out)) if theory else []
    shown = [one for one in parts if isinstance(one, ReportFigure) and one.name == "theory-pipeline"]
    network = [] if shown else network  # one picture of it is enough
    parts += [
        Heading("Methods"),
        Heading("Data", 2),
        Paragraph(describe_data(run, recipe, result), (*of_data, normalization)),
        *of_data,
        normalization,
        Heading("Network and training", 2),
        Paragraph(describe_network(run, recipe, result), (*shown, *network, layers)),
        *network,
        Paragraph(
            _join(describe_training(run, recipe, result), describe_seeds(seeds, result)),
            (*rates, *curves, settings),
        ),
        *rates,
        Heading("Selection and evaluation", 2),
        Paragraph(describe_selection(seeds, recipe, result)),
        Heading("Results"),
        Paragraph(describe_results(places, result), (*of_classes, results, *classes)),
        results,
        *curves,
        *of_classes,
        *classes,
    ]
    told = list(_tell_looks(run, looked))
    rest = tuple(one for one in looked if not any(one in paragraph.shown_in for paragraph in told))
    parts += [Heading("Further evaluations", 2), *told] if told or looked else []
    parts += [Paragraph("What else was looked at.", rest)] if rest else []
    parts += looked
    if inside:
        parts += [
            Heading("Inside the network", 2),
            Paragraph("What the trained network computes.", tuple(inside)),
            *inside,
        ]
    limits = list(_list_limits(run, result))
    parts += [Heading("Limits"), Points(tuple(limits))] if limits else []
    parts += [Heading("Appendix: layers and settings"), layers, settings]
    parts += [Heading("Reproduction"), Paragraph(describe_reproduction(run))]
    return Draft(f"Methods and results of {recipe.name}", NOTE, parts)


def _join(*paragraphs: str) -> str:
    return " ".join(one for one in paragraphs if one)


_INSIDE = ("filters-", "layers-", "gates")
_PLACED = ("data-", "network-", "curves-", "classes-", "confusion-", *_INSIDE)


def _write_theory(run: RunFolder, data: Path | None, left_out: list[str]) -> Iterator[Part]:
    figures = RunFigures(run, data, is_theory=True)
    drawn = list(figures.draw())
    left_out += [one for one in figures.left_out if one not in left_out]
    if drawn:
        yield from write_chapter(drawn, read_layers(run))


def _judged(result: RunResult) -> str:
    return "test" if result.best is not None and result.best.test is not None else "validation"


def _choose_figures(figures: Sequence[ReportFigure], result: RunResult) -> list[ReportFigure]:
    """Return the figures a draft shows: of classes those of the split judged, of layers the first."""
    judged = _judged(result)
    chosen, taken = [], set()
    for figure in figures:
        start = next((one for one in _FIGURES if figure.name.startswith(one)), None)
        if start is None or start in taken:
            continue
        if start in ("classes-", "confusion-counts-") and not figure.name.endswith(judged):
            continue
        if start in _ONLY_FIRST:
            taken.add(start)
        chosen.append(figure)
    return chosen


def _tell_looks(run: RunFolder, figures: Sequence[ReportFigure]) -> Iterator[Paragraph]:
    """Yield what each look found, with the figures of it that the draft holds."""
    looks = run.read_evaluations()
    for look in looks.looks if looks is not None else ():
        if look.sentence and not look.failure and look.name.partition(":")[0] not in _SHOWN_ELSEWHERE:
            shown = tuple(one for one in figures if one.name.startswith(name_look_figure(look)))
            yield Paragraph(f"{look.title}, {name_split(look.split)}. {look.sentence}", shown)


_SHOWN_ELSEWHERE = {"confusion", "least_certain", "class_accuracy"}


def _list_limits(run: RunFolder, result: RunResult) -> Iterator[str]:
    """Yield warnings of the result, and what the run's questions say should be seen to or cannot be told."""
    yield from result.warnings
    for answer in answer_questions(gather_evidence(run, result)):
        if answer.verdict != "good" and answer.name != "next":
            yield f"{answer.question} {join_sentences([answer.sentence])}"
