"""Questions about what the numbers are worth: more data, other seeds, a test set that is fresh."""

from statistics import NormalDist, fmean, stdev

from loupe.questions.answer import Answer
from loupe.questions.evidence import Evidence
from loupe.questions.of_training import ask_fit
from loupe.runs.looks import count_times
from loupe.runs.result import Score
from loupe.statistics.optimism import expected_best_of, expected_best_share
from loupe.wording import count_of

_MANY_RECIPES = 5


def ask_data(evidence: Evidence) -> Answer:
    """Return whether more images would help: what one run can say of that is its gap."""
    name, question, section = "data", "Would more images help?", "curves"
    step = "`loupe learning-curve RUN`"
    fit = ask_fit(evidence)
    if fit.verdict == "attention" and "over-fits" in fit.sentence:
        said = "Likely, as it over-fits; how much, only trainings on fewer images could tell."
    elif fit.verdict == "attention" and "does both" in fit.sentence:
        said = "Likely, as it names its training images better than others; trainings on fewer would tell."
    elif fit.verdict == "attention":
        said = "Not likely, as it does not fit the images it has."
    else:
        said = "One run cannot tell: trainings on a half and a quarter of the images would."
    return Answer(name, question, "unknown", said, section, step)


def ask_seeds(evidence: Evidence) -> Answer:
    """Return how far the result is one of chance: its spread over seeds beside its interval over images."""
    name, question, section = "seeds", "Would another seed say the same?", "weights"
    scores = [one.best.test or one.best.validation for one in evidence.seeds if one.best is not None]
    values = [one.headline.value for one in scores if one.headline.value is not None]
    best = evidence.result.best
    if best is None:
        return Answer(name, question, "unknown", "No epoch was completed.", section)
    own = (best.test or best.validation).headline
    if len(values) < 2:
        said = "It is one run, which says nothing of others"
        if own.interval is not None:
            said += f"; the images alone leave {own.describe()}"
        step = "run.seeds = [0, 1, 2]"
        return Answer(name, question, "unknown", f"{said}.", section, step)
    spread = stdev(values)
    text = f"{own.metric.write(fmean(values))} on average over {len(values)} seeds"
    said = f"{text}, {own.metric.write(min(values))} to {own.metric.write(max(values))}"
    reach = (own.interval.high - own.interval.low) / 2 if own.interval is not None else None
    if reach is None or spread <= reach:
        return Answer(
            name, question, "good", f"{said}: seeds change less than the choice of images.", section
        )
    step = "give the mean over seeds, not a run; more seeds where recipes are compared"
    return Answer(
        name, question, "attention", f"{said}: more than the choice of images would.", section, step
    )


def ask_freshness(evidence: Evidence) -> Answer:
    """Return whether the test set still can surprise: how often it was looked at, by how many recipes."""
    name, question, section = "freshness", "Is the test set still fresh?", "record"
    own, machine = evidence.own_looks, evidence.machine_looks
    if own is not None and machine is not None and machine.count < own:
        machine = None  # the ledger lacks looks that are on record: it knows nothing of others
    step = "new test images for the last word; validation for all choices"
    if own is None:
        said = "Nobody knows: the run's record of its looks is missing."
        return Answer(name, question, "unknown", said, section, step)
    said = f"This run looked at it {count_times(own)}"
    recipes = machine.num_recipes if machine is not None else 0
    if machine is not None:
        said += f"; on this machine it was looked at {count_times(machine.count)}, in "
        said += count_of(recipes, "recipe")
    best = evidence.result.best
    test = best.test if best is not None else None
    flatters = _tell_luck(recipes, test, evidence.result.confidence) if recipes >= _MANY_RECIPES else ""
    if own > 1 or flatters:
        return Answer(name, question, "attention", f"{said}{flatters}.", section, step)
    if machine is None:
        return Answer(name, question, "unknown", f"{said}; looks of other runs are not known.", section, step)
    return Answer(name, question, "good", f"{said}.", section)


def _tell_luck(recipes: int, test: Score | None, level: float) -> str:
    """Return by how much the best of so many equal recipes would flatter itself; "" where that is unknown."""
    headline = test.headline if test is not None else None
    if test is None or headline is None or headline.value is None or headline.interval is None:
        return ""
    if headline.metric.name == "accuracy":
        # of all right, say, the share that is to be expected is below 1 (Laplace)
        share = (headline.value * test.num_images + 1) / (test.num_images + 2)
        luck = expected_best_share(recipes, share, test.num_images)
    else:
        reach = NormalDist().inv_cdf((1 + level) / 2)
        luck = expected_best_of(recipes, (headline.interval.high - headline.interval.low) / 2 / reach)
        end = headline.metric.bounds["high" if headline.metric.is_higher_better else "low"]
        luck = min(luck, abs(end - headline.value))
    size = headline.metric.write_difference(luck).lstrip("+")
    unit = f" {headline.metric.difference_unit}" if headline.metric.is_percent else ""
    return f"; the best of {recipes} equal recipes would seem about {size}{unit} better than it is"
