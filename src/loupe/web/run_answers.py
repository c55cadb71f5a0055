"""What the interface says of runs: typed, so that its description writes itself."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from loupe.web.layer_answers import LayerFacts

Objective = Literal["classification", "reconstruction"]
Status = Literal["running", "finished", "interrupted", "failed", "unfinished", "damaged"]


class MetricAnswer(BaseModel):
    """What a metric is: what a value of it is called, and how it is written."""

    name: str = Field(description="As recipes and columns have it.")
    title: str
    unit: str = Field(description='"percent" for a share in [0, 1], the unit\'s name, or "" for none.')
    better: Literal["higher", "lower"] = Field(description="Which way is better.")
    low: float | None = Field(description="Smallest value there can be.")
    high: float | None = Field(description="Largest value there can be.")


Over = Literal["images", "seeds", "images and seeds"]


class Figure(BaseModel):
    """A value of a metric with its interval."""

    value: float | None = Field(description="In the metric's unit; null where it is not defined.")
    low: float | None = Field(description="Lower end of the interval.")
    high: float | None = Field(description="Upper end of the interval.")
    over: Over = Field(description="What the interval is over.")
    metric: MetricAnswer
    text: str = Field(description="The value as it is written, with its sign of unit.")
    interval: str = Field(description='The interval as it is written; "" without one.')


class RunSummary(BaseModel):
    """A run, or a series of seeds, as one row of the table."""

    id: str = Field(description="What the other addresses call it.")
    name: str
    kind: Literal["run", "series"]
    status: Status = Field(description="unfinished: interrupted, without a result.")
    recipe: str = ""
    about: str = ""
    objective: Objective = "classification"
    model: str = ""
    data: str = ""
    seed: int | None = None
    started: float = Field(0, description="Seconds since 1970.")
    epoch: int = Field(0, description="Epochs completed.")
    num_epochs: int = Field(0, description="Epochs the recipe asks for.")
    best_epoch: int | None = None
    share: float | None = Field(None, description="Part of the training that is done, while it goes on.")
    seconds: float = Field(0, description="Training and validation so far.")
    seconds_left: float | None = Field(
        None, description="If it goes on as it went; early stopping may end it."
    )
    validation: Figure | None = Field(None, description="Of the best epoch; of a run without result, so far.")
    test: Figure | None = Field(None, description="None while the test set is locked.")
    metrics: dict[str, dict[str, Figure]] = Field(
        {}, description="Further metrics that the recipe names, by split and name."
    )
    test_looks: int | None = Field(0, description="Of this run; None where the record is missing.")
    looks: str = Field("", description="In words, with those of other runs on this machine.")
    parameters: int | None = None
    has_weights: bool = False
    curve: list[float] = Field(
        [], description="What stands for the network, on validation, epoch by epoch; thinned out."
    )
    tags: list[str] = []
    seeds: list["RunSummary"] = []
    problem: str = Field("", description="Why it is damaged, failed or interrupted.")


class RunList(BaseModel):
    """All runs of the folder, newest first."""

    folder: str
    runs: list[RunSummary]


class LayerAnswer(BaseModel):
    """One layer of a network."""

    name: str
    kind: str
    output_shape: list[int]
    parameters: int
    multiply_adds: int
    facts: LayerFacts = Field(description="Where these numbers come from.")


class RunDetails(BaseModel):
    """Everything a run folder says of itself."""

    summary: RunSummary
    recipe: dict[str, Any]
    recipe_toml: str
    history: list[dict[str, float | None]]
    charts: list[str] = Field(description="Curves as HTML figures, drawn as in the report.")
    curves_note: str = Field("", description="How the figures of training came about; of a single run.")
    result: dict[str, Any] | None = Field(description="As in result.json.")
    warnings: list[str] = Field(
        [],
        description="What the reader of the figures should know, while it trains too; each once.",
    )
    tiles: list[dict[str, str]] = Field([], description="Figures as short texts, for the head of a page.")
    class_scores: list[dict[str, Any]] = Field([], description="Precision, recall and F1 of each class.")
    layers: list[LayerAnswer]
    environment: list[tuple[str, str]]
    has_report: bool
    log: list[str] = Field(description="The last lines of log.txt.")


class Comparison(BaseModel):
    """Runs side by side."""

    runs: list[RunSummary]
    charts: list[str] = Field(description="Curves laid over one another, as HTML figures.")
    differences: list[tuple[str, list[str]]] = Field(description="Fields in which the recipes differ.")
    verdicts: list[str] = Field(description="What the images they share say of each pair of networks.")
    reason: str = Field("", description="Why the runs are not compared image by image, if they are not.")


class TagsAnswer(BaseModel):
    """The tags of a run."""

    tags: list[str]
