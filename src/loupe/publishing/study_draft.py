"""Methods and results of a study in words: its design, its answer, its numbers with intervals."""

from loupe.publishing.draft import Draft, Heading, Paragraph, Part, Points
from loupe.publishing.report_figure import join_sentences
from loupe.publishing.run_draft import NOTE
from loupe.publishing.run_words import describe_data, describe_network, describe_training
from loupe.publishing.study_figures import describe_runs, draw_study_figures, read_analysis
from loupe.publishing.study_limits import list_limits
from loupe.publishing.study_tables import tabulate_arms, tabulate_study
from loupe.studies.analysis import StudyAnalysis, name_row
from loupe.studies.answer import answer_question
from loupe.studies.folder import StudyFolder
from loupe.studies.plan import name_place
from loupe.studies.report import describe_study_looks
from loupe.studies.rows import find_run
from loupe.studies.wording import name_cell, write_figure, write_interval, write_margin
from loupe.wording import count_of, list_names


def draft_study(folder: StudyFolder) -> Draft:
    """Return the draft of a study."""
    analysis = read_analysis(folder)
    study, arms = analysis.whole, tabulate_arms(analysis)
    parts: list[Part] = [
        Heading("Question"),
        Paragraph(study.question or study.about or study.name),
        Paragraph(answer_question(analysis)),
        Heading("Methods"),
        Paragraph(_describe_design(analysis, folder), (arms,)),
        arms,
        *_describe_one_run(analysis, folder),
        Heading("Selection and evaluation", 2),
        Paragraph(_describe_statistics(analysis, folder)),
        Heading("Results"),
    ]
    if analysis.cells:
        table, figures = tabulate_study(analysis, folder), list(draw_study_figures(folder))
        few = len(analysis.cells) <= _MOST_IN_WORDS
        told = _describe_cells(analysis) if few else f"Each arm and place has its {analysis.figure.name}."
        parts += [Paragraph(told, (*figures, table)), table, *figures]
    limits = list(list_limits(analysis, folder))
    parts += [Heading("Limits"), Points(tuple(limits))] if limits else []
    command = f"loupe study {folder.path}/study.toml carries the study out again."
    parts += [Heading("Reproduction"), Paragraph(command)]
    return Draft(f"Methods and results of the study {study.name}", NOTE, parts)


_MOST_IN_WORDS = 8  # arms and places; more are in the table alone


def _describe_design(analysis: StudyAnalysis, folder: StudyFolder) -> str:
    study = analysis.whole
    axes = [f"{axis.label or name} ({', '.join(axis.names)})" for name, axis in study.axes.items()]
    sentences = [
        f"Runs of the recipe {study.recipe_name} differ in {count_of(len(study.arms), 'arm')}: "
        f"{list_names(list(study.arms), most=8)}"
        if len(study.arms) > 1
        else f"All runs are of the recipe {study.recipe_name}",
        f"{'Each arm is' if len(study.arms) > 1 else 'They are'} trained over {list_names(axes, most=8)}"
        if axes
        else "",
        f"Seeds: {', '.join(map(str, study.seeds))}",
        describe_runs(analysis, folder),
    ]
    return join_sentences(sentences)


def _describe_one_run(analysis: StudyAnalysis, folder: StudyFolder) -> list[Part]:
    """Return data, network and training of the first run that is at hand, the reference's if there is one."""
    rows = [row for row in analysis.run_rows if row.is_finished]
    rows.sort(key=lambda row: name_row(analysis.study, row)[0] != analysis.reference)
    found = ((row, find_run(folder.path.resolve().parent / "runs", row)) for row in rows)
    row, run = next(((row, run) for row, run in found if run is not None), (None, None))
    if row is None or run is None:
        return []
    recipe, result = run.read_recipe(), run.require_result()
    others = (
        "; the others differ from it as the arms and axes say"
        if len(rows) > len(analysis.study.seeds)
        else ""
    )
    which = f"Described is {name_place(row.arm, dict(row.at))}, seed {row.seed}{others}. "
    return [
        Heading("Data", 2),
        Paragraph(which + describe_data(run, recipe, result)),
        Heading("Network and training", 2),
        Paragraph(describe_network(run, recipe, result)),
        Paragraph(describe_training(run, recipe, result)),
    ]


def _describe_statistics(analysis: StudyAnalysis, folder: StudyFolder) -> str:
    level = 100 * analysis.study.confidence
    pool = folder.path.resolve().parent / "runs"
    rows = (*analysis.stage_rows, *analysis.run_rows)
    means = "new seeds and new images"
    if not any(cell.summary.counts_images for cell in analysis.cells):
        means = "new seeds on these images"
    chosen = list_names([name_cell(analysis, cell) for cell in analysis.best])
    if len(analysis.best) > 1:
        chosen += ", which tie; the first of them is taken"
    sentences = [
        f"In each run the weights of the best epoch on validation are kept; what is compared is the "
        f"{analysis.figure.name}",
        f"The best arm is chosen on validation: {chosen}" if chosen else "",
        f"Differences are taken from {analysis.reference}" if analysis.reference else "",
        f"Intervals are {level:g} % intervals of the mean, for {means}; all comparisons are judged as one "
        f"family at that level, and differences up to {write_margin(analysis)} count as practically none",
        f"Looks at the test set: {describe_study_looks(rows, pool if pool.is_dir() else None)}",
    ]
    return join_sentences(sentences)


def _describe_cells(analysis: StudyAnalysis) -> str:
    sentences = []
    for cell in analysis.cells:
        ends = cell.summary.interval
        interval = f" ({write_interval(ends, analysis.figure)})" if ends is not None else ""
        mean = write_figure(cell.summary.mean, analysis.figure)
        seeds = count_of(cell.summary.num_seeds, "seed")
        sentences.append(f"{name_cell(analysis, cell)}: {mean}{interval}, {seeds}")
    return f"Mean {analysis.figure.name} with its interval. {join_sentences(sentences)}"
