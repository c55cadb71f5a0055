"""From a study to the list of its runs, each with a recipe that is complete and right."""

import copy
import json
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from loupe.checking import name_place as place_in_toml
from loupe.errors import LoupeError, Mistake, RecipeError, StudyError
from loupe.metrics.registry import find_metric_mistakes
from loupe.recipe import Recipe, name_mapping, read_recipe_file
from loupe.running.prepare import load_recipe
from loupe.studies import Study
from loupe.studies.changes import apply_changes, find_decided, settle, take_out_source

At = dict[str, str]
"""Where on the axes a run stands: the name of a value for each axis."""


@dataclass(frozen=True)
class PlannedRun:
    """One run of a study.

    Args:
        stage: the stage it belongs to; "" for the arms themselves.
        arm: the arm it belongs to; "" for a stage.
        at: its values on the axes; a stage has those it follows.
        recipe: complete, with one seed; `transfer.run` is left out where weights come from `source`.
        source: the run whose weights it starts from, if that is part of the study.
    """

    stage: str
    arm: str
    at: At
    recipe: Recipe
    source: "PlannedRun | None" = None

    @property
    def seed(self) -> int:
        return self.recipe.run.seed

    @property
    def name(self) -> str:
        """What the run is called on the screen: "frozen, fraction 0.05, seed 0"."""
        return f"{name_place(self.stage or self.arm, self.at)}, seed {self.seed}"


@dataclass(frozen=True)
class Plan:
    """The runs of a study, those others start from first.

    Args:
        runs: in the order they are started.
        skipped: combinations left out, with the reason: (what, why).
    """

    runs: tuple[PlannedRun, ...]
    skipped: tuple[tuple[str, str], ...]


def name_place(what: str, at: At) -> str:
    """Return an arm or stage and its place on the axes: "frozen, fraction 0.05"."""
    return ", ".join([what, *(f"{axis} {value}" for axis, value in at.items())])


def make_plan(study: Study) -> Plan:
    """Return the runs of a study; no data is loaded.

    Raises:
        StudyError: with every mistake of the recipes it makes.
    """
    return _Planner(study).make()


def find_recipe_mistakes(study: Study, lost: Collection[str] = ()) -> list[Mistake]:
    """Return the mistakes of the recipes a study makes, as far as these are known.

    Args:
        study: what could be read of it.
        lost: what could not be, as `keep_sound` names it. Where that changes the recipes of all arms, only
            the recipe itself and what is compared are judged.
    """
    planner = _Planner(study)
    if "arms" in lost or any(one.partition(".")[0] in _MAKING for one in lost):
        return [] if "recipe" in lost else planner.judge_alone(lost)
    try:
        planner.make()
    except StudyError as error:
        return list(error.mistakes)
    except LoupeError:
        pass  # arms that were left out leave no run
    return []


_MAKING = ("recipe", "set", "axes", "stages", "skip", "folds")


