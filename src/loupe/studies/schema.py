"""The fields of a study: types, meanings, defaults. No torch here.

A study crosses its arms with the values of its axes and with its seeds. A stage is a set of runs that
comes first and whose weights others start from.
"""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import AfterValidator, Field, NonNegativeInt, PositiveInt, model_validator

from loupe.recipe.files import name_recipe
from loupe.recipe.sections import MetricName, Section

Changes = dict[str, Any]
"""Changes to a recipe: tables as in a recipe, or dotted fields; "none" takes a field out."""

_LONGEST_NAME = 60


def _refuse_odd_name(name: str) -> str:
    if not 0 < len(name) <= _LONGEST_NAME or any(sign in name for sign in "/\\@"):
        raise ValueError(f"a name of 1 to {_LONGEST_NAME} characters, without /, \\ and @")
    return name


def _refuse_name_of_runs(name: str) -> str:
    if name == "runs":
        raise ValueError("another name than runs: the studies' runs lie in the folder of that name")
    return name


FOLD = "fold"
"""The axis that the folds of a study are."""


Name = Annotated[str, AfterValidator(_refuse_odd_name)]


def _refuse_repeats(values: tuple[Any, ...]) -> tuple[Any, ...]:
    written = [json.dumps(value, sort_keys=True) for value in values]
    if len(set(written)) < len(written):
        raise ValueError("each value once")
    return values


Seeds = Annotated[tuple[NonNegativeInt, ...], Field(min_length=1), AfterValidator(_refuse_repeats)]


class Axis(Section):
    """Something that is varied: a field of the recipe with its values, or named sets of changes.

    Give `field` and `values`, or `cases`.
    """

    field: str | None = Field(None, description="Field of the recipe, such as data.fraction.")
    values: Annotated[tuple[Any, ...], AfterValidator(_refuse_repeats)] = Field(
        (), description="Values of the field, in the order of tables and figures."
    )
    cases: dict[Name, Changes] = Field(
        {}, description="Changes to the recipe by name, where one value is more than one field."
    )
    label: str = Field("", description="What tables and figures call it; its own name if left out.")

    @model_validator(mode="after")
    def _want_one_kind(self) -> "Axis":
        if bool(self.cases) == bool(self.field) or bool(self.field) != bool(self.values):
            raise ValueError("a field with its values, or cases")
        return self

    def changes(self, name: str) -> Changes:
        """Return what the value called `name` changes in a recipe."""
        if self.cases:
            return self.cases[name]
        return {str(self.field): self.values[self.names.index(name)]}

    @property
    def names(self) -> tuple[str, ...]:
        """What each value is called."""
        return tuple(self.cases) if self.cases else tuple(name_value(value) for value in self.values)

    @property
    def numbers(self) -> tuple[float, ...] | None:
        """The values as ascending numbers, for a horizontal axis; None if they are not."""
        if self.cases or any(isinstance(v, bool) or not isinstance(v, int | float) for v in self.values):
            return None
        return tuple(self.values) if list(self.values) == sorted(self.values) else None


