"""A classifier that shares its layers with the autoencoder it starts from, beside one that copies them.

A coursework put the encoder's own layers into each classifier (D-004-14): training a classifier changes the
autoencoder, and the next one, with more labels, starts from what the last one has learned.
"""

import copy
from statistics import fmean
from typing import Literal

from torch import nn

from loupe.data import Dataset, EvaluationBatches, Splits, load_dataset, split_dataset
from loupe.data.normalization import Normalization
from loupe.reproductions.plain_training import BATCH_SIZE, build_plainly, list_seeds, train_plainly
from loupe.reproductions.report import Demonstration
from loupe.training import Reconstruction
from loupe.training.measure import measure

Start = Literal["random", "copied", "shared"]

_CLASSES = ("T-shirt/top", "Trouser", "Coat", "Sandal", "Bag")
_FRACTIONS = (0.05, 0.2, 0.5)
_WIDTHS = (128, 64, 32, 10)
_RATE = 0.001
_UNIT = Normalization((0.0,), (1.0,))
_TOLD: dict[Start, str] = {
    "shared": "as published: layers shared",
    "copied": "corrected: layers copied",
    "random": "random weights",
}


def show_shared_weights(*, is_quick: bool = False) -> Demonstration:
    """Return accuracies with few and more labels from each start, and what became of the autoencoder.

    Args:
        is_quick: one seed and fewer epochs, instead of three seeds and six epochs.
    """
    seeds, num_epochs = ((0,), 2) if is_quick else ((0, 1, 2), 6)
    everything = split_dataset(load_dataset("fashion-mnist"), validation=5000)
    labelled = load_dataset("fashion-mnist", classes=_CLASSES)
    accuracies: dict[Start, list[list[float]]] = {start: [] for start in _TOLD}
    errors: dict[str, list[float]] = {"before": [], "shared": [], "copied": []}
    for seed in seeds:
        autoencoder = build_plainly("autoencoder", everything, seed, widths=_WIDTHS)
        train_plainly(autoencoder, everything, _UNIT, seed, num_epochs=2, learning_rate=0.003)
        errors["before"].append(measure_error(autoencoder, everything))
        for start in ("copied", "random", "shared"):  # the last one changes the autoencoder
            accuracies[start].append(train_classifiers(autoencoder, labelled, start, seed, num_epochs))
            if start in errors:
                errors[start].append(measure_error(autoencoder, everything))
    rows = [
        (f"accuracy, {told}, {100 * fraction:g} % of the labels", *_sum_up(accuracies[start], place))
        for place, fraction in enumerate(_FRACTIONS)
        for start, told in _TOLD.items()
    ]
    rows += [
        (f"the autoencoder's error {when}", f"{fmean(errors[key]):.4f}", list_seeds(errors[key]))
        for key, when in (
            ("before", "before"),
            ("copied", "after classifiers that copied its layers"),
            ("shared", "after classifiers that shared them"),
        )
    ]
    return Demonstration(
        "D-004-14",
        "Pre-trained layers that are shared",
        "Classifiers of five classes, one after another with more and more labels. Where they share the "
        "encoder's layers, each goes on from the last one, and the autoencoder is spoilt; where they copy "
        f"them, all start alike and it stays as it was. Best accuracy on 5,000 held-out images in "
        f"{num_epochs} epochs, batch {BATCH_SIZE}, Adam at {_RATE}; the autoencoder had two of all images.",
        tuple(rows),
        figure="figure",
    )


def train_classifiers(
    autoencoder: nn.Module, labelled: Dataset, start: Start, seed: int, num_epochs: int
) -> list[float]:
    """Return the best validation accuracy of a classifier for each part of the labels, fewest first."""
    found = []
    for fraction in _FRACTIONS:
        splits = split_dataset(labelled, validation=5000, fraction=fraction)
        classifier = build_plainly("mlp", splits, seed, widths=_WIDTHS)
        if start != "random":
            place_encoder(classifier, autoencoder, is_shared=start == "shared")
        state = train_plainly(classifier, splits, _UNIT, seed, num_epochs=num_epochs, learning_rate=_RATE)
        assert state.best is not None
        assert state.best.validation_accuracy is not None
        found.append(state.best.validation_accuracy)
    return found


def place_encoder(classifier: nn.Module, autoencoder: nn.Module, *, is_shared: bool) -> None:
    """Put the encoder's dense layers in the place of a classifier's: the same ones, or copies."""
    encoder = autoencoder.get_submodule("encoder")
    for name, layer in encoder.named_children():
        if isinstance(layer, nn.Linear):
            setattr(classifier, name, layer if is_shared else copy.deepcopy(layer))


def measure_error(autoencoder: nn.Module, splits: Splits) -> float:
    """Return the mean squared error on held-out images."""
    return measure(autoencoder, EvaluationBatches(splits.validation, _UNIT), Reconstruction()).loss


def _sum_up(accuracies: list[list[float]], place: int) -> tuple[str, str]:
    """Return the mean over seeds at a part of the labels, and each seed's, in per cent."""
    values = [100 * of_seed[place] for of_seed in accuracies]
    return f"{fmean(values):.2f} %", list_seeds(values, ".2f")
