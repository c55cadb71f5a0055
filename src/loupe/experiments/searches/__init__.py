"""Searches: settings tried out, judged by validation alone, the best few run again with fresh seeds."""

from loupe.experiments.searches.conductor import Watcher as Watcher
from loupe.experiments.searches.loading import load_search as load_search
from loupe.experiments.searches.run import run_search as run_search
