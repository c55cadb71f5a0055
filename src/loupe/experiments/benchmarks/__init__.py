"""Measuring speed: of the stages of a training step, and of reaching an accuracy."""

from loupe.experiments.benchmarks.measure import measure_recipe as measure_recipe
from loupe.experiments.benchmarks.reaching import Reached as Reached
from loupe.experiments.benchmarks.reaching import ReachingReport as ReachingReport
from loupe.experiments.benchmarks.reaching import measure_reaching as measure_reaching
from loupe.experiments.benchmarks.report import SpeedReport as SpeedReport
