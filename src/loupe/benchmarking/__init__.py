"""Measuring speed: of the stages of a training step, and of reaching an accuracy."""

from loupe.benchmarking.measure import measure_recipe as measure_recipe
from loupe.benchmarking.reaching import Reached as Reached
from loupe.benchmarking.reaching import ReachingReport as ReachingReport
from loupe.benchmarking.reaching import measure_reaching as measure_reaching
from loupe.benchmarking.report import SpeedReport as SpeedReport
