"""How the arms, axes and stages of a study change a recipe."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from loupe.checking import write_value
from loupe.errors import Mistake, RecipeError
from loupe.metrics.reported import MEASURED
from loupe.recipe import find_form_mistakes, name_mapping, set_value
from loupe.studies import Stage, Study


def apply_changes(mapping: dict[str, Any], changes: Mapping[str, Any], prefix: str = "") -> None:
    """Change a recipe's mapping in place.

    A table is gone into, field by field; a table with a name (an optimizer, a model) replaces what stood
    there, because the settings of another one mean nothing to it. "none" takes a field out.
    """
    for key, value in changes.items():
        dotted = f"{prefix}{key}"
        if isinstance(value, Mapping) and "name" not in value:
            apply_changes(mapping, value, f"{dotted}.")
        elif isinstance(value, str) and value.casefold() == "none":
            set_value(mapping, dotted, None)
        else:
            set_value(mapping, dotted, copy.deepcopy(value))


_DECIDED = {
    "seed": "seeds of the study, which every arm is run with",
    "seeds": "seeds of the study, which every arm is run with",
    "threads": "threads of the study, which are the same for all",
    "folder": "no folder: runs lie in runs/ beside the study's",
}


def find_decided(changes: Iterable[Mapping[str, Any]], *, has_folds: bool = False) -> list[Mistake]:
    """Return a mistake for each field among changes that the study itself decides."""
    mapping: dict[str, Any] = {}
    for one in changes:
        apply_changes(mapping, one)
    run = mapping.get("run")
    named = run if isinstance(run, Mapping) else {}
    mistakes = [
        Mistake(f"run.{name}", write_value(named[name]), allowed)
        for name, allowed in _DECIDED.items()
        if name in named
    ]
    evaluate = mapping.get("evaluate")
    if has_folds and isinstance(evaluate, Mapping) and evaluate.get("test"):
        mistakes.append(Mistake("evaluate.test", "true", "false: a study of folds leaves the test set shut"))
    return mistakes


def take_out_source(
    mapping: dict[str, Any], stages: Mapping[str, Stage]
) -> tuple[str | None, dict[str, Any]]:
    """Take a stage out of `transfer.run`; return its name, and what of it is copied (`part`, `head`).

    What is left of the section can be checked before the stage has run. None and nothing where the weights
    come from elsewhere.

    Raises:
        RecipeError: the section has mistakes of form.
    """
    transfer = mapping.get("transfer")
    if isinstance(transfer, str):
        transfer = {"run": transfer}
    if not isinstance(transfer, Mapping) or transfer.get("run") not in stages:
        return None, {}
    mistakes = [one for one in find_form_mistakes(mapping) if one.where.startswith("transfer")]
    if mistakes:
        raise RecipeError(name_mapping(mapping), mistakes)
    copied = ("part", "head")
    mapping["transfer"] = {name: value for name, value in transfer.items() if name not in ("run", *copied)}
    return str(transfer["run"]), {name: transfer[name] for name in copied if name in transfer}


def settle(mapping: dict[str, Any], study: Study) -> dict[str, Any]:
    """Return the mapping with what a study decides itself: seeds, threads, folder, drawing, metrics.

    What is compared is measured in every run, so that its history has it too.
    """
    run, evaluate = mapping.get("run", {}), mapping.get("evaluate", {})
    if isinstance(run, Mapping):
        kept = {k: v for k, v in run.items() if k not in ("seeds", "folder", "tensorboard")}
        mapping = {**mapping, "run": {**kept, "seed": study.seeds[0], "threads": study.threads}}
    if isinstance(evaluate, Mapping):
        named = evaluate.get("metrics", ())
        named = [named] if isinstance(named, str | Mapping) else named
        if study.compare not in MEASURED and isinstance(named, list | tuple):
            evaluate = {**evaluate, "metrics": [*named, study.compare]}
        mapping = {**mapping, "evaluate": {"look_inside": False, **evaluate}}
        if study.folds is not None:
            mapping["evaluate"]["test"] = False
    return mapping
