"""What a teacher gets of a graded class: a CSV file, and a page that is one file."""

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from markupsafe import Markup
from torch import Tensor

from loupe.classroom.entries import Entry, Grades
from loupe.classroom.shared_mistakes import count_least_wrong, find_shared_mistakes
from loupe.classroom.summary import explain_places, summarise
from loupe.metrics.classification import compute_confusion
from loupe.reports.page import read_template, write_page
from loupe.reports.picture_sheet import PictureSheet
from loupe.runs.writing import write_text
from loupe.wording import guard_cell

_COLUMNS = (
    *("place", "place_to", "name", "status", "value", "low", "high", "correct", "images", "looks"),
    *("model", "weights", "epoch", "submitted", "why", "notes", "file"),
)


@dataclass(frozen=True)
class ClassCell:
    """How often a network is right of one class.

    Args:
        share: in [0, 1].
        shade: how dark the cell is, in [0, 1].
        is_best: whether nobody does better, where there is more than one.
    """

    share: float
    shade: float
    is_best: bool


def write_results(grades: Grades, out: Path) -> tuple[Path, Path]:
    """Write `grades.csv` and `grades.html` into a folder, and return them."""
    out.mkdir(parents=True, exist_ok=True)
    table, page = out / "grades.csv", out / "grades.html"
    write_text(table, write_table(grades))
    write_grades_page(page, grades)
    return table, page


def write_table(grades: Grades) -> str:
    """Return a row a submission as CSV; no cell begins a formula where a spreadsheet opens it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    rows = [
        *(_make_row(grades, one, "ranked") for one in grades.ranked),
        *(_make_row(grades, one, "set aside") for one in grades.aside),
        *(_make_row(grades, one, "refused") for one in grades.refused),
        *(_make_row(grades, one, "earlier submission") for one in grades.superseded),
    ]
    for one in grades.repeated:
        row = {"name": one.name, "status": "handed in again", "why": one.why, "file": one.handed.place}
        rows.append({**row, "submitted": one.handed.submitted.isoformat()})
    for passed in grades.passed:
        rows.append({"name": passed.name, "status": "not read", "why": passed.reason, "file": passed.place})
    writer.writerows([guard_cell(row.get(name, "")) for name in _COLUMNS] for row in rows)
    return text.getvalue()


def _make_row(grades: Grades, entry: Entry, status: str) -> dict[str, str]:
    value, reply = entry.value, entry.reply
    interval = value.interval if value is not None else None
    correct = "" if entry.logits is None else str(int(find_right(grades, entry).sum()))
    return {
        "place": str(entry.place.first) if entry.place is not None else "",
        "place_to": str(entry.place.last) if entry.place is not None else "",
        "name": entry.name,
        "status": status,
        "value": "" if value is None or value.value is None else f"{value.value:.6g}",
        "low": "" if interval is None else f"{interval.low:.6g}",
        "high": "" if interval is None else f"{interval.high:.6g}",
        "correct": correct,
        "images": str(len(grades.classroom.hidden)) if correct else "",
        "looks": "" if reply.num_looks is None else str(reply.num_looks),
        "model": reply.model,
        "weights": str(reply.num_weights or ""),
        "epoch": "" if reply.epoch is None else str(reply.epoch),
        "submitted": entry.handed.submitted.isoformat(),
        "why": "; ".join(one.text for one in entry.broken),
        "notes": "; ".join(entry.notes),
        "file": entry.handed.place,
    }


def find_right(grades: Grades, entry: Entry) -> Tensor:
    """Return which hidden images a graded network gets right, (images,) bool."""
    assert entry.logits is not None
    return entry.logits.argmax(1) == grades.classroom.hidden.labels


def write_grades_page(path: Path, grades: Grades) -> None:
    """Write the page; it shows hidden images and is for the teacher."""
    sheet = PictureSheet(grades.classroom.hidden.image_size)
    mistakes, num_mistakes = find_shared_mistakes(grades, sheet)
    write_page(
        path,
        "grades.html",
        grades=grades,
        summary=summarise(grades),
        places=explain_places(grades),
        seal=grades.classroom.seal,
        metric=grades.classroom.metric,
        scale=_find_scale(grades),
        classes=grades.classroom.hidden.class_names,
        by_class=compare_classes(grades),
        mistakes=mistakes,
        num_mistakes=num_mistakes,
        least_wrong=count_least_wrong(len(grades.ranked)),
        picture_style=sheet.render_style(),
        grades_style=Markup(read_template("grades.css")),
    )


def _find_scale(grades: Grades) -> tuple[float, float]:
    """Return the ends of the axis that all scores and intervals lie on.

    Where all are alike, as where there is one, they are the metric's own: an axis as long as the one interval
    would show nothing.
    """
    shown = [one.value for one in (*grades.ranked, *grades.aside) if one.value is not None]
    spans = {
        (one.value, *((one.interval.low, one.interval.high) if one.interval else ()))
        for one in shown
        if one.value is not None
    }
    ends = [end for span in spans for end in span]
    least, most = grades.classroom.metric.bounds["low"], grades.classroom.metric.bounds["high"]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    span = high - low or 1.0
    if len(spans) < 2:
        return (least if math.isfinite(least) else low - span, most if math.isfinite(most) else high + span)
    return max(least, low - 0.04 * span), min(most, high + 0.04 * span)


def compare_classes(grades: Grades) -> list[tuple[Entry, list[ClassCell | None]]]:
    """Return for each ranked network how often it is right of each class; None where there are no images."""
    hidden = grades.classroom.hidden
    totals = torch.tensor(hidden.class_counts())
    shares = []
    for entry in grades.ranked:
        assert entry.logits is not None
        confusion = compute_confusion(hidden.labels, entry.logits.argmax(1), hidden.num_classes)
        shares.append(confusion.diagonal() / totals.clamp(min=1))
    if not shares:
        return []
    table = torch.stack(shares)
    best, worst = table.max(0).values, float(table[:, totals > 0].min())
    span = max(1e-9, 1 - worst)

    def make_cell(label: int, share: float) -> ClassCell | None:
        if not totals[label]:
            return None
        return ClassCell(share, (share - worst) / span, len(shares) > 1 and share == float(best[label]))

    rows = [[make_cell(label, share) for label, share in enumerate(row)] for row in table.tolist()]
    return list(zip(grades.ranked, rows, strict=True))
