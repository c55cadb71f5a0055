"""What the interface says of studies and searches: typed, so that its description writes itself."""

from typing import Literal

from pydantic import BaseModel, Field

State = Literal["running", "finished", "unfinished", "damaged"]


class StudySummary(BaseModel):
    """A study, as one row of the list."""

    id: str
    question: str = ""
    about: str = ""
    state: State = Field(description="unfinished: runs are left to do, and no process does them now.")
    num_runs: int = Field(0, description="Runs of the arms, as the study asks for them.")
    num_done: int = Field(0, description="Of these, those that have ended.")
    num_failed: int = 0
    problem: str = Field("", description="Why it is damaged.")


class ArmAnswer(BaseModel):
    """An arm at a place: the figures as text, as the report has them."""

    arm: str
    seeds: str
    validation: str
    mean: str
    std: str
    interval: str
    difference: str = Field(description="From the reference; empty for the reference itself.")
    difference_interval: str
    p: str
    conclusion: str = Field(
        description="Shown, practically none, cannot tell (and how many seeds would), or not looked at."
    )
    is_open: bool = Field(description="Whether these runs cannot tell if there is a difference.")
    is_chosen: bool = Field(description="Whether validation prefers it, or one of several that tie.")


class StudyRun(BaseModel):
    """One run of a study."""

    name: str
    at: list[str]
    seed: int
    status: str
    reason: str
    best_epoch: int | None
    validation: str
    test: str
    seconds: float | None
    run: str | None = Field(description="What /api/runs calls it; none where its folder is elsewhere.")


class UnderWay(BaseModel):
    """A run that trains now."""

    run: str
    epoch: int
    num_epochs: int
    share: float | None
    seconds_left: float | None


class StudyDetails(BaseModel):
    """What a study says so far."""

    summary: StudySummary
    answer: str = Field(description="One sentence, made of the figures by rules.")
    figure: str = Field(description="What is compared, with its unit.")
    reference: str = Field(description="The arm differences are taken from; empty if nothing is compared.")
    level: str = Field(description="Of the intervals.")
    axes: list[str]
    arms: list[ArmAnswer]
    same: list[list[str]] = Field(description="Arms whose runs are one and the same.")
    runs: list[StudyRun]
    under_way: list[UnderWay]
    toml: str
    has_report: bool


class SearchSummary(BaseModel):
    """A search, as one row of the list."""

    id: str
    about: str = ""
    state: State
    num_trials: int = Field(0, description="Trials that have ended.")
    most: int | None = Field(None, description="How many there may be; none if only time says.")
    best: str = Field("", description="The best score so far, on validation.")
    objective: str = Field("", description="Title of the metric that is sought.")
    is_higher_better: bool = True
    has_winner: bool = False
    problem: str = Field("", description="Why it is damaged.")


class TrialAnswer(BaseModel):
    """One trial."""

    number: int
    status: str
    score: float | None
    score_text: str
    settings: list[str] = Field(description="A text for each parameter; empty where it does not apply.")
    values: list[float | str | None] = Field(description="The same as values, to sort by.")
    best_epoch: int | None
    epochs: int | None
    seconds: float | None
    reason: str
    is_winner: bool
    run: str | None = Field(description="What /api/runs calls it; none where it has no folder.")


class FreshAnswer(BaseModel):
    """A run with a fresh seed."""

    seed: int
    text: str
    run: str | None


class CandidateAnswer(BaseModel):
    """One of the best trials, run again with fresh seeds."""

    rank: int
    number: int
    is_winner: bool
    settings: str
    found: str
    fresh: str
    optimism: str
    optimism_range: str
    test: str
    runs: list[FreshAnswer]


class ImportanceAnswer(BaseModel):
    """A parameter's share in what sets good trials apart."""

    label: str
    share: float
    low: float
    high: float


class SearchDetails(BaseModel):
    """What a search found so far."""

    summary: SearchSummary
    answer: str
    level: str
    labels: list[str] = Field(description="Of the parameters, in the order of the settings.")
    space: list[tuple[str, str, str]] = Field(description="Field of the recipe, its values, only where.")
    importance: list[ImportanceAnswer]
    trials: list[TrialAnswer]
    candidates: list[CandidateAnswer]
    winner_toml: str = Field(description="The winner as a recipe; empty before there is one.")
    toml: str
    has_report: bool


class StudyList(BaseModel):
    """All studies of the folder."""

    folder: str
    studies: list[StudySummary]


class SearchList(BaseModel):
    """All searches of the folder."""

    folder: str
    searches: list[SearchSummary]
