"""Which names a piece of code gives values to, and which: one statement at a time."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from loupe.linting.nodes import Function

How = Literal["is", "item", "part", "changed", "parameter", "with"]


@dataclass(frozen=True)
class Binding:
    """One place where a name gets a value.

    Args:
        how: "is" the value, an "item" of it (a loop), a "part" of it (unpacked), "changed" by it (`+=`), or
            a "parameter" (the value is its default), or "with".
        value: None where nothing is known.
        node: the statement or parameter.
        place: of a part, which one it is, from 0; None where that is not known.
    """

    how: How
    value: ast.expr | None
    node: ast.AST
    place: int | None = None


def targets_of(node: ast.AST) -> tuple[list[ast.expr], ast.expr | None]:
    """Return what a statement assigns to, and the value; nothing of what assigns nothing."""
    if isinstance(node, ast.Assign):
        return node.targets, node.value
    if isinstance(node, ast.AnnAssign | ast.NamedExpr):
        return [node.target], node.value
    return [], None


def list_bindings(node: ast.AST) -> Iterator[tuple[str, Binding]]:
    """Yield each name that a statement, a loop or a function's parameters bind, with its binding."""
    targets, value = targets_of(node)
    for target in targets:
        yield from _unpack(target, value, node, "is")
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        yield node.target.id, Binding("changed", node.value, node)
    elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        yield from _unpack_items(node.target, node.iter, node)
    elif isinstance(node, ast.With | ast.AsyncWith):
        for item in node.items:
            if item.optional_vars is not None:
                yield from _unpack(item.optional_vars, item.context_expr, node, "with")
    elif isinstance(node, Function | ast.Lambda):
        yield from _list_parameters(node.args)


def _unpack_items(target: ast.expr, items: ast.expr, node: ast.AST) -> Iterator[tuple[str, Binding]]:
    """Yield what a loop binds; of `for a, b in zip(first, second)` each to its own."""
    if isinstance(items, ast.Call) and isinstance(target, ast.Tuple) and _is_zip(items, len(target.elts)):
        for one, each in zip(target.elts, items.args, strict=True):
            yield from _unpack(one, each, node, "item")
    else:
        yield from _unpack(target, items, node, "item")


def _is_zip(call: ast.Call, size: int) -> bool:
    is_zip = isinstance(call.func, ast.Name) and call.func.id == "zip"
    return is_zip and len(call.args) == size and not any(isinstance(one, ast.Starred) for one in call.args)


def _list_parameters(arguments: ast.arguments) -> Iterator[tuple[str, Binding]]:
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    pairs = [
        *zip(positional, defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    for one, default in pairs:
        yield one.arg, Binding("parameter", default, one)


def _unpack(
    target: ast.expr, value: ast.expr | None, node: ast.AST, how: How
) -> Iterator[tuple[str, Binding]]:
    if isinstance(target, ast.Name):
        yield target.id, Binding(how, value, node)
    elif isinstance(target, ast.Starred):
        yield from _unpack(target.value, value, node, "part")
    elif isinstance(target, ast.Tuple | ast.List):
        is_pairwise = (
            how == "is" and isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts)
        )
        for index, one in enumerate(target.elts):
            if is_pairwise and isinstance(value, ast.Tuple | ast.List):
                yield from _unpack(one, value.elts[index], node, "is")
            elif how == "is" and isinstance(one, ast.Name) and not _has_star(target):
                yield one.id, Binding("part", value, node, index)
            else:
                yield from _unpack(one, value, node, "part" if how == "is" else how)


def _has_star(target: ast.Tuple | ast.List) -> bool:
    return any(isinstance(one, ast.Starred) for one in target.elts)
