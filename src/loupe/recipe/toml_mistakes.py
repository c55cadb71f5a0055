"""Why a text is not TOML: the line itself, and what to do about the commonest causes."""

import re
import tomllib
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
_CLOSE_LONG_TEXT = "close the text with three quotation marks of the kind that opens it"
_WRITE_PATH = "write a path in 'single quotes', such as 'C:\\images', or with / in place of \\"
_NEXT_STEPS = {
    "invalid hex value": _WRITE_PATH,
    "unescaped '\\'": _WRITE_PATH,
    "unterminated string": _CLOSE_TEXT,
    "illegal character '\\n'": _CLOSE_TEXT,
    "cannot declare": "put the fields of both under one heading",
    "cannot overwrite a value": "name each field once",
    "expected '\"'": _CLOSE_TEXT,
    'expected "\'"': _CLOSE_TEXT,
    'expected \'"""\'': _CLOSE_LONG_TEXT,
    "expected \"'''\"": _CLOSE_LONG_TEXT,
}
"""What to do, by how that begins which tomllib says."""


def _find_next_step(said: str, before: str, rest: str) -> str:
    """Return what to do; `before` and `rest` are the line up to the place, and from there on."""
    rest = rest.strip()
    if said == "invalid value":
        return _mend_value(before, rest)
    if said.startswith("expected newline"):
        return _mend_end(before, rest)
    if said.startswith(("expected ']' at the end of a table", "expected ']]' at the end of an array")):
        return _mend_heading(before, rest)
    if said == "invalid statement" and rest[:1].isalpha():
        return _mend_name(before, rest)
    if said.startswith("expected '='"):
        return _mend_name(before, rest)
    if said in ("unclosed array", "unclosed inline table"):
        return _close("[]" if said == "unclosed array" else "{}", before, rest)
    if said == "invalid statement" and rest.startswith("{"):
        return "this looks like JSON: write each table as a heading, [data], and each field as name = value"
    return next((step for begins, step in _NEXT_STEPS.items() if said.startswith(begins)), _MEND)


_NOTHING = ("none", "null", "nil")


def _mend_value(before: str, rest: str) -> str:
    word = (re.match(r"[^\s,\]}#]+", rest) or [""])[0]
    if not word:
        return _fill(before, rest)
    number = re.fullmatch(r"([-+]?)(nan|inf|infinity)", word, re.IGNORECASE)
    if number is not None:
        return f"write {number[1]}{number[2].lower()[:3]} in small letters"
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
    return _quote(value)


def _fill(before: str, rest: str) -> str:
    """Return what to do where a value is missing."""
    if rest.startswith(",") and before.rstrip().endswith(("[", ",")):
        return (
            "take away the comma before the first value" if before.rstrip()[-1] == "[" else "write one comma"
        )
    return "close the list with ]" if before.rstrip().endswith(("[", ",")) else "write a value after ="


def _quote(value: str) -> str:
    parts = [part.strip() for part in value.split(",")]
    if len(parts) > 1 and all(re.fullmatch(r"[\w.:/~-]+", part) for part in parts):
        return f"if these are texts, make them a list: [{', '.join(map(_quote_item, parts))}]"
    return f"if that is a text, put it in quotation marks: {_quote_item(value)}"


def _quote_item(value: str) -> str:
    """Return a value as a text, or as it is where it is one of TOML's already."""
    if _is_toml(f"value = {value}"):
        return value
    return f"'{value}'" if "\\" in value else f'"{value}"'


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _mend_heading(before: str, rest: str) -> str:
    """Return what a heading lacks: quotation marks around a name, or the brackets at its end."""
    opening = (re.match(r"\s*(\[+)", before) or ["", "["])[1]
    closing = "]" * len(opening)
    inside, found, _ = (before.lstrip()[len(opening) :] + rest).partition("]")
    name = inside.strip()
    if found and _BARE_NAME.fullmatch(name.replace(".", "")) is None and _IS_NAME.fullmatch(name):
        return f'put the name in quotation marks: {opening}"{name}"{closing}'
    return f"close the heading with {closing}"


def _mend_end(before: str, rest: str) -> str:
    if rest in (",", ";"):
        return f"take away the {rest} at its end"
    if re.search(r"[=\s\[][-+]?0$", before) and rest[:1].isdigit():
        return "write the number without a 0 before it"
    if rest.startswith(","):
        return "put several values in brackets, [1, 2], and each field on a line of its own"
    return "end the line after the value: a text stands in quotation marks, the next field on its own line"


_IS_NAME = re.compile(r"[^\W_][^\"'\[\]\\=#:,{}\x00-\x1f\x7f]*")
_BARE_NAME = re.compile(r"[A-Za-z0-9_-]+")


def _mend_name(before: str, rest: str) -> str:
    if rest.startswith(":"):
        return "write = in place of the colon, as in `epochs = 20`; a section is a heading, [data]"
    if not rest:
        return "write name = value for a field, or [name] for the heading of a section"
    name, sign, value = (before + rest).partition("=")
    name = name.strip()
    if sign and not value.startswith("=") and _IS_NAME.fullmatch(name) and not _BARE_NAME.fullmatch(name):
        line = f'"{name}" = {value.strip()}'
        return f"put the name in quotation marks: {line if _is_toml(line) else line.partition(' = ')[0]}"
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
