"""How well a network does, in numbers computed from its answers."""

from loupe.metrics.classification import Metrics as Metrics
from loupe.metrics.classification import compute_metrics as compute_metrics
from loupe.metrics.classification import rank_confused_pairs as rank_confused_pairs
from loupe.metrics.predictions import Predictions as Predictions
from loupe.metrics.predictions import predict as predict
from loupe.metrics.reconstruction import Reconstructions as Reconstructions
from loupe.metrics.reconstruction import ReconstructionScore as ReconstructionScore
from loupe.metrics.reconstruction import reconstruct as reconstruct
