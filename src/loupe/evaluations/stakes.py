"""What mistakes cost and how frequent classes are, as people write it."""

import csv
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from loupe.data.readers.tables import find_delimiter, parse_table
from loupe.errors import LoupeError, describe_cause, suggest
from loupe.wording import list_names, quote_name

UNSURE = "unsure"
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
Costs = Mapping[str, Mapping[str, float]]
"""True class → answer → cost; what is not named costs 1 where the answer is wrong, 0 where it is right."""


def read_costs(file: Path) -> dict[str, dict[str, float]]:
    """Return the costs of a CSV table: a row a true class, a column an answer; empty cells are left out.

    Raises:
        LoupeError: no such file, or no table of numbers.
    """
    try:
        content = file.read_bytes()
        header, rows = parse_table(content)
        read = _READERS.get(find_delimiter(content), _read_unclear)
    except (OSError, ValueError, csv.Error) as error:
        raise _refuse_file(file, describe_cause(error)) from None
    if not header or not rows:
        raise _refuse_file(file, f"{len(rows) + bool(header)} rows")
    answers = header[1:]
    twice = [name for name, count in Counter(filter(None, answers)).items() if count > 1]
    if twice:
        raise _refuse_file(file, f"the first line names {', '.join(twice)} twice")
    costs: dict[str, dict[str, float]] = {}
    for number, (truth, *cells) in rows:
        if len(cells) != len(answers) or truth.strip() in costs:
            raise _refuse_file(file, f"line {number}: {', '.join([truth, *cells])[:80]}")
        try:
            of_class = {name: read(one) for name, one in zip(answers, cells, strict=True) if one.strip()}
        except ValueError as error:
            raise _refuse_file(file, f"line {number}: {error}") from None
        costs[truth.strip()] = of_class
    return costs


def _read_comma(cell: str) -> float:
    """Return a number whose decimals may stand behind a comma."""
    return float(cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell.strip()) else cell)


def _read_unclear(cell: str) -> float:
    """Return a number of a table with tabs, as spreadsheets of all languages save it.

    Raises:
        ValueError: it is no number, or its comma may part thousands.
    """
    if _THOUSANDS.fullmatch(cell.strip()):
        raise ValueError(f"{cell.strip()!r} may be thousands or have decimals: write it without a comma")
    return _read_comma(cell)


_READERS: Mapping[str, Callable[[str], float]] = {",": float, ";": _read_comma}  # of any other, unclear


def _refuse_file(file: Path, got: str) -> LoupeError:
    return LoupeError(
        f"{file} is no table of costs.",
        got=got,
        allowed="CSV: the first line names answers (`unsure` may be one), each further line a true class and "
        "what each answer costs then",
        next_step="write `truth,cat,dog` on the first line, `cat,0,5` and `dog,1,0` below it",
    )


def make_cost_matrix(costs: Costs, class_names: Sequence[str]) -> tuple[Tensor, tuple[str, ...]]:
    """Return costs as a matrix, (classes, answers) float64, and the answers: classes, and "unsure" if named.

    Raises:
        LoupeError: a name is no class, or a cost no finite number.
    """
    names = list(class_names)
    has_unsure = UNSURE not in names and any(UNSURE in of_class for of_class in costs.values())
    answers = [*names, UNSURE] if has_unsure else names
    rows, columns = _number(names), _number(answers)
    matrix = np.ones((len(names), len(answers)))
    np.fill_diagonal(matrix, 0)
    for truth, of_class in costs.items():
        row = _find(truth, rows, "true class")
        for answer, cost in of_class.items():
            if not math.isfinite(cost):
                raise LoupeError(
                    f"What {answer} costs where {truth} is true is no number.",
                    got=f"{cost}",
                    allowed="a finite number",
                    next_step="mend the table of costs",
                )
            matrix[row, _find(answer, columns, "answer")] = cost
    return torch.from_numpy(matrix), tuple(answers)


def read_shares(text: str) -> dict[str, float]:
    """Return shares written as "cat=0.7,dog=0.2", by class.

    Raises:
        LoupeError: it is not written like that, or a class has two shares.
    """
    shares: dict[str, float] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        written, _, value = part.rpartition("=")
        name = written.strip()
        if name and name in shares:
            raise LoupeError(
                f"Class {name} has two shares.",
                got=text,
                allowed="each class once",
                next_step="leave one of them out",
            )
        try:
            shares[name] = float(value)
        except ValueError:
            shares = {}
            break
    if not shares or "" in shares:
        raise LoupeError(
            "The shares of the classes cannot be read.",
            got=text,
            allowed="classes with their shares, such as cat=0.7,dog=0.3",
            next_step="classes left out share the rest as they do among the run's images",
        )
    return shares


def fill_shares(
    shares: Mapping[str, float], class_names: Sequence[str], before: Sequence[float]
) -> list[float]:
    """Return the share of each class; those not named share the rest as they did before.

    Args:
        shares: in [0, 1], by class.
        class_names: one name a class.
        before: shares of all classes among the validation images; 0 where there is none of a class, whose
            share is then unknown.

    Raises:
        LoupeError: a name is no class, one whose share is unknown, a share is none, or shares do not add up
            to 1.
    """
    labels = _number(class_names)
    named = {_find(name, labels, "class"): share for name, share in shares.items()}
    wrong = {name: share for name, share in shares.items() if not 0 <= share <= 1}  # NaN likewise
    if wrong:
        raise LoupeError(
            f"The share of {list_names([quote_name(name) for name in wrong])} is no number from 0 to 1.",
            got=", ".join(f"{name}={share:g}" for name, share in wrong.items()),
            allowed="shares from 0 to 1",
            next_step="write 70 % as 0.7",
        )
    unknown = [class_names[label] for label in named if not before[label]]
    if unknown:
        raise LoupeError(
            "How much more frequent a class became cannot be told without validation images of it.",
            got=f"no validation image of {', '.join(unknown)}",
            allowed="shares of classes that the run's validation images show",
            next_step="leave it out: what the network gives it then stays as it is",
        )
    rest = 1 - sum(named.values())
    others = {label: one for label, one in enumerate(before) if label not in named}
    if rest < -1e-6 or (not others and abs(rest) > 1e-6):
        raise LoupeError(
            "The shares of the classes do not add up to 1.",
            got=", ".join(f"{name}={share:g}" for name, share in shares.items()),
            allowed="shares from 0 to 1 that add up to 1, or to less where classes are left out",
            next_step="write 70 % as 0.7",
        )
    total = sum(others.values())
    if not total and rest > 1e-6:
        raise LoupeError(
            "No validation image says how the classes left out share the rest.",
            got=", ".join(f"{name}={share:g}" for name, share in shares.items()),
            allowed="shares that add up to 1 of the classes that the run's validation images show",
            next_step=f"give them {rest:g} more",
        )
    return [
        named[label] if label in named else max(0.0, rest) * others[label] / (total or 1.0)
        for label in range(len(class_names))
    ]


def _number(names: Sequence[str]) -> dict[str, int]:
    """Return the place of each name; the first one's where a name is there twice."""
    return {name: place for place, name in reversed(list(enumerate(names)))}


def _find(name: str, places: Mapping[str, int], what: str) -> int:
    if name in places:
        return places[name]
    names = sorted(places, key=places.__getitem__)
    raise LoupeError(
        f"There is no {what} {name!r}.",
        got=name,
        allowed=", ".join(names[:20]),
        nearest=suggest(name, names),
        next_step="name classes as the run does",
    )
