"""Class scores of every training and validation image, each by a network that had not seen it."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from loupe.audits.findings import AuditedImages
from loupe.data import Dataset
from loupe.data.identity import ImageTable, to_keys
from loupe.data.known_sides import join_datasets
from loupe.data.splits import hold_out_fold
from loupe.engines import open_engine
from loupe.errors import LoupeError
from loupe.models import objective_of
from loupe.recipe import Recipe
from loupe.running.recipe_data import load_recipe_data, split_recipe_data
from loupe.runs import RunFolder
from loupe.runs.writing import write_text
from loupe.studies import Study, parse_study
from loupe.studies.analysis import StudyAnalysis
from loupe.studies.rows import find_run
from loupe.studies.run import PreparedStudy, carry_out_study, prepare_study
from loupe.studies.scheduler import Watcher

MOST_FOLDS = 50

MakeWatcher = Callable[[PreparedStudy], Watcher]


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """What the folds say.

    Args:
        audited: the images.
        dataset: what they were taken from.
        logits: (images, classes) float32, of the network that had not seen the image.
        runs: the folds' runs.
    """

    audited: AuditedImages
    dataset: Dataset
    logits: Tensor
    runs: tuple[RunFolder, ...]


def score_out_of_fold(
    recipe: Recipe,
    folder: Path,
    num_folds: int,
    *,
    engine: str = "auto",
    workers: int | None = None,
    make_watcher: MakeWatcher | None = None,
) -> OutOfFold:
    """Train the folds that are not trained yet, and return what they say; the test set stays shut.

    Args:
        recipe: complete.
        folder: of the audit; receives the recipe, `folds/` and `runs/`.
        num_folds: at least 2.
        engine, workers: as `run_study` takes them.
        make_watcher: is told what is to be done, and hears of it.

    Raises:
        LoupeError: a network that names no classes, data that cannot be divided, a fold that failed.
        KeyboardInterrupt: after Ctrl-C, when what was reached is written.
    """
    refuse_reconstruction(recipe)
    bare = leave_experiments(recipe)
    dataset = load_recipe_data(bare)
    refuse_impossible_folds(bare, dataset, num_folds)
    study = make_fold_study(write_recipe(bare, folder), recipe, num_folds)
    analysis = carry_out(study, folder, engine=engine, workers=workers, make_watcher=make_watcher)
    runs = find_runs(analysis, folder / "runs")
    audited = gather_images(bare, dataset)
    return OutOfFold(audited, dataset, gather_logits(audited.images.table, runs), runs)


def refuse_reconstruction(recipe: Recipe) -> None:
    """Check that a recipe's network names classes.

    Raises:
        LoupeError: it gives images back.
    """
    if objective_of(recipe.model.name) != "classification":
        raise LoupeError(
            "An audit asks networks for classes; this one gives its images back.",
            got=f"model {recipe.model.name}",
            allowed="a recipe of a classifier",
            next_step="name another recipe of the same data",
        )


def refuse_impossible_folds(recipe: Recipe, dataset: Dataset, num_folds: int) -> None:
    """Check that images can be divided so, before a network is trained.

    Raises:
        LoupeError: too few or too many, one that would lack a class, or sides that are those of a record.
    """
    if not 2 <= num_folds <= MOST_FOLDS:
        raise LoupeError(
            "An audit takes several folds, and a network for each.",
            got=f"{num_folds} folds",
            allowed=f"2 to {MOST_FOLDS}; 5 are usual",
            next_step="set --folds",
        )
    for number in range(1, num_folds + 1):
        hold_out_fold(dataset, (number, num_folds), recipe.split_seed)


def leave_experiments(recipe: Recipe) -> Recipe:
    """Return a recipe without what is done to training images on purpose: the data itself is audited."""
    data = recipe.data.model_copy(update={"long_tail": None, "label_noise": None, "fold": None})
    run = recipe.run.model_copy(update={"seeds": None, "continues": None})
    return recipe.model_copy(update={"data": data, "run": run})


def write_recipe(recipe: Recipe, folder: Path, name: str = "recipe.toml") -> Path:
    """Write a recipe into an audit's folder, and return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    write_text(file, recipe.to_toml())
    return file


