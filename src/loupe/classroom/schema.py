"""The fields of an exercise: types, ranges, meanings, defaults. No torch here."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field, NonNegativeInt, field_validator

from loupe.classroom.people import read_deadline
from loupe.recipe.data_section import CountOrFraction
from loupe.recipe.sections import MetricName, Section


class HiddenPart(Section):
    """Which images the teacher keeps to himself."""

    part: CountOrFraction = Field(
        0.5, description="Images to keep: a count, or a fraction in (0, 1) of those that `of` names."
    )
    of: Literal["test", "all"] = Field(
        "test",
        description='Where they come from: "test", the test images of the data; "all", its training and '
        "validation images too.",
    )
    seed: NonNegativeInt | None = Field(
        None,
        description="Seed of the draw. Left out, one is drawn and kept with the key: who knows the data and "
        "the seed knows the hidden images.",
    )


class Grading(Section):
    """What is measured on the hidden images. The network is always that of the best epoch on validation."""

    metric: MetricName = Field("accuracy", description="Metric; `loupe metrics` lists them.")
    confidence: float = Field(
        0.95, gt=0, le=0.9999, description="Level of the intervals and of what counts as clearly better."
    )
    step: float | None = Field(
        None,
        gt=0,
        description="Step in which the leaderboard shows scores, in the metric's own unit (0.02 of an "
        "accuracy: two points). Left out, one follows from the number of hidden images.",
    )


class Exercise(Section):
    """An exercise for a class. Immutable."""

    name: str = Field("exercise", pattern=r"^\w[\w.-]*$", description="Name; names the folder it is made in.")
    title: str = Field("", description="Heading of the README and of the pages; the name if left out.")
    task: str = Field(min_length=1, description="What is to be done, in Markdown: it stands in the README.")
    deadline: str | datetime | date = Field(
        "",
        description="By when. A date and time, 2026-12-04 18:00, is kept to, as `late` says; anything else, "
        '"Friday, 18:00", is text that is only shown.',
    )
    late: Literal["noted", "aside"] = Field(
        "noted",
        description='What is handed in after a deadline that is a date and time: "noted", it counts and is '
        'said to be late; "aside", graded without a place, unless something of that student came in time.',
    )
    data: str | dict[str, Any] = Field(
        description="Which images: a dataset's name, a folder of images, or a table like [data] of a recipe.",
    )
    recipe: str | dict[str, Any] = Field(
        "digits",
        description="Where students begin: a packaged recipe, a TOML file, or the tables of a recipe.",
    )
    set: dict[str, Any] = Field(
        {}, description='Changes to that recipe: {"train.epochs" = 4}, or `set.train.epochs = 4`.'
    )
    fixed: tuple[str, ...] = Field(
        (),
        description='Fields of that recipe that stay as they are, "train.epochs"; a section, "model", fixes '
        "all in it.",
    )
    looks: NonNegativeInt = Field(
        1, description="Looks at the students' own test images that each may take, over all that he hands in."
    )
    plugins: Literal["none", "trusted"] = Field(
        "none",
        description='Files of students\' own code: "none", or "trusted": a run that names one is graded once '
        "the teacher has read it and said `loupe trust`.",
    )
    starting_weights: Literal["none", "pack", "any"] = Field(
        "none",
        description='What a training may start from: "none", runs on the images of the "pack", or "any" '
        "weights.",
    )
    hidden: HiddenPart = HiddenPart()
    graded: Grading = Grading()

    @field_validator("data", "recipe", mode="before")
    @classmethod
    def _refuse_other_kinds(cls, value: object) -> object:
        if not isinstance(value, str | dict) or not value:
            raise ValueError("a name, a path, or a table")
        return value

    @field_validator("fixed")
    @classmethod
    def _refuse_repeats(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("each field once")
        return value

    @field_validator("deadline", mode="before")
    @classmethod
    def _refuse_no_date(cls, value: object) -> object:
        if isinstance(value, str):
            try:
                read_deadline(value)
            except ValueError:
                raise ValueError("a date and time that there is, such as 2026-12-04 18:00, or text") from None
        return value

    @property
    def due(self) -> datetime | None:
        """The deadline as a moment, aware of its zone; None where it is text."""
        return read_deadline(self.deadline)

    @property
    def heading(self) -> str:
        """The title, or the name."""
        return self.title or self.name
