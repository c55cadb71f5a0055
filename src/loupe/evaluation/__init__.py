"""Judging a network: predictions, metrics, intervals. Returns numbers, draws nothing."""

from loupe.evaluation.intervals import Interval as Interval
from loupe.evaluation.intervals import compute_wilson_interval as compute_wilson_interval
from loupe.evaluation.intervals import summarise_seeds as summarise_seeds
from loupe.evaluation.metrics import Metrics as Metrics
from loupe.evaluation.metrics import compute_metrics as compute_metrics
from loupe.evaluation.metrics import rank_confused_pairs as rank_confused_pairs
from loupe.evaluation.predict import Predictions as Predictions
from loupe.evaluation.predict import predict as predict
from loupe.evaluation.reconstruction import Reconstructions as Reconstructions
from loupe.evaluation.reconstruction import ReconstructionScore as ReconstructionScore
from loupe.evaluation.reconstruction import reconstruct as reconstruct
