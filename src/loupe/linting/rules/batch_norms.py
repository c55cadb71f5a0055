"""Batch norms written by hand, held against torch's."""

import ast
import re
from collections.abc import Iterator

from loupe.linting.code import Code
from loupe.linting.nodes import Function, constant, is_self, keyword, number
from loupe.linting.registry import register_rule
from loupe.linting.violation import Hit


def _is_batch_norm(owner: ast.ClassDef) -> bool:
    return bool(re.search(r"batch_?norm|(^|_)bn", owner.name.casefold()))


def _batch_norms(code: Code) -> list[ast.ClassDef]:
    """Return classes that are a batch norm of their own, not built on torch's."""
    found = []
    for owner in code.classes.values():
        bases = [code.tail(base) for base in owner.bases]
        is_own = not any("BatchNorm" in base for base in bases) and not code_uses_torch_norm(code, owner)
        if _is_batch_norm(owner) and is_own and code.networks.find_forward(owner) is not None:
            found.append(owner)
    return found


def code_uses_torch_norm(code: Code, owner: ast.ClassDef) -> bool:
    """Return whether a class hands its work over to torch's batch norm."""
    return any(
        isinstance(one, ast.Call) and code.is_torch(one, "batch_norm", "BatchNorm2d", "BatchNorm1d")
        for one in ast.walk(owner)
    )


@register_rule(
    "unbiased-variance",
    source="D-002-3",
    why="Batch norm normalises with the biased variance; torch's std and var are unbiased unless told "
    "otherwise.",
    fix="var(…, unbiased=False) for normalising (the running variance alone is unbiased)",
)
def find_unbiased_variance(code: Code) -> Iterator[Hit]:
    """std or var of a batch in a batch norm of one's own, used to normalise."""
    for owner in _batch_norms(code):
        forward = code.networks.find_forward(owner)
        for call in code.find_methods("std", "var", within=forward) if forward is not None else ():
            if not _is_biased(call) and _normalises(code, call, forward):
                yield Hit(call)


def _is_biased(call: ast.Call) -> bool:
    return (
        constant(keyword(call, "unbiased")) is False
        or constant(keyword(call, "correction")) == 0
        or any(constant(one) is False for one in call.args)
    )


def _normalises(code: Code, call: ast.Call, forward: Function | None) -> bool:
    """Return whether a deviation divides: itself, or under the name that it is given."""
    names = {ast.unparse(call)}
    statement = code.statement_of(call)
    if isinstance(statement, ast.Assign):
        names |= {ast.unparse(target) for target in statement.targets}
        names |= {ast.unparse(one) for target in statement.targets for one in getattr(target, "elts", [])}
    for node in ast.walk(forward) if forward is not None else ():
        divisor = None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            divisor = node.right
        elif isinstance(node, ast.Call) and code.tail(node) == "rsqrt":
            divisor = node
        if divisor is not None and any(
            re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", ast.unparse(divisor)) for name in names
        ):
            return True
    return False


@register_rule(
    "eps-outside-root",
    source="D-002-3",
    why="eps is added to the deviation; torch adds it to the variance, under the root: small variances come"
    " out otherwise.",
    fix="(x - mean) / torch.sqrt(var + eps)",
)
def find_outer_eps(code: Code) -> Iterator[Hit]:
    """(x - mean) / (std + eps) in a batch norm of one's own."""
    for owner in _batch_norms(code):
        for node in ast.walk(owner):
            if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)):
                continue
            by = node.right
            if (
                isinstance(by, ast.BinOp)
                and isinstance(by.op, ast.Add)
                and "eps" in ast.unparse(by.right).casefold()
            ) and re.search(r"std|sqrt|sigma", ast.unparse(by.left).casefold()):
                yield Hit(node)


@register_rule(
    "plain-running-statistics",
    source="D-002-3",
    why="Running statistics are plain tensors: they are not saved with the weights and stay behind when the"
    " network moves.",
    fix='self.register_buffer("running_mean", torch.zeros(n))',
)
def find_plain_statistics(code: Code) -> Iterator[Hit]:
    """self.running_mean = torch.zeros(…) in a module."""
    for owner in code.networks.classes:
        registered = {
            constant(call.args[0]) for call in code.find_methods("register_buffer", within=owner) if call.args
        }
        for node in ast.walk(owner):
            targets = node.targets if isinstance(node, ast.Assign) else []
            function = code.function_of(node)
            if function is None or function.name != "__init__":
                continue
            for target in targets:
                is_own = (
                    isinstance(target, ast.Attribute)
                    and is_self(target.value)
                    and re.search(r"running_|moving_", target.attr)
                )
                is_tensor = (
                    isinstance(node, ast.Assign)
                    and isinstance(node.value, ast.Call)
                    and code.is_torch(node.value, "zeros", "ones", "empty", "tensor", "full")
                )
                if (
                    is_own
                    and is_tensor
                    and isinstance(target, ast.Attribute)
                    and target.attr not in registered
                ):
                    yield Hit(node)


@register_rule(
    "mode-from-gradients",
    source="D-002-3",
    why="Training or evaluation is told by whether gradients are on: under no_grad a training network "
    "changes its ways, and an evaluated one with gradients learns its statistics.",
    fix="ask self.training",
)
def find_modes_by_gradients(code: Code) -> Iterator[Hit]:
    """torch.is_grad_enabled() decides in a layer."""
    for call in code.find_calls("is_grad_enabled"):
        owner = code.class_of(call)
        is_norm = owner is not None and (_is_batch_norm(owner) or "running_" in ast.unparse(owner))
        if is_norm and any(isinstance(one, ast.If | ast.IfExp) for one in code.parents(call)):
            yield Hit(call)


@register_rule(
    "momentum-convention",
    source="D-002-3",
    why="Momentum means the other side here: torch's 0.1 is the weight of the new batch, not of what was.",
    fix="running = (1 - momentum) * running + momentum * batch, with momentum 0.1",
)
def find_odd_momentum(code: Code) -> Iterator[Hit]:
    """momentum * running + (1 - momentum) * batch, with 0.1; or the reverse with 0.9."""
    for owner in _batch_norms(code):
        momentum = _find_default(owner, "momentum")
        if momentum is None:
            continue
        for node in ast.walk(owner):
            if not (isinstance(node, ast.Assign) and "running" in ast.unparse(node.targets[0])):
                continue
            text = ast.unparse(node.value).replace(" ", "")
            name = r"(self\.)?(momentum|momentum)"
            keeps = re.search(rf"(?<!-){name}\*self\.running|self\.running_\w+\*{name}", text)
            lets_in = re.search(
                rf"\(1(\.0)?-{name}\)\*self\.running|self\.running_\w+\*\(1(\.0)?-{name}\)", text
            )
            if (keeps and not lets_in and momentum < 0.5) or (lets_in and momentum > 0.5):
                yield Hit(node)


def _find_default(owner: ast.ClassDef, name: str) -> float | None:
    for node in ast.walk(owner):
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            arguments = [*node.args.posonlyargs, *node.args.args]
            for one, default in zip(reversed(arguments), reversed(node.args.defaults), strict=False):
                if one.arg == name:
                    return number(default)
        if (
            isinstance(node, ast.Assign)
            and ast.unparse(node.targets[0]) == f"self.{name}"
            and number(node.value) is not None
        ):
            return number(node.value)
    return None
