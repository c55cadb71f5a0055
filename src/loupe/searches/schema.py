"""The fields of a search: types, meanings, defaults. No torch here.

A search tries settings out, judges each by validation alone, and then runs the best few again with seeds
it has not used.
"""

import json
from typing import Any, Literal

import tomli_w
from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from loupe.recipe.files import name_recipe
from loupe.recipe.sections import MetricName, Section

Changes = dict[str, Any]
"""Changes to a recipe: tables as in a recipe, or dotted fields; "none" takes a field out."""


class Parameter(Section):
    """A field of the recipe that is searched: one of several values, or a number in a range."""

    kind: Literal["choice", "int", "float"] = Field(description='"choice", "int" or "float".')
    values: tuple[Any, ...] = Field((), description="What a choice chooses from; tables may be among them.")
    low: float | None = Field(None, description="Smallest value of a number.")
    high: float | None = Field(None, description="Largest value of a number.")
    log: bool = Field(
        False, description="Look at a number's magnitude: 0.001 is as far from 0.01 as that from 0.1."
    )
    step: float | None = Field(None, gt=0, description="Distance of the values of a number, from low on.")
    when: dict[str, tuple[Any, ...]] = Field(
        {}, description="Only where these other parameters have one of these values."
    )
    label: str = Field("", description="What tables and figures call it; the field's last word if left out.")

    @model_validator(mode="after")
    def _want_one_kind(self) -> "Parameter":
        if self.kind == "choice":
            if not self.values or (self.low, self.high, self.step, self.log) != (None, None, None, False):
                raise ValueError("values and nothing of a range, for a choice")
            if len(set(self.names)) < len(self.values):
                raise ValueError("each value once")
            return self
        if self.values or self.low is None or self.high is None:
            raise ValueError("low and high and no values, for a number")
        self._want_a_range(self.low, self.high)
        return self

    def _want_a_range(self, low: float, high: float) -> None:
        if low >= high:
            raise ValueError("low below high")
        if self.kind == "int" and any(end is not None and end != int(end) for end in (low, high, self.step)):
            raise ValueError("whole numbers, for an int")
        if self.log and (low <= 0 or self.step is not None):
            raise ValueError("low above 0 and no step, where log is true")

    @property
    def names(self) -> tuple[str, ...]:
        """What the values of a choice are called: "sgd", "0.1", or the fields of a table."""
        short = [name_choice(value) for value in self.values]
        return tuple(
            name if short.count(name) == 1 or not isinstance(value, dict) else write_table(value)
            for name, value in zip(short, self.values, strict=True)
        )

    def value_of(self, name: str) -> Any:
        """Return the value of a choice that is called `name`."""
        return self.values[self.names.index(name)]


def name_choice(value: Any) -> str:
    """Return what a value is called: 0.05 → "0.05", [128, 32] → "128-32", a table by its name."""
    if isinstance(value, dict):
        return str(value["name"]) if "name" in value else write_table(value)
    if isinstance(value, list | tuple):
        return "-".join(map(name_choice, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def write_table(table: dict[str, Any]) -> str:
    """Return a table in one line: "cnn, conv_layers 4"."""
    fields = [str(table["name"])] if "name" in table else []
    fields += [
        f"{key} {json.dumps(value) if isinstance(value, dict) else name_choice(value)}"
        for key, value in table.items()
        if key != "name"
    ]
    return ", ".join(fields)


class Search(Section):
    """A space of settings, a budget, and what is looked for. Immutable."""

    name: str = Field("unnamed", pattern=r"^\w[\w.-]*$", description="Name of the search; names its folder.")
    about: str = Field("", description="One line that says what the search is for.")
    recipe: str = Field(description="The recipe whose settings are searched: packaged, or a path.")
    set: Changes = Field({}, description="Changes to the recipe for every trial.")
    space: dict[str, Parameter] = Field(
        min_length=1, description="What is searched: fields of the recipe, such as train.optimizer."
    )
    sampler: Literal["grid", "random", "tpe"] = Field(
        "tpe",
        description='How settings are chosen: "grid" (all of a finite space), "random", or "tpe" (where '
        "earlier trials did well).",
    )
    pruner: Literal["none", "median", "halving"] = Field(
        "median",
        description='Which trials are given up early: "none", "median" (worse than the median of the others '
        'after as many epochs), "halving" (only the best third goes on, again and again).',
    )
    trials: PositiveInt | None = Field(
        None, le=10**6, description="How many trials; all of a grid if left out."
    )
    minutes: float | None = Field(
        None, gt=0, description="No trial is started after so many minutes of searching."
    )
    seed: NonNegativeInt = Field(0, description="Seed of the search, of every trial, and of the split.")
    top: PositiveInt = Field(3, le=1000, description="So many of the best are run again with fresh seeds.")
    fresh_seeds: PositiveInt = Field(3, le=1000, description="How many seeds the search has not used.")
    objective: MetricName = Field(
        "accuracy",
        description="Metric that is sought, on validation, or loss; `loupe metrics` lists them. An "
        "autoencoder has no accuracy.",
    )
    threads: PositiveInt = Field(1, le=1024, description="CPU threads of each run.")
    confidence: float = Field(0.95, gt=0, le=0.9999, description="Level of the intervals.")

    @property
    def recipe_name(self) -> str:
        """What the recipe is called: a packaged one by its name, a file by its own."""
        return name_recipe(self.recipe)

    def label_of(self, field: str) -> str:
        """Return what tables and figures call a parameter: its label, or the end of its field."""
        return self.space[field].label or shorten_field(field, list(self.space))

    def to_toml(self) -> str:
        """Return the search as TOML that reads back as an equal search."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True, exclude_defaults=True))


def shorten_field(field: str, fields: list[str]) -> str:
    """Return the end of a dotted field by which it is told from the others."""
    parts = field.split(".")
    for count in range(1, len(parts)):
        end = ".".join(parts[-count:])
        if sum(other == end or other.endswith(f".{end}") for other in fields) == 1:
            return end
    return field
