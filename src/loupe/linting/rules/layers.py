"""Layers written by hand."""

import ast
import itertools
import re
from collections.abc import Iterator

from loupe.linting.code import Code
from loupe.linting.nodes import Function, is_self
from loupe.linting.registry import register_rule
from loupe.linting.violation import Hit

_VIEWS = (
    "view",
    "reshape",
    "transpose",
    "permute",
    "squeeze",
    "unsqueeze",
    "narrow",
    "select",
    "expand_as",
    "t",
)


@register_rule(
    "bias-axis",
    source="D-002-1",
    why="The bias is added along the positions, not the filters: an error, or silently wrong where both are"
    " as many.",
    fix="give it its axis: bias.view(1, -1, 1)",
)
def find_bias_axis(code: Code) -> Iterator[Hit]:
    """weight @ columns + bias, in a convolution of one's own."""
    for owner in code.networks.classes:
        forward = code.networks.find_forward(owner)
        if forward is None or "conv" not in owner.name.casefold():
            continue
        for node in ast.walk(forward):
            added, bias = _read_addition(node)
            if added is None or bias is None or not _is_plain_bias(code, bias):
                continue
            if _has_weight_first(code, added):
                yield Hit(node)


def _read_addition(node: ast.AST) -> tuple[ast.expr | None, ast.expr | None]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return node.left, node.right
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
        return node.target, node.value
    return None, None


def _is_plain_bias(code: Code, node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and is_self(node.value)
        and node.attr == "bias"
        and not any(
            isinstance(value, ast.Call) and _is_shaped(code, value)
            for owner in [code.class_of(node)]
            if owner
            for value in code.attribute_values(owner, "bias")
        )
    )


def _is_shaped(code: Code, value: ast.Call) -> bool:
    """Return whether a parameter is made with axes for broadcasting: zeros(1, n, 1)."""
    return any(
        isinstance(one, ast.Call)
        and len(one.args) > 1
        and code.is_torch(one, "zeros", "randn", "empty", "rand")
        for one in ast.walk(value)
    )


def _has_weight_first(code: Code, node: ast.expr) -> bool:
    """Return whether a product has the weights on the left, so that its last axis is positions."""
    if isinstance(node, ast.Name):
        before = [
            one
            for one in code.all_bindings(node)
            if one.how == "is" and getattr(one.node, "lineno", 0) <= node.lineno and one.value is not None
        ]
        values = [
            one.value
            for one in before
            if one.value is not None and not any(one2 is node for one2 in ast.walk(one.value))
        ]
        return bool(values) and _has_weight_first(code, values[-1])
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return _is_weight(code, node.left)
    if isinstance(node, ast.Call):
        if code.is_torch(node, "matmul", "bmm", "mm") and node.args:
            return _is_weight(code, node.args[0])
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("matmul", "mm", "bmm"):
            return _is_weight(code, node.func.value)
    return False


def _is_weight(code: Code, node: ast.expr) -> bool:
    text = ast.unparse(code.resolve(node) if isinstance(node, ast.Name) else node)
    return bool(re.search(r"self\.(weights?|kernels?|filters?|w)\b", text, re.IGNORECASE))


@register_rule(
    "seed-in-layer",
    source="D-002-2",
    why="The layer seeds the global generator: layers of one shape get identical weights, and every later "
    "draw is disturbed.",
    fix="seed once, at the start of the script; a layer of its own generator if it must",
)
def find_seeding_layers(code: Code) -> Iterator[Hit]:
    """torch.manual_seed in a layer's constructor or forward."""
    for call in code.find_calls("manual_seed", "seed"):
        owner = code.class_of(call)
        if (
            owner is not None
            and code.networks.is_module(owner)
            and code.tail(call) == "manual_seed"
            and _is_global(code, call)
        ):
            function = code.function_of(call)
            if function is not None and function.name in ("__init__", "forward", "reset_parameters"):
                yield Hit(call)


def _is_global(code: Code, call: ast.Call) -> bool:
    return code.dotted(call.func) in (
        "torch.manual_seed",
        "torch.random.manual_seed",
        "torch.cuda.manual_seed",
    )