@dataclass
class _Planner:
    study: Study
    stages: dict[tuple[str, tuple[tuple[str, str], ...], int], PlannedRun] = field(default_factory=dict)
    cells: dict[str, tuple[Recipe, str | None] | None] = field(default_factory=dict)
    mistakes: dict[str, list[tuple[str, Mistake]]] = field(default_factory=dict)
    tried: set[str] = field(default_factory=set)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    def make(self) -> Plan:
        runs, skipped = [], []
        for arm, at in self.study.list_cells():
            why = self.study.find_skip(arm, at)
            if why:
                skipped.append((name_place(arm, at), why))
                continue
            for seed in self.study.seeds:
                run = self._plan_run("", arm, at, seed)
                if run is not None:
                    runs.append(run)
        if self.mistakes:
            raise StudyError(self.study.name, self._merge_mistakes())
        if not runs:
            raise LoupeError(
                f"Study {self.study.name!r} has no run left.",
                got=f"{len(skipped)} combinations, all of them skipped",
                allowed="at least one",
                next_step="mend the [[skip]] tables",
            )
        return Plan((*self.stages.values(), *runs), tuple(skipped))

    def judge_alone(self, lost: Collection[str]) -> list[Mistake]:
        """Return what is wrong with the recipe and with what is compared, whatever the arms are."""
        study = self.study
        if self._try_to_read("recipe", study.recipe) is None:
            return self._merge_mistakes()
        has_plugins = "plugins" in json.dumps([study.model_dump(mode="json"), self.files[study.recipe]])
        if has_plugins or "compare" in lost:  # a plugin may bring what is compared
            return []
        return find_metric_mistakes(study.compare, None, "compare")

    def _plan_run(
        self, stage: str, arm: str, at: At, seed: int, above: tuple[str, ...] = ()
    ) -> PlannedRun | None:
        cell = name_place(f"stage {stage}" if stage else f"arm {arm}", at)
        if cell not in self.cells:
            self.cells[cell] = self._resolve(cell, stage, arm, at)
        found = self.cells[cell]
        if found is None:
            return None
        recipe, source_stage = found
        source = None
        if source_stage is not None:
            source = self._plan_stage(source_stage, at, seed, (*above, stage))
            if source is None:
                return None
        return PlannedRun(stage, arm, at, recipe.for_seed(seed), source)

    def _plan_stage(self, name: str, at: At, seed: int, above: tuple[str, ...]) -> PlannedRun | None:
        if name in above:
            chain = " → ".join([*above[above.index(name) :], name])
            allowed = "stages that do not start from themselves"
            self._note(f"stage {name}", [Mistake("transfer.run", chain, allowed)])
            return None
        followed = {axis: at[axis] for axis in self.study.stages[name].axes if axis in at}
        place = (name, tuple(followed.items()), seed)
        if place not in self.stages:
            run = self._plan_run(name, "", followed, seed, above)
            if run is None:
                return None
            self.stages[place] = run
        return self.stages[place]

    def _resolve(self, cell: str, stage: str, arm: str, at: At) -> tuple[Recipe, str | None] | None:
        """Return the recipe of a cell and the stage it starts from; None, with a note, if it has mistakes."""
        study, part = self.study, self.study.stages.get(stage)
        place, named = (
            (place_in_toml("stages", stage, "recipe"), part.recipe) if part else ("recipe", study.recipe)
        )
        mapping = self._try_to_read(place, named)
        if mapping is None:
            return None
        try:
            changes = [
                part.set if part else study.set,
                *(study.axes[axis].changes(value) for axis, value in at.items()),
                {} if part else study.arms[arm],
            ]
            for one in changes:
                apply_changes(mapping, one)
            if decided := find_decided(changes, has_folds=study.folds is not None):
                raise RecipeError(name_mapping(mapping), decided)
            source, part_of_it = take_out_source(mapping, study.stages)
            recipe = load_recipe(settle(mapping, study), tried=self.tried)
            if source is not None and recipe.transfer is not None:
                copied = recipe.transfer.model_copy(update=part_of_it)
                recipe = recipe.model_copy(update={"transfer": copied})
            return recipe, source
        except RecipeError as error:
            self._note(cell, [self._name_compared(one) for one in error.mistakes])
        except LoupeError as error:
            self._note(cell, [Mistake.of_whole(error, "a recipe that can be trained")])
        return None

    def _try_to_read(self, place: str, recipe: str) -> dict[str, Any] | None:
        """Return a fresh copy of a recipe's mapping, read once; None, with a note, if it cannot be read."""
        if recipe not in self.files:
            try:
                self.files[recipe] = read_recipe_file(recipe)
            except LoupeError as error:
                mistake = Mistake.of_whole(error, "a recipe that can be trained")
                self.mistakes[place] = [(place, mistake)]
                return None
        return copy.deepcopy(self.files[recipe])

    def _name_compared(self, mistake: Mistake) -> Mistake:
        """Return a mistake in what is compared by where the study says it; `settle` has it measured."""
        is_compared = mistake.where.startswith("evaluate.metrics.") and mistake.got == repr(
            self.study.compare
        )
        return replace(mistake, where="compare") if is_compared else mistake

    def _note(self, cell: str, mistakes: list[Mistake]) -> None:
        for mistake in mistakes:
            self.mistakes.setdefault(str(mistake), []).append((cell, mistake))

    def _merge_mistakes(self) -> list[Mistake]:
        """Return each mistake once, with the first cell that has it and how many more do."""
        merged = []
        for same in self.mistakes.values():
            (cell, first), others = same[0], len(same) - 1
            if first.where == "compare" and len(same) == len(self.cells):
                merged.append(first)
                continue
            merged.append(first.within(f"{cell} (and {others} more)" if others else cell))
        return merged
