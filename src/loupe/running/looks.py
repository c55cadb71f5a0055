"""The evaluations of a run: which its recipe asks for, and what they look at."""

from collections.abc import Sequence

from loupe.evaluations import Looks, Network, Subject, carry_out, choose_evaluations
from loupe.evaluations.registry import ChosenEvaluation, list_default_evaluations
from loupe.evaluations.subject import LookedAt, Say
from loupe.metrics import Predictions
from loupe.models import objective_of
from loupe.plugins import name_plugin_module
from loupe.recipe import Recipe
from loupe.recipe.sections import Choice
from loupe.running.training_setup import TrainingSetup
from loupe.runs import RunFolder

_TTA = "test_time_augmentation"


def choose_looks(recipe: Recipe) -> tuple[ChosenEvaluation, ...]:
    """Return the evaluations a recipe asks for: those it names, or those that cost little.

    Where the network is not looked into and nothing is named, those that take seconds are left out. Test-time
    augmentation is among these if `evaluate.tta` wants it reported.

    Raises:
        LoupeError: it names one that there is not.
    """
    evaluate = recipe.evaluate
    plugins = [name_plugin_module(one) for one in recipe.run.plugins]
    objective = objective_of(recipe.model.name)
    choices: Sequence[str | Choice] = evaluate.looks or ()
    if evaluate.looks is None:
        choices = list_default_evaluations(objective, plugins, is_hurried=not evaluate.look_inside)
    if evaluate.tta != "none" and not any(one.name == _TTA for one in evaluate.looks or ()):
        choices = [*choices, f"{_TTA}:views={evaluate.tta}"]
    return choose_evaluations(choices, objective, plugins)


def open_network(recipe: Recipe, setup: TrainingSetup) -> Network:
    """Return the network of a set-up as evaluations ask it."""
    return Network(
        setup.model,
        setup.normalization,
        setup.layers,
        setup.device,
        setup.precision,
        recipe.evaluate.batch_size,
    )


def look_at_run(
    recipe: Recipe,
    folder: RunFolder,
    setup: TrainingSetup,
    looked_at: Sequence[LookedAt],
    network: Network,
    tell: Say,
) -> Looks:
    """Return what the evaluations of a recipe find; the log says which failed.

    Args:
        recipe: of the run.
        folder: the run's folder, with the examples followed, if there are any.
        setup: data, and the network.
        looked_at: images and the network's answers; the validation images first, then test if it was opened.
        network: of the set-up.
        tell: told of each before it is carried out.
    """
    examples, validation = folder.read_examples(), looked_at[0].answers
    subject = Subject(
        objective_of(recipe.model.name),
        setup.splits.train.class_names,
        tuple(looked_at),
        level=recipe.evaluate.confidence,
        seed=recipe.split_seed,
        network=network,
        load_training=lambda: setup.splits.train,
        examples=examples if examples is not None and examples.num_epochs else None,
        validation_answers=validation if isinstance(validation, Predictions) else None,
    )
    return carry_out(choose_looks(recipe), subject, folder.log, tell)
