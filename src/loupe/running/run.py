"""One run on one screen: data, split, model, fit, judge, open the test set once, write it all down."""

from collections.abc import Sequence

from loupe.data import Dataset
from loupe.recipe import Recipe
from loupe.running.fitting import fit_setup
from loupe.running.process_group import choose_threads, launch_process_group
from loupe.running.process_group.meeting import telling_others
from loupe.running.run_under_way import begin_run, conclude_run
from loupe.runs import RunFolder, RunResult
from loupe.runtime import computing
from loupe.training import Observer


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
    with folder.locked(), computing(choose_threads(recipe)):
        with telling_others(recipe):
            run = begin_run(recipe, folder, observers=observers, dataset=dataset)
        ended_by: BaseException | None = None
        try:
            with launch_process_group(run.recipe, folder, run.device) as group:
                fit_setup(
                    run.recipe, run.setup, run.streams, observers=run.observers, start=run.start, group=group
                )
        except (KeyboardInterrupt, Exception) as error:  # whatever a user's own network raises
            ended_by = error
        result, failure = conclude_run(run, ended_by)
    if failure is not None:
        raise failure
    return result
