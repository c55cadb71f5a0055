"""Who handed something in, when, and whether that was in time."""

import re
import unicodedata
from datetime import date, datetime, timedelta

from loupe.wording import count_of

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{1,2}:\d{2}(:\d{2})?\s?(Z|[+-]\d{2}:?\d{2})?)?")


def clean_name(name: str) -> str:
    """Return a name with single spaces, its letters as most systems write them (NFC), at most 80 long."""
    return unicodedata.normalize("NFC", " ".join(name.split()))[:80]


def identify(name: str) -> str:
    """Return what is equal for one person's name however it is typed: "Änne  O" and "änne o", NFC or NFD."""
    return clean_name(name).casefold()


def read_deadline(value: str | date) -> datetime | None:
    """Return the moment that a deadline names, aware of its zone; None where it is only text.

    Without a zone it is in that of this machine; without a time of day it is the end of the day.

    Args:
        value: a date, a moment, or text; "2026-12-04 18:00" is a moment, "Friday, 18:00" text.

    Raises:
        ValueError: it is written as a date and is none, "2026-02-30".
    """
    if isinstance(value, str):
        text = value.strip()
        if not _MOMENT.fullmatch(text):
            return None
        text = (
            re.sub(r"([ T])(\d:)", r"\g<1>0\2", text).replace(" +", "+").replace(" -", "-").replace(" Z", "Z")
        )
        value = date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, 23, 59, 59)
    return value.astimezone() if value.tzinfo is None else value


def write_moment(moment: datetime) -> str:
    """Return a moment for people, in its own zone: "2026-12-04 18:00 (UTC+01:00)"."""
    seconds = ":%S" if moment.second else ""
    return moment.strftime(f"%Y-%m-%d %H:%M{seconds} (%Z)").replace(" ()", "")


def describe_lateness(due: datetime, submitted: datetime) -> str | None:
    """Return how long after a deadline something was handed in, in words; None if in time."""
    late = submitted - due
    return None if late <= timedelta() else f"handed in {_write_span(late)} after the deadline"


def _write_span(span: timedelta) -> str:
    minutes = max(1, round(span.total_seconds() / 60))
    if minutes < 90:
        return count_of(minutes, "minute")
    hours = round(minutes / 60)
    return count_of(hours, "hour") if hours < 48 else count_of(round(hours / 24), "day")
