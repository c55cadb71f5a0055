"""How well a network does, in numbers computed from its answers.

A metric is one file with one registered function; `register_metric` says what it can ask for. Beside them
lie what stands in every result: accuracy, loss and confusion of a classifier, errors of images given back.
"""

from typing import TYPE_CHECKING

from loupe.lazy_imports import import_when_used

if TYPE_CHECKING:
    from loupe.metrics.classification import compute_metrics as compute_metrics
    from loupe.metrics.classification import rank_confused_pairs as rank_confused_pairs
    from loupe.metrics.measuring import EpochMetrics as EpochMetrics
    from loupe.metrics.metric import Metric as Metric
    from loupe.metrics.metric import MetricValue as MetricValue
    from loupe.metrics.predictions import Predictions as Predictions
    from loupe.metrics.predictions import predict as predict
    from loupe.metrics.reconstruction import Reconstructions as Reconstructions
    from loupe.metrics.reconstruction import reconstruct as reconstruct
    from loupe.metrics.registry import METRICS as METRICS
    from loupe.metrics.registry import Estimate as Estimate
    from loupe.metrics.registry import choose_metric as choose_metric
    from loupe.metrics.registry import choose_metrics as choose_metrics
    from loupe.metrics.registry import describe_metric as describe_metric
    from loupe.metrics.registry import register_metric as register_metric
    from loupe.metrics.reported import headline_of as headline_of
    from loupe.metrics.scores import Metrics as Metrics
    from loupe.metrics.scores import ReconstructionScore as ReconstructionScore
else:
    __getattr__, __dir__ = import_when_used(
        __name__,
        {
            "classification": "compute_metrics rank_confused_pairs",
            "measuring": "EpochMetrics",
            "metric": "Metric MetricValue",
            "predictions": "Predictions predict",
            "reconstruction": "Reconstructions reconstruct",
            "registry": "METRICS Estimate choose_metric choose_metrics describe_metric register_metric",
            "reported": "headline_of",
            "scores": "Metrics ReconstructionScore",
        },
    )
