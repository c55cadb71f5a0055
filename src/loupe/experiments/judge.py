"""Judging what a training reached: best and last weights on validation, then on test, once."""

from statistics import median
from typing import Literal

from loupe.data.batches import EvaluationBatches
from loupe.evaluation import Predictions, compute_metrics, predict
from loupe.experiments.bench import Bench
from loupe.experiments.test_picking import TestPicker
from loupe.models.layer_table import count_parameters
from loupe.recipe import Recipe
from loupe.runs import Outcome, RunFolder, RunResult
from loupe.runs.result import Status
from loupe.training import Snapshot

_REASON = "final evaluation of the best-on-validation and the last weights"


def judge(
    recipe: Recipe,
    folder: RunFolder,
    bench: Bench,
    reached: Snapshot | None,
    *,
    status: Status,
    reason: str | None,
    picker: TestPicker | None,
    warnings: tuple[str, ...],
) -> RunResult:
    """Return the result of a training, and write its predictions.

    The test set is opened only for a finished training, and only if the recipe says so.

    Args:
        recipe: of the run.
        folder: the run's folder.
        bench: data and network; the network ends with the best weights.
        reached: what the training reached; None if not one epoch was completed.
        status: how the training ended.
        reason: why it is not finished, if it is not.
        warnings: what the reader of the figures should know.
        picker: what looked at the test set after every epoch, if the recipe asks for it.
    """
    opens_test = recipe.evaluate.test and status == "finished"
    batches = {"validation": bench.validation}
    if opens_test:
        test = bench.splits.test.open(_REASON).to(bench.device)
        batches["test"] = EvaluationBatches(test, bench.normalization, recipe.evaluate.batch_size)
    best = last = None
    history = reached.history if reached else []
    if reached is not None and reached.best_epoch is not None:
        last, _ = _judge_weights(recipe, bench, reached, "model", len(history), batches)
        best, predictions = _judge_weights(recipe, bench, reached, "best", reached.best_epoch, batches)
        folder.write_predictions(**predictions)
    return RunResult(
        status=status,
        reason=reason,
        recipe_name=recipe.name,
        seed=recipe.run.seed,
        num_images={
            "train": len(bench.splits.train),
            "validation": len(bench.splits.validation),
            "test": len(bench.splits.test),
        },
        best=best,
        last=last,
        selected_by=recipe.evaluate.select_by,
        stopped_early=bool(reached and reached.values["stopped_early"]),
        test_picking=picker.result() if picker else None,
        test_openings=bench.splits.test.openings,
        seconds=sum(record.seconds for record in history),
        images_per_second=median([record.images_per_second for record in history] or [0.0]),
        parameters=count_parameters(bench.model),
        confidence=recipe.evaluate.confidence,
        warnings=warnings,
    )


def _judge_weights(
    recipe: Recipe,
    bench: Bench,
    reached: Snapshot,
    which: Literal["best", "model"],
    epoch: int,
    batches: dict[str, EvaluationBatches],
) -> tuple[Outcome, dict[str, Predictions]]:
    bench.model.load_state_dict(reached.weights(which))
    predictions = {split: predict(bench.model, of_split) for split, of_split in batches.items()}
    class_names, confidence = bench.splits.train.class_names, recipe.evaluate.confidence
    metrics = {
        split: compute_metrics(predicted, class_names, confidence) for split, predicted in predictions.items()
    }
    return Outcome(epoch, metrics["validation"], metrics.get("test")), predictions
