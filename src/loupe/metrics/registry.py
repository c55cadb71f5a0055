"""The registry of metrics, and how one is chosen by name and settings."""

import inspect
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from loupe.errors import LoupeError, MetricError, Mistake, UnknownNameError, suggest
from loupe.metrics.metric import Better, Metric, MetricValue
from loupe.metrics.reported import LOSS, MEASURED, reported_loss_of
from loupe.models import ObjectiveName
from loupe.plugins import find_last_line
from loupe.recipe.sections import Choice, read_choice_text, write_choice_text
from loupe.registry import Registry
from loupe.statistics.intervals import Interval

OFFERED: dict[ObjectiveName, tuple[str, ...]] = {
    "classification": ("logits", "probabilities", "predicted", "labels", "num_classes"),
    "reconstruction": ("errors", "outputs", "images"),
}
"""What a metric may name among its parameters, by what it is for; `level` may be named by all."""
Function = TypeVar("Function", bound=Callable[..., Any])

METRICS = Registry(
    "metric",
    "loupe.metrics",
    given=(),
    offered=(*OFFERED["classification"], *OFFERED["reconstruction"], "level"),
    list_command="loupe metrics",
)


@dataclass(frozen=True)
class Estimate:
    """What a metric's function returns where an interval is defined: a value and its interval."""

    value: float
    interval: Interval | None = None


def register_metric(
    name: str,
    *,
    unit: str,
    better: Better,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    title: str = "",
    objective: ObjectiveName = "classification",
) -> Callable[[Function], Function]:
    """Return a decorator that registers a function as the metric `name`.

    The function names what it needs of a network's answers among its parameters. Of a classifier: `logits`
    (images, classes) float32, `probabilities` likewise, `predicted` and `labels` (images,) int64,
    `num_classes`. Of a network that gives images back: `errors` (images,) float32, the mean squared error per
    pixel; `outputs` and `images`, (images, channels, height, width) float32 on the scale of the network's
    input. Of both: `level`, that of the interval, in (0, 1). All else in its signature is a setting. It
    returns a number, an `Estimate` where it knows an interval, or None where the metric is not defined.

    Args:
        name: what recipes call it; a word of small letters, digits and underscores.
        unit: "percent" for shares in [0, 1], the unit's own name, or "" for none.
        better: "higher" or "lower".
        bounds: smallest and largest value, infinite where there is none.
        title: for readers, in running text, settings in braces: "top-{k} accuracy"; the name if left out.
        objective: "classification" or "reconstruction".

    Raises:
        LoupeError: the name is taken or no word, or bounds, direction or objective cannot be.
    """
    low, high = bounds
    _refuse_impossible_facts(name, better, low, high, objective)
    register = METRICS.register(
        name,
        title=title or name.replace("_", " "),
        unit=unit,
        better=better,
        low=float(low) if math.isfinite(low) else None,
        high=float(high) if math.isfinite(high) else None,
        objective=objective,
    )

    def add(function: Function) -> Function:
        others = {one for names in OFFERED.values() for one in names} - set(OFFERED[objective])
        strange = sorted(others.intersection(inspect.signature(function).parameters))
        if strange:
            raise LoupeError(
                f"Metric {name!r} asks for what a network for {objective} does not give.",
                got=", ".join(strange),
                allowed=", ".join((*OFFERED[objective], "level")),
                next_step="name others, or register it for another objective",
            )
        return register(function)

    return add


def _refuse_impossible_facts(name: str, better: str, low: float, high: float, objective: str) -> None:
    wrong = None
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name == LOSS:
        wrong = repr(name), "a word of small letters, digits and underscores, not loss"
    elif better not in ("higher", "lower"):
        wrong = f"better={better!r}", "better='higher' or better='lower'"
    elif not low < high:
        wrong = f"bounds=({low}, {high})", "a smaller and a larger number"
    elif objective not in OFFERED:
        wrong = f"objective={objective!r}", " or ".join(OFFERED)
    if wrong:
        got, allowed = wrong
        raise LoupeError(
            f"Metric {name!r} cannot be registered like that.",
            got=got,
            allowed=allowed,
            next_step="mend its @register_metric line",
        )


