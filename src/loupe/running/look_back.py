"""Looking back on single training images: those followed through the epochs."""

from loupe.data import pick_stratified
from loupe.data.batches import EvaluationBatches
from loupe.recipe import Recipe
from loupe.running.training_setup import TrainingSetup
from loupe.runs import ExampleTracker, RunFolder


def follow_examples(recipe: Recipe, folder: RunFolder, setup: TrainingSetup) -> ExampleTracker:
    """Return the observer that follows the training images a recipe wants followed."""
    wanted, train = recipe.evaluate.track_examples, setup.splits.train
    count = len(train) if wanted is True else int(wanted)
    indices = pick_stratified(train.labels, count, recipe.split_seed)
    followed = EvaluationBatches(
        train.select(indices).to(setup.device), setup.normalization, recipe.evaluate.batch_size
    )
    return ExampleTracker(folder, followed, indices, setup.precision)
