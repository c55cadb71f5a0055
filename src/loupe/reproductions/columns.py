"""Columns of a study's results, as claims name them: their metrics, and their values as text."""

import math

from loupe.metrics import Metric, describe_metric
from loupe.statistics.intervals import Interval, SeedSummary


def metric_of(figure: str) -> Metric | None:
    """Return the metric that a column of results is of; None for epochs, parameters and seconds.

    Raises:
        UnknownNameError: there is no such metric.
    """
    name = name_metric(figure)
    return describe_metric(name) if name is not None else None


def name_metric(figure: str) -> str | None:
    """Return the name of the metric in a column of results; None for epochs, parameters and seconds."""
    split, _, name = figure.partition("_")
    return name if split in _SPLITS else None


_SPLITS = ("train", "validation", "test")


def name_column(figure: str) -> str:
    """Return a column for readers: "test accuracy", "best epoch"."""
    metric = metric_of(figure)
    return figure.replace("_", " ") if metric is None else f"{figure.partition('_')[0]} {metric.title}"


def write_number(value: float, figure: str) -> str:
    """Return a figure as text: "98.43 %", "0.0485", "205"."""
    metric = metric_of(figure)
    return f"{value:,.0f}" if metric is None else metric.write(value)


def write_gap(value: float, figure: str) -> str:
    """Return the size of a difference: "0.31 points", "0.0021"."""
    metric = metric_of(figure)
    return write_number(value, figure) if metric is None else metric.write_gap(value)


def write_ends(summary: SeedSummary, figure: str) -> str:
    """Return the ends of the interval of a mean; "" for one seed."""
    if summary.interval is None:
        return ""
    metric, low, high = metric_of(figure), summary.interval.low, summary.interval.high
    if metric is None:
        return f"{write_number(low, figure)} to {write_number(high, figure)}"
    return metric.write_interval(Interval(low, min(metric.bounds["high"], high)))


def to_scale(value: float, figure: str) -> float:
    """Return a figure as it is compared: shares as they are, all else by its logarithm.

    Raises:
        ValueError: a loss, an error or a number of epochs that is not above 0.
    """
    metric = metric_of(figure)
    return value if metric is not None and (metric.is_percent or metric.low != 0) else math.log(value)
