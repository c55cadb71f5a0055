"""The images of a recipe: types, ranges, meanings, defaults of `[data]`. No torch here."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveInt, field_validator, model_validator

from loupe.recipe.sections import Choice, NamedSection, Section, refuse_repeats


def _count_or_fraction(value: object) -> object:
    """Keep a whole number as a count of images and a number below 1 as a fraction."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a number of images (1, 2, …) or a fraction between 0 and 1")
    if 0 < value < 1 or (1 <= value < 1e12 and value == int(value)):
        return value if value < 1 else int(value)
    raise ValueError("a number of images (1, 2, …) or a fraction between 0 and 1")


CountOrFraction = Annotated[int | float, BeforeValidator(_count_or_fraction)]


class Normalization(Section):
    """Stated normalisation constants, one per channel, for pixels scaled to [0, 1]."""

    mean: tuple[float, ...] = Field(description="Mean of each channel, in [0, 1].")
    std: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        description="Standard deviation of each channel, > 0."
    )

    @model_validator(mode="after")
    def _refuse_unequal_lengths(self) -> "Normalization":
        if len(self.mean) != len(self.std):
            raise ValueError("as many deviations as means, one a channel")
        return self


class LabelNoise(Section):
    """Wrong labels put into the training images on purpose, to learn or test what they do."""

    kind: Literal["symmetric", "pairwise", "confusion"] = Field(
        "symmetric",
        description='Which wrong class a label becomes: "symmetric" any other, "pairwise" the next one, '
        '"confusion" as the table says.',
    )
    share: float = Field(
        gt=0, lt=1, description="Part of each class's training images that get a wrong label, in (0, 1)."
    )
    confusion: dict[str, dict[str, Annotated[float, Field(gt=0)]]] | None = Field(
        None,
        description="For each class the classes it is taken for, with their proportions: "
        "{cat = {dog = 3, fox = 1}}; classes left out keep their labels.",
    )

    @model_validator(mode="after")
    def _refuse_half_a_confusion(self) -> "LabelNoise":
        if (self.kind == "confusion") != bool(self.confusion):
            raise ValueError('a table `confusion` with kind = "confusion", and with no other kind')
        return self


class Fold(Section):
    """One of several equal parts of the images: it validates, the others train."""

    number: PositiveInt = Field(description="Which part, 1, 2, …")
    of: int = Field(ge=2, le=1000, description="How many parts there are, ≥ 2.")

    @model_validator(mode="after")
    def _refuse_parts_beyond(self) -> "Fold":
        if self.number > self.of:
            raise ValueError(f"a number up to {self.of}")
        return self


class DataSection(NamedSection):
    """Which images, and how they are split and prepared. Further keys are the source's settings."""

    name: str = Field("digits", description="Dataset; `loupe datasets` lists them.")
    classes: tuple[str | int, ...] | None = Field(
        None,
        min_length=2,
        description="Classes to keep, by name or index, in the new order; all if left out.",
    )
    fraction: float = Field(
        1.0, gt=0, le=1, description="Part of the training images to use; fractions nest (5 % ⊂ 10 %)."
    )
    validation: CountOrFraction = Field(
        0.1,
        description="Images held out of the training data for validation: a count, or a fraction in (0, 1); "
        "a dataset with validation images of its own keeps those.",
    )
    fold: Fold | None = Field(
        None,
        description="Take one of several equal parts as validation images in the place of data.validation, "
        "{number = 1, of = 5}: over all numbers each image validates once. `folds` of a study does it.",
    )
    split_seed: NonNegativeInt | None = Field(
        None, description="Seed of the split and of the fraction; run.seed if left out."
    )
    sides_of: str | None = Field(
        None,
        min_length=1,
        description="Whose training, validation and test images to take: a run's, or those of a list (CSV "
        "with path, label, split). Images a run does not name are divided as ever.",
    )
    corrections: str | None = Field(
        None,
        min_length=1,
        description="List of corrections of training and validation images (CSV with image or file or index, "
        "action keep, relabel or drop, label); the page of `loupe audit` writes one. Sides stay.",
    )
    long_tail: float | None = Field(
        None,
        ge=1,
        le=10**6,
        description="Thin training images out from class to class, geometrically, until the first class has "
        "so many times the images of the last; validation and test stay. For experiments.",
    )
    label_noise: LabelNoise | None = Field(
        None, description="Wrong labels for some training images, on purpose. For experiments."
    )
    in_memory: Literal["auto"] | bool = Field(
        "auto",
        description="Whether all images are held in memory; else they are read from disk as they are needed, "
        "with the same results. auto: unless they take more than a quarter of the machine's memory, or "
        "several processes would hold them. Where they come in no file that can be mapped, they are held.",
    )
    augment: tuple[Choice, ...] = Field(
        (), description="Augmentations of the training images, in order; `loupe augmentations` lists them."
    )
    mix: Choice | None = Field(
        None,
        description="Blends training images and their labels in pairs; `loupe mixes` lists the ways; "
        "no mixing if left out.",
    )
    normalize: Normalization | str = Field(
        "measured",
        union_mode="left_to_right",
        description='"measured" on the training split, "unit" (pixels stay in [0, 1]), a preset\'s name, '
        'or {mean = […], std = […]} for pixels in [0, 1]; "backbone": as weights of model timm were learnt.',
    )

    @field_validator("normalize", mode="before")
    @classmethod
    def _tell_tables_from_names(cls, value: object) -> object:
        if not isinstance(value, Mapping | str | Normalization):
            raise ValueError('"measured", a preset\'s name, or a table with mean and std')
        return Normalization(**value) if isinstance(value, Mapping) else value

    @field_validator("classes")
    @classmethod
    def _refuse_repeated_classes(cls, value: tuple[str | int, ...] | None) -> tuple[str | int, ...] | None:
        return refuse_repeats(value, "each class once")
