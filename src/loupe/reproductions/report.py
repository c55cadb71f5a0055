"""A source's claims with verdicts, as a page and as Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from loupe.figures.style import save_figure
from loupe.reports.page import write_page
from loupe.reports.pictures import encode_bytes
from loupe.reproductions.claims import Verdict
from loupe.reproductions.exhibits import Exhibit
from loupe.reproductions.number_rules import Found, Ruling
from loupe.reproductions.placebo import Placebo, try_placebos
from loupe.reproductions.schema import Reproduction
from loupe.runs.writing import write_text
from loupe.statistics.one_draw import CONSISTENT_RATE, DIFFERENT_RATE
from loupe.studies.analysis import StudyAnalysis, analyse_study
from loupe.studies.answer import answer_question
from loupe.studies.drawing import draw_charts, draw_study, name_figure
from loupe.studies.report import FIGURE_DPI, tabulate_arms
from loupe.version import __version__
from loupe.wording import count_of

PLACEBO = (
    "What the verdicts are worth: each model is given its own published number, and that of every other "
    "model of the study. A verdict with power says different of others as often as the models truly are; "
    "apart: how far two of our means are from each other, in the middle of all pairs."
)

_QUICK = "The quick form: fewer images, epochs and seeds than published. It judges no number."

_SCALED = (
    "Scaled: fewer epochs, images or channels than published. A figure of ours that is worse then judges "
    "nothing, because less training may explain it; one that is as good shows the published one within reach."
)

_NOTHING_PUBLISHED = "No number was published that could be judged."


_RULE = (
    "A published number is one draw from one run. Different: a right one lies as far from our mean in fewer "
    "than {different:.0f} of 100 cases. Consistent: it does in {consistent:.0f} or more, and what both stand "
    "for lies within {delta} of each other (two one-sided tests at {one_sided:g} %, which is a {level:.0f} % "
    "interval of the gap). Else these runs cannot tell. A verdict knows how much one run varies from all "
    "settings of the study together, the interval of a mean in the table (for new seeds, and new images "
    "where it is a test accuracy) from the seeds of its row alone: a number may lie in it and be different."
)


@dataclass(frozen=True)
class Demonstration:
    """A defect beside what is right.

    Args:
        defect: its id.
        title: what it is.
        text: what was done.
        rows: (setting, figure, figure of each seed, or what `last` says).
        figure: what the figures are, as the heading of their column.
        last: heading of the last column.
        picture: file beside the page that shows it; "" if none does.
        caption: what the picture shows.
        runs: names of the run folders it was shown on; none if it trains networks of its own.
    """

    defect: str
    title: str
    text: str
    rows: tuple[tuple[str, str, str], ...]
    figure: str = "error"
    last: str = "seeds"
    picture: str = ""
    caption: str = ""
    runs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if Path(self.picture).name != self.picture:
            raise ValueError(f"a picture beside the page, not {self.picture}")


def write_reproduction(
    folder: Path,
    reproduction: Reproduction,
    verdicts: Sequence[Verdict],
    found: Mapping[str, Found],
    demonstrations: Sequence[Demonstration],
    exhibits: Sequence[Exhibit] = (),
    *,
    is_quick: bool,
) -> Path:
    """Write `report.html`, `report.md` and each study's figure, `<study>.png`; return the page."""
    folder.mkdir(parents=True, exist_ok=True)
    analyses = [analyse_study(one.study, one.rows) for one in found.values() if one.rows]
    for one in analyses:
        if one.cells:
            save_figure(draw_study(one), _find_picture(folder, one), dpi=FIGURE_DPI)
    counts = count_rulings(verdicts)
    placebos = [] if is_quick else try_placebos(reproduction, found)
    states = _describe_state(reproduction, verdicts, found)
    command = f"loupe reproduce {reproduction.name}{' --quick' if is_quick else ''}"
    content = {
        "reproduction": reproduction,
        "verdicts": verdicts,
        "placebos": [(one, *_write_placebo(one)) for one in placebos],
        "counts": counts,
        "demonstrations": demonstrations,
        "exhibits": exhibits,
        "embed": lambda name: encode_bytes((folder / name).read_bytes()),
        "is_quick": is_quick,
        "placebo_told": PLACEBO,
        "command": command,
        "states": states,
        "nothing_published": _NOTHING_PUBLISHED,
        "rule": _describe_rule(reproduction, is_quick=is_quick),
    }
    page = folder / "report.html"
    write_page(
        page,
        "reproduction.html",
        **content,
        studies=[
            {
                "analysis": one,
                "answer": f"{answer_question(one)}{_count_so_far(one)}",
                "charts": draw_charts(one),
                "table": tabulate_arms(one) if not one.study.axes else None,
                "picture": _find_picture(folder, one).name if one.cells else "",
                "picture_shows": _describe_picture(one),
            }
            for one in analyses
        ],
    )
    text = _write_markdown(
        folder, reproduction, verdicts, counts, analyses, demonstrations, command=command, states=states
    )
    text += _write_exhibits(exhibits) + _write_placebos(placebos)
    write_text(folder / "report.md", text)
    return page


