"""Loupe: a lab bench for small-image classifiers.

Describe an experiment in one small file, run it with one command, get a trained network, honest
numbers, and a report. Nothing heavy is imported until it is used.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

from loupe.version import __version__ as __version__

if "OMP_WAIT_POLICY" not in os.environ:
    # Threads of torch on Linux that wait for one another turn in place first. Where other work holds the
    # cores, that keeps off just those threads they wait for (`bench/shared_cores.py`): so they sleep sooner.
    # It is read when torch is loaded, and changes no number.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")

_PUBLIC = {
    "train": "loupe.notebook.training",
    "resume": "loupe.notebook.training",
    "load_recipe": "loupe.running",
    "show": "loupe.notebook.looking",
    "inspect": "loupe.notebook.looking",
    "compare": "loupe.notebook.looking",
    "describe_data": "loupe.notebook.looking",
    "run_study": "loupe.notebook.studying",
    "open_study": "loupe.notebook.studying",
    "load_study": "loupe.studies.loading",
    "run_search": "loupe.searches.run",
    "load_search": "loupe.searches.loading",
    "load_run": "loupe.notebook.series",
    "Run": "loupe.notebook.run",
    "Series": "loupe.notebook.series",
    "load_model": "loupe.runs",
    "SeriesFolder": "loupe.runs",
    "open_classifier": "loupe.using.classifier",
    "predict": "loupe.using.predict_images",
    "evaluate_run": "loupe.using.evaluate_run",
    "export_run": "loupe.using.export_run",
    "write_figures": "loupe.publishing",
    "gather_tables": "loupe.publishing",
    "write_draft": "loupe.publishing",
    "Recipe": "loupe.recipe",
    "LoupeError": "loupe.errors",
    "check_layer": "loupe.conformance",
    "LayerReport": "loupe.conformance",
    "load_dataset": "loupe.data",
    "build_model": "loupe.models",
    "register_dataset": "loupe.data",
    "register_evaluation": "loupe.evaluations",
    "register_explanation": "loupe.inspection",
    "register_augmentation": "loupe.data",
    "register_mix": "loupe.data",
    "register_loss": "loupe.training",
    "register_metric": "loupe.metrics",
    "Estimate": "loupe.metrics",
    "register_model": "loupe.models",
    "register_rule": "loupe.linting",
    "register_pitfall": "loupe.pitfalls",
    "register_optimizer": "loupe.training",
    "register_schedule": "loupe.training",
    "register_observer": "loupe.observers",
    "register_tracker": "loupe.trackers",
    "register_export_format": "loupe.exporting",
    "Observer": "loupe.training",
    "Tracker": "loupe.trackers",
}

__all__ = ["__version__", *_PUBLIC]

if TYPE_CHECKING:
    from loupe.conformance import LayerReport as LayerReport
    from loupe.conformance import check_layer as check_layer
    from loupe.data import load_dataset as load_dataset
    from loupe.data import register_augmentation as register_augmentation
    from loupe.data import register_dataset as register_dataset
    from loupe.data import register_mix as register_mix
    from loupe.errors import LoupeError as LoupeError
    from loupe.evaluations import register_evaluation as register_evaluation
    from loupe.exporting import register_export_format as register_export_format
    from loupe.inspection import register_explanation as register_explanation
    from loupe.linting import register_rule as register_rule
    from loupe.metrics import Estimate as Estimate
    from loupe.metrics import register_metric as register_metric
    from loupe.models import build_model as build_model
    from loupe.models import register_model as register_model
    from loupe.notebook.looking import compare as compare
    from loupe.notebook.looking import describe_data as describe_data
    from loupe.notebook.looking import inspect as inspect
    from loupe.notebook.looking import show as show
    from loupe.notebook.run import Run as Run
    from loupe.notebook.series import Series as Series
    from loupe.notebook.series import load_run as load_run
    from loupe.notebook.studying import open_study as open_study
    from loupe.notebook.studying import run_study as run_study
    from loupe.notebook.training import resume as resume
    from loupe.notebook.training import train as train
    from loupe.observers import register_observer as register_observer
    from loupe.pitfalls import register_pitfall as register_pitfall
    from loupe.publishing import gather_tables as gather_tables
    from loupe.publishing import write_draft as write_draft
    from loupe.publishing import write_figures as write_figures
    from loupe.recipe import Recipe as Recipe
    from loupe.running import load_recipe as load_recipe
    from loupe.runs import SeriesFolder as SeriesFolder
    from loupe.runs import load_model as load_model
    from loupe.searches.loading import load_search as load_search
    from loupe.searches.run import run_search as run_search
    from loupe.studies.loading import load_study as load_study
    from loupe.trackers import Tracker as Tracker
    from loupe.trackers import register_tracker as register_tracker
    from loupe.training import Observer as Observer
    from loupe.training import register_loss as register_loss
    from loupe.training import register_optimizer as register_optimizer
    from loupe.training import register_schedule as register_schedule
    from loupe.using.classifier import open_classifier as open_classifier
    from loupe.using.evaluate_run import evaluate_run as evaluate_run
    from loupe.using.export_run import export_run as export_run
    from loupe.using.predict_images import predict as predict


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'loupe' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: Any) -> None:
    """Add the magics `%loupe` and `%%loupe` to a notebook: called by `%load_ext loupe`."""
    importlib.import_module("loupe.notebook.magics").register_magics(shell)
