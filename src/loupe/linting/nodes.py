"""Questions to single nodes of a syntax tree."""

import ast

Function = ast.FunctionDef | ast.AsyncFunctionDef


def is_self(node: ast.AST) -> bool:
    """Return whether a node is the name `self`."""
    return isinstance(node, ast.Name) and node.id == "self"


def keyword(call: ast.Call, *names: str) -> ast.expr | None:
    """Return the argument that a call names so; None if it does not."""
    return next((one.value for one in call.keywords if one.arg in names), None)


def argument(call: ast.Call, index: int, *names: str) -> ast.expr | None:
    """Return an argument by place or name; None if it is left out."""
    named = keyword(call, *names)
    if named is not None:
        return named
    placed = call.args[index] if index < len(call.args) else None
    return None if isinstance(placed, ast.Starred) else placed


def constant(node: ast.AST | None) -> object:
    """Return the value of a constant, of a number with a sign too; None of what is none."""
    if isinstance(node, ast.Constant):
        return node.value
    if (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and isinstance(node.operand, ast.Constant)
    ):
        value = node.operand.value
        return -value if isinstance(value, int | float) else None
    return None


def number(node: ast.AST | None) -> float | None:
    """Return the value of a number; None of what is none."""
    value = constant(node)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def names_in(node: ast.AST) -> set[str]:
    """Return the names that a piece of code uses."""
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def is_same(one: ast.AST | None, other: ast.AST | None) -> bool:
    """Return whether two pieces of code say the same."""
    return one is not None and other is not None and ast.dump(one) == ast.dump(other)


def is_star(node: ast.AST) -> bool:
    """Return whether a node imports everything of a module."""
    return isinstance(node, ast.ImportFrom) and any(one.name == "*" for one in node.names)
