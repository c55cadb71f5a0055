"""The record of a run: started, or resumed after checking that it is the same run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from loupe.errors import RunError
from loupe.plugins import expand_path, load_plugin
from loupe.recipe import Recipe
from loupe.running.leakage import count_shown, find_shown
from loupe.running.network import find_source_run
from loupe.running.recipe_digest import digest_recipe, is_recorded_in
from loupe.running.training_setup import TrainingSetup
from loupe.runs import RunFolder, describe_environment
from loupe.runs.evidence import digest_file
from loupe.runs.looks import follow_looks
from loupe.runs.plugins import describe_change, describe_looking
from loupe.runs.reading import reading


def open_record(
    recipe: Recipe, folder: RunFolder, setup: TrainingSetup, continues: Mapping[str, str] | None = None
) -> list[str]:
    """Start a run's record, or go on with the one in its folder; return what a reader should know of it.

    Args:
        recipe: of the run.
        folder: its folder.
        setup: data, and the network.
        continues: what is to be said of the run it goes on from, if it is about to be begun.

    Raises:
        RunError: the data is not what the earlier part of the run was trained on.
    """
    splits = setup.splits
    digests = {
        "train": splits.train.digest,
        "validation": splits.validation.digest,
        "test": splits.test.digest,
    }
    environment = describe_environment(
        device=setup.device,
        seed=recipe.run.seed,
        data_digests=digests,
        plugins={plugin: load_plugin(plugin) for plugin in recipe.run.plugins},
        recipe_digest=digest_recipe(recipe),
        precision=setup.precision,
        transfer=digest_transfer(recipe),
        processes=recipe.run.processes,
    )
    environment["test_content"] = setup.images.test_content
    environment["images"] = "in memory" if isinstance(splits.train.images, Tensor) else "read from disk"
    environment["continues"] = dict(continues or {})
    notes: list[str] = []
    if folder.environment_file.exists():
        refuse_other_recipe(folder, recipe)
        notes = [*_recall_sessions(folder), *_refuse_changes(folder, environment, recipe)]
        notes += find_machine_changes(folder.read_environment(), environment)
        for note in notes:
            folder.log(note)
        folder.clear_leftovers()
        folder.keep_images(setup.images)
    else:
        folder.clear_leftovers()  # of a process killed before it had written what comes first
        if recipe.transfer is not None and recipe.transfer.weights is not None:
            folder.keep_starting_weights(Path(recipe.transfer.weights))
        folder.start(recipe, environment, setup.images)
        count_shown(find_shown(recipe, setup.images), folder)
        folder.keep_unreadable(setup.unreadable)
        if recipe.data.corrections is not None:
            folder.keep_corrections(expand_path(recipe.data.corrections).read_text(encoding="utf-8-sig"))
    for note in setup.notes:
        folder.log(note)
    follow_looks(folder, splits.test, recipe)
    said = (folder.read_environment().get("continues") or {}).get("said")
    return [said, *notes] if said else notes


def digest_transfer(recipe: Recipe) -> dict[str, str]:
    """Return the SHA-256 of the weights a recipe starts from, by their run's folder, or of the file."""
    if recipe.transfer is not None and recipe.transfer.weights is not None:
        return {"file": digest_file(Path(recipe.transfer.weights)).sha256}
    if recipe.transfer is None or recipe.transfer.run is None:
        return {}
    source = find_source_run(recipe, recipe.transfer)
    with reading(source.best_file):
        return {str(source.path): digest_file(source.best_file).sha256}
    raise AssertionError


def take_kept_weights(recipe: Recipe, folder: RunFolder) -> Recipe:
    """Return the recipe of a run with its own copy of the file of weights it starts from, if it has one."""
    kept = folder.find_starting_weights()
    if kept is None or recipe.transfer is None or recipe.transfer.weights is None:
        return recipe
    transfer = recipe.transfer.model_copy(update={"weights": str(kept.resolve())})
    return recipe.model_copy(update={"transfer": transfer})


def refuse_other_recipe(folder: RunFolder, recipe: Recipe) -> None:
    """Check that a run was started with this recipe.

    Raises:
        RunError: it was not.
    """
    if not is_recorded_in(folder, recipe):
        raise RunError(
            f"The recipe of run {folder.path.name} changed since it was started; it cannot be resumed.",
            got="a recipe.toml with another content",
            allowed="the recipe.toml the run was started with",
            next_step=f"train it anew: loupe train {folder.recipe_file}",
        )


def find_machine_changes(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return how the machine differs from the one a run was started on, where weights may depend on it."""
    before = {"processes": 1, **before}  # runs of earlier versions say nothing of them
    changed = [
        f"{name} {before.get(name)} → {now[name]}"
        for name in ("loupe", "commit", "device", "threads", "processes", "precision", "platform")
        if before.get(name) != now[name]
    ]
    torch_before = (before.get("packages") or {}).get("torch")
    if torch_before != now["packages"]["torch"]:
        changed.append(f"torch {torch_before} → {now['packages']['torch']}")
    if not changed:
        return []
    conditions = ", ".join(changed)
    return [f"Resumed under other conditions ({conditions}): equal to an unbroken run only up to rounding."]


_EARLIER = "An earlier session "
_OTHER_PLUGIN = "Resumed with another content of a plugin: "


def _recall_sessions(folder: RunFolder) -> list[str]:
    """Return what is to be said of earlier sessions of a run: failures, and plugins mended since."""
    try:
        before = folder.read_result()
    except RunError:  # damaged: it is written anew, and nothing it says can be relied on
        return []
    if before is None:
        return []
    said = [one for one in before.warnings if one.startswith((_EARLIER, _OTHER_PLUGIN))]
    if before.status == "failed" and before.reason:
        said.append(
            f"{_EARLIER}of this run failed: {before.reason} It was resumed from its last whole epoch; "
            "observers were not told again of the epochs up to there, and what they missed is missing."
        )
    return list(dict.fromkeys(said))


def _find_changed_plugins(changed: Sequence[str], select_by: str) -> tuple[list[str], list[str]]:
    """Return the plugins that may decide numbers of a training, and what is to be said of the others."""
    told = {plugin: describe_looking(plugin) for plugin in changed}
    notes = []
    for plugin, parts in told.items():
        picks = f"metric {select_by.partition(':')[0]}" in parts.split(", ")
        also = " It picks the best epoch; epochs before were judged by it as it was." if picks else ""
        notes += [f"{_OTHER_PLUGIN}{describe_change(plugin, parts)}.{also}"] if parts else []
    return [plugin for plugin, parts in told.items() if not parts], notes


def _refuse_changes(folder: RunFolder, environment: dict[str, Any], recipe: Recipe) -> list[str]:
    """Return what is to be said of plugins that changed and only look; all other changes are refused."""
    before, notes = folder.read_environment(), list[str]()
    for field, name in (("data_digests", "data"), ("plugins", "plugins"), ("transfer", "starting weights")):
        old = before.get(field) or {}
        changed = [key for key, digest in environment[field].items() if old.get(key) != digest]
        if field == "plugins":
            changed, notes = _find_changed_plugins(changed, recipe.evaluate.select_by)
        if changed:
            raise RunError(
                f"The {name} of run {folder.path.name} changed since it was started; it cannot be resumed.",
                got=f"another content of: {', '.join(changed)}",
                allowed="what environment.json records",
                next_step=f"bring the old {name} back, or train anew: loupe train {folder.recipe_file}",
            )
    return notes
