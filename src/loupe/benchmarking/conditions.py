"""Where speed was measured."""

from typing import Any

from loupe.errors import LoupeError
from loupe.plugins import load_plugin
from loupe.recipe import Recipe
from loupe.running.recipe_digest import digest_recipe
from loupe.running.training_setup import TrainingSetup
from loupe.runs import describe_environment


def refuse_several_processes(recipe: Recipe) -> None:
    """Check that a recipe is for a single process.

    Raises:
        LoupeError: it is not.
    """
    if recipe.run.processes > 1:
        raise LoupeError(
            "Speed is measured of a single process.",
            got=f"run.processes={recipe.run.processes}",
            allowed="run.processes=1",
            next_step="loupe bench RECIPE run.processes=1; a run's history tells the images/s of several",
        )


def describe_conditions(recipe: Recipe, setup: TrainingSetup) -> dict[str, Any]:
    """Return versions, machine, commit, seed and digests of training and validation images."""
    splits = setup.splits
    return describe_environment(
        device=setup.device,
        seed=recipe.run.seed,
        data_digests={"train": splits.train.digest, "validation": splits.validation.digest},
        plugins={plugin: load_plugin(plugin) for plugin in recipe.run.plugins},
        recipe_digest=digest_recipe(recipe),
        precision=setup.precision,
    )
