"""The fields of a reproduction: what was published, and which runs say whether it holds. No torch here."""

from typing import Annotated, Any, Literal

from pydantic import Field

from loupe.recipe.sections import Section

FigureName = Annotated[str, Field(pattern=r"^((test|validation|train)_.+|best_epoch|parameters|seconds)$")]
"""A column of a study's results: split and metric (`test_macro_f1`), best_epoch, parameters or seconds."""


Pair = Annotated[str, Field(pattern="^.+ as .+$")]
"""A class and the one that its images were taken for: "cat as dog"."""


class Runs(Section):
    """Which runs of a study a claim is about."""

    study: str = Field(description="A packaged study.")
    arm: str = Field("", description="One of its arms; its only one if left out.")
    stage: str = Field("", description="One of its stages, in the place of an arm.")
    at: dict[str, str] = Field({}, description="Values on its axes, as tables show them.")


class Numbers(Runs):
    """Published numbers of one thing, and the figures of ours that stand beside them."""

    row: str = Field(description="Row of the source list.")
    what: str = Field(description="What they are numbers of, for readers.")
    published: dict[FigureName, float] = Field(description="As printed; percentages in [0, 1].")
    flaws: dict[FigureName, str] = Field(
        {}, description="What is wrong with a published number, with its defect's id."
    )
    flaw: str = Field("", description="What is wrong with all of them.")
    scaled: str = Field(
        "",
        description="What the study made smaller than published: a worse figure of ours then says nothing.",
    )


class ClassFigures(Runs):
    """Published accuracies class by class, and how many images of one were taken for another."""

    row: str = Field(description="Row of the source list.")
    what: str = Field(description="What they are accuracies of, for readers.")
    published: dict[str, float] = Field(description="By class, as printed; shares in [0, 1].")
    confused: dict[Pair, int] = Field({}, description='Images by pair: "cat as dog" = 68.')
    flaw: str = Field("", description="What is wrong with them, with its defect's id.")
    scaled: str = Field("", description="What the study made smaller than published.")


class Course(Runs):
    """Published accuracies along one training."""

    row: str = Field(description="Row of the source list.")
    what: str = Field(description="What they are accuracies of, for readers.")
    epochs: int = Field(ge=1, description="Epochs of the published training.")
    published: tuple[tuple[int, float], ...] = Field(
        description="Epoch and accuracy, as printed; shares in [0, 1]."
    )
    flaw: str = Field("", description="What is wrong with them, with its defect's id.")


class Shown(Runs):
    """A defect that is shown on networks of a study."""

    name: str = Field(description="The demonstration.")


class Effect(Runs):
    """A published statement about one arm against another."""

    row: str = Field(description="Row of the source list.")
    what: str = Field(description="The statement.")
    reference: str = Field(description="The arm it is compared with.")
    published: Literal["better", "worse", "no difference", "gap grows"] = Field(
        description='What was found; "gap grows": the lead grows along the study\'s axis.'
    )
    flaw: str = Field("", description="What is wrong with how it was found, with its defect's id.")


class Winner(Section):
    """A published statement about which of many is best."""

    row: str = Field(description="Row of the source list.")
    what: str = Field(description="The statement.")
    study: str = Field(description="A packaged study without axes.")
    figure: FigureName = "test_accuracy"
    published: str = Field(description="The arm that was named best.")


class Reproduction(Section):
    """What a source published, and the studies that say whether it holds."""

    name: str = Field(description="Name of the source.")
    title: str = Field(description="What the source is.")
    about: str = Field("", description="One line that says what is reproduced.")
    studies: tuple[str, ...] = Field(description="Packaged studies, in the order they are run.")
    quick: dict[str, dict[str, Any]] = Field(
        {}, description="Changes to each study for the quick form, which takes minutes."
    )
    demonstrations: tuple[str, ...] = Field((), description="Defects shown beside what is right.")
    shown: tuple[Shown, ...] = Field((), description="Defects shown on the trained networks of a study.")
    numbers: tuple[Numbers, ...] = ()
    classes: tuple[ClassFigures, ...] = ()
    courses: tuple[Course, ...] = ()
    effects: tuple[Effect, ...] = ()
    winners: tuple[Winner, ...] = ()
    delta_points: float = Field(
        0.005,
        gt=0,
        le=1,
        description="How far apart a published share and ours may be and still count as the same: 0.005 is "
        "half a point.",
    )
    delta_ratio: float = Field(
        0.5,
        gt=0,
        le=10,
        description="The same of losses, errors and epochs, as a part: 0.5 is a factor of 1.5.",
    )
    other_quantities: dict[FigureName, str] = Field(
        {},
        description="Published figures that are of something else than ours, and of what: shown, not judged.",
    )
    remarks: tuple[str, ...] = Field((), description="What the reader should know.")
