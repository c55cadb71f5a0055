"""Intervals, comparisons and laws: arrays in, numbers out; nothing here knows a run."""

from loupe.statistics.comparison import compute_mcnemar as compute_mcnemar
from loupe.statistics.intervals import Interval as Interval
from loupe.statistics.intervals import compute_wilson_interval as compute_wilson_interval
from loupe.statistics.intervals import summarise_seeds as summarise_seeds
from loupe.statistics.optimism import Optimism as Optimism
from loupe.statistics.optimism import estimate_optimism as estimate_optimism
from loupe.statistics.optimism import expected_best_of as expected_best_of
from loupe.statistics.power_law import PowerLaw as PowerLaw
from loupe.statistics.power_law import PredictedError as PredictedError
from loupe.statistics.power_law import find_lack_of_fit as find_lack_of_fit
from loupe.statistics.power_law import fit_power_law as fit_power_law
from loupe.statistics.power_law import predict_errors as predict_errors
from loupe.statistics.seed_pairs import PairedDifference as PairedDifference
from loupe.statistics.seed_pairs import compare_crossed as compare_crossed
from loupe.statistics.seed_pairs import compare_seed_pairs as compare_seed_pairs
