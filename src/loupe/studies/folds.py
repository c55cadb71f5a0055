"""Folds of a study joined: each image is validated once, and all of them give one answer."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from loupe.data.identity import ImageTable, to_keys
from loupe.errors import LoupeError
from loupe.metrics import Predictions, choose_metric
from loupe.metrics.registry import compute_values
from loupe.studies.rows import StudyRow, find_run
from loupe.studies.schema import FOLD, Study

Answers = dict[str, tuple[Tensor | None, str]]
"""By the key of a joined row: which images were named rightly, (images,) bool, and a name of the images."""


def join_folds(
    study: Study, rows: Sequence[StudyRow], pool: Path | None
) -> tuple[Study, tuple[StudyRow, ...], Answers]:
    """Return a study without its folds, a row for each arm, place and seed, and the answers of each row.

    Where the answers to single images are at hand, a metric is computed from all of them at once; else it is
    the mean over folds. A row is left out until all its folds have ended, and has failed if one of them has.

    Args:
        study: with folds.
        rows: of its arms, one a run.
        pool: folder of the run folders.
    """
    by_place: dict[tuple[str, tuple[str, ...], int], list[StudyRow]] = {}
    for row in rows:
        place = tuple(value for axis, value in row.at.items() if axis != FOLD)
        by_place.setdefault((row.arm, place, row.seed), []).append(row)
    joined, answers = [], {}
    for folds in by_place.values():
        if len(folds) == study.folds:
            row, right = _join(folds, pool, study.confidence)
            joined.append(row)
            answers[row.key] = right
    axes = {name: axis for name, axis in study.axes.items() if name != FOLD}
    return study.model_copy(update={"axes": axes, "folds": None}), tuple(joined), answers


def _join(
    folds: Sequence[StudyRow], pool: Path | None, level: float
) -> tuple[StudyRow, tuple[Tensor | None, str]]:
    at = {axis: value for axis, value in folds[0].at.items() if axis != FOLD}
    key = hashlib.sha256(" ".join(row.key for row in folds).encode()).hexdigest()[: len(folds[0].key)]
    failed = [row for row in folds if not row.is_finished]
    if failed:
        reason = f"fold {failed[0].at[FOLD]}: {failed[0].reason or failed[0].status}"
        return replace(failed[0], at=at, key=key, reason=reason), (None, "")
    found = [_read_fold(row, pool) for row in folds]
    known = [one for one in found if one is not None]
    whole = known if len(known) == len(folds) else []
    weights = [float(len(predictions.labels)) for predictions, _ in whole] or [1.0] * len(folds)
    columns = [*_MEANS, *folds[0].metrics]
    values = {column: _average([row.value(column) for row in folds], weights) for column in columns}
    answers: tuple[Tensor | None, str] = (None, "")
    if whole:
        joined, answers = _line_up([one for one, _ in whole], [table for _, table in whole])
        values |= _compute(joined, folds[0].metrics, level)
    row = replace(
        folds[0],
        at=at,
        key=key,
        best_epoch=None,
        epochs=None,
        seconds=sum(row.seconds or 0.0 for row in folds),
        train_accuracy=values["train_accuracy"],
        train_loss=values["train_loss"],
        validation_accuracy=values["validation_accuracy"],
        validation_loss=values["validation_loss"],
        metrics={name: values[name] for name in folds[0].metrics},
    )
    return row, answers


_MEANS = ("train_accuracy", "train_loss", "validation_accuracy", "validation_loss")


def _read_fold(row: StudyRow, pool: Path | None) -> tuple[Predictions, ImageTable] | None:
    """Return a run's answers to its validation images, and which images these are."""
    run = find_run(pool, row)
    if run is None:
        return None
    try:
        predictions, record = run.read_predictions().get("validation"), run.read_images()
    except LoupeError:
        return None
    if predictions is None or record is None or len(predictions.labels) != len(record.validation):
        return None
    return predictions, record.validation


def _line_up(
    parts: Sequence[Predictions], tables: Sequence[ImageTable]
) -> tuple[Predictions, tuple[Tensor | None, str]]:
    """Return the answers to all images in an order of the images' own, whatever fold they were in."""
    labels = torch.cat([part.labels for part in parts])
    identities = torch.cat([table.identities for table in tables])
    keys = [(key, label) for key, label in zip(to_keys(identities), labels.tolist(), strict=True)]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    name = hashlib.sha256(b"".join(keys[index][0] for index in order)).hexdigest()
    whole = Predictions(labels[order], torch.cat([part.logits for part in parts])[order])
    return whole, (whole.is_right, name)


def _compute(answers: Predictions, columns: Mapping[str, float | None], level: float) -> dict[str, float]:
    """Return what the further metrics of validation say of all images at once."""
    names = [column.removeprefix("validation_") for column in columns if column.startswith("validation_")]
    found: dict[str, float] = {}
    for name in names:
        try:
            values = compute_values([choose_metric(name)], answers, level)
        except LoupeError:  # a plugin's that is not loaded: the mean over folds stands
            continue
        found |= {f"validation_{name}": one.value for one in values.values() if one.value is not None}
    return found


def _average(values: Sequence[float | None], weights: Sequence[float]) -> float | None:
    known = [(value, weight) for value, weight in zip(values, weights, strict=True) if value is not None]
    if len(known) < len(values):
        return None
    return sum(value * weight for value, weight in known) / sum(weights)
