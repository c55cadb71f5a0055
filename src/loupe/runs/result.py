"""What a run found: the contents of `result.json` as typed objects."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from loupe.data import Opening
from loupe.markup import render_card
from loupe.metrics import Metrics, ReconstructionScore
from loupe.models import ObjectiveName

Status = Literal["finished", "interrupted", "failed"]
Score = Metrics | ReconstructionScore
"""How well weights do on a split: by accuracy, or by the error of what they give back."""


@dataclass(frozen=True)
class Outcome:
    """One set of weights, judged. `test` is None while the test set stays locked.

    `validation_tta` and `test_tta` are the same with test-time augmentation; None if none is asked for.
    """

    epoch: int
    validation: Score
    test: Score | None = None
    validation_tta: Score | None = None
    test_tta: Score | None = None

    @classmethod
    def from_dict(cls, values: dict[str, Any], objective: ObjectiveName = "classification") -> "Outcome":
        scores = ("validation", "test", "validation_tta", "test_tta")
        kind = Metrics if objective == "classification" else ReconstructionScore
        return cls(
            epoch=values["epoch"],
            **{name: kind.from_dict(values[name]) for name in scores if values.get(name) is not None},
        )


@dataclass(frozen=True)
class TestPicking:
    """What choosing the epoch on the test set would have claimed. Not a result: an illustration."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    epoch: int
    accuracy: float
    num_epochs_looked_at: int


@dataclass(frozen=True)
class RunResult:
    """The figures of one run.

    Args:
        status: "finished", "interrupted" (Ctrl-C) or "failed".
        reason: why it is not finished, if it is not.
        recipe_name: name of the recipe.
        seed: the run's seed.
        num_images: images by split: train, validation, test.
        best: weights of the best epoch on validation; the run's result.
        last: weights of the last epoch.
        selected_by: validation figure that picked the best epoch.
        stopped_early: whether early stopping ended the training.
        test_picking: what picking on test would have claimed, if that was asked for.
        test_openings: every look at the test set, oldest first.
        seconds: training and validation of all epochs.
        images_per_second: training images a second, median over epochs.
        parameters: numbers in the network.
        confidence: level of the intervals.
        warnings: what the reader of the figures should know.
        objective: what the network was trained for.
        notes: what was done before training: weights copied, layers frozen.
        tta: test-time augmentation of the figures that have it, "none" if none has.
        multiply_adds: of one image's forward pass; None in results of earlier versions.
    """

    status: Status
    reason: str | None
    recipe_name: str
    seed: int
    num_images: dict[str, int]
    best: Outcome | None
    last: Outcome | None
    selected_by: str
    stopped_early: bool
    test_picking: TestPicking | None
    test_openings: tuple[Opening, ...]
    seconds: float
    images_per_second: float
    parameters: int
    confidence: float
    warnings: tuple[str, ...] = ()
    objective: ObjectiveName = "classification"
    notes: tuple[str, ...] = ()
    tta: str = "none"
    multiply_adds: int | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def _repr_html_(self) -> str:
        facts = {"status": self.status, "recipe": f"{self.recipe_name}, seed {self.seed}"}
        if self.best is not None:
            facts["best epoch"] = f"{self.best.epoch}, by validation {self.selected_by}"
            for split, score in (("validation", self.best.validation), ("test", self.best.test)):
                if score is not None:
                    said = "; ".join(one.describe() for one in score.values)
                    facts[split] = f"{said} ({score.num_images:,} images)"
        facts["parameters"] = f"{self.parameters:,}"
        return render_card("Result", facts)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "RunResult":
        picking, objective = values["test_picking"], values.get("objective", "classification")
        return cls(
            **{
                **values,
                "best": Outcome.from_dict(values["best"], objective) if values["best"] else None,
                "last": Outcome.from_dict(values["last"], objective) if values["last"] else None,
                "test_picking": TestPicking(**picking) if picking else None,
                "test_openings": tuple(Opening(**opening) for opening in values["test_openings"]),
                "warnings": tuple(values["warnings"]),
                "notes": tuple(values["notes"]),
            }
        )
