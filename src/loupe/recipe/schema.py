"""The fields of a recipe: types, ranges, meanings, defaults. No torch here."""

from pathlib import Path
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeInt,
    PositiveInt,
    field_validator,
    model_validator,
)

from loupe.markup import render_text
from loupe.recipe.data_section import DataSection
from loupe.recipe.sections import Choice, MetricName, NamedSection, Section, refuse_repeats
from loupe.recipe.train_section import TrainSection


def _flag_or_count(value: object) -> object:
    """Keep true, false, or a whole number as a count of images."""
    if isinstance(value, bool) or (isinstance(value, int) and 1 <= value < 10**12):
        return value
    raise ValueError("true, false, or a number of images (1, 2, …)")


FlagOrCount = Annotated[bool | int, BeforeValidator(_flag_or_count)]


class ModelSection(NamedSection):
    """Which network. Further keys are the model's settings."""

    name: str = Field("mlp", description="Model; `loupe models` lists them.")


class TransferSection(Section):
    """Where the weights start, and which of them stay as they are."""

    run: str | None = Field(
        None,
        min_length=1,
        description="Run whose best weights are copied, by name and shape; a path, or a name in runs/.",
    )
    weights: str | None = Field(
        None,
        min_length=1,
        description="File with weights from elsewhere, in the place of a run: .safetensors, or a torch file "
        '(nothing in it is run); "timm" for those that timm has of model.backbone. It is kept in the run.',
    )
    rename: dict[str, str] | None = Field(
        None,
        description='How names in the file begin, and how they begin here: {backbone = "", "fc" = "head"}.',
    )
    part: str = Field(
        "", description='Part of that network to copy from, such as "encoder"; all of it if left out.'
    )
    head: Literal["new", "copied"] = Field(
        "new", description='Whether the last layer starts fresh ("new") or is copied too.'
    )
    freeze: Literal["none", "all"] | tuple[str, ...] = Field(
        "none",
        union_mode="left_to_right",
        description='What is not trained: "none", "all" but the head, or a list of layers; '
        "`loupe show` names them.",
    )

    @field_validator("freeze", mode="before")
    @classmethod
    def _tell_lists_from_words(cls, value: object) -> object:
        is_list = isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
        if value not in ("none", "all") and not is_list:
            raise ValueError('"none", "all", or a list of layers')
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _refuse_copies_of_nothing(self) -> "TransferSection":
        if self.run is not None and self.weights is not None:
            raise ValueError("a run or weights to copy from, not both")
        if self.run is None and self.weights is None and (self.part or self.head == "copied"):
            raise ValueError("a run to copy from, where part or head say what of it")
        if self.rename and self.weights is None:
            raise ValueError("weights to copy from, where rename says what their names are here")
        return self

    @property
    def path(self) -> Path:
        """The folder of the run to copy from."""
        return Path(self.run or "")


class EvaluateSection(Section):
    """How the network is judged. Validation selects; the test set is opened once, at the end."""

    metrics: tuple[Choice, ...] = Field(
        (),
        description="Further metrics, measured beside accuracy and loss; `loupe metrics` lists them. One "
        'with settings is a table, {name = "top_k_accuracy", k = 3}, or a word, top_k_accuracy:k=3.',
    )
    select_by: MetricName = Field(
        "accuracy",
        description="Validation metric that picks the best epoch, or loss; ties go to the lower loss.",
    )
    looks: tuple[Choice, ...] | None = Field(
        None,
        description="Evaluations that the report shows; `loupe evaluations` lists them. Those that cost "
        'little if left out; "default" in a list stands for these: ["default", "calibration"].',
    )
    batch_size: PositiveInt = Field(
        500,
        le=10**9,
        description="Images evaluated at once, ≥ 1; fewer of large ones, 40 of 224 × 224 pixels.",
    )
    tta: Literal["none", "mirror", "mirror-shift"] = Field(
        "none",
        description="Test-time augmentation, reported beside plain accuracy and selecting nothing: the mean "
        'over each image and its "mirror" image, or both also moved by a pixel ("mirror-shift").',
    )
    test: bool = Field(True, description="Open the test set at the end of the run.")
    show_test_picking: bool = Field(
        False,
        description="Also report what picking the epoch on test would have claimed; "
        "opens the test set every epoch.",
    )
    track_examples: FlagOrCount = Field(
        False,
        description="Record loss and correctness of the training images after every epoch, to find the "
        "hard ones: true for all of them, or how many (a stratified subset).",
    )
    look_inside: bool = Field(
        True,
        description="Draw filters, feature maps and statistics of layers into the report, and carry out the "
        "evaluations that take seconds; false in each run of a study or search that does not say otherwise.",
    )
    confidence: float = Field(
        0.95, gt=0, le=0.9999, description="Level of the confidence intervals, in (0, 0.9999]."
    )


