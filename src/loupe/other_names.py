"""What other tools call things that Loupe has: so that who comes from them is told the name here.

The names are those of PyTorch, torchvision, Lightning, Keras and scikit-learn, and of their command lines.
"""

from collections.abc import Iterable
from difflib import get_close_matches

_NAMES_HERE = {
    "acc": ("accuracy",),
    "amp": ("precision",),
    "augmentation": ("augment",),
    "augmentations": ("augment",),
    "bs": ("batch_size",),
    "cuda": ("device",),
    "dataset": ("data",),
    "doc": ("docx",),
    "download": ("data",),
    "f1": ("macro_f1",),
    "f1_score": ("macro_f1",),
    "finetune": ("train",),
    "fine-tune": ("train",),
    "fit": ("train",),
    "gpu": ("device",),
    "infer": ("predict",),
    "inference": ("predict",),
    "jobs": ("workers",),
    "lr": ("learning_rate",),
    "lr_scheduler": ("schedule",),
    "ls": ("list",),
    "max_epochs": ("epochs",),
    "md": ("markdown",),
    "n_epochs": ("epochs",),
    "n_jobs": ("workers",),
    "n_trials": ("trials",),
    "num_epochs": ("epochs",),
    "num_workers": ("workers",),
    "optim": ("optimizer",),
    "patience": ("early_stopping", "window"),
    "plot": ("figures",),
    "pretrained": ("weights",),
    "pt": ("torch",),
    "pt2": ("torch",),
    "random_state": ("seed",),
    "run": ("train",),
    "scheduler": ("schedule",),
    "score": ("evaluate",),
    "serve": ("open",),
    "shuffle": ("sampling",),
    "summary": ("show",),
    "test": ("evaluate",),
    "test_size": ("test_part",),
    "test_split": ("test_part",),
    "tex": ("latex",),
    "transform": ("augment",),
    "transforms": ("augment",),
    "tune": ("search",),
    "ui": ("open",),
    "val_size": ("validation",),
    "val_split": ("validation",),
    "validation_split": ("validation",),
    "wd": ("weight_decay",),
    "word": ("docx",),
}
_ALMOST = 0.8  # of a word that is only nearly one of many: less would name what is not meant


def translate(word: object, names: Iterable[str]) -> str | None:
    """Return which of the names is what another tool calls so; None if none is."""
    known = list(names)
    return next((name for name in _NAMES_HERE.get(str(word).casefold(), ()) if name in known), None)


def find_surely(word: str, names: Iterable[str]) -> str | None:
    """Return the name that a word is, what another tool calls so, or what it is but for a letter or two."""
    known = list(names)
    if word in known:
        return word
    return translate(word, known) or next(iter(get_close_matches(word, known, n=1, cutoff=_ALMOST)), None)
