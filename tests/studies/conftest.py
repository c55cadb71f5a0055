from typing import Any

from loupe.studies import Study
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
