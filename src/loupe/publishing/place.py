"""What a place named by a user holds: a run, a series of seeds, or a study."""

from os import PathLike, fspath
from pathlib import Path

from loupe.errors import LoupeError, RunError
from loupe.runs import RunFolder, SeriesFolder, find_run_folder, open_run_folder
from loupe.studies.folder import StudyFolder


def open_place(place: str | PathLike[str]) -> RunFolder | StudyFolder:
    """Return the study, the run, or the series (a `SeriesFolder`) at a path, or by name in studies/ or runs/.

    Raises:
        RunError: there is none, or several fit.
    """
    path = Path(fspath(place)).expanduser()
    for folder in (path, Path("studies") / path):
        if (folder / "study.toml").is_file():
            return StudyFolder(folder)
    try:
        return open_run_folder(find_run_folder(place))
    except RunError as error:
        error.allowed = f"{error.allowed}; or a study's folder"
        raise


def list_runs(folder: RunFolder) -> list[RunFolder]:
    """Return the runs with one network each: the run itself, or those of a series that have a result.

    Raises:
        LoupeError: no run of a series has a result.
    """
    if not isinstance(folder, SeriesFolder):
        return [folder]
    runs = [run for run in folder.runs.values() if run.result_file.exists()]
    if not runs:
        raise LoupeError(
            f"Series {folder.path.name} has no result yet.",
            got="no seed that has ended",
            allowed="a series with at least one finished run",
            next_step=folder.advise(),
        )
    return runs
