"""Judging a network: predictions, metrics, intervals. Returns numbers, draws nothing."""

from loupe.evaluation.class_scores import ClassScores as ClassScores
from loupe.evaluation.class_scores import compute_class_scores as compute_class_scores
from loupe.evaluation.comparison import PairedComparison as PairedComparison
from loupe.evaluation.comparison import compare_predictions as compare_predictions
from loupe.evaluation.comparison import compute_mcnemar as compute_mcnemar
from loupe.evaluation.difficulty import Difficulty as Difficulty
from loupe.evaluation.difficulty import ExampleRecord as ExampleRecord
from loupe.evaluation.difficulty import measure_difficulty as measure_difficulty
from loupe.evaluation.intervals import Interval as Interval
from loupe.evaluation.intervals import compute_wilson_interval as compute_wilson_interval
from loupe.evaluation.intervals import summarise_seeds as summarise_seeds
from loupe.evaluation.metrics import Metrics as Metrics
from loupe.evaluation.metrics import compute_metrics as compute_metrics
from loupe.evaluation.metrics import rank_confused_pairs as rank_confused_pairs
from loupe.evaluation.mistakes import group_by_cell as group_by_cell
from loupe.evaluation.mistakes import rank_mistakes as rank_mistakes
from loupe.evaluation.mistakes import rank_uncertain as rank_uncertain
from loupe.evaluation.predict import Predictions as Predictions
from loupe.evaluation.predict import predict as predict
from loupe.evaluation.reconstruction import Reconstructions as Reconstructions
from loupe.evaluation.reconstruction import ReconstructionScore as ReconstructionScore
from loupe.evaluation.reconstruction import reconstruct as reconstruct
from loupe.evaluation.test_time import Views as Views
from loupe.evaluation.test_time import predict_views as predict_views
