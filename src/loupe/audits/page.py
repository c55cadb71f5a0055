"""The page of an audit: suspects with their pictures, to be kept, relabelled or dropped; one file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from loupe.audits.findings import TITLES, Audit, AuditedImages, Kind, Suspect
from loupe.audits.outliers import NUM_NEIGHBOURS, REACH
from loupe.data.image_quality import (
    BLUR_REACH,
    LEAST_BRIGHT,
    MOST_BLANK,
    MOST_DARK,
    MOST_OTHER_AREA,
    MOST_OTHER_SHAPE,
)
from loupe.data.near_duplicates import MOST_RESIDUAL, MOST_RESIDUAL_OF_SMALL
from loupe.reports.page import read_template, write_page
from loupe.reports.picture_sheet import Picture, PictureSheet

_MOST_SHOWN: Mapping[Kind, int] = {
    "wrong_labels": 240,
    "duplicates": 120,
    "test_copies": 120,
    "outliers": 60,
    "flaws": 90,
}

_NOTES: Mapping[Kind, str] = {
    "wrong_labels": "Confident learning (Northcutt and others, 2021): another class is likelier than the "
    "label, scores held against what images of each class get on average, so that none is listed first for "
    "being hard. Largest gap first.",
    "duplicates": "The second picture of each pair is the one decided on. Pairs under two classes come "
    f"first, then pairs on two sides. Up to {100 * MOST_RESIDUAL:.0f} % of the contrast may differ "
    f"({100 * MOST_RESIDUAL_OF_SMALL:.0f} % below 16 pixels): at the same place, a pixel off, or mirrored.",
    "test_copies": "Training and validation images that are test images, to the bit or as nearly as above: "
    "what they teach, the test set asks. Those of training come first: drop them. Only pixels were "
    "compared, which is no look; the test images are not shown, and test_copies.csv has their digests.",
    "outliers": f"Far from the {NUM_NEIGHBOURS} images most like them, as the first fold's network sees "
    f"them: {REACH:g} interquartile ranges (of logarithms) above the third quartile.",
    "flaws": f"Blank: levels deviate by less than {MOST_BLANK:g} of 255. Dark, bright: 95 % of the pixels "
    f"below level {MOST_DARK:g}, above {LEAST_BRIGHT:g}. Blurred: edges against contrast {BLUR_REACH:g} "
    "interquartile ranges (of logarithms) below the first quartile. Odd size: area "
    f"{MOST_OTHER_AREA:g} times, or shape {MOST_OTHER_SHAPE:g} times, off the median file.",
}


@dataclass(frozen=True)
class Card:
    """A suspect as the page shows it.

    Args:
        key, file, index, side, label: of the image.
        name: what it is called.
        suggested: name of the class it may be of; "" without one.
        reason: in words.
        picture: on the sheet.
        other: picture of what it is a duplicate of; None where it is none.
        other_name: what that is called.
    """

    key: str
    file: str
    index: int
    side: str
    label: str
    name: str
    suggested: str
    reason: str
    picture: Picture
    other: Picture | None
    other_name: str


@dataclass(frozen=True)
class Chapter:
    """A kind of suspects as the page shows it: the first of them."""

    id: Kind
    title: str
    note: str
    num_all: int
    cards: tuple[Card, ...]


def write_audit_page(path: Path, audit: Audit) -> None:
    """Write the page; of test images it has nothing."""
    sheet = PictureSheet(audit.audited.images.image_size)
    chapters = [
        Chapter(
            kind,
            title,
            _NOTES[kind],
            len(audit.suspects[kind]),
            tuple(_make_card(audit.audited, one, sheet) for one in audit.suspects[kind][: _MOST_SHOWN[kind]]),
        )
        for kind, title in TITLES.items()
    ]
    write_page(
        path,
        "audit.html",
        audit=audit,
        chapters=chapters,
        class_names=audit.audited.images.class_names,
        counts=audit.audited.images.class_counts(),
        picture_style=sheet.render_style(),
        wrong_by_class=_count_wrong(audit),
        audit_style=Markup(read_template("audit.css")),
        audit_script=Markup(read_template("audit.js")),
    )


def _count_wrong(audit: Audit) -> list[int]:
    counts = [0] * audit.audited.images.num_classes
    for one in audit.suspects["wrong_labels"]:
        counts[int(audit.audited.images.labels[one.index])] += 1
    return counts


def _make_card(audited: AuditedImages, one: Suspect, sheet: PictureSheet) -> Card:
    def show(index: int) -> Picture:
        alt = f"{audited.name(index)}, labelled {audited.label(index)}"
        return sheet.show("audit", index, audited.images.images[index], alt)

    names = audited.images.class_names
    return Card(
        audited.key(one.index),
        audited.file(one.index),
        int(audited.sources[one.index]),
        audited.side(one.index),
        audited.label(one.index),
        audited.name(one.index),
        names[one.suggested] if one.suggested is not None else "",
        one.reason,
        show(one.index),
        show(one.other) if one.other is not None else None,
        audited.name(one.other) if one.other is not None else "",
    )
