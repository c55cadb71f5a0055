"""Stored answers of a network: predictions and reconstructions as arrays by split, and back."""

from collections.abc import Mapping

import torch
from torch import Tensor

from loupe.metrics import Predictions, Reconstructions
from loupe.runs.arrays import refuse_array

PREDICTED, RECONSTRUCTED = ("labels", "logits"), ("errors", "shown", "pictures")
"""Names of the arrays of a split."""


def to_predictions(arrays: Mapping[str, Tensor]) -> Predictions:
    """Return the predictions in the arrays of a split.

    Raises:
        TypeError, ValueError: they are none.
    """
    predictions = Predictions(**arrays)
    count, num_classes = len(predictions.labels), predictions.logits.shape[-1]
    refuse_array("labels", predictions.labels, torch.int64, (count,))
    refuse_array("logits", predictions.logits, torch.float32, (count, num_classes))
    if count and not (predictions.labels.min() >= 0 and predictions.labels.max() < num_classes):
        raise ValueError(f"labels outside the {num_classes} classes")
    return predictions


def to_reconstructions(arrays: Mapping[str, Tensor]) -> Reconstructions:
    """Return the reconstructions in the arrays of a split.

    Raises:
        KeyError, TypeError, ValueError: they are none.
    """
    made = Reconstructions(arrays["errors"], arrays["shown"], arrays["pictures"])
    count, num_shown = len(made.errors), len(made.shown)
    refuse_array("errors", made.errors, torch.float32, (count,))
    refuse_array("shown", made.shown, torch.int64, (num_shown,))
    refuse_array("pictures", made.pictures, torch.uint8, (num_shown, None, None, None))
    if num_shown and not (made.shown.min() >= 0 and made.shown.max() < count):
        raise ValueError(f"images shown outside the {count}")
    return made


def name_arrays(by_split: Mapping[str, object], names: tuple[str, ...]) -> dict[str, Tensor]:
    """Return the arrays called `names` of what each split has, by split and name: "test_logits"."""
    return {f"{split}_{name}": getattr(one, name) for split, one in by_split.items() for name in names}


def split_arrays(arrays: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Return the arrays of each split by their names within it."""
    splits: dict[str, dict[str, Tensor]] = {}
    for place, array in sorted(arrays.items()):
        split, _, name = place.rpartition("_")
        splits.setdefault(split, {})[name] = array
    return splits
