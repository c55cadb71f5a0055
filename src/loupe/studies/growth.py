"""Would more help? A short study of a run's own recipe: more images, epochs or width, on validation alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal, get_args

import torch

from loupe.errors import LoupeError, RunError
from loupe.metrics import Predictions
from loupe.recipe import Recipe
from loupe.runs import RunFolder, find_run_folder, name_run
from loupe.statistics import PairedDifference, compare_crossed
from loupe.studies import Study
from loupe.studies.analysis import StudyAnalysis
from loupe.studies.answer import answer_question
from loupe.studies.loading import load_study
from loupe.studies.rows import find_run
from loupe.wording import name_tied

More = Literal["images", "epochs", "width"]
KINDS: tuple[More, ...] = get_args(More)
_PARTS = (0.125, 0.25, 0.5, 1.0)
_LEAST_IMAGES = 2  # of a class, to compare two networks on


@dataclass(frozen=True)
class Step:
    """What the last step of a study brought: from half as much, or to twice as much.

    Args:
        before: the value before it, as tables name it.
        after: the value behind it.
        overall: difference in validation accuracy; None where a network names no class.
        by_class: the same among each class's images.
    """

    before: str
    after: str
    overall: PairedDifference | None
    by_class: dict[str, PairedDifference]


def plan_growth(place: str | PathLike[str], more: More, seeds: Sequence[int] = (0, 1, 2)) -> Study:
    """Return the study that asks of a run's recipe whether more would help; the test set stays shut.

    Args:
        place: a run's folder or name.
        more: "images": an eighth to all of the run's training images, a power law through the errors;
            "epochs" or "width": half, as it is, twice.
        seeds: each size is trained with each of these.

    Raises:
        LoupeError: no such run, or a network without a width.
    """
    path = find_run_folder(place)
    run = RunFolder(path)
    recipe = run.read_recipe()
    field, values = _find_values(recipe, more)
    mapping: dict[str, Any] = {
        "name": f"{name_run(path).replace('/', '-')}-more-{more}",
        "about": f"whether more {more} would help {name_run(path)}, on validation alone",
        "question": f"Would more {more} help?",
        "recipe": str((path / "recipe.toml").resolve()),
        "seeds": list(seeds),
        "threads": recipe.run.threads if isinstance(recipe.run.threads, int) else 1,
        "set": {
            "evaluate.test": False,
            "evaluate.look_inside": False,
            "data.split_seed": recipe.split_seed,
            "run.seeds": "none",
        },
        "axes": {more: {"field": field, "values": values, "label": f"more {more}"}},
    }
    if more == "images":
        mapping["fit"] = "power-law"
        mapping["axes"]["images"]["label"] = "part of the training images"
    if recipe.run.seeds is None:
        del mapping["set"]["run.seeds"]
    return load_study(mapping)


def _find_values(recipe: Recipe, more: More) -> tuple[str, list[float] | list[int]]:
    if more == "images":
        return "data.fraction", [part * recipe.data.fraction for part in _PARTS]
    if more == "epochs":
        epochs = recipe.train.epochs
        return "train.epochs", sorted({max(1, epochs // 2), epochs, 2 * epochs})
    width = recipe.model.settings.get("width")
    if isinstance(width, bool) or not isinstance(width, int):
        raise LoupeError(
            f"The network {recipe.model.name} has no width that could be doubled.",
            got=", ".join(recipe.model.settings) or "no settings",
            allowed="a model with a whole number as model.width",
            next_step="ask for images or epochs, or write a study: loupe study --help",
        )
    return "model.width", sorted({max(1, width // 2), width, 2 * width})


def measure_last_step(analysis: StudyAnalysis, pool: Path) -> Step | None:
    """Return what the last step brought on the validation images, over all and by class, seed by seed.

    None where fewer than two sizes have answers of the same seeds.

    Args:
        analysis: of the study.
        pool: folder of its run folders.
    """
    axis = next(iter(analysis.study.axes))
    names = analysis.study.axes[axis].names
    found: dict[str, dict[int, tuple[Predictions, tuple[str, ...]]]] = {name: {} for name in names}
    for row in analysis.run_rows:
        run = find_run(pool, row)
        said = _read_answers(run) if run is not None and row.is_finished else None
        if said is not None:
            found[row.at[axis]][row.seed] = said
    if len(names) < 2:
        return None
    before, after = names[-2:]
    seeds = sorted(found[before].keys() & found[after].keys())
    if not seeds:
        return None
    labels, class_names = found[after][seeds[0]][0].labels, found[after][seeds[0]][1]
    earlier, later = (torch.stack([found[at][seed][0].is_right for seed in seeds]) for at in (before, after))
    level = analysis.study.confidence
    by_class = {
        name: compare_crossed(later[:, of_class], earlier[:, of_class], level)
        for label, name in enumerate(class_names)
        if int((of_class := labels == label).sum()) >= _LEAST_IMAGES
    }
    return Step(before, after, compare_crossed(later, earlier, level), by_class)


def _read_answers(run: RunFolder) -> tuple[Predictions, tuple[str, ...]] | None:
    result = run.read_result()
    if result is None or result.best is None or result.objective != "classification":
        return None
    try:
        return run.read_predictions()["validation"], tuple(getattr(result.best.validation, "class_names", ()))
    except (RunError, KeyError):
        return None


def say_growth(analysis: StudyAnalysis, step: Step | None, more: More) -> str:
    """Return whether more would help, in words: what the last step brought, and where it leads."""
    if step is None or step.overall is None:
        return answer_question(analysis)
    told = f"From {step.before} to {step.after} {_NOUNS[more]} accuracy on validation changes by"
    one = step.overall
    ends = ""
    verdict = "these runs cannot tell whether that helps"
    if one.interval is not None:
        ends = f" ({100 * one.interval.low:+.2f} to {100 * one.interval.high:+.2f})"
        if one.interval.low > 0:
            verdict = f"more {more} helped"
        elif one.interval.high < 0:
            verdict = f"more {more} did harm"
    lead = f"{told} {100 * one.mean:+.2f} points{ends}: {verdict}."
    parts = [lead]
    if analysis.laws:
        parts.append(answer_question(analysis))
    if step.by_class:
        parts.append(_say_of_classes([(name, found.mean) for name, found in step.by_class.items()]))
    return " ".join(parts)


def _say_of_classes(changes: Sequence[tuple[str, float]]) -> str:
    most, least = (end(change for _, change in changes) for end in (max, min))
    if most == least:
        return f"It did the same for every class ({100 * most:+.1f} points)."
    return (
        f"It did most for {name_tied(changes, most)} ({100 * most:+.1f} points) and least for "
        f"{name_tied(changes, least)} ({100 * least:+.1f})."
    )


_NOUNS: dict[More, str] = {"images": "of the training images", "epochs": "epochs", "width": "of width"}