class RunSection(Section):
    """Seeds, machine and place."""

    seed: NonNegativeInt = Field(0, description="The one seed that governs everything random, ≥ 0.")
    seeds: tuple[NonNegativeInt, ...] | None = Field(
        None,
        min_length=1,
        examples=[(0, 1, 2)],
        description="Several seeds: as many runs in a row, with mean and interval.",
    )
    continues: str | None = Field(
        None,
        min_length=1,
        description="A finished run whose training this one goes on with: a path, or a name in runs/.",
    )
    device: str = Field("auto", description='"auto", "cpu", "cuda", "cuda:1", "mps".')
    threads: PositiveInt | None = Field(
        None, le=1024, description="CPU threads of one operation, ≥ 1; torch's own choice if left out."
    )
    processes: PositiveInt = Field(
        1,
        le=1024,
        description="Processes that train together, each on its share of every batch: on CPU cores, or a GPU "
        "each. More than one needs the extra `fabric`.",
    )
    folder: str = Field("runs", min_length=1, description="Folder that receives the run folder.")
    tensorboard: bool = Field(
        False,
        description="Also write curves, images and graph for TensorBoard into the run folder: short for "
        'trackers = ["tensorboard"].',
    )
    trackers: tuple[Choice, ...] = Field(
        (), description="What also writes the training for other programs; `loupe trackers` lists them."
    )
    observers: tuple[Choice, ...] = Field(
        (), description="What else watches the training; `loupe observers` lists them."
    )
    plugins: tuple[str, ...] = Field(
        (), description="Python files that register further models, datasets, augmentations …"
    )

    @field_validator("trackers", "observers")
    @classmethod
    def _refuse_repeated_names(cls, value: tuple[Choice, ...]) -> tuple[Choice, ...]:
        refuse_repeats(tuple(choice.name for choice in value), "each name once")
        return value

    @field_validator("seeds")
    @classmethod
    def _refuse_repeated_seeds(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        return refuse_repeats(value, "each seed once: a run twice says nothing of the spread")


class Recipe(Section):
    """The description of a run. Immutable."""

    name: str = Field(
        "unnamed", pattern=r"^\w[\w.-]*$", description="Name of the recipe; names the run folder."
    )
    about: str = Field("", description="One line that says what the recipe is for.")
    data: DataSection = DataSection()
    model: ModelSection = ModelSection()
    transfer: TransferSection | None = None
    train: TrainSection = TrainSection()
    evaluate: EvaluateSection = EvaluateSection()
    run: RunSection = RunSection()

    @property
    def split_seed(self) -> int:
        """The seed of the split: `data.split_seed`, or `run.seed` if that is left out."""
        return self.run.seed if self.data.split_seed is None else self.data.split_seed

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain values, without the fields that are left out."""
        return self.model_dump(mode="json", exclude_none=True)

    def to_toml(self) -> str:
        """Return the recipe as TOML that reads back as an equal recipe."""
        return tomli_w.dumps(self.to_dict())

    def _repr_html_(self) -> str:
        return render_text(f"Recipe {self.name}", self.to_toml())

    def for_seed(self, seed: int) -> "Recipe":
        """Return the recipe of a single run with this seed."""
        run = self.run.model_copy(update={"seed": seed, "seeds": None})
        return self.model_copy(update={"run": run})
