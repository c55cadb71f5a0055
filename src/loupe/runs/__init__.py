"""The run folder: what stands where in it, written atomically, read back as typed objects."""

from typing import TYPE_CHECKING

from loupe.lazy_imports import import_when_used

if TYPE_CHECKING:
    from loupe.runs.environment import describe_environment as describe_environment
    from loupe.runs.examples import ExampleTracker as ExampleTracker
    from loupe.runs.finding import create_run_folder as create_run_folder
    from loupe.runs.finding import find_run_folder as find_run_folder
    from loupe.runs.finding import find_single_run as find_single_run
    from loupe.runs.finding import is_run_folder as is_run_folder
    from loupe.runs.finding import list_run_folders as list_run_folders
    from loupe.runs.finding import name_run as name_run
    from loupe.runs.folder import RunFolder as RunFolder
    from loupe.runs.mistakes import MistakeRecord as MistakeRecord
    from loupe.runs.progress import Progress as Progress
    from loupe.runs.progress import ProgressWriter as ProgressWriter
    from loupe.runs.record import RunRecord as RunRecord
    from loupe.runs.recorder import Recorder as Recorder
    from loupe.runs.result import Outcome as Outcome
    from loupe.runs.result import RunResult as RunResult
    from loupe.runs.result import TestPicking as TestPicking
    from loupe.runs.series_folder import SeriesFolder as SeriesFolder
    from loupe.runs.series_folder import load_run as load_run
    from loupe.runs.series_folder import open_run_folder as open_run_folder
    from loupe.runs.tags import change_tags as change_tags
    from loupe.runs.tags import read_tags as read_tags
    from loupe.runs.tags import write_tags as write_tags
    from loupe.runs.weights import load_model as load_model
    from loupe.runs.weights import read_weights as read_weights
else:
    __getattr__, __dir__ = import_when_used(
        __name__,
        {
            "environment": "describe_environment",
            "examples": "ExampleTracker",
            "finding": (
                "create_run_folder find_run_folder find_single_run is_run_folder list_run_folders name_run"
            ),
            "folder": "RunFolder",
            "mistakes": "MistakeRecord",
            "progress": "Progress ProgressWriter",
            "record": "RunRecord",
            "recorder": "Recorder",
            "result": "Outcome RunResult TestPicking",
            "series_folder": "SeriesFolder load_run open_run_folder",
            "tags": "change_tags read_tags write_tags",
            "weights": "load_model read_weights",
        },
    )
