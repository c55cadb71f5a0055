"""All questions of a run, in the order in which one would ask them."""

from collections.abc import Sequence
from pathlib import Path

from loupe.data.ledger import count_looks
from loupe.evaluations import Looks
from loupe.metrics import Predictions
from loupe.questions.answer import Answer
from loupe.questions.evidence import Evidence
from loupe.questions.of_answers import ask_classes, ask_labels, ask_probabilities, ask_robustness, ask_simple
from loupe.questions.of_evidence import ask_data, ask_freshness, ask_seeds
from loupe.questions.of_training import ask_fit, ask_length, ask_rate
from loupe.runs import RunFolder, RunResult
from loupe.runs.looks import count_own_looks, read_test_content
from loupe.runs.reading import is_plain
from loupe.runs.scaling import read_scaling

_OF_TRAINING = (ask_fit, ask_length, ask_rate)
_OF_ANSWERS = (ask_classes, ask_probabilities, ask_labels)
_OF_IMAGES = (ask_robustness, ask_simple)
_OF_EVIDENCE = (ask_seeds, ask_freshness)
_FIRST = ("rate", "fit", "simple", "labels", "classes", "length", "probabilities", "robustness", "seeds")
"""What to see to before what: a training that failed before how far its result is one of chance."""


def gather_evidence(folder: RunFolder, result: RunResult, looks: Looks | None = None) -> Evidence:
    """Return what the answers about a run rest on.

    Args:
        folder: of the run.
        result: what it found.
        looks: what evaluations found, if that is at hand; read from the folder if left out.

    Raises:
        RunError: a file of the run is missing or damaged.
    """
    kept = looks if looks is not None else folder.read_evaluations()
    answers = None
    if result.objective == "classification" and is_plain(folder.predictions_file):
        answers = folder.read_predictions().get("validation")
    content = read_test_content(folder)
    return Evidence(
        folder.read_recipe(),
        result,
        folder.read_history(),
        kept if kept is not None else Looks(),
        validation_answers=answers if isinstance(answers, Predictions) else None,
        seeds=_read_seeds(folder, result),
        own_looks=count_own_looks(folder),
        scaling=_read_scaling(folder, answers),
        machine_looks=count_looks(content) if content else None,
    )


def _read_scaling(folder: RunFolder, answers: object) -> str:
    if not isinstance(answers, Predictions):
        return ""
    scaling = read_scaling(folder, answers.logits.shape[1])
    return scaling.describe() if scaling is not None else ""


def _read_seeds(folder: RunFolder, result: RunResult) -> list[RunResult]:
    """Return the results of the series a run belongs to; its own where it belongs to none."""
    series: Path = folder.path.parent
    if not folder.path.name.startswith("seed-") or not (series / "recipe.toml").is_file():
        return [result]
    found = [RunFolder(path).read_result() for path in sorted(series.glob("seed-*")) if path != folder.path]
    return [result, *(one for one in found if one is not None and one.status == "finished")]


def answer_questions(evidence: Evidence) -> list[Answer]:
    """Return the answers to all questions that can be asked of a run; the last one says what to do next.

    There are twelve of a classifier. What gives images back is not asked about classes, probabilities and
    labels.
    """
    asked = [*_OF_TRAINING]
    if evidence.result.objective == "classification":
        asked += [*_OF_ANSWERS, ask_data, *_OF_IMAGES]
    else:
        asked.append(ask_data)
    answers = [ask(evidence) for ask in (*asked, *_OF_EVIDENCE)]
    return [*answers, _say_what_next(answers)]


def _say_what_next(answers: Sequence[Answer]) -> Answer:
    name, question = "next", "What next?"
    by_name = {one.name: one for one in answers}
    for verdict in ("attention", "unknown"):
        for one in (by_name[first] for first in _FIRST if first in by_name):
            if one.verdict == verdict and one.next_step:
                said = f"“{one.question}” comes first: {one.next_step}."
                return Answer(name, question, verdict, said, one.section, one.next_step)
    return Answer(name, question, "good", "Nothing that these rules know of: try it on images it never saw.")
