"""Intervals, comparisons and laws: arrays in, numbers out; nothing here knows a run."""

from typing import TYPE_CHECKING

from loupe.lazy_imports import import_when_used

if TYPE_CHECKING:
    from loupe.statistics.comparison import compute_mcnemar as compute_mcnemar
    from loupe.statistics.intervals import Interval as Interval
    from loupe.statistics.intervals import compute_wilson_interval as compute_wilson_interval
    from loupe.statistics.intervals import summarise_seeds as summarise_seeds
    from loupe.statistics.optimism import Optimism as Optimism
    from loupe.statistics.optimism import estimate_optimism as estimate_optimism
    from loupe.statistics.optimism import expected_best_of as expected_best_of
    from loupe.statistics.optimism import expected_best_share as expected_best_share
    from loupe.statistics.power_law import PowerLaw as PowerLaw
    from loupe.statistics.power_law import PredictedError as PredictedError
    from loupe.statistics.power_law import find_lack_of_fit as find_lack_of_fit
    from loupe.statistics.power_law import fit_power_law as fit_power_law
    from loupe.statistics.power_law import predict_errors as predict_errors
    from loupe.statistics.seed_pairs import PairedDifference as PairedDifference
    from loupe.statistics.seed_pairs import compare_crossed as compare_crossed
    from loupe.statistics.seed_pairs import compare_seed_pairs as compare_seed_pairs
else:
    __getattr__, __dir__ = import_when_used(
        __name__,
        {
            "comparison": "compute_mcnemar",
            "intervals": "Interval compute_wilson_interval summarise_seeds",
            "optimism": "Optimism estimate_optimism expected_best_of expected_best_share",
            "power_law": "PowerLaw PredictedError find_lack_of_fit fit_power_law predict_errors",
            "seed_pairs": "PairedDifference compare_crossed compare_seed_pairs",
        },
    )
