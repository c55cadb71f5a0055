"""Looks at a trained network that are more than one number: one file each, and nothing here draws.

An evaluation is a function that names what it needs (answers, images, the network …) and returns a `Finding`:
a sentence, numbers, and blocks that are kept and drawn without the network. `register_evaluation` says what
it can ask for.
"""

from loupe.evaluations.class_scores import ClassScores as ClassScores
from loupe.evaluations.class_scores import compute_class_scores as compute_class_scores
from loupe.evaluations.difficulty import Difficulty as Difficulty
from loupe.evaluations.difficulty import ExampleRecord as ExampleRecord
from loupe.evaluations.difficulty import measure_difficulty as measure_difficulty
from loupe.evaluations.finding import Bar as Bar
from loupe.evaluations.finding import Bars as Bars
from loupe.evaluations.finding import Chart as Chart
from loupe.evaluations.finding import Column as Column
from loupe.evaluations.finding import Drawing as Drawing
from loupe.evaluations.finding import Finding as Finding
from loupe.evaluations.finding import Gallery as Gallery
from loupe.evaluations.finding import HeatMap as HeatMap
from loupe.evaluations.finding import Line as Line
from loupe.evaluations.finding import Matrix as Matrix
from loupe.evaluations.finding import MatrixCell as MatrixCell
from loupe.evaluations.finding import Scatter as Scatter
from loupe.evaluations.finding import ShownImage as ShownImage
from loupe.evaluations.finding import Table as Table
from loupe.evaluations.finding import Value as Value
from loupe.evaluations.look import Look as Look
from loupe.evaluations.look import Looks as Looks
from loupe.evaluations.look import Pictures as Pictures
from loupe.evaluations.mistakes import group_by_cell as group_by_cell
from loupe.evaluations.mistakes import rank_mistakes as rank_mistakes
from loupe.evaluations.mistakes import rank_uncertain as rank_uncertain
from loupe.evaluations.network import Network as Network
from loupe.evaluations.paired_comparison import PairedComparison as PairedComparison
from loupe.evaluations.paired_comparison import compare_predictions as compare_predictions
from loupe.evaluations.registry import EVALUATIONS as EVALUATIONS
from loupe.evaluations.registry import choose_evaluation as choose_evaluation
from loupe.evaluations.registry import choose_evaluations as choose_evaluations
from loupe.evaluations.registry import register_evaluation as register_evaluation
from loupe.evaluations.subject import LookedAt as LookedAt
from loupe.evaluations.subject import Subject as Subject
from loupe.evaluations.subject import carry_out as carry_out
from loupe.evaluations.test_time import Views as Views
from loupe.evaluations.test_time import predict_views as predict_views
