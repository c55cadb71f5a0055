"""Judging what a training reached: best and last weights on validation, then on test, once."""

from collections.abc import Mapping, Sequence
from statistics import median

from loupe.data import ImageDataset
from loupe.data.batches import EvaluationBatches
from loupe.evaluations import Network
from loupe.evaluations.subject import LookedAt, Say
from loupe.metrics import Predictions, Reconstructions, compute_metrics, reconstruct
from loupe.metrics.reconstruction import compute_baselines, compute_reconstruction_score
from loupe.metrics.reported import LOSS
from loupe.models import objective_of
from loupe.models.layer_table import count_parameters
from loupe.recipe import Recipe
from loupe.running.looks import look_at_run, open_network
from loupe.running.plan import choose_recipe_metrics
from loupe.running.test_picking import TestPicker
from loupe.running.training_setup import TrainingSetup
from loupe.runs import Outcome, RunFolder, RunResult
from loupe.runs.result import Status
from loupe.training import EpochRecord, Snapshot
from loupe.wording import count_of

_REASON = "final evaluation of the best-on-validation and the last weights"


def judge(
    recipe: Recipe,
    folder: RunFolder,
    setup: TrainingSetup,
    reached: Snapshot | None,
    *,
    status: Status,
    reason: str | None,
    picker: TestPicker | None,
    tell: Say = lambda step: None,
) -> RunResult:
    """Return the result of a training, and write its predictions.

    The test set is opened only for a finished training, and only if the recipe says so.

    Args:
        recipe: of the run.
        folder: the run's folder.
        setup: data and network; the network ends with the best weights.
        reached: what the training reached; None if not one epoch was completed.
        status: how the training ended.
        reason: why it is not finished, if it is not.
        picker: what looked at the test set after every epoch, if the recipe asks for it.
        tell: told what is done next, in a few words.
    """
    opens_test = recipe.evaluate.test and status == "finished"
    images = {"validation": setup.splits.validation}
    if opens_test:
        images["test"] = setup.splits.test.open(_REASON)
    best = last = None
    history = reached.history if reached else []
    selected_by, said = find_selection(recipe.evaluate.select_by, history)
    if reached is not None and reached.best_epoch is not None:
        judge_weights = _judge_classifier if is_classifier(recipe) else _judge_reconstruction
        if reached.best_epoch != len(history):
            setup.model.load_state_dict(reached.last_weights)
            tell("the last weights")
            last = judge_weights(recipe, setup, len(history), images)
        setup.model.load_state_dict(reached.weights("best"))
        tell("the best weights")
        best = judge_weights(recipe, setup, reached.best_epoch, images, folder, tell)
        last = last or best  # the same weights
    return RunResult(
        status=status,
        reason=reason,
        recipe_name=recipe.name,
        seed=recipe.run.seed,
        num_images={
            "train": len(setup.splits.train),
            "validation": len(setup.splits.validation),
            "test": len(setup.splits.test),
        },
        best=best,
        last=last,
        selected_by=selected_by,
        stopped_early=bool(reached and reached.values["stopped_early"]),
        test_picking=picker.result() if picker else None,
        test_openings=setup.splits.test.openings,
        seconds=sum(record.seconds for record in history),
        images_per_second=median([record.images_per_second for record in history] or [0.0]),
        parameters=count_parameters(setup.model),
        confidence=recipe.evaluate.confidence,
        warnings=tuple(said),
        objective=objective_of(recipe.model.name),
        notes=setup.notes,
        tta=recipe.evaluate.tta,
        multiply_adds=setup.layers.multiply_adds,
    )


def find_selection(select_by: str, history: Sequence[EpochRecord]) -> tuple[str, list[str]]:
    """Return the validation figure that picked the best epoch, and what is to be said of the picking.

    A metric that is defined in no epoch picks none: the lowest loss does.

    Args:
        select_by: what the recipe names.
        history: of the epochs completed.
    """
    values = {record.epoch: record.validation_metrics.get(select_by) for record in history}
    undefined = [epoch for epoch, value in values.items() if value is None]
    is_named = any(select_by in record.validation_metrics for record in history)
    if not (is_named and undefined):
        return select_by, []
    if len(undefined) == len(values):
        return LOSS, [
            f"validation {select_by} is not defined in any of {count_of(len(values), 'epoch')}: the best "
            "epoch was picked by the lowest validation loss"
        ]
    return select_by, [
        f"validation {select_by} is not defined in {len(undefined)} of {len(values)} epochs "
        f"(the first is epoch {undefined[0]}): the best epoch was picked among the others"
    ]


def is_classifier(recipe: Recipe) -> bool:
    """Return whether the recipe's model says classes."""
    return objective_of(recipe.model.name) == "classification"


def _judge_classifier(
    recipe: Recipe,
    setup: TrainingSetup,
    epoch: int,
    images: Mapping[str, ImageDataset],
    folder: RunFolder | None = None,
    tell: Say = lambda step: None,
) -> Outcome:
    """Judge the weights in the network, and write predictions and looks at them if a folder is given."""
    network = open_network(recipe, setup)
    predictions = {split: network.predict(of_split) for split, of_split in images.items()}
    if folder is not None:
        folder.write_predictions(**predictions)
        _look(recipe, setup, network, images, predictions, folder, tell)
    if recipe.evaluate.tta != "none":
        tell("answers to several views of each image")
        predictions |= {
            f"{split}_tta": network.predict_views(of_split, recipe.evaluate.tta)
            for split, of_split in images.items()
        }
    class_names, confidence = setup.splits.train.class_names, recipe.evaluate.confidence
    metrics = {
        split: compute_metrics(predicted, class_names, confidence, choose_recipe_metrics(recipe))
        for split, predicted in predictions.items()
    }
    return Outcome(epoch, **metrics)


def _judge_reconstruction(
    recipe: Recipe,
    setup: TrainingSetup,
    epoch: int,
    images: Mapping[str, ImageDataset],
    folder: RunFolder | None = None,
    tell: Say = lambda step: None,
) -> Outcome:
    """Judge the weights in the network, and write reconstructions and looks at them if a folder is given."""
    chosen, level = choose_recipe_metrics(recipe), recipe.evaluate.confidence
    network = open_network(recipe, setup)
    batches = {split: network.batches(of_split) for split, of_split in images.items()}
    made = {
        split: reconstruct(setup.model, of_split, setup.precision, chosen=chosen, level=level)
        for split, of_split in batches.items()
    }
    if folder is not None:
        folder.write_reconstructions(**made)
        _look(recipe, setup, network, images, made, folder, tell)
    train = EvaluationBatches(setup.train.dataset, setup.normalization, recipe.evaluate.batch_size)
    scores = {
        split: compute_reconstruction_score(
            one.errors, compute_baselines(train, batches[split]), level, one.values
        )
        for split, one in made.items()
    }
    return Outcome(epoch, scores["validation"], scores.get("test"))


def _look(
    recipe: Recipe,
    setup: TrainingSetup,
    network: Network,
    images: Mapping[str, ImageDataset],
    answers: Mapping[str, Predictions] | Mapping[str, Reconstructions],
    folder: RunFolder,
    tell: Say,
) -> None:
    """Carry out the evaluations a recipe asks for, and write what they find."""
    looked_at = [
        LookedAt(split, answers[split], of_split, is_locked=split == "test")
        for split, of_split in images.items()
    ]
    folder.write_evaluations(look_at_run(recipe, folder, setup, looked_at, network, tell))
