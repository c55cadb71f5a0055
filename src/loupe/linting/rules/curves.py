"""Curves over epochs that stand at the wrong epochs."""

import ast
from collections.abc import Iterator

from loupe.linting.code import Code
from loupe.linting.nodes import constant, keyword, number
from loupe.linting.registry import register_rule
from loupe.linting.violation import Hit


@register_rule(
    "misaligned-smoothing",
    source="D-000-4",
    why='A smoothed curve of mode "valid" is shorter than its epochs: drawn from 0 it stands too far to the'
    " left.",
    fix="plot it over the middle of its windows: range(window // 2, window // 2 + len(smooth))",
)
def find_misaligned_smoothing(code: Code) -> Iterator[Hit]:
    """plt.plot(np.convolve(x, kernel, mode="valid"))."""
    for call in code.find_methods("plot"):
        drawn = (
            call.args[:1]
            if len(call.args) == 1 or isinstance(constant(call.args[1] if len(call.args) > 1 else None), str)
            else []
        )
        for node in drawn:
            value = code.resolve(node)
            if isinstance(value, ast.Call) and code.tail(value) == "convolve":
                mode = constant(keyword(value, "mode")) or (
                    constant(value.args[2]) if len(value.args) > 2 else None
                )
                if mode == "valid":
                    yield Hit(call)


@register_rule(
    "hard-wired-epochs",
    source="D-000-4",
    why="The last 20 epochs are drawn whatever there are: a shorter training ends in an error.",
    fix="take what is there: values[-20:], and range(len(values) - len(tail), len(values))",
)
def find_hard_wired_epochs(code: Code) -> Iterator[Hit]:
    """plt.plot(range(n - 20, n), values[-20:])."""
    for call in code.find_methods("plot"):
        if len(call.args) < 2:
            continue
        x, y = code.resolve(call.args[0]), code.resolve(call.args[1])
        span = (
            code.resolve(x.args[0])
            if isinstance(x, ast.Call) and code.tail(x) in ("range", "arange") and len(x.args) == 2
            else None
        )
        cut = (
            number(y.slice.lower) if isinstance(y, ast.Subscript) and isinstance(y.slice, ast.Slice) else None
        )
        if (
            isinstance(span, ast.BinOp)
            and isinstance(span.op, ast.Sub)
            and cut is not None
            and number(span.right) == -cut
            and "len(" not in ast.unparse(span.right)
        ):
            yield Hit(call)
