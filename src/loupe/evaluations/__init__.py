"""Looks at a trained network that are more than one number; nothing here draws."""

from loupe.evaluations.class_scores import ClassScores as ClassScores
from loupe.evaluations.class_scores import compute_class_scores as compute_class_scores
from loupe.evaluations.difficulty import Difficulty as Difficulty
from loupe.evaluations.difficulty import ExampleRecord as ExampleRecord
from loupe.evaluations.difficulty import measure_difficulty as measure_difficulty
from loupe.evaluations.mistakes import group_by_cell as group_by_cell
from loupe.evaluations.mistakes import rank_mistakes as rank_mistakes
from loupe.evaluations.mistakes import rank_uncertain as rank_uncertain
from loupe.evaluations.paired_comparison import PairedComparison as PairedComparison
from loupe.evaluations.paired_comparison import compare_predictions as compare_predictions
from loupe.evaluations.test_time import Views as Views
from loupe.evaluations.test_time import predict_views as predict_views
