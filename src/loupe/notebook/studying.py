"""Studies from Python: what one found, drawn and as tables."""

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from loupe.errors import LoupeError
from loupe.markup import render_card
from loupe.publishing import ReportTable
from loupe.publishing.study_figures import read_analysis
from loupe.publishing.study_tables import tabulate_arms, tabulate_study
from loupe.studies import Study
from loupe.studies import run as running
from loupe.studies.analysis import StudyAnalysis
from loupe.studies.answer import answer_question
from loupe.studies.drawing import draw_study
from loupe.studies.folder import StudyFolder
from loupe.studies.loading import load_study
from loupe.studies.scheduler import Watcher


class StudyFindings(StudyAnalysis):
    """What a study found: its answer, its figure, its tables."""

    @property
    def answer(self) -> str:
        """What the study says to its question."""
        return answer_question(self)

    def __str__(self) -> str:
        return self.answer

    def plot(self) -> Figure:
        """Return the study's figure."""
        return draw_study(self)

    def table(self, name: str = "study") -> ReportTable:
        """Return a table: "study" (arms with intervals and differences) or "arms" (their settings)."""
        if name == "study":
            return tabulate_study(self, StudyFolder(Path(self.whole.name)))
        if name == "arms":
            return tabulate_arms(self)
        raise LoupeError(
            f"There is no table {name!r}.", got=name, allowed="study, arms", next_step="choose one of these"
        )

    def to_frame(self) -> Any:
        """Return the table of arms as a pandas DataFrame."""
        return self.table().to_frame()

    def _repr_html_(self) -> str:
        facts = {"question": self.whole.question or self.whole.about, "answer": self.answer}
        more = self.table()._repr_html_() if self.cells else ""
        return render_card(f"Study {self.whole.name}", facts, more)


def run_study(
    study: str | Path | Mapping[str, Any] | Study,
    out: str | PathLike[str] = "studies",
    *,
    overrides: Sequence[str] = (),
    engine: str = "auto",
    workers: int | None = None,
    known: Path | None = None,
    watcher: Watcher | None = None,
) -> StudyFindings:
    """Carry out what is not done of a study, write table, figure and report, and return what it found.

    A study that was interrupted goes on where it stopped. Runs are found by what determines their numbers, in
    `out/runs`, so that studies share them. A run that fails is recorded, and the others go on.

    Args:
        study: a packaged study's name, a TOML file, a study's folder, a mapping, or a study.
        out: receives `<study's name>/` and `runs/`.
        overrides: changes such as `"seeds=[0, 1]"`.
        engine: "serial", "processes", "ray", "together" or "auto".
        workers: runs at once; as many as there is room for if left out.
        known: another `results.csv` whose finished runs are taken as they are.
        watcher: hears what happens.

    Raises:
        StudyError: the study or a recipe it makes has mistakes.
        LoupeError: the data is missing.
        KeyboardInterrupt: after Ctrl-C, when what was reached is written.
    """
    loaded = study if isinstance(study, Study) and not overrides else load_study(study, overrides)
    found = running.run_study(
        loaded, Path(fspath(out)), engine=engine, workers=workers, known=known, watcher=watcher
    )
    return StudyFindings(**vars(found))


def open_study(place: str | PathLike[str]) -> StudyFindings:
    """Return what a study on disk found: its folder, or its name in studies/.

    Raises:
        LoupeError: there is no such study, or its files cannot be read.
    """
    path = Path(fspath(place)).expanduser()
    folder = next((one for one in (path, Path("studies") / path) if (one / "study.toml").is_file()), None)
    if folder is None:
        raise LoupeError(
            f"There is no study {str(place)!r}.",
            got=str(place),
            allowed="a study's folder, or its name in studies/",
            next_step="`loupe study NAME` makes one",
        )
    return StudyFindings(**vars(read_analysis(StudyFolder(folder))))
