"""Reading a layer's source for faults that no number shows."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

# fmt: off
_VIEWS = frozenset([
    "view", "view_as", "reshape", "flatten", "unflatten", "transpose", "permute", "squeeze", "unsqueeze",
    "expand", "narrow", "select", "swapaxes", "movedim", "unbind", "chunk", "split", "diagonal", "unfold",
    "detach", "T", "mT", "data",
])
# fmt: on
_LEAVING = (ast.Return, ast.Raise, ast.Continue, ast.Break)


@dataclass(frozen=True, order=True)
class Finding:
    """Something to mend.

    Args:
        line: where in the file, from 1.
        text: what is wrong, and what to write instead.
    """

    line: int
    text: str


def find_faults(definition: ast.AST) -> list[Finding]:
    """Return the faults in a class or function, by line."""
    found = [*_find_unreachable(definition), *_find_none_comparisons(definition)]
    for node in ast.walk(definition):
        if isinstance(node, ast.FunctionDef) and node.name != "__init__":
            found += _InPlaceFinder(node).findings
    return sorted(set(found))


def _find_unreachable(definition: ast.AST) -> Iterator[Finding]:
    for node in ast.walk(definition):
        for block in (getattr(node, name, None) for name in ("body", "orelse", "finalbody")):
            if not isinstance(block, list):
                continue
            for statement, following in pairwise(block):
                if _always_leaves(statement):
                    left = f"line {statement.lineno} has left by then"
                    yield Finding(following.lineno, f"never reached: {left}")
                    break


def _always_leaves(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.If):
        return all(block and _always_leaves(block[-1]) for block in (statement.body, statement.orelse))
    return isinstance(statement, _LEAVING)


def _find_none_comparisons(definition: ast.AST) -> Iterator[Finding]:
    for node in ast.walk(definition):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        for operator, left, right in zip(node.ops, sides, sides[1:], strict=False):
            if isinstance(operator, ast.Eq | ast.NotEq) and (_is_none(left) or _is_none(right)):
                word = "is" if isinstance(operator, ast.Eq) else "is not"
                other = ast.unparse(left if _is_none(right) else right)
                yield Finding(node.lineno, f"`{ast.unparse(node)}`: write `{other} {word} None`")


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


class _InPlaceFinder(ast.NodeVisitor):
    """Follows, statement by statement, which names stand for the input or for a view of another tensor."""

    def __init__(self, function: ast.FunctionDef) -> None:
        self.findings: list[Finding] = []
        self._origins: dict[str, str] = {}
        if function.name == "forward":
            arguments: Sequence[ast.arg] = function.args.args[1:]
            self._origins = {argument.arg: "the input" for argument in arguments}
        for statement in function.body:
            self.visit(statement)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        for target in node.targets:
            if isinstance(target, ast.Subscript):
                self._report_write(target.value, node, f"{ast.unparse(target)} = …")
            elif isinstance(target, ast.Name):
                origin = self._origin_of(node.value)
                if origin is None:
                    self._origins.pop(target.id, None)
                else:
                    self._origins[target.id] = origin

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.generic_visit(node)
        text = ast.unparse(node).replace(ast.unparse(node.value), "…") if len(ast.unparse(node)) > 60 else ""
        self._report_write(node.target, node, text or ast.unparse(node))

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        method = node.func
        if isinstance(method, ast.Attribute) and method.attr.endswith("_") and not method.attr.endswith("__"):
            self._report_write(method.value, node, f"{ast.unparse(method)}(…)")

    def _report_write(self, target: ast.expr, node: ast.stmt | ast.expr, text: str) -> None:
        base = target.value if isinstance(target, ast.Subscript) else target
        origin = self._origin_of(base)
        if origin is not None:
            self.findings.append(
                Finding(node.lineno, f"`{text}` writes in place into {origin}: make a new tensor instead")
            )

    def _origin_of(self, value: ast.expr) -> str | None:
        if isinstance(value, ast.Name):
            return self._origins.get(value.id)
        if isinstance(value, ast.Subscript):
            return _as_view(self._origin_of(value.value))
        if isinstance(value, ast.IfExp):
            return self._origin_of(value.body) or self._origin_of(value.orelse)
        attribute = value.func if isinstance(value, ast.Call) else value
        if (
            isinstance(attribute, ast.Attribute)
            and attribute.attr in _VIEWS
            and not _is_functional(attribute)
        ):
            return _as_view(self._origin_of(attribute.value)) or "a view of another tensor"
        return None


def _as_view(origin: str | None) -> str | None:
    return "a view of the input" if origin == "the input" else origin


def _is_functional(attribute: ast.Attribute) -> bool:
    """Return whether it is a function of `torch.nn.functional`, whose `unfold` copies."""
    return ast.unparse(attribute.value) in ("F", "functional", "nn.functional", "torch.nn.functional")
