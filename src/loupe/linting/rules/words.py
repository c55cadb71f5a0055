"""What comments and printed words say of a training, held against its numbers."""

import ast
import re
from collections.abc import Iterator

from loupe.linting.code import Code
from loupe.linting.nodes import argument, constant, is_same, keyword, number
from loupe.linting.registry import register_rule
from loupe.linting.violation import Hit

_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*(?:%|percent)")
_SIGNED_UNIT = re.compile(
    r"[\[(]\s*[-−]1(?:\.0)?\s*[,;]\s*\+?1(?:\.0)?\s*[\])]|[-−]1(?:\.0)? (?:to|and|…) \+?1(?:\.0)?\b"
)
_NEAR = 3  # lines between a comment and what it speaks of


def _list_words(code: Code) -> list[tuple[int, str]]:
    """Return comments and text in quotes with their lines, in small letters."""
    found = [(line, text.casefold()) for line, text in code.comments.items()]
    for node in ast.walk(code.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append((node.lineno, node.value.casefold()))
    return found


@register_rule(
    "warmup-contradicts",
    source="D-003-4",
    why="A comment or a printed line gives the warm-up another length than pct_start does.",
    fix="print the number that the schedule was given, instead of typing it a second time",
)
def find_contradicting_warmups(code: Code) -> Iterator[Hit]:
    """“warm-up 26 %” beside OneCycleLR(pct_start=0.3)."""
    said = {
        float(share)
        for _, text in _list_words(code)
        if re.search(r"warm", text)
        for share in _PERCENT.findall(text)
    }
    for call in code.find_calls("OneCycleLR"):
        given = keyword(call, "pct_start")
        value = number(code.resolve(given)) if given is not None else None
        if (
            given is not None
            and value is not None
            and said
            and all(abs(one - 100 * value) > 0.5 for one in said)
        ):
            yield Hit(given)


@register_rule(
    "range-contradicts",
    source="D-003-4",
    why="It is said that normalised pixels lie in [-1, 1]; with this mean and deviation they do not.",
    fix="compute the ends, (0 - mean) / std and (1 - mean) / std, and say those",
)
def find_contradicting_ranges(code: Code) -> Iterator[Hit]:
    """“normalised to [-1, 1]” beside Normalize with a measured mean and deviation."""
    said = [
        (line, text)
        for line, text in _list_words(code)
        if _SIGNED_UNIT.search(text) and re.search(r"normali[sz]|pixel|range|scale", text)
    ]
    for call in code.find_calls("Normalize"):
        ends = _find_ends(code, call)
        reaches = ends is not None and max(abs(abs(one) - 1) for one in ends) > 0.1
        if reaches and any(
            abs(line - call.lineno) <= _NEAR or "print" in _statement_at(code, line) for line, _ in said
        ):
            yield Hit(call)


def _find_ends(code: Code, call: ast.Call) -> list[float] | None:
    """Return where 0 and 1 come to lie in each channel; None if a number is not written down."""
    columns = []
    for index, name in enumerate(("mean", "std")):
        given = argument(call, index, name)
        value = code.resolve(given) if given is not None else None
        if isinstance(value, ast.List | ast.Tuple):
            columns.append([number(code.resolve(one)) for one in value.elts])
        else:
            columns.append([number(value)])
    ends = []
    for mean, std in zip(*columns, strict=False):
        if mean is None or not std:
            return None
        ends += [-mean / std, (1 - mean) / std]
    return ends or None


def _statement_at(code: Code, line: int) -> str:
    """Return the name of the function called in the line, "" if none is."""
    return next(
        (code.tail(call) for call in code.calls if call.lineno <= line <= (call.end_lineno or line)), ""
    )


@register_rule(
    "soft-target",
    source="D-003-4",
    why="The smoothed target of the right class is 1 - s + s / classes: 0.964 with 0.04 and ten classes.",
    fix="add the share that smoothing gives the right class too: 1 - s + s / num_classes",
)
def find_wrong_soft_targets(code: Code) -> Iterator[Hit]:
    """1 - smoothing shown as the target of the right class."""
    smoothings = [
        given
        for call in code.find_calls("CrossEntropyLoss", "cross_entropy")
        if (given := keyword(call, "label_smoothing")) is not None
    ]
    for node in ast.walk(code.tree):
        if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and number(node.left) == 1):
            continue
        value = number(code.resolve(node.right))
        is_smoothing = any(
            is_same(node.right, one)
            or (value and isinstance(node.right, ast.Name) and number(code.resolve(one)) == value)
            for one in smoothings
        )
        if is_smoothing and value != 0 and _is_shown(code, node):
            yield Hit(node)


def _is_shown(code: Code, node: ast.AST) -> bool:
    """Return whether a number is printed, or kept under a name that says target, as it is."""
    above = code.parent(node)
    if isinstance(above, ast.FormattedValue):
        return True
    if isinstance(above, ast.Call):
        return code.tail(above) == "print"
    if isinstance(above, ast.Assign):
        names = " ".join(one.id for one in above.targets if isinstance(one, ast.Name))
        return re.search(r"target|soft|correct|true|hard", names.casefold()) is not None
    return False


@register_rule(
    "worst-first",
    source="D-004-10",
    why="The table of results is sorted so that its first rows are the worst runs.",
    fix="sort accuracies with ascending=False, losses with ascending=True",
)
def find_worst_first(code: Code) -> Iterator[Hit]:
    """sort_values by a loss, descending, or by an accuracy, ascending, of a table that is then saved."""
    saved = {ast.dump(base) for call in code.find_methods("to_csv") if (base := _base(call)) is not None}
    for call in code.find_methods("sort_values"):
        by = constant(_first(argument(call, 0, "by")))
        falls = constant(_first(keyword(call, "ascending"))) is False
        if not isinstance(by, str):
            continue
        is_loss, is_score = re.search(r"loss|error", by.casefold()), re.search(r"acc|f1", by.casefold())
        if not ((is_loss and falls) or (is_score and not is_loss and not falls)):
            continue
        if _is_saved(code, call, saved):
            yield Hit(call)


def _first(node: ast.expr | None) -> ast.expr | None:
    """Return a list's first element, or what is no list."""
    return node.elts[0] if isinstance(node, ast.List | ast.Tuple) and node.elts else node


def _base(call: ast.Call) -> ast.expr | None:
    return call.func.value if isinstance(call.func, ast.Attribute) else None


def _is_saved(code: Code, call: ast.Call, saved: set[str]) -> bool:
    """Return whether what is sorted is written into a file: at once, under its new name, or in place."""
    if ast.dump(call) in saved:
        return True
    statement = code.statement_of(call)
    base = _base(call)
    if constant(keyword(call, "inplace")) is True and base is not None:
        return ast.dump(base) in saved
    if isinstance(statement, ast.Assign) and statement.value is call:
        return any(
            ast.dump(ast.Name(one.id, ast.Load())) in saved
            for one in statement.targets
            if isinstance(one, ast.Name)
        )
    return False