def name_value(value: Any) -> str:
    """Return what a value is called in tables: 0.05 → "0.05", [128, 32] → "128-32", a table by its name."""
    if isinstance(value, dict):
        return str(value.get("name", json.dumps(value, sort_keys=True)))
    if isinstance(value, list | tuple):
        return "-".join(map(name_value, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


class Stage(Section):
    """Runs that come first. A recipe starts from them with `transfer.run` = the stage's name."""

    recipe: str = Field(description="A packaged recipe, or a path.")
    set: Changes = Field({}, description="Changes to that recipe.")
    axes: tuple[str, ...] = Field((), description="Axes whose values change this stage's runs too.")


class Skip(Section):
    """A combination that is left out: the named arms at the named values. What is not named is any."""

    arm: tuple[str, ...] = Field((), description="Arms.")
    at: dict[str, tuple[Any, ...]] = Field({}, description="Values by axis, as they are written there.")
    why: str = Field(description="Why it is left out; printed with the plan.")


class Study(Section):
    """A question and the runs that answer it. Immutable."""

    name: Annotated[str, AfterValidator(_refuse_name_of_runs)] = Field(
        "unnamed", pattern=r"^\w[\w.-]*$", description="Name of the study; names its folder."
    )
    about: str = Field("", description="One line that says what the study is for.")
    question: str = Field("", description="The question, as the report shows it.")
    recipe: str = Field(description="The recipe that arms and axes change: packaged, or a path.")
    set: Changes = Field({}, description="Changes to the recipe for every run.")
    arms: dict[Name, Changes] = Field(
        {"recipe": {}}, min_length=1, description="What is compared: named sets of changes."
    )
    axes: dict[Name, Axis] = Field({}, description="What is varied for every arm.")
    stages: dict[Name, Stage] = Field({}, description="Runs whose weights others start from.")
    skip: tuple[Skip, ...] = Field((), description="Combinations that are left out.")
    seeds: Seeds = Field((0, 1, 2), description="Every arm is run with each of these seeds.")
    reference: str | None = Field(
        None,
        description="The arm that others are compared with; if left out the first one, or without axes the "
        "one that validation prefers.",
    )
    compare: MetricName = Field(
        "accuracy",
        description="Metric that is compared, or loss; `loupe metrics` lists them. An autoencoder has no "
        "accuracy: its error stands in.",
    )
    folds: int | None = Field(
        None,
        ge=2,
        le=1000,
        description="Validate each image once, in so many runs of every arm: an axis called fold. What is "
        "compared is then the answer over all images, and the test set stays shut.",
    )
    margin: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Differences up to this count as practically none: of percentages as a share (0.005, "
        "half a point, if left out), of errors and losses as a part of the reference's (0.05).",
    )
    fit: Literal["power-law"] | None = Field(
        None, description='"power-law": fit the error over the numeric axis and predict it at twice its end.'
    )
    threads: PositiveInt = Field(
        1, le=1024, description="CPU threads of each run; part of what a run is, because sums depend on it."
    )
    confidence: float = Field(0.95, gt=0, le=0.9999, description="Level of the intervals.")

    @property
    def recipe_name(self) -> str:
        """What the recipe is called: a packaged one by its name, a file by its own."""
        return name_recipe(self.recipe)

    @property
    def reference_arm(self) -> str:
        """The arm that others are compared with: the stated one, or the first."""
        return self.reference or next(iter(self.arms))

    def list_cells(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield every arm at every place on the axes, those left out too."""
        for values in itertools.product(*(axis.names for axis in self.axes.values())):
            for arm in self.arms:
                yield arm, dict(zip(self.axes, values, strict=True))

    def find_skip(self, arm: str, at: Mapping[str, str]) -> str:
        """Return why an arm is left out at a place; "" if it is not."""
        for skip in self.skip:
            is_arm = not skip.arm or arm in skip.arm
            places = skip.at.items()
            if is_arm and all(at.get(axis, "") in map(name_value, values) for axis, values in places):
                return skip.why
        return ""

    @property
    def num_runs(self) -> int:
        """How many runs the arms are; those of stages are not counted."""
        return len(self.seeds) * sum(not self.find_skip(arm, at) for arm, at in self.list_cells())

    def to_toml(self) -> str:
        """Return the study as TOML that reads back as an equal study."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))

    def rename_recipes(self, rename: Callable[[str], str]) -> "Study":
        """Return the study with its recipes under other names."""
        stages = {
            name: stage.model_copy(update={"recipe": rename(stage.recipe)})
            for name, stage in self.stages.items()
        }
        return self.model_copy(update={"recipe": rename(self.recipe), "stages": stages})

    def list_recipes(self) -> tuple[str, ...]:
        """Return the recipes of the study and its stages: packaged ones by name, others by path."""
        return (self.recipe, *(stage.recipe for stage in self.stages.values()))
