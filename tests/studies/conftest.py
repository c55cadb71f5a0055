import csv
from pathlib import Path
from typing import Any

from loupe.studies import Study
from loupe.studies.folder import StudyFolder
from loupe.studies.loading import load_study

SMALL: dict[str, Any] = {
    "name": "small",
    "question": "Does it help?",
    "recipe": "digits",
    "seeds": [0, 1],
    "set": {
        "model": {"name": "mlp", "widths": [16]},
        "data": {"fraction": 0.3, "augment": []},
        "train": {"epochs": 2, "clean_train_images": 0},
    },
}
"""A study of quick runs on real digits; tests change what they are about."""


def make_study(**changes: Any) -> Study:
    return load_study({**SMALL, **changes})


def read_table(study: Study, out: Path) -> list[dict[str, str]]:
    """Return the rows of results.csv without the time, which no two runs share."""
    with StudyFolder(out / study.name).results_file.open() as file:
        return [{**row, "seconds": ""} for row in csv.DictReader(file)]