@dataclass(frozen=True)
class ChosenMetric:
    """A metric with its settings, ready to be computed.

    Args:
        metric: what is known of it.
        function: the registered function.
        settings: all of its settings.
    """

    metric: Metric
    function: Callable[..., Any]
    settings: Mapping[str, Any]

    @property
    def needs(self) -> frozenset[str]:
        """What of a network's answers it asks for."""
        return frozenset(inspect.signature(self.function).parameters) - self.settings.keys()

    def compute(self, answers: object, level: float = 0.95) -> MetricValue:
        """Return what the metric says of a network's answers.

        Args:
            answers: `Predictions`, or `GivenBack`: has what `OFFERED` names.
            level: of the interval, in (0, 1).

        Raises:
            MetricError: the function fails, returns no number, or one outside the metric's own bounds.
        """
        given = {name: level if name == "level" else getattr(answers, name) for name in self.needs}
        try:
            found = self.function(**given, **self.settings)
            estimate = _read_estimate(found)
        except Exception as error:  # a user's own function can be anything
            raise MetricError(
                f"Metric {self.metric.name!r} cannot be computed.",
                got=f"{type(error).__name__}: {error}",
                allowed="a number, an Estimate, or None where it is not defined",
                next_step=f"mend {find_failing_line(error, self.function)}",
            ) from error
        if estimate is None or not math.isfinite(estimate.value):
            return MetricValue(self.metric, None)
        ends = [] if estimate.interval is None else [estimate.interval.low, estimate.interval.high]
        for value in (estimate.value, *ends):
            self._refuse_outside(value)
        return MetricValue(self.metric, estimate.value, estimate.interval)

    def _refuse_outside(self, value: float) -> None:
        low, high = self.metric.bounds["low"], self.metric.bounds["high"]
        slack = 1e-6 * max(1.0, abs(value))  # single precision rounds
        if low - slack <= value <= high + slack:
            return
        is_share = self.metric.is_percent or (low, high) == (0.0, 1.0)
        code = inspect.unwrap(self.function).__code__
        raise MetricError(
            f"Metric {self.metric.name!r} gave a value outside its own bounds.",
            got=f"{value:g} from {code.co_filename}, line {code.co_firstlineno}",
            allowed=f"{low:g} to {high:g}, as its @register_metric line says"
            + ("; shares are in 0..1, not percentages" if is_share else ""),
            next_step="mend the function, or its bounds",
        )


def _read_estimate(found: object) -> Estimate | None:
    """Return what a metric's function returned as numbers.

    Raises:
        TypeError: or ValueError: it is no number, or has an interval that is none.
    """
    if found is None:
        return None
    if not isinstance(found, Estimate):
        return Estimate(float(found))  # type: ignore[arg-type]  # what is no number raises TypeError
    if found.interval is None:
        return Estimate(float(found.value))
    interval: Any = found.interval  # a user's own may hold anything, a pair of numbers too
    low, high = (interval.low, interval.high) if isinstance(interval, Interval) else interval
    return Estimate(float(found.value), Interval(float(low), float(high)))


def find_failing_line(error: Exception, function: Callable[..., Any]) -> str:
    """Return file and line where a registered function failed: "own.py, line 7 (/home/me/own.py)"."""
    code = inspect.unwrap(function).__code__
    line = find_last_line(error, Path(code.co_filename)) or code.co_firstlineno
    return f"{Path(code.co_filename).name}, line {line} ({code.co_filename})"


