"""One run on one screen: data, split, model, fit, judge, open the test set once, write it all down."""

import hashlib
from collections.abc import Sequence
from typing import Any

from loupe.data import Dataset
from loupe.errors import LoupeError, RunError
from loupe.experiments.bench import Bench, load_recipe_data, set_up
from loupe.experiments.judge import judge
from loupe.experiments.prepare import load_plugin
from loupe.experiments.test_picking import TestPicker
from loupe.recipe import Recipe
from loupe.reports.run_report import write_run_report
from loupe.runs import Recorder, RunFolder, RunResult, describe_environment
from loupe.runs.result import Status
from loupe.runtime import Streams, choose_device, computing
from loupe.training import Observer, WindowedEarlyStopping, fit, smoothed_cross_entropy


def run_recipe(
    recipe: Recipe,
    folder: RunFolder,
    *,
    observers: Sequence[Observer] = (),
    dataset: Dataset | None = None,
) -> RunResult:
    """Carry out a recipe with its one seed in a run folder, from the folder's checkpoint if it has one.

    Args:
        recipe: checked and resolved, from `load_recipe`.
        folder: a new run folder, or one that a broken-off run left.
        observers: told of steps and epochs.
        dataset: the recipe's dataset, if it is loaded already.

    Raises:
        LoupeError: the recipe does not fit the data, or training broke down; what was reached is kept.
    """
    streams, device = Streams(recipe.run.seed), choose_device(recipe.run.device)
    with computing(recipe.run.threads):
        bench = set_up(recipe, device, streams, dataset or load_recipe_data(recipe))
        open_record(recipe, folder, bench)
        start = folder.read_snapshot()
        recorder = Recorder(folder, bench.describe_network(recipe), start)
        picker = TestPicker(folder, bench) if recipe.evaluate.show_test_picking else None
        stopping = recipe.train.early_stopping
        status: Status = "finished"
        failure: LoupeError | None = None
        try:
            fit(
                bench.model,
                bench.train,
                bench.validation,
                num_epochs=recipe.train.epochs,
                optimizer=bench.optimizer,
                schedule=bench.schedule,
                loss=smoothed_cross_entropy(recipe.train.label_smoothing),
                streams=streams,
                clip_norm=recipe.train.clip_norm,
                early_stopping=WindowedEarlyStopping(stopping.window, stopping.min_improvement)
                if stopping
                else None,
                select_by=recipe.evaluate.select_by,
                clean_train=bench.clean_train,
                observers=[*([picker] if picker else []), recorder, *observers],
                start=start,
            )
        except KeyboardInterrupt:
            status = "interrupted"
        except LoupeError as error:
            status, failure = "failed", error
        recorder.flush()
        reason = failure.message if failure else None
        result = judge(recipe, folder, bench, recorder.latest, status=status, reason=reason, picker=picker)
        write_run_report(folder, result, bench.splits.validation)
        folder.write_result(result)  # last of all: a run that has a result has everything
        folder.log(status if reason is None else f"{status}: {reason}")
    if failure is not None:
        raise failure
    return result


def open_record(recipe: Recipe, folder: RunFolder, bench: Bench) -> None:
    """Start a run's record, or go on with the one that stands in its folder.

    Raises:
        RunError: the data is not what the earlier part of the run was trained on.
    """
    splits = bench.splits
    digests = {
        "train": splits.train.digest,
        "validation": splits.validation.digest,
        "test": splits.test.digest,
    }
    environment = describe_environment(
        device=bench.device,
        seed=recipe.run.seed,
        data_digests=digests,
        plugins={plugin: load_plugin(plugin) for plugin in recipe.run.plugins},
        recipe_digest=hashlib.sha256(recipe.to_toml().encode()).hexdigest(),
    )
    if folder.environment_file.exists():
        _refuse_changes(folder, environment)
        folder.clear_leftovers()
    else:
        folder.start(recipe, environment)
    splits.test.continue_record(folder.read_openings(), folder.log_opening)


def _refuse_changes(folder: RunFolder, environment: dict[str, Any]) -> None:
    before = folder.read_environment()
    if before.get("recipe_digest") != environment["recipe_digest"]:
        raise RunError(
            f"The recipe of run {folder.path.name} changed since it was started; it cannot be resumed.",
            got="a recipe.toml with another content",
            allowed="the recipe.toml the run was started with",
            next_step=f"train it anew: loupe train {folder.recipe_file}",
        )
    for field, name in (("data_digests", "data"), ("plugins", "plugins")):
        old = before.get(field) or {}
        changed = [key for key, digest in environment[field].items() if old.get(key) != digest]
        if changed:
            raise RunError(
                f"The {name} of run {folder.path.name} changed since it was started; it cannot be resumed.",
                got=f"another content of: {', '.join(changed)}",
                allowed="what environment.json records",
                next_step=f"bring the old {name} back, or train anew: loupe train {folder.recipe_file}",
            )
