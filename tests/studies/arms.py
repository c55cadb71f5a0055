"""Studies and rows of finished runs, made up one number at a time."""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from loupe.studies import Study, parse_study
from loupe.studies.rows import StudyRow

SIZES = {"field": "model.width", "values": [8, 16]}
AXIS = {"fraction": {"field": "data.fraction", "values": [0.1, 0.5, 1.0], "label": "part of the images"}}


def make_study(**changes: Any) -> Study:
    return parse_study({"recipe": "digits", **changes})


def make_row(
    arm: str, seed: int, test: float | None, validation: float | None = None, **more: Any
) -> StudyRow:
    at = more.pop("at", {})
    values: dict[str, Any] = {
        "stage": "",
        "status": "finished" if test is not None else "failed",
        "reason": None if test is not None else "it diverged",
        "best_epoch": 3,
        "epochs": 5,
        "train_accuracy": 0.99,
        "train_loss": 0.1 + zlib.crc32(f"{arm}{at}{seed}".encode()) / 2**40,  # no two networks have the same
        "validation_accuracy": test if validation is None else validation,
        "validation_loss": 0.2,
        "test_accuracy": test,
        "test_loss": 0.2 if test is not None else None,
        "num_train": 1000,
        "num_test": 500,
        "parameters": 10,
        "seconds": 1.0,
        "key": f"{arm}{at}{seed}",
    }
    return StudyRow(arm=arm, seed=seed, at=at, **{**values, **more})


def make_rows(arm: str, values: Sequence[float], **more: Any) -> list[StudyRow]:
    return [make_row(arm, seed, value, **more) for seed, value in enumerate(values)]


def copy_rows(rows: Sequence[StudyRow], arm: str) -> list[StudyRow]:
    return [replace(row, arm=arm) for row in rows]