def make_fold_study(file: Path, recipe: Recipe, num_folds: int) -> Study:
    """Return the study whose runs validate each image once."""
    return parse_study(
        {
            "name": "folds",
            "about": f"the folds of an audit of {recipe.name}",
            "question": "What does a network that has not seen an image say of it?",
            "recipe": str(file.resolve()),
            "folds": num_folds,
            "seeds": [recipe.run.seed],
            "threads": recipe.run.threads or 1,
            "set": {"evaluate": {"looks": [], "test": False}},
        }
    )


def carry_out(
    study: Study,
    folder: Path,
    *,
    engine: str = "auto",
    workers: int | None = None,
    make_watcher: MakeWatcher | None = None,
) -> StudyAnalysis:
    """Carry out what is not done of a study in an audit's folder, and return what it found."""
    prepared = prepare_study(study, folder, engine=engine)
    opened = open_engine(engine, workers=workers, threads=study.threads, num_jobs=prepared.num_waiting)
    try:
        return carry_out_study(prepared, opened, make_watcher(prepared) if make_watcher else None)
    finally:
        opened.close()


def find_runs(analysis: StudyAnalysis, pool: Path) -> tuple[RunFolder, ...]:
    """Return the run folders of a study, one a run.

    Raises:
        LoupeError: a run has failed, or its folder is gone.
    """
    failed = analysis.failed
    if failed:
        raise LoupeError(
            f"{len(failed)} of {len(analysis.run_rows)} runs have no result.",
            got=failed[0].reason or failed[0].status,
            allowed="runs that finish",
            next_step="mend what broke it; the same command goes on with what is there",
        )
    found = [find_run(pool, row) for row in analysis.run_rows]
    runs = tuple(run for run in found if run is not None)
    if len(runs) < len(found):
        raise LoupeError(
            "Runs of this audit are gone.",
            got=f"{len(runs)} of {len(found)} in {pool}",
            allowed="all of them",
            next_step="give the same command again: what is missing is trained anew",
        )
    return runs


def gather_images(recipe: Recipe, dataset: Dataset) -> AuditedImages:
    """Return all training and validation images of a recipe, whatever fraction of them it trains on."""
    whole = recipe.model_copy(update={"data": recipe.data.model_copy(update={"fraction": 1.0})})
    splits = split_recipe_data(whole, dataset)
    images = join_datasets([splits.train, splits.validation]).to(torch.device("cpu"))
    tables = [part.table for part in (dataset.train, dataset.validation) if part is not None]
    by_label, by_key = _Queues(), _Queues()
    for index, (key, label) in enumerate(pair for table in tables for pair in _name(table)):
        by_label.add((key, label), index)
        by_key.add((key, -1), index)
    sources = []
    for key, label in _name(images.table):  # a corrected label is not that of the source
        found = by_label.take((key, label))
        sources.append(by_key.first((key, -1)) if found is None else found)
    return AuditedImages(images, len(splits.train), torch.tensor(sources, dtype=torch.int64))


def gather_logits(table: ImageTable, runs: tuple[RunFolder, ...]) -> Tensor:
    """Return what the folds say of each image, (images, classes) float32.

    Raises:
        LoupeError: the answer to an image is missing.
    """
    answers: dict[tuple[bytes, int], deque[Tensor]] = {}
    for run in runs:
        predictions, record = run.read_predictions().get("validation"), run.read_images()
        if predictions is None or record is None:
            continue
        for name, row in zip(_name(record.validation), predictions.logits, strict=True):
            answers.setdefault(name, deque()).append(row)
    rows = [answers[name].popleft() for name in _name(table) if answers.get(name)]
    if len(rows) < len(table):
        raise LoupeError(
            "The folds do not say what their networks make of every image.",
            got=f"answers to {len(rows):,} of {len(table):,} images",
            allowed="an answer to each: the data stays as it is while an audit goes on",
            next_step="give the same command again, or name another folder with --out",
        )
    return torch.stack(rows)


def _name(table: ImageTable) -> list[tuple[bytes, int]]:
    return list(zip(to_keys(table.identities), table.labels.tolist(), strict=True))


class _Queues:
    """Places by name; of equal images each is taken once."""

    def __init__(self) -> None:
        self._places: dict[tuple[bytes, int], deque[int]] = {}

    def add(self, name: tuple[bytes, int], place: int) -> None:
        self._places.setdefault(name, deque()).append(place)

    def take(self, name: tuple[bytes, int]) -> int | None:
        places = self._places.get(name)
        return places.popleft() if places else None

    def first(self, name: tuple[bytes, int]) -> int:
        return self._places[name][0]
