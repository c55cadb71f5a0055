"""Words that every part of Loupe needs."""

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence


def count_of(number: int, noun: str) -> str:
    """Return how many there are: "1 run", "3 runs", "12,000 images"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def every_of(number: int, noun: str) -> str:
    """Return that they are all there: "the only channel", "all 8 channels"."""
    return f"the only {noun}" if number == 1 else f"all {count_of(number, noun)}"


def write_signed(value: float, digits: int) -> str:
    """Return a number with its sign, and zero without one: "+0.12", "-3.1", "0.0"."""
    text = f"{value:+.{digits}f}"
    return text if float(text) else text[1:]


def show_plainly(text: str) -> str:
    """Return text that a terminal, a table or a file may show: control characters and odd bytes as \\x1b.

    Line breaks and tabs stay. Names of files can hold anything; a terminal would obey them.
    """
    return "".join(one.encode("unicode_escape").decode() if _ORDERS.match(one) else one for one in text)


_ORDERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def guard_cell(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: an apostrophe before what would begin one."""
    if not text.startswith((*_FORMULA, "'")):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


def read_guarded_cell(text: str) -> str:
    """Return what `guard_cell` was given."""
    return text[1:] if text.startswith("'") and text[1:].startswith((*_FORMULA, "'")) else text


def list_names(names: Sequence[str], most: int = 4) -> str:
    """Return names in a row: "M1, M2 and M3"; beyond `most` the rest is counted."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def quote_name(name: str) -> str:
    """Return a name as it stands in a sentence: in quotation marks, unless it is one word of letters.

    `"Glyph Y in Farbe 3" with 8 images` cannot be read otherwise than it is meant, and neither can `"3", 8`.
    """
    return name if name.isalpha() else f'"{name}"'


_READ_OTHERWISE = {
    *("with", "without", "on", "off", "yes", "no", "none", "all", "both", "more", "less", "same", "other"),
    *("as", "is", "not", "and", "or", "from", "to", "at", "before", "after", "worse", "better"),
}


def quote_word(name: str) -> str:
    """Return a name as it stands in a sentence: in quotation marks where it would be read as a word of it.

    `Against "without"` cannot be read otherwise than it is meant; `two-experts` stands as it is.
    """
    return f'"{name}"' if name.casefold() in _READ_OTHERWISE else name


def shorten_name(name: str, most: int = 24) -> str:
    """Return a name for where there is little room: one that is too long is cut in the middle by "…".

    Beginning and end stay, since names of a series differ at their ends: "a very long na…ber 12". Whoever
    shows it has the whole name at hand elsewhere: in a title, a tooltip or a table.

    Args:
        name: of a class, as a rule.
        most: how wide it may be, in letters, at least 3; signs of Chinese, Japanese and Korean count twice.
    """
    if measure_width(name) <= most:
        return name
    head, tail = "", ""
    room = most - 1
    for sign in reversed(name):
        if measure_width(sign + tail) > room // 2:
            break
        tail = sign + tail
    for sign in name:
        if measure_width(head + sign + tail) > room:
            break
        head += sign
    return f"{head.rstrip()}…{tail.lstrip()}"


def shorten_apart(names: Sequence[str], most: int = 24) -> list[str]:
    """Return names for where there is little room, cut so that what tells them apart stays.

    Of a name that is too long, words that all of the names have go first: "without at fraction 0.25" among
    others at other fractions becomes "without … 0.25". Different names stay different.

    Args:
        names: those that stand together.
        most: how wide one may be, in letters, at least 3.
    """
    words = [set(name.split()) for name in names]
    common = set.intersection(*words) if len(set(names)) > 1 else set()
    short = []
    for name in names:
        if measure_width(name) <= most:
            short.append(name)
            continue
        own = " ".join("…" if word in common else word for word in name.split())
        short.append(shorten_name(re.sub(r"…(?: …)+", "…", own), most))
    is_one = {cut: len({name for name, one in zip(names, short, strict=True) if one == cut}) for cut in short}
    return [cut if is_one[cut] == 1 else name for name, cut in zip(names, short, strict=True)]


def measure_width(text: str) -> int:
    """Return how wide text is in letters: signs of Chinese, Japanese and Korean are as wide as two."""
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in text
    )


def is_tied(one: float, other: float) -> bool:
    """Return whether two values are equal up to rounding, so that none of them is the better."""
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


def name_tied(
    values: Iterable[tuple[str, float]], value: float, most: int = 3, *, is_quoted: bool = True
) -> str:
    """Return who all have a value, in their order: "2", "2 and 8"; of more than `most`: "0 and 3 others".

    Args:
        values: (name, value) pairs, one of which has the value.
        value: the lowest, say, or the highest; equal up to rounding counts.
        most: names written out.
        is_quoted: whether names stand as `quote_name` has them.
    """
    names = [name for name, one in values if is_tied(one, value)]
    names = [quote_name(name) for name in names] if is_quoted else names
    if len(names) > most:
        return f"{names[0]} and {count_of(len(names) - 1, 'other')}"
    return list_names(names)


def count_alike(number: int, noun: str) -> list[str]:
    """Return, for the end of a list cut short, how many beyond its last are just like it; nothing if none."""
    if not number:
        return []
    nouns = {"class": "classes", "pair": "pairs"}
    return [f"and {number:,} more {noun if number == 1 else nouns[noun]} like the last"]


def format_duration(seconds: float) -> str:
    """Return a time for people: "7.3 s", "4 min 12 s", "2 h 05 min"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
