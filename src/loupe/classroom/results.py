"""What a teacher gets of a graded class: a CSV file, and a page that is one file."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import torch
from markupsafe import Markup
from torch import Tensor

from loupe.classroom.entries import Entry, Grades
from loupe.metrics.classification import compute_confusion
from loupe.reports.page import read_template, write_page
from loupe.reports.picture_sheet import Picture, PictureSheet
from loupe.runs.writing import write_text
from loupe.wording import guard_cell

_MOST_MISTAKES = 40
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
        is_best: whether nobody does better.
    """

    share: float
    shade: float
    is_best: bool


@dataclass(frozen=True)
class SharedMistake:
    """A hidden image that many get wrong.

    Args:
        picture: on the sheet.
        true_class: what it is.
        taken_for: what most take it for.
        num_wrong: ranked networks that get it wrong.
    """

    picture: Picture
    true_class: str
    taken_for: str
    num_wrong: int


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
    for one in grades.passed:
        rows.append({"name": one.name, "status": "not read", "why": one.reason, "file": one.place})
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
    mistakes = find_shared_mistakes(grades, sheet)
    write_page(
        path,
        "grades.html",
        grades=grades,
        summary=summarise(grades),
        seal=grades.classroom.seal,
        metric=grades.classroom.metric,
        scale=_find_scale(grades),
        classes=grades.classroom.hidden.class_names,
        by_class=compare_classes(grades),
        mistakes=mistakes,
        least_wrong=count_least_wrong(len(grades.ranked)),
        picture_style=sheet.render_style(),
        grades_style=Markup(read_template("grades.css")),
    )


def _find_scale(grades: Grades) -> tuple[float, float]:
    """Return the ends of the axis that all scores and intervals lie on."""
    shown = [
        one.value for one in (*grades.ranked, *grades.aside) if one.value and one.value.value is not None
    ]
    ends = [one.value for one in shown if one.value is not None]
    for one in shown:
        ends += [one.interval.low, one.interval.high] if one.interval else []
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    margin = (high - low or 1.0) * 0.04
    bounds = grades.classroom.metric.bounds
    return max(bounds["low"], low - margin), min(bounds["high"], high + margin)


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
        return ClassCell(share, (share - worst) / span, share == float(best[label]))

    rows = [[make_cell(label, share) for label, share in enumerate(row)] for row in table.tolist()]
    return list(zip(grades.ranked, rows, strict=True))


def count_least_wrong(num_ranked: int) -> int:
    """Return how many networks a mistake is shared by at least: half of those ranked, and two."""
    return max(2, -(-num_ranked // 2))


def find_shared_mistakes(grades: Grades, sheet: PictureSheet) -> list[SharedMistake]:
    """Return the hidden images that `count_least_wrong` of the ranked networks or more get wrong."""
    hidden = grades.classroom.hidden
    if not grades.ranked:
        return []
    predicted = torch.stack([one.logits.argmax(1) for one in grades.ranked if one.logits is not None])
    wrong = (predicted != hidden.labels).sum(0)
    least = count_least_wrong(len(predicted))
    order = sorted(range(len(hidden)), key=lambda index: (-int(wrong[index]), index))
    chosen = [index for index in order if int(wrong[index]) >= least][:_MOST_MISTAKES]
    names, found = hidden.class_names, []
    for index in chosen:
        label = int(hidden.labels[index])
        others = predicted[:, index][predicted[:, index] != label]
        taken = names[int(torch.mode(others).values)]
        alt = f"{names[label]}, taken for {taken}"
        picture = sheet.show("hidden", index, hidden.images[index], alt)
        found.append(SharedMistake(picture, names[label], taken, int(wrong[index])))
    return found


def summarise(grades: Grades) -> str:
    """Return in a sentence what came of a class."""
    ranked, shared = grades.ranked, [one for one in grades.ranked if one.place and one.place.first == 1]
    if not ranked:
        return "Nobody is ranked."
    metric, best = grades.classroom.metric, ranked[0]
    value = best.value.write() if best.value is not None else ""
    if len(ranked) == 1:
        return f"{best.name} alone is ranked: {metric.title} {value}."
    lead = f"{best.name} has the best {metric.title}, {value}"
    if len(shared) == 1:
        return f"{lead}, and is clearly better than everyone else."
    return f"{lead}; of {len(ranked) - 1} others {len(shared) - 1} are not clearly worse and share the place."