def choose_metric(choice: str | Choice) -> ChosenMetric:
    """Return a metric by name and settings.

    Args:
        choice: as in a recipe; or as text, "top_k_accuracy" or "top_k_accuracy:k=3".

    Raises:
        UnknownNameError: there is no such metric.
        LoupeError: a setting is unknown or out of range.
    """
    name, settings = (
        (choice.name, choice.settings) if isinstance(choice, Choice) else read_choice_text(choice)
    )
    function, resolved = METRICS.get(name), METRICS.resolve(name, settings)
    facts = METRICS.facts(name)
    title = str(facts.pop("title")).format(**resolved)
    metric = Metric(write_choice_text(name, METRICS.trim(name, settings)), title, **facts)
    return ChosenMetric(metric, function, resolved)


def resolve_metric(choice: Choice) -> dict[str, Any]:
    """Return a choice with every setting filled in, as a table of a recipe."""
    settings = METRICS.resolve(choice.name, choice.settings) if choice.name != LOSS else {}
    return {"name": choice.name, **settings}


def spell_metric(text: str) -> str:
    """Return a metric's name as columns have it: without settings that are the default."""
    return text if text == LOSS else choose_metric(text).metric.name


def describe_metric(name: str, objective: ObjectiveName | None = None) -> Metric:
    """Return what is known of a metric by its name in a column, a recipe or on the command line.

    Args:
        name: "loss" for the loss that the objective reports, or as `choose_metric` takes it.
        objective: of the network; None if that is not known: a loss has no unit then.

    Raises:
        LoupeError: there is no such metric, or it is for another objective.
    """
    if name == LOSS:
        return reported_loss_of(objective)
    metric = choose_metric(name).metric
    if objective is not None and metric.objective != objective:
        raise UnknownNameError(
            f"metric for {objective}", name, list_metrics(objective), "`loupe metrics` lists them"
        )
    return metric


def list_metrics(objective: ObjectiveName | None = None) -> list[str]:
    """Return the names of the metrics for an objective, or for any, sorted, "loss" among them."""
    return sorted([*(name for name in METRICS if _is_for(name, objective)), LOSS])


def _is_for(name: str, objective: ObjectiveName | None) -> bool:
    return objective is None or METRICS.facts(name)["objective"] == objective


def find_metric_mistakes(choice: object, objective: ObjectiveName | None, where: str) -> list[Mistake]:
    """Return what is wrong with a metric that a recipe names; form is checked elsewhere.

    Args:
        choice: a name, a name with settings as text, or a mapping.
        objective: of the recipe's network; None if that is not known.
        where: place in the recipe.
    """
    if isinstance(choice, str):
        name, settings = read_choice_text(choice)
    elif isinstance(choice, Mapping) and isinstance(choice.get("name"), str):
        name, settings = choice["name"], {key: value for key, value in choice.items() if key != "name"}
    else:
        return []
    if name in METRICS and _is_for(name, objective):
        return METRICS.find_mistakes(name, settings, where=where, fields=("name",))
    if name == LOSS and not settings:
        return []
    names = list_metrics(objective)
    what = f": for {objective}" if name in METRICS else ""
    return [Mistake(where, repr(name), f"{', '.join(names)}{what}", suggest(name, names))]


def choose_metrics(choices: Iterable[str | Choice]) -> tuple[ChosenMetric, ...]:
    """Return metrics by their choices, each once, in order; without those that every run has anyway."""
    names = [(one.name if isinstance(one, Choice) else one, one) for one in choices]
    chosen = [choose_metric(one) for name, one in names if name not in MEASURED]
    return tuple({one.metric.name: one for one in chosen}.values())


def compute_values(
    chosen: Sequence[ChosenMetric], answers: object, level: float = 0.95
) -> dict[str, MetricValue]:
    """Return what each metric says of a network's answers, by its name.

    One that asks for what is not at hand (images given back, of which a run folder keeps only some) is left
    out.
    """
    missing = {name for name in ("outputs", "images") if getattr(answers, name, answers) is None}
    return {one.metric.name: one.compute(answers, level) for one in chosen if not one.needs & missing}
