"""Looking back on single images: training images followed through the epochs, and what mistakes resemble."""

import torch
from torch import Tensor

from loupe.data import pick_stratified
from loupe.data.batches import EvaluationBatches
from loupe.errors import LoupeError
from loupe.evaluations import measure_difficulty, rank_mistakes
from loupe.inspection import compute_features, embed, find_neighbours
from loupe.metrics import Predictions
from loupe.recipe import Recipe
from loupe.running.training_setup import TrainingSetup
from loupe.runs import ExampleTracker, MistakeRecord, RunFolder

_MOST_MISTAKES = 24  # the most confident ones get neighbours
_NEIGHBOURS = 3
_MOST_SEARCHED = 20_000  # training images; the search is then much shorter than an epoch
_MOST_MAPPED = 2_000  # validation images; more points hide one another
_MOST_HARD = 24
_MOST_WORK_ON_CPU = 2e11  # multiply-adds for each of the two: seconds


def follow_examples(recipe: Recipe, folder: RunFolder, setup: TrainingSetup) -> ExampleTracker:
    """Return the observer that follows the training images a recipe wants followed."""
    wanted, train = recipe.evaluate.track_examples, setup.splits.train
    count = len(train) if wanted is True else int(wanted)
    indices = pick_stratified(train.labels, count, recipe.split_seed)
    followed = EvaluationBatches(
        train.select(indices).to(setup.device), setup.normalization, recipe.evaluate.batch_size
    )
    return ExampleTracker(folder, followed, indices, setup.precision)


def look_back(
    recipe: Recipe, folder: RunFolder, setup: TrainingSetup, predictions: Predictions
) -> MistakeRecord:
    """Return what a report on the mistakes of the bench's network needs besides its predictions.

    A network without a head to take features from gets no neighbours and no map; the log says why.

    Args:
        recipe: of the run.
        folder: the run's folder, with the examples followed, if there are any.
        bench: data, and the network to look at.
        predictions: of that network on the validation images.
    """
    hardest = _find_hardest(folder)
    try:
        return _look_at_features(recipe, setup, rank_mistakes(predictions)[:_MOST_MISTAKES], hardest)
    except LoupeError as error:
        folder.log(f"no neighbours of the mistakes: {error.message}")
        return _keep_pictures(setup, hardest, hardest=hardest)


def _look_at_features(
    recipe: Recipe, setup: TrainingSetup, mistakes: Tensor, hardest: Tensor
) -> MistakeRecord:
    train, validation = setup.splits.train, setup.splits.validation
    (head,) = [row.name for row in setup.layers.rows if row.parameters][-1:] or [""]

    def features_of(images: EvaluationBatches) -> list[Tensor]:
        return list(compute_features(setup.model, images, head, setup.precision))

    def batches_of(indices: Tensor, of_train: bool) -> EvaluationBatches:
        images = (train if of_train else validation).select(indices)
        return EvaluationBatches(images.to(setup.device), setup.normalization, recipe.evaluate.batch_size)

    mapped = pick_stratified(validation.labels, afford(setup, _MOST_MAPPED), recipe.split_seed)
    placed = embed(torch.cat(features_of(batches_of(mapped, of_train=False))))
    record: dict[str, Tensor] = {
        "mapped": mapped,
        "positions": placed.positions,
        "variance": torch.tensor(placed.variance or (0.0, 0.0)),
        "hardest": hardest,
    }
    if not len(mistakes):
        return _keep_pictures(setup, hardest, **record)
    searched = pick_stratified(train.labels, afford(setup, _MOST_SEARCHED), recipe.split_seed)
    blocks = compute_features(setup.model, batches_of(searched, of_train=True), head, setup.precision)
    of_mistakes = torch.cat(features_of(batches_of(mistakes, of_train=False)))
    found = find_neighbours(of_mistakes, blocks, _NEIGHBOURS)
    neighbours = searched[found.indices]
    record |= {
        "mistakes": mistakes,
        "neighbours": neighbours,
        "distances": found.distances,
        "num_searched": torch.tensor([len(searched)]),
    }
    return _keep_pictures(setup, torch.cat([hardest, neighbours.flatten()]), **record)


def afford(setup: TrainingSetup, most: int) -> int:
    """Return how many images to run through the network, at most `most`: on a CPU what takes seconds."""
    if setup.device.type != "cpu":
        return most
    return max(100, min(most, int(_MOST_WORK_ON_CPU / max(1, setup.layers.multiply_adds))))


def _find_hardest(folder: RunFolder) -> Tensor:
    examples = folder.read_examples()
    if examples is None or not examples.num_epochs:
        return torch.zeros(0, dtype=torch.int64)
    difficulty = measure_difficulty(examples)
    return difficulty.indices[difficulty.rank(_MOST_HARD)]


def _keep_pictures(setup: TrainingSetup, wanted: Tensor, **record: Tensor) -> MistakeRecord:
    """Return the record with the pictures of training images, each once."""
    pictured = wanted.unique()
    kept = setup.splits.train.select(pictured)
    return MistakeRecord(pictured=pictured, pictures=kept.images, labels=kept.labels, **record)
