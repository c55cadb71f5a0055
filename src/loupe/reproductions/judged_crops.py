"""Networks judged on random crops of images, beside the same ones judged on the images.

A notebook's validation and test images went through the random flip and the random resized crop of training
(D-002-4), which cuts out as little as 8 % of an image: its accuracies are those of crops.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import torch
from torch import nn

from loupe.data import EvaluationBatches, ImageDataset, load_dataset, split_dataset
from loupe.data.augmentations import Augmentation, build_augmentation
from loupe.data.normalization import Normalization
from loupe.reproductions.plain_training import build_plainly, list_seeds, train_plainly
from loupe.reproductions.report import Demonstration
from loupe.running.recipe_data import load_run_splits
from loupe.runs import RunFolder, load_model
from loupe.runs.looks import follow_looks
from loupe.runtime import Precision, Streams, choose_precision
from loupe.training.measure import measure
from loupe.wording import list_names

_BATCH_SIZE, _RATE = 64, 0.001  # the notebook's choice
_CIFAR10 = Normalization((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))


def show_judged_crops(*, is_quick: bool = False) -> Demonstration:
    """Return accuracies on held-out images and on crops of them, after the notebook's training and ours.

    Args:
        is_quick: one seed and a tenth of the images, instead of three seeds and a quarter of them.
    """
    seeds, fraction, num_epochs = ((0,), 0.1, 2) if is_quick else ((0, 1, 2), 0.25, 4)
    splits = split_dataset(load_dataset("cifar10"), validation=5000, fraction=fraction)
    flip, crops = build_augmentation("horizontal-flip"), _build_crops()
    trainings = {
        "trained on crops, as published": crops,
        "trained on shifted images": [build_augmentation("padded-crop", padding=4), flip],
    }
    rows = []
    for told, augmentations in trainings.items():
        whole, cropped = [], []
        for seed in seeds:
            model = build_plainly("cnn", splits, seed, conv_layers=2, dense_layers=2)
            train_plainly(
                model,
                splits,
                _CIFAR10,
                seed,
                num_epochs=num_epochs,
                learning_rate=_RATE,
                batch_size=_BATCH_SIZE,
                augmentations=augmentations,
            )
            whole.append(100 * judge(model, splits.validation))
            cropped.append(100 * judge(model, crop_images(splits.validation, crops, seed)))
        rows.append((f"{told}; judged on crops, as published", f"{fmean(cropped):.2f} %", _list(cropped)))
        rows.append((f"{told}; judged on the images", f"{fmean(whole):.2f} %", _list(whole)))
    return Demonstration(
        "D-002-4",
        "Judged on random crops",
        "Flips and crops down to 8 % of an image, meant for training, were applied to the images that judge "
        "it too: such an accuracy is one of crops. A small network of two convolutions, to take minutes; "
        f"{num_epochs} epochs of {len(splits.train):,} images, batch {_BATCH_SIZE}, Adam at {_RATE}; "
        "accuracy on 5,000 held-out images.",
        tuple(rows),
        figure="accuracy",
    )


def show_trained_crops(runs: Sequence[RunFolder], folder: Path) -> Demonstration:
    """Return test accuracies of trained networks on the images, and on the notebook's crops of them.

    Args:
        runs: finished ones, one a seed.
        folder: of the page.
    """
    crops = _build_crops()
    whole: list[float] = []
    cropped: list[float] = []
    for run in runs:
        recipe, test = run.read_recipe(), load_run_splits(run).test
        follow_looks(run, test, recipe)
        images = test.open("loupe reproduce: test images and random crops of them, side by side")
        model, description = load_model(run)
        normalization = Normalization.from_dict(description["normalization"])
        precision = choose_precision(recipe.train.precision, torch.device("cpu"))
        for results, seen in ((whole, images), (cropped, crop_images(images, crops, recipe.run.seed))):
            results.append(100 * judge(model, seen, normalization, precision, recipe.evaluate.batch_size))
    return Demonstration(
        "D-002-4",
        "The trained network on random crops",
        f"The test images of {runs[0].read_recipe().name}, seen by {_name_seeds(runs)}, as they are and as "
        "the notebook tested: mirrored at random and cut to a window of 8 to 100 % of their area. Ours were "
        "trained on shifted images, the notebook's on such crops. Measured anew: in half precision a few "
        "images may come out otherwise than in the run. Nothing is chosen by these looks; all are on record.",
        (
            ("tested on the images", f"{fmean(whole):.2f} %", _list(whole)),
            ("tested on random crops of them, as published", f"{fmean(cropped):.2f} %", _list(cropped)),
        ),
        figure="accuracy",
    )


def _name_seeds(runs: Sequence[RunFolder]) -> str:
    """Return whose networks they are: "the network of seed 0", "the networks of seeds 0, 1 and 2"."""
    seeds = [str(run.read_recipe().run.seed) for run in runs]
    several = "s" if len(seeds) > 1 else ""
    return f"the network{several} of seed{several} {list_names(seeds)}"


def _build_crops() -> list[Augmentation]:
    """Return what the notebook did to every image, those that judge included."""
    return [
        build_augmentation("horizontal-flip"),
        build_augmentation("random-resized-crop", scale=(0.08, 1.0)),
    ]


def crop_images(images: ImageDataset, augmentations: Sequence[Augmentation], seed: int) -> ImageDataset:
    """Return the images as the notebook judged them: each changed at random, once."""
    generator, changed = Streams(seed).generator("augment", 0), images.pixels
    for augmentation in augmentations:
        changed = augmentation.apply(changed, augmentation.draw(changed, generator))
    return replace(images, images=changed)


def judge(
    model: nn.Module,
    images: ImageDataset,
    normalization: Normalization = _CIFAR10,
    precision: Precision = "float32",
    batch_size: int = 1000,
) -> float:
    """Return the accuracy of a network."""
    batches = EvaluationBatches(images, normalization, batch_size)
    accuracy = measure(model, batches, precision=precision).accuracy
    assert accuracy is not None
    return accuracy


def _list(values: Sequence[float]) -> str:
    return list_seeds(values, ".2f")
