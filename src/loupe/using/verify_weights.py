"""Stored predictions held against what the weights say now, of validation images and, if asked, of test."""

from collections.abc import Iterator
from pathlib import Path

from loupe.data import ImageDataset, take_stratified
from loupe.data.batches import EvaluationBatches
from loupe.data.identity import ImageTable, to_keys
from loupe.data.normalization import Normalization
from loupe.running.recipe_data import load_run_splits
from loupe.runs import RunFolder, load_model
from loupe.runs.looks import follow_looks
from loupe.training.measure import compute_outputs
from loupe.using.verification import Finding

_CLOSE = 1e-3  # of the largest logit; another machine rounds otherwise, other weights give something else
_CLOSE_LOW_PRECISION = 5e-2


def check_test(run: RunFolder, data: str | Path | None) -> Iterator[Finding]:
    """Run all test images through the network, against the stored predictions: a look, counted and logged.

    Args:
        run: the run.
        data: where its images lie now; where they were if left out.

    Raises:
        LoupeError: the data is gone.
    """
    result, record = run.read_result(), run.read_images()
    if result is None or result.best is None or result.best.test is None or record is None:
        found = "the run has no figures on test, or no record of its images"
        yield Finding("weights on test", "unknown", found)
        return
    test = load_run_splits(run, data).test
    if test.digest != run.read_environment()["data_digests"]["test"]:
        yield Finding("weights on test", "unknown", "its test images are not at hand as they were")
        return
    follow_looks(run, test, run.read_recipe())
    images = test.open("loupe verify --test: weights against stored predictions")
    yield check_weights(run, images, record.test, "test", len(images))


def check_weights(
    run: RunFolder, images: ImageDataset, record: ImageTable, split: str, sample: int
) -> Finding:
    """Run images through the network, and hold what it says against the stored predictions.

    Args:
        run: the run.
        images: of the split.
        record: the split's images in the order of the stored predictions.
        split: "validation" or "test".
        sample: how many of them.
    """
    recipe = run.read_recipe()
    model, description = load_model(run)
    normalization = Normalization.from_dict(description["normalization"])
    some = take_stratified(images, sample, recipe.split_seed)
    places = {key: index for index, key in enumerate(to_keys(record.digests))}
    indices = [places[key] for key in to_keys(some.table.digests)]
    outputs = compute_outputs(model, EvaluationBatches(some, normalization, recipe.evaluate.batch_size))
    precision = run.read_environment().get("precision", "float32")
    close = _CLOSE if precision == "float32" else _CLOSE_LOW_PRECISION
    if description.get("objective", "classification") == "classification":
        stored, now = run.read_predictions()[split].logits[indices], outputs
    else:
        stored = run.read_reconstructions()[split].errors[indices]
        now = (outputs - normalization.apply(some.pixels)).square().flatten(1).mean(1)
    difference = float((stored - now).abs().max())
    limit = close * max(1.0, float(stored.abs().max()))
    check = "weights" if split == "validation" else "weights on test"
    what = f"over {len(some):,} {split} images the largest difference is {difference:.1e}"
    if not difference <= limit:  # not a number is a difference too
        return Finding(check, "altered", f"the stored predictions are not those of the weights: {what}")
    return Finding(check, "sound", f"the stored predictions are those of the weights: {what}")
