"""A longer training from where a finished run ended: a new run, which says what it continues."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from loupe.data import Splits
from loupe.errors import RunError
from loupe.plugins import load_plugin
from loupe.recipe import Recipe
from loupe.running.network import find_seed_run
from loupe.running.recipe_digest import reduce_recipe
from loupe.runs import RunFolder
from loupe.runs.evidence import digest_file
from loupe.runs.looks import count_own_looks, count_times
from loupe.runs.plugins import describe_looking
from loupe.runs.reading import is_plain
from loupe.training import EpochRecord, Snapshot
from loupe.training.schedules import Schedule, build_schedule
from loupe.wording import count_of

_FREE = {"train": ("epochs", "early_stopping")}  # what a longer training may change of its numbers


@dataclass(frozen=True)
class Continued:
    """A finished run that is trained further.

    Args:
        run: its folder.
        snapshot: where it ended.
        record: what the new run's environment says of it, as text by name.
    """

    run: RunFolder
    snapshot: Snapshot
    record: dict[str, str]

    def hand_over(self, folder: RunFolder) -> None:
        """Write into the new run's folder what it goes on from; training then resumes there as ever."""
        folder.write_snapshot(self.snapshot)
        if is_plain(self.run.examples_file):
            self.run.read_examples()  # or it is damaged, and said
            shutil.copyfile(self.run.examples_file, folder.examples_file)


def find_continued(recipe: Recipe, splits: Splits, steps_per_epoch: int) -> Continued | None:
    """Return the run a recipe continues, after checking that it can be; None if it continues none.

    Raises:
        RunError: that run has not finished, was of another recipe or other data, or is as long already.
    """
    if recipe.run.continues is None:
        return None
    run = find_seed_run(recipe, recipe.run.continues)
    result, before = run.read_result(), run.read_recipe()
    snapshot = run.read_snapshot()
    if result is None or result.status != "finished" or snapshot is None:
        raise _refuse(run, "has not finished", "a run that ended", run.advise())
    num_epochs = len(snapshot.history)
    if recipe.train.epochs <= num_epochs:
        raise _refuse(
            run,
            f"has {count_of(num_epochs, 'epoch')}, and train.epochs = {recipe.train.epochs}",
            f"train.epochs above {num_epochs}",
            f"loupe train --continue {run.path} train.epochs={2 * num_epochs}",
        )
    _refuse_changes(run, recipe, before, splits)
    values = {**snapshot.values, "stopped_early": False}  # asked again after the next epoch
    is_same = has_same_rates(recipe, before, snapshot.history, steps_per_epoch)
    said = describe_continued(run, recipe.train.epochs, num_epochs, is_same=is_same)
    record = {"run": str(run.path), "sha256": digest_file(run.checkpoint_file).sha256, "said": said}
    return Continued(run, Snapshot(snapshot.tensors, values), record)


def digest_continued(recipe: Recipe) -> tuple[str, ...]:
    """Return the SHA-256 of the state that a recipe goes on from, if it continues a run."""
    if recipe.run.continues is None:
        return ()
    return (digest_file(find_seed_run(recipe, recipe.run.continues).checkpoint_file).sha256,)


def describe_continued(run: RunFolder, num_epochs: int, num_before: int, *, is_same: bool) -> str:
    """Return in words what a run continues, and what a reader of its figures should know.

    Args:
        run: the run that is continued.
        num_epochs: of the whole.
        num_before: of these, trained there.
        is_same: whether one training of that length would have gone the same way.
    """
    told = f"Continues {run.path.name} after its epoch {num_before}"
    if is_same:
        told += f", as {num_epochs} epochs in one go would have gone on. "
    else:
        told += (
            f", from there on with the learning rates of {num_epochs} epochs: its figures are not those of "
            "one training of that length. "
        )
    looks = count_own_looks(run)
    if looks is None:
        return f"{told}How often its test images had been looked at before that is unknown."
    return f"{told}Its test images had been looked at {count_times(looks)} before that."


def has_same_rates(
    recipe: Recipe, before: Recipe, history: Sequence[EpochRecord], steps_per_epoch: int
) -> bool:
    """Return whether a longer training would have taken the steps that were taken already."""
    if recipe.train.lookahead is not None:  # it follows the length of the training
        return False
    old, new = (_build_schedule(one, steps_per_epoch) for one in (before, recipe))
    losses = [record.validation_loss for record in history]
    for epoch in range(len(history)):
        for step in (0, steps_per_epoch // 2, steps_per_epoch - 1):
            at = epoch * steps_per_epoch + step
            if old(at, losses[:epoch]) != new(at, losses[:epoch]):
                return False
    return True


def _build_schedule(recipe: Recipe, steps_per_epoch: int) -> Schedule:
    choice, train = recipe.train.schedule, recipe.train
    return build_schedule(
        choice.name,
        num_epochs=train.epochs,
        steps_per_epoch=steps_per_epoch,
        warmup_epochs=train.warmup_epochs,
        **choice.settings,
    )


def _refuse_changes(run: RunFolder, recipe: Recipe, before: Recipe, splits: Splits) -> None:
    """Check that nothing but the length changed: recipe, data and plugins are those of the run."""
    old, new = _reduce(before), _reduce(recipe)
    changed = [
        f"{section}.{name}"
        for section in sorted({*old, *new})
        for name in sorted({*old.get(section, {}), *new.get(section, {})})
        if old.get(section, {}).get(name) != new.get(section, {}).get(name)
    ]
    if changed:
        raise _refuse(
            run,
            f"another {', '.join(changed)}",
            "a change of train.epochs, of train.early_stopping, and of what changes no number",
            f"leave it as it was; or start another training from its weights: transfer={run.path}",
        )
    recorded = run.read_environment()
    digests = {"train": splits.train.digest, "validation": splits.validation.digest}
    moved = [name for name, digest in digests.items() if recorded["data_digests"].get(name) != digest]
    moved += [] if recorded["data_digests"].get("test") == splits.test.digest else ["test"]
    if moved:
        raise _refuse(
            run,
            f"other {', '.join(moved)} images than it was trained with",
            "the data as it was",
            f"start from its weights, which leaves out what they have seen: transfer={run.path} "
            "transfer.head=copied",
        )
    digests_now = {plugin: load_plugin(plugin) for plugin in recipe.run.plugins}
    digests_then = dict(recorded.get("plugins") or {})
    fresh = [one for one, digest in digests_now.items() if digest not in digests_then.values()]
    lost = [one for one, digest in digests_then.items() if digest not in digests_now.values()]
    if any(one not in fresh for one in lost) or not all(map(describe_looking, fresh)):
        raise _refuse(run, "other plugins than it was trained with", "its plugins as they were", None)


def _reduce(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """Return what of a recipe has to stay as it is, by section and field."""
    values = reduce_recipe(recipe)
    for section, names in _FREE.items():
        for name in names:
            values.get(section, {}).pop(name, None)
    kept = {name: table for name, table in values.items() if name not in ("run", "evaluate")}
    seed, chosen = {"seed": recipe.run.seed}, {"select_by": recipe.evaluate.select_by}
    return {**kept, "run": seed, "evaluate": chosen}


def _refuse(run: RunFolder, got: str, allowed: str, next_step: str | None) -> RunError:
    return RunError(
        f"Run {run.path.name} cannot be continued like that.", got=got, allowed=allowed, next_step=next_step
    )