@register_rule(
    "residual-after-relu",
    source="C10",
    why="The shortcut is added behind the last ReLU and nothing comes after: a residual block adds first, "
    "then applies it.",
    fix="out = F.relu(out + shortcut)",
)
def find_late_residuals(code: Code) -> Iterator[Hit]:
    """relu(bn(conv(x))) + shortcut, returned as it is."""
    for owner in code.networks.classes:
        forward = code.networks.find_forward(owner)
        norms = any(re.search("norm|bn", name.casefold()) for name, _ in code.list_attributes(owner))
        if forward is None or not norms:
            continue
        for node in ast.walk(forward):
            if not (isinstance(node, ast.Return) and node.value is not None):
                continue
            value = _last_value(code, node.value)
            if value is not None and _adds_after_relu(code, value, forward):
                yield Hit(value)


def _last_value(code: Code, node: ast.expr) -> ast.expr | ast.AugAssign | None:
    """Return what is returned: an addition, of a name or at once, or `out += shortcut`."""
    if not isinstance(node, ast.Name):
        return node
    bound = [one for one in code.all_bindings(node) if getattr(one.node, "lineno", 0) < node.lineno]
    if not bound:
        return None
    last = max(bound, key=lambda one: getattr(one.node, "lineno", 0))
    return last.node if isinstance(last.node, ast.AugAssign) else last.value


def _adds_after_relu(code: Code, node: ast.expr | ast.AugAssign, forward: Function) -> bool:
    added, other = _read_addition(node)
    if added is None or other is None:
        return False
    texts = [ast.unparse(one) for one in (added, other)]
    if not any(re.search(r"shortcut|identity|residual|skip|downsample|\bx\b|res\b", text) for text in texts):
        return False
    value = added
    if isinstance(added, ast.Name):
        before = [
            one.value
            for one in code.all_bindings(added)
            if one.how == "is" and one.value is not None and getattr(one.node, "lineno", 0) < node.lineno
        ]
        value = before[-1] if before else added
    return isinstance(value, ast.Call) and "relu" in code.tail(value).casefold()


@register_rule(
    "in-place-on-view",
    source="D-002-8",
    why="An addition in place into a view changes what it is a view of: the input of the layer, for "
    "everybody.",
    fix="make a new tensor: out = out + bias",
)
def find_view_additions(code: Code) -> Iterator[Hit]:
    """y = x.view(…); y += bias, where x was handed in."""
    for owner in code.networks.classes:
        forward = code.networks.find_forward(owner)
        given = {one.arg for one in forward.args.args[1:]} if forward is not None else set()
        for node in ast.walk(forward) if forward is not None else ():
            if not (isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)):
                continue
            before = [
                one
                for one in code.all_bindings(node.target)
                if one.how == "is" and getattr(one.node, "lineno", 0) < node.lineno
            ]
            value = before[-1].value if before else None
            if (
                isinstance(value, ast.Call)
                and isinstance(value.func, ast.Attribute)
                and value.func.attr in _VIEWS
            ):
                base: ast.expr = value
                while (
                    isinstance(base, ast.Call)
                    and isinstance(base.func, ast.Attribute)
                    and base.func.attr in _VIEWS
                ):
                    base = base.func.value
                rebound = (
                    [one for one in code.all_bindings(base) if one.how != "parameter"]
                    if isinstance(base, ast.Name)
                    else []
                )
                if isinstance(base, ast.Name) and base.id in given and not rebound:
                    yield Hit(node)


@register_rule(
    "compare-with-none",
    source="D-002-8",
    why="A tensor is compared with None by value; `is` asks what is meant.",
    fix="bias is not None",
)
def find_none_comparisons(code: Code) -> Iterator[Hit]:
    """bias != None in a layer."""
    for owner in code.networks.classes:
        for node in ast.walk(owner):
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
                sides = [node.left, *node.comparators]
                if any(isinstance(one, ast.Constant) and one.value is None for one in sides):
                    yield Hit(node)


@register_rule(
    "unreachable-code",
    source="D-002-8",
    why="This is never reached: a return stands before it.",
    fix="take one of the two out",
)
def find_unreachable_code(code: Code) -> Iterator[Hit]:
    """A statement behind a return, in a layer."""
    for owner in code.networks.classes:
        for node in ast.walk(owner):
            body = getattr(node, "body", None)
            for statements in (body, getattr(node, "orelse", None)):
                if not isinstance(statements, list):
                    continue
                for before, after in itertools.pairwise(statements):
                    if isinstance(before, ast.Return) and not isinstance(after, Function | ast.ClassDef):
                        yield Hit(after)
