"""What corrections bring: the same recipe with and without, on images that stay the same."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from loupe.audits.folder import AuditFolder
from loupe.audits.folds import MakeWatcher, carry_out, leave_experiments, refuse_reconstruction, write_recipe
from loupe.data import Dataset
from loupe.data.correcting import FoundCorrections, find_corrected
from loupe.data.corrections import Correction, read_corrections, write_corrections
from loupe.data.identity import ImageTable, to_keys
from loupe.errors import LoupeError
from loupe.plugins import expand_path
from loupe.recipe import Recipe
from loupe.reports.page import format_level
from loupe.running.recipe_data import load_recipe_data, split_recipe_data
from loupe.runs.writing import write_json, write_text
from loupe.statistics.conclusions import Difference
from loupe.studies import Study, parse_study
from loupe.studies.analysis import StudyAnalysis
from loupe.studies.folder import StudyFolder
from loupe.studies.wording import (
    write_change_with_unit,
    write_difference_interval,
    write_figure,
    write_needed_for,
)
from loupe.wording import count_of

EvaluatedOn = Literal["validation", "test"]
BEFORE, AFTER = "as they are", "corrected"


@dataclass(frozen=True, eq=False)
class Effect:
    """What corrections bring.

    Args:
        analysis: of the study with both arms.
        folder: of that study.
        num_training: corrections of training images, which one arm has and the other has not.
        num_validation: corrections of validation images, which both arms have.
    """

    analysis: StudyAnalysis
    folder: StudyFolder
    num_training: int
    num_validation: int

    @property
    def difference(self) -> Difference:
        """Corrected less as they are."""
        return self.analysis.overall[AFTER]

    def describe(self) -> str:
        """Return in a sentence or two what the corrections bring, with its interval."""
        analysis, one = self.analysis, self.difference
        means = {cell.arm: write_figure(cell.summary.mean, analysis.figure) for cell in analysis.cells}
        change = write_change_with_unit(one.mean, analysis)
        told = (
            f"With {count_of(self.num_training, 'training image')} corrected, {analysis.figure.name} is "
            f"{means[AFTER]}, and {means[BEFORE]} without: {change}"
        )
        seeds = count_of(one.num_seeds, "seed")
        if one.interval is None:
            return (
                f"{told} ({seeds}); whether by more than chance these runs cannot tell. {self._tell_images()}"
            )
        level = format_level(analysis.study.confidence)
        told += f" ({level} interval {write_difference_interval(one, analysis)}, {seeds})"
        return f"{told}: {self._conclude()}. {self._tell_images()}"

    def _conclude(self) -> str:
        one = self.difference
        if one.conclusion == "shown":
            is_better = (one.mean > 0) == self.analysis.figure.metric.is_higher_better
            return "the corrections help" if is_better else "the corrections harm"
        if one.conclusion == "practically none":
            return "practically no difference"
        needed = write_needed_for(one, self.analysis)
        return "these runs cannot tell" + (f"; {needed}" if needed else "")

    def _tell_images(self) -> str:
        if self.analysis.figure.split == "test":
            return "The test images are the same for both, and as they were."
        same = "The validation images are the same for both"
        if self.num_validation:
            same += f", {self.num_validation:,} of them corrected"
        return f"{same}; epochs were chosen on them, in both alike."

    def to_dict(self) -> dict[str, Any]:
        """Return what `effect.json` holds; differences of shares are shares."""
        one = self.difference
        return {
            "summary": self.describe(),
            "metric": self.analysis.figure.name,
            "means": {cell.arm: cell.summary.mean for cell in self.analysis.cells},
            "difference": one.mean,
            "interval": None
            if one.interval is None
            else {"low": one.interval.low, "high": one.interval.high},
            "level": self.analysis.study.confidence,
            "conclusion": one.conclusion,
            "seeds": list(self.analysis.study.seeds),
            "corrected": {"training": self.num_training, "validation": self.num_validation},
        }


def measure_effect(
    recipe: Recipe,
    out: Path = Path("audits"),
    *,
    num_seeds: int = 3,
    evaluated_on: EvaluatedOn = "validation",
    engine: str = "auto",
    workers: int | None = None,
    make_watcher: MakeWatcher | None = None,
) -> Effect:
    """Train with and without a recipe's corrections, what is not done already, and return what they bring.

    Both arms are judged by the same images: validation images are corrected in both, test images in neither.

    Args:
        recipe: complete, with `data.corrections`.
        out: receives a folder of the recipe's name.
        num_seeds: runs an arm, at least 1.
        evaluated_on: what the arms are compared on; "test" opens the test set once a run.
        engine, workers: as `run_study` takes them.
        make_watcher: is told what is to be done, and hears of it.

    Raises:
        LoupeError: a recipe without corrections, or that correct no training image; runs that failed.
    """
    refuse_reconstruction(recipe)
    folder = out / recipe.name
    place = refuse_no_corrections(recipe)
    bare = leave_experiments(recipe)
    plain = bare.model_copy(update={"data": bare.data.model_copy(update={"corrections": None})})
    dataset = load_recipe_data(plain)
    corrections = read_corrections(place)
    found = find_corrected(corrections, dataset, is_part=recipe.data.classes is not None)
    of_validation = split_recipe_data(plain, dataset).validation.table
    training, validation = divide_corrections(found, dataset, of_validation)
    if not training:
        raise LoupeError(
            f"{corrections.origin} corrects no training image: there is nothing to compare.",
            got=f"{len(validation)} corrections of validation images, {found.num_of_test} of test images",
            allowed="at least one training image that is relabelled or dropped",
            next_step="review the page of the audit, and save its list",
        )
    study_folder = AuditFolder(folder).effect
    lists = {BEFORE: validation, AFTER: [*training, *validation]}
    files = _write_lists(study_folder.path, lists)
    study = make_effect_study(write_recipe(plain, study_folder.path), recipe, files, num_seeds, evaluated_on)
    analysis = carry_out(study, folder, engine=engine, workers=workers, make_watcher=make_watcher)
    if AFTER not in analysis.overall:
        failed = analysis.failed
        raise LoupeError(
            "The runs with and without corrections have no results to compare.",
            got=failed[0].reason or failed[0].status if failed else "no run",
            allowed="a finished run of each",
            next_step="mend what broke them; the same command goes on with what is there",
        )
    effect = Effect(analysis, study_folder, len(training), len(validation))
    write_json(study_folder.path / "effect.json", effect.to_dict())
    return effect


def refuse_no_corrections(recipe: Recipe) -> Path:
    """Return where a recipe's list of corrections is.

    Raises:
        LoupeError: it names none.
    """
    if recipe.data.corrections is None:
        raise LoupeError(
            "What corrections bring is asked of a recipe that has some.",
            got="no data.corrections",
            allowed="data.corrections=FILE, a list that the page of an audit writes",
            next_step="loupe audit RECIPE data.corrections=corrections.csv --effect",
        )
    return expand_path(recipe.data.corrections)


def divide_corrections(
    found: FoundCorrections, dataset: Dataset, of_validation: ImageTable
) -> tuple[list[Correction], list[Correction]]:
    """Return the lines that change training images, and those that change validation images.

    Each names its image by digest, file and place, whatever the list named it by.
    """
    tables = [part.table for part in (dataset.train, dataset.validation) if part is not None]
    keys = [key for table in tables for key in to_keys(table.identities)]
    paths = [path for table in tables for path in (table.paths or ("",) * len(table))]
    own_paths = of_validation.paths or ("",) * len(of_validation)
    validating = set(zip(to_keys(of_validation.identities), own_paths, strict=True))
    training: list[Correction] = []
    validation: list[Correction] = []
    for index, one in sorted(found.by_index.items()):
        if one.action == "keep":
            continue
        name = (keys[index], paths[index])
        line = replace(one, image=name[0], file=name[1], index=index)
        (validation if name in validating else training).append(line)
    return training, validation


def _write_lists(folder: Path, lists: dict[str, list[Correction]]) -> dict[str, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for arm, lines in lists.items():
        files[arm] = (folder / f"{arm.replace(' ', '-')}.csv").resolve()
        write_text(files[arm], write_corrections(lines))
    return files


def make_effect_study(
    file: Path, recipe: Recipe, lists: dict[str, Path], num_seeds: int, evaluated_on: EvaluatedOn
) -> Study:
    """Return the study with an arm for each list of corrections; all runs have the same sides."""
    first = recipe.run.seed
    return parse_study(
        {
            "name": "effect",
            "about": f"what the corrections of {recipe.name} bring",
            "question": "What do the corrections bring?",
            "recipe": str(file.resolve()),
            "arms": {arm: {"data": {"corrections": str(place)}} for arm, place in lists.items()},
            "reference": BEFORE,
            "seeds": list(range(first, first + num_seeds)),
            "threads": recipe.run.threads or 1,
            "confidence": recipe.evaluate.confidence,
            "set": {
                "data": {"split_seed": recipe.split_seed},
                "evaluate": {"looks": [], "test": evaluated_on == "test"},
            },
        }
    )
