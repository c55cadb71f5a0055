"""Why a text is not TOML: the line itself, and what to do about the commonest causes."""

import re
from dataclasses import dataclass

_MOST_SHOWN = 80  # characters of a line
_MEND = "mend the line named above"


@dataclass(frozen=True)
class TomlMistake:
    """A place at which a text is not TOML.

    Args:
        line: what stands in the line; "" where the place is not known.
        place: "line 2, column 8", "the end", or "".
        said: what the reader of TOML says, in small letters.
        next_step: what to do now.
    """

    line: str
    place: str
    said: str
    next_step: str

    def __str__(self) -> str:
        where = f"{self.place}: {self.said}" if self.place else self.said
        return f"{self.line} ({where})" if self.line else where


def explain(error: Exception, text: str) -> TomlMistake:
    """Return what is wrong with a text that `tomllib` cannot read.

    Args:
        error: what it raised.
        text: what it was given.
    """
    said, _, place = str(error).partition("\n")[0].partition(" (at ")
    said = re.sub(r"\('([^']*)',\)", r"\1", said)
    said = f"{said[:1].lower()}{said[1:]}"
    lines = text.replace("\r\n", "\n").split("\n")  # as tomllib counts them
    found = re.match(r"line (\d+), column (\d+)", place)
    if found is not None and int(found[1]) <= len(lines):
        number, column = int(found[1]), int(found[2])
        line = lines[number - 1]
    elif place.startswith("end of document"):
        number = _find_last(lines, said)
        line = lines[number - 1] if lines else ""
        column, place = len(line.rstrip()) + 1, f"line {number}, the end of the text"
    else:
        return TomlMistake("", place.rstrip(")"), said, _MEND)
    next_step = _find_next_step(said, line[: column - 1], line[column - 1 :])
    return TomlMistake(_shorten(line, column), place.rstrip(")"), said, next_step)


def explain_value(error: Exception, value: str) -> str:
    """Return what to do about a value from the command line that `tomllib` cannot read as one."""
    mistake = explain(error, f"value = {value}")
    return mistake.next_step if mistake.next_step != _MEND else f"mend it: {mistake.said}"


def _find_last(lines: list[str], said: str) -> int:
    """Return the number of the last line that holds something, or where a list that stays open begins."""
    opens = re.compile(r"=\s*\[" if said == "unclosed array" else r"\S")
    return max((number for number, line in enumerate(lines, 1) if opens.search(line)), default=1)


def _shorten(line: str, column: int) -> str:
    """Return what of a line stands around a column."""
    line = "".join(sign if sign.isprintable() else " " for sign in line)
    if len(line.strip()) <= _MOST_SHOWN:
        return line.strip()
    start = max(0, min(column - _MOST_SHOWN // 2, len(line) - _MOST_SHOWN))
    return f"…{line[start : start + _MOST_SHOWN].strip()}…"


_CLOSE_TEXT = "close the text with a quotation mark of the kind that opens it"
_WRITE_PATH = "write a path in 'single quotes', such as 'C:\\images', or with / in place of \\"
_NEXT_STEPS = {
    "invalid hex value": _WRITE_PATH,
    "unescaped '\\'": _WRITE_PATH,
    "unterminated string": _CLOSE_TEXT,
    "illegal character '\\n'": _CLOSE_TEXT,
    "cannot declare": "put the fields of both under one heading",
    "cannot overwrite a value": "name each field once",
    "expected ']'": "close the heading with ]",
}
"""What to do, by how that begins which tomllib says."""


def _find_next_step(said: str, before: str, rest: str) -> str:
    """Return what to do; `before` and `rest` are the line up to the place, and from there on."""
    rest = rest.strip()
    if said == "invalid value":
        return _mend_value(before, rest)
    if said.startswith("expected newline"):
        return _mend_end(before, rest)
    if said.startswith("expected '='"):
        return _mend_name(rest)
    if said in ("unclosed array", "unclosed inline table"):
        return _close("[]" if said == "unclosed array" else "{}", before, rest)
    if said == "invalid statement" and rest.startswith("{"):
        return "this looks like JSON: write each table as a heading, [data], and each field as name = value"
    return next((step for begins, step in _NEXT_STEPS.items() if said.startswith(begins)), _MEND)


_NOTHING = ("none", "null", "nil")


def _mend_value(before: str, rest: str) -> str:
    word = (re.match(r"[^\s,\]}#]+", rest) or [""])[0]
    if not word:
        return "write a value after ="
    if word.casefold() in ("true", "false"):
        return f"write {word.casefold()} in small letters"
    if word.casefold() in _NOTHING:
        return f"leave the field out: TOML has no {word}"
    if word[0] in "“”„‘’‚«":
        return "write straight quotation marks, \" or '"
    if word[0] == "=":
        return "write one ="
    if re.match(r"[-+]?\.\d", word):
        return f"write a 0 before the point: {word.replace('.', '0.', 1)}"
    is_whole = re.fullmatch(r"[\w.\"'\s-]+=\s*", before) is not None
    value = re.split(r"\s+#", rest)[0].strip() if is_whole else word
    if not re.match(r"[^\W\d]|[/~\\.]", value) or any(sign in value for sign in "\"'\n"):
        return "write a number, true, false, a text in quotation marks, or a list in brackets"
    quoted = f"'{value}'" if "\\" in value else f'"{value}"'
    return f"if that is a text, put it in quotation marks: {quoted}"


def _mend_end(before: str, rest: str) -> str:
    if rest in (",", ";"):
        return f"take away the {rest} at its end"
    if re.search(r"[=\s\[][-+]?0$", before) and rest[:1].isdigit():
        return "write the number without a 0 before it"
    if rest.startswith(","):
        return "put several values in brackets, [1, 2], and each field on a line of its own"
    return "end the line after the value: a text stands in quotation marks, the next field on its own line"


def _mend_name(rest: str) -> str:
    if rest.startswith(":"):
        return "write = in place of the colon, as in `epochs = 20`; a section is a heading, [data]"
    if not rest:
        return "write name = value for a field, or [name] for the heading of a section"
    return "write = between the name and the value"


def _close(brackets: str, before: str, rest: str) -> str:
    """Return what an open list or table lacks: its bracket where line or field ends, else a comma."""
    what = "list" if brackets == "[]" else "table"
    is_field = not before.strip() and re.match(r"[\w.\"'-]+\s*=|\[", rest) is not None
    if not rest or is_field:
        where = " before this line" if is_field else " on the same line" if what == "table" else ""
        return f"close the {what} with {brackets[1]}{where}"
    if not before.endswith((" ", "\t")) and before.strip():
        return _MEND
    return f"put a comma before {rest.split()[0].rstrip(',]}')}, or close the {what} with {brackets[1]}"
