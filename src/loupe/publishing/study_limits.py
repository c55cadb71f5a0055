"""What a study cannot say, of seeds, images, data, arms and looks at the test set."""

from collections.abc import Iterator

from loupe.publishing.report_figure import join_sentences
from loupe.runs import RunFolder
from loupe.statistics.conclusions import Difference
from loupe.studies.analysis import StudyAnalysis
from loupe.studies.confounds import find_confounds
from loupe.studies.folder import StudyFolder
from loupe.studies.rows import find_run
from loupe.wording import count_of, list_names

_FEW_SEEDS = 5


def list_limits(analysis: StudyAnalysis, folder: StudyFolder) -> Iterator[str]:
    """Yield the limits of a study, a sentence or two each; none where nothing was run."""
    pool = folder.path.resolve().parent / "runs"
    rows = [row for row in analysis.run_rows if row.is_finished]
    runs = [run for row in rows if (run := find_run(pool, row)) is not None]
    if analysis.cells:
        yield _tell_seeds(analysis)
        yield from _tell_open(analysis)
        yield _tell_images(analysis, runs)
    for one in find_confounds(analysis.study, analysis.reference):
        yield one.sentence
    if analysis.failed:
        yield f"{count_of(len(analysis.failed), 'run')} failed and {_are(len(analysis.failed))} not counted."
    if analysis.num_without_answers:
        told = count_of(analysis.num_without_answers, "run")
        yield f"The answers of {told} to single images are not at hand: images count as given there."
    if analysis.figure.split == "test" and analysis.cells:
        yield _tell_looks(runs, len(rows))


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _tell_seeds(analysis: StudyAnalysis) -> str:
    counts = [cell.summary.num_seeds for cell in analysis.cells]
    least, most = min(counts), max(counts)
    who = "Each mean is" if len(counts) > 1 else "The mean is"
    if most == 1:
        one = "Each figure is of one seed" if len(counts) > 1 else "The figure is of one seed"
        return f"{one}: how far other seeds would lie from it, nothing here says."
    told = count_of(most, "seed") if least == most else f"{least} to {most} seeds"
    rough = ": how far seeds lie apart is known roughly only" if least < _FEW_SEEDS else ""
    return f"{who} over {told}{rough}."


def _tell_open(analysis: StudyAnalysis) -> Iterator[str]:
    """Yield of which arms and axes these runs cannot tell whether they make a difference."""
    names = [arm for arm, one in analysis.overall.items() if _is_open(one)]
    if names:
        whether = f"whether {'it differs' if len(names) == 1 else 'they differ'} from {analysis.reference}"
        yield (
            f"Of {list_names(names, most=8)} these runs cannot tell {whether}: "
            "that no difference is shown does not say that there is none."
        )
    for effect in analysis.effects:
        if _is_open(effect.difference):
            yield f"What {effect.axis} does from {effect.first} to {effect.last}, these runs cannot tell."


def _is_open(difference: Difference) -> bool:
    return difference.conclusion not in ("shown", "practically none")


def _tell_images(analysis: StudyAnalysis, runs: list[RunFolder]) -> str:
    split = analysis.figure.split
    results = [run.require_result() for run in runs]
    sizes = sorted({result.num_images[split] for result in results if split in result.num_images})
    data = list(dict.fromkeys(run.read_recipe().data.name for run in runs))
    how = (
        f"{analysis.whole.folds} folds"
        if analysis.whole.folds
        else f"{' or '.join(f'{one:,}' for one in sizes)} {split} images"
        if sizes
        else f"the {split} images of the study"
    )
    drawn = (
        "intervals count these as drawn by chance"
        if any(cell.summary.counts_images for cell in analysis.cells)
        else "intervals hold for these images alone"
    )
    others = f"of other data than {list_names(data)}" if data else "of other data"
    flattered = "the same images chose the epoch, which flatters" if split == "validation" else ""
    return join_sentences(
        [f"Figures rest on {how}; {drawn}", flattered.capitalize(), f"The study says nothing {others}"]
    )


def _tell_looks(runs: list[RunFolder], num_finished: int) -> str:
    counts = [run.count_openings() for run in runs]
    known = [count for count in counts if count is not None]
    if not known:
        return "How often the test images were looked at is not known: no run of the study is at hand."
    least = "at least " if len(known) < num_finished else ""
    return (
        f"The runs of this study looked at the test images {least}{count_of(sum(known), 'time')} together: "
        "what is chosen by these figures, not by validation, is flattered by them."
    )
