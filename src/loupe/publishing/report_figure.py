"""A figure that is to stand in a report: drawn, named, and with the sentence below it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from loupe.runs import RunFolder, RunResult, name_run


@dataclass(frozen=True)
class ReportFigure:
    """A figure for a report.

    Args:
        name: part of its file's name: what it shows, with layer and image, "maps-conv1-validation-17".
        title: a heading.
        caption: one or more sentences: what, of which images, how many, of which run.
        figure: drawn, in the house style.
    """

    name: str
    title: str
    caption: str
    figure: Figure


@dataclass(frozen=True)
class Origin:
    """Which run a figure is of, as captions say it.

    Args:
        name: of the run.
        recipe: name of its recipe.
        seed: of the run.
        epoch: whose weights are shown; None before the first.
    """

    name: str
    recipe: str
    seed: int
    epoch: int | None

    @classmethod
    def of(cls, folder: RunFolder, result: RunResult) -> "Origin":
        """Return what captions say of a run."""
        epoch = result.best.epoch if result.best is not None else None
        return cls(name_run(folder.path), result.recipe_name, result.seed, epoch)

    def describe(self) -> str:
        """Return which run and which weights, as a sentence: "Run …, recipe digits, seed 0, …"."""
        weights = f", weights of epoch {self.epoch}" if self.epoch is not None else ""
        return f"Run {self.name}, recipe {self.recipe}, seed {self.seed}{weights}."


def name_file(*parts: str) -> str:
    """Return parts as the name of a file on any system, without an ending."""
    safe = [re.sub(r"[^\w.-]+", "-", part).strip("-.") for part in parts]
    return "--".join(filter(None, safe))[:180]


def join_sentences(sentences: Sequence[str]) -> str:
    """Return sentences in a row, each with one full stop."""
    return " ".join(f"{one.rstrip('. ')}." for one in sentences if one.strip())
