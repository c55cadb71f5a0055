"""The metric that a search seeks: how scores are written, and which way is better."""

from loupe.metrics import Metric
from loupe.runs.metric_values import find_metric
from loupe.searches.folder import SearchFolder
from loupe.searches.schema import Search


def metric_of(search: Search, folder: SearchFolder | None = None) -> Metric:
    """Return the metric a search seeks.

    Args:
        search: the search.
        folder: of the search: where the metric is a plugin's that is not loaded, its trials know it.

    Raises:
        UnknownNameError: there is no such metric, neither registered nor in a trial's result.
    """
    return find_metric(search.objective, folder.list_trials() if folder is not None else ())
