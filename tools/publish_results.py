"""Put results of studies into docs/: the page of a reproduction, or the answers of packaged studies.

usage: python tools/publish_results.py reproduction FOLDER
       python tools/publish_results.py studies FOLDER NAME...

The first copies what `loupe reproduce` wrote (FOLDER = reproductions/004) to docs/reproduction. The second
takes the results.csv of each named study (FOLDER = studies) to docs/answers, and writes docs/answers.md anew
of all that lie there. Nothing is trained: the results are enough, and `--known` goes on from them.
"""

import argparse
import re
import shutil
from pathlib import Path

from loupe.figures.style import save_figure
from loupe.reports.page import format_duration
from loupe.studies import list_studies
from loupe.studies.analysis import StudyAnalysis, analyse_study
from loupe.studies.answer import answer_question
from loupe.studies.drawing import draw_laws, draw_study, name_figure
from loupe.studies.folder import StudyFolder
from loupe.studies.loading import load_study
from loupe.studies.report import FIGURE_DPI, name_columns, write_cell

DOCS = Path(__file__).parent.parent / "docs"
MACHINE = (
    "two cores of a virtual x86-64 processor shared with other work, torch 2.13 on the CPU, one thread a run "
    "unless a study says more"
)
ENGINES = "runs of one shape were mostly trained together (`--engine together`), the others one after another"
BFLOAT16 = (
    "two cores of an AMD EPYC server (x86-64 with AVX512-BF16), torch 2.13 on the CPU, layers computed in "
    "bfloat16; other work beside it"
)
MACHINES = {"004": f"{MACHINE}; {ENGINES}"}
"""Of reproductions; the others are trained in bfloat16."""

HEAD = f"""# Answers of the packaged studies

Made by `python tools/publish_results.py studies` from the results in `docs/answers/`; the command of a study
stands above its answer, and `--known docs/answers/NAME.csv` takes its runs as they are.
Machine: {MACHINE}; {ENGINES}.

A run's weights are those of its best epoch on validation, and each run opened the test set once, where its
figures are of test. The interval of a mean holds for new test images and new seeds; those of differences,
whose single answers are not kept here, for new seeds on these images. What is shown, practically none, or
more than these runs can tell: [statistics](statistics.md).
"""


def publish_reproduction(folder: Path) -> None:
    """Copy page, results and figures; links in the page then go one folder down."""
    target = DOCS / "reproduction" / folder.name
    target.mkdir(parents=True, exist_ok=True)
    for file in sorted(folder.iterdir()):
        if file.suffix in (".csv", ".json", ".png"):
            shutil.copyfile(file, target / file.name)
    text = (folder / "report.md").read_text(encoding="utf-8")
    text = re.sub(r"\]\(([\w-]+\.png)\)", rf"]({folder.name}/\1)", text)
    beside = (
        f"The results stand beside this page, in `docs/reproduction/{folder.name}/`; "
        f"`loupe reproduce {folder.name} --known docs/reproduction/{folder.name}` goes on from them.\n"
        "What rows such as K14, defects such as D-004-6 and other names of the source stand for: "
        "[sources](../sources.md).\n"
        f"Machine: {MACHINES.get(folder.name, BFLOAT16)}."
    )
    first_remark = text.index("\n- ")
    text = f"{text[:first_remark]}\n{beside}\n{text[first_remark:]}"
    target.with_suffix(".md").write_text(text, encoding="utf-8")


def publish_studies(folder: Path, names: list[str]) -> None:
    """Keep the results of the named studies, and write the page of all that are kept."""
    target = DOCS / "answers"
    target.mkdir(exist_ok=True)
    for name in names:
        shutil.copyfile(StudyFolder(folder / name).results_file, target / f"{name}.csv")
    parts = [HEAD]
    for name in list_studies():
        results = target / f"{name}.csv"
        if results.is_file():
            study = load_study(name)
            rows = StudyFolder.read_rows(results, tuple(study.axes))
            parts.append(describe_study(analyse_study(study, rows), target))
    (DOCS / "answers.md").write_text("\n".join(parts), encoding="utf-8")


def describe_study(analysis: StudyAnalysis, target: Path) -> str:
    """Return a study's part of the page; its figures are written to the folder beside."""
    name = analysis.study.name
    rows = [*analysis.stage_rows, *analysis.rows]
    seconds = sum(row.seconds or 0 for row in rows)
    figure = target / f"{name}.png"
    save_figure(draw_study(analysis), figure, dpi=FIGURE_DPI)
    threads = f" of {analysis.study.threads} threads" if analysis.study.threads != 1 else ""
    planned = analysis.study.num_runs
    so_far = f" So far {len(analysis.rows)} of {planned} runs." if len(analysis.rows) < planned else ""
    shut = " The test set stayed shut." if analysis.figure.split == "validation" else ""
    lines = [
        f"## {analysis.study.question}",
        "",
        f"`loupe study {name}`: {analysis.study.about}; {len(rows)} runs{threads}, whose times by the clock, "
        f"beside other work, add up to {format_duration(seconds)}.{shut}{so_far}",
        "",
        answer_question(analysis),
        "",
        f"![{name_figure(analysis)}, means and intervals](answers/{figure.name})",
        "",
    ]
    if analysis.laws:
        law = target / f"{name}-law.png"
        save_figure(draw_laws(analysis), law, dpi=FIGURE_DPI)
        lines += [f"![error over training images, with the fitted law](answers/{law.name})", ""]
    return "\n".join([*lines, *list_cells(analysis), ""])


def list_cells(analysis: StudyAnalysis) -> list[str]:
    """Return the study's table as Markdown."""
    cells = [write_cell(analysis, cell) for cell in analysis.cells]
    columns = name_columns(analysis, cells)
    lines = [f"| {' | '.join(columns.values())} |", f"|{'---|' * len(columns)}"]
    return lines + [f"| {' | '.join(cell[column] for column in columns)} |" for cell in cells]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("what", choices=("reproduction", "studies"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    given = parser.parse_args()
    if given.what == "reproduction":
        publish_reproduction(given.folder)
    else:
        publish_studies(given.folder, given.names)


if __name__ == "__main__":
    main()
