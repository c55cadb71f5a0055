"""The run folder: what stands where in it, written atomically, read back as typed objects."""

from os import PathLike

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
from loupe.runs.recorder import Recorder as Recorder
from loupe.runs.result import Outcome as Outcome
from loupe.runs.result import RunResult as RunResult
from loupe.runs.result import TestPicking as TestPicking
from loupe.runs.series_folder import SeriesFolder as SeriesFolder
from loupe.runs.series_folder import open_run_folder as open_run_folder
from loupe.runs.tags import read_tags as read_tags
from loupe.runs.tags import write_tags as write_tags
from loupe.runs.weights import load_model as load_model
from loupe.runs.weights import read_weights as read_weights


def load_run(place: str | PathLike[str]) -> RunFolder:
    """Return a run on disk, by path or by name inside `runs/`; several seeds come as a `SeriesFolder`.

    Raises:
        RunError: there is no such run.
    """
    return open_run_folder(find_run_folder(place))