def count_rulings(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """Return how many verdicts there are of each kind that occurs."""
    rulings = [verdict.ruling for verdict in verdicts]
    return {ruling: rulings.count(ruling) for ruling in get_args(Ruling) if ruling in rulings}


def _describe_state(
    reproduction: Reproduction, verdicts: Sequence[Verdict], found: Mapping[str, Found]
) -> list[str]:
    """Return what a reader of verdicts should know first: what is yet to be run, and what scaling means."""
    states = []
    planned = sum(one.study.num_runs for one in found.values())
    done = sum(len([row for row in one.rows if not row.stage]) for one in found.values())
    if done < planned:
        waiting = sum(verdict.ruling == "not run" for verdict in verdicts)
        wait = f", for want of which {count_of(waiting, 'claim')} cannot be looked at" if waiting else ""
        runs = f"{done:,} of {count_of(planned, 'run')}"
        states.append(f"Not all runs are done yet: {runs}{wait}. The same command goes on.")
    scaled = [one.scaled for one in reproduction.numbers] + [one.scaled for one in reproduction.classes]
    if any(scaled):
        states.append(_SCALED)
    return states


def _describe_rule(reproduction: Reproduction, *, is_quick: bool) -> str:
    """Return how published numbers are judged; "" where none is."""
    if is_quick or not reproduction.numbers:
        return ""
    return _RULE.format(
        different=100 * DIFFERENT_RATE,
        consistent=100 * CONSISTENT_RATE,
        one_sided=50 * CONSISTENT_RATE,
        level=100 * (1 - CONSISTENT_RATE),
        delta=f"{100 * reproduction.delta_points:g} points, of losses, errors and epochs a factor of "
        f"{1 + reproduction.delta_ratio:g},",
    )


def _count_so_far(analysis: StudyAnalysis) -> str:
    planned, done = analysis.study.num_runs, len(analysis.rows)
    return f" (So far {done} of {planned} runs.)" if done < planned else ""


def _describe_picture(analysis: StudyAnalysis) -> str:
    shown = (
        "single seeds" if all(not cell.summary.interval for cell in analysis.cells) else "means and intervals"
    )
    return f"{name_figure(analysis)} of {analysis.study.name}, {shown}"


def _write_placebo(placebo: Placebo) -> tuple[str, str]:
    """Return the rulings on a model's own numbers and on those of others, as "6 consistent, 1 different"."""
    return (
        ", ".join(f"{count} {ruling}" for ruling, count in sorted(placebo.own.items())),
        ", ".join(f"{count} {ruling}" for ruling, count in sorted(placebo.others.items())),
    )


def _write_placebos(placebos: Sequence[Placebo]) -> str:
    if not placebos:
        return ""
    lines = ["", "## Placebo", "", PLACEBO, "", "| study | figure | own number | others' numbers | apart |"]
    lines.append("|---|---|---|---|---|")
    for one in placebos:
        lines.append(f"| {one.study} | {one.figure} | {' | '.join(_write_placebo(one))} | {one.apart} |")
    return "\n".join(lines) + "\n"


def _write_exhibits(exhibits: Sequence[Exhibit]) -> str:
    lines: list[str] = []
    for one in exhibits:
        lines += ["", f"## {one.title}", "", one.text, ""]
        lines += [f"| {' | '.join(one.heads)} |", f"|{'---|' * len(one.heads)}"]
        lines += [f"| {' | '.join(row)} |" for row in one.rows]
        for file, caption in one.pictures:
            lines += ["", f"![{caption}]({file})"]
    return "\n".join(lines) + "\n" if lines else ""


def _find_picture(folder: Path, analysis: StudyAnalysis) -> Path:
    return folder / f"{analysis.study.name}.png"


def _write_markdown(
    folder: Path,
    reproduction: Reproduction,
    verdicts: Sequence[Verdict],
    counts: Mapping[str, int],
    analyses: Sequence[StudyAnalysis],
    demonstrations: Sequence[Demonstration],
    *,
    command: str,
    states: Sequence[str],
) -> str:
    lines = [
        f"# {reproduction.title}",
        "",
        f"Made by `{command}` with Loupe {__version__}."
        + (f" {'; '.join(f'{count} {ruling}' for ruling, count in counts.items())}." if counts else ""),
        "",
        *([_QUICK, ""] if command.endswith("--quick") else []),
        *(line for state in states for line in (state, "")),
        *(f"- {remark}" for remark in reproduction.remarks),
        "",
        "## Answers",
        "",
    ]
    for one in analyses:
        answer = f"{answer_question(one)}{_count_so_far(one)}"
        lines += [f"**{one.study.question or one.study.name}** {answer}", ""]
        picture = _find_picture(folder, one)
        if picture.is_file():
            lines += [f"![{_describe_picture(one)}]({picture.name})", ""]
        if not one.study.axes and len(one.cells) > 1:
            heads, rows = tabulate_arms(one)
            lines += [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
            lines += [*(f"| {' | '.join(row)} |" for row in rows), ""]
    if not analyses:
        lines += ["No run is at its end yet.", ""]
    rule = _describe_rule(reproduction, is_quick=command.endswith("--quick"))
    if verdicts:
        head = "| row | claim | published | ours | interval of the mean | seeds | verdict |"
        lines += ["## Claims", "", *((rule, "") if rule else ()), head, "|---|---|---|---|---|---|---|"]
    elif analyses:
        lines += ["## Claims", "", _NOTHING_PUBLISHED]
    for one_verdict in verdicts:
        ruling = f"{one_verdict.ruling}: {one_verdict.why}" if one_verdict.why else one_verdict.ruling
        ruling += f". Original flawed: {one_verdict.defect}" if one_verdict.defect else ""
        cells = (
            one_verdict.row,
            one_verdict.what,
            one_verdict.published,
            one_verdict.ours,
            one_verdict.interval,
            str(one_verdict.num_seeds or ""),
            ruling,
        )
        lines.append(f"| {' | '.join(cells)} |")
    for shown in demonstrations:
        lines += ["", f"## {shown.title} ({shown.defect})", "", shown.text, ""]
        lines += [f"| | {shown.figure} | {shown.last} |", "|---|---|---|"]
        lines += [f"| {' | '.join(row)} |" for row in shown.rows]
        lines += ["", f"![{shown.caption}]({shown.picture})"] if shown.picture else []
    return "\n".join(lines) + "\n"
