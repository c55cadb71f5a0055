"""What a training or evaluating loop forgets, or does once too often."""

import ast
import re
from collections.abc import Iterator

from loupe.linting.code import Code
from loupe.linting.loops import is_over_epochs
from loupe.linting.nodes import argument, constant, is_same, keyword, number
from loupe.linting.registry import register_rule
from loupe.linting.violation import Hit

_CHANGING = (
    "Dropout",
    "Dropout2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "LazyBatchNorm2d",
    "dropout",
)
_NO_GRADIENTS = ("no_grad", "inference_mode", "set_grad_enabled")


@register_rule(
    "no-eval-mode",
    why="The network is judged in training mode: dropout goes on, and batch norm uses, and moves with, the "
    "batch.",
    fix="model.eval() before the loop, model.train() before training goes on",
)
def find_missing_eval(code: Code) -> Iterator[Hit]:
    """An evaluating loop without model.eval(), of a network with dropout or batch norm."""
    is_changing = bool(code.find_calls(*_CHANGING)) or any(
        "torchvision.models" in one for one in code.imports.values()
    )
    if not is_changing:
        return
    for loop in code.loops.evaluating:
        if (
            not code.loops.is_done_around(loop, "eval")
            and not _is_set_by_train(code, loop)
            and not _is_sanity_look(code, loop)
        ):
            yield Hit(loop)


def _is_set_by_train(code: Code, loop: ast.For) -> bool:
    """Return whether train(False) or train(is_training) chooses the mode."""
    region = code.loops.find_region(loop)
    calls = [one for one in code.find_methods("train", within=region) if one.args]
    return bool(calls)


def _is_sanity_look(code: Code, loop: ast.For) -> bool:
    """Return whether the loop counts nothing: it collects no answers, or breaks off at once."""
    is_first_only = any(isinstance(one, ast.Break) for one in loop.body)
    has_sum = any(isinstance(one, ast.AugAssign) for one in ast.walk(loop)) or bool(
        code.find_methods("append", "extend", "update", within=loop)
    )
    return is_first_only or not has_sum


@register_rule(
    "no-train-mode",
    why="eval() is called in the loop over epochs and train() never after: from the second epoch on, it "
    "trains without dropout and with frozen batch norm.",
    fix="model.train() at the start of every epoch",
)
def find_missing_train(code: Code) -> Iterator[Hit]:
    """model.eval() inside the loop over epochs, and no model.train() there."""
    if not code.find_calls(*_CHANGING):
        return
    for loop in code.loops.training:
        epochs = next(
            (one for one in code.loops_of(loop) if isinstance(one, ast.For) and is_over_epochs(one)), None
        )
        if epochs is None:
            continue
        helpers = [
            one
            for call in ast.walk(epochs)
            if isinstance(call, ast.Call) and (one := code.functions.get(code.tail(call)))
        ]
        around = [epochs, *helpers]
        evals = [call for one in around for call in code.find_methods("eval", within=one)]
        trains = [call for one in around for call in code.find_methods("train", within=one)]
        if evals and not trains:
            yield Hit(loop)


@register_rule(
    "no-gradient-off",
    why="Gradients are kept while judging: memory for nothing, more with every batch if results are kept.",
    fix="with torch.no_grad(): around the loop (or torch.inference_mode())",
)
def find_missing_no_grad(code: Code) -> Iterator[Hit]:
    """An evaluating loop without torch.no_grad()."""
    for loop in code.loops.evaluating:
        inside = [code.tail(one) for one in ast.walk(loop) if isinstance(one, ast.Attribute | ast.Call)]
        if any(one in _NO_GRADIENTS for one in inside) or _is_sanity_look(code, loop):
            continue
        if not _is_without_gradients(code, loop) and not code.find_methods(
            "grad", "requires_grad_", within=loop
        ):
            yield Hit(loop)


def _is_without_gradients(code: Code, node: ast.AST) -> bool:
    for one in code.parents(node):
        if isinstance(one, ast.With | ast.AsyncWith) and any(
            _is_off(code, item.context_expr) for item in one.items
        ):
            return True
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
            if any(_is_off(code, decorator) for decorator in one.decorator_list):
                return True
            callers = [
                call
                for call in code.calls
                if code.tail(call) == one.name and code.function_of(call) is not one
            ]
            if callers and all(
                any(
                    isinstance(above, ast.With)
                    and any(_is_off(code, item.context_expr) for item in above.items)
                    for above in code.parents(call)
                )
                for call in callers
            ):
                return True
    return any(
        code.tail(call) == "set_grad_enabled" and code.loops.find_region(call) is code.loops.find_region(node)
        for call in code.calls
    )


def _is_off(code: Code, node: ast.expr) -> bool:
    return code.tail(node) in _NO_GRADIENTS


@register_rule(
    "no-zero-grad",
    why="Gradients are never put to zero: each step adds those of all the steps before.",
    fix="optimizer.zero_grad() before loss.backward()",
)
def find_missing_zero_grad(code: Code) -> Iterator[Hit]:
    """backward() and step() without zero_grad()."""
    text = ast.unparse(code.tree)
    if "zero_grad" in text or re.search(
        r"\.grad\s*=\s*None|\.grad\.zero_|set_to_none|\.grad\.data\.zero_", text
    ):
        return
    for loop in code.loops.training:
        calls = [one for one in code.find_methods("backward", within=loop) if not _is_distributed(code, one)]
        stepped = [
            one
            for one in code.find_methods("step", within=loop)
            if re.search(r"opt", ast.unparse(one.func).casefold())
        ]
        if calls and stepped:
            yield Hit(calls[0])


def _is_distributed(code: Code, call: ast.Call) -> bool:
    """Return whether it is torch.distributed.autograd's: gradients are kept by context, none is left over."""
    return code.dotted(call.func).startswith("torch.distributed.")


@register_rule(
    "loss-keeps-graph",
    why="The loss is kept as a tensor with its history: memory grows with every batch.",
    fix="add loss.item()",
)
def find_kept_graphs(code: Code) -> Iterator[Hit]:
    """total += loss, where loss is what backward() was called on."""
    for loop in code.loops.training:
        trained = {
            ast.unparse(call.func.value)
            for call in code.find_methods("backward", within=loop)
            if isinstance(call.func, ast.Attribute)
        }
        for node in ast.walk(loop):
            if (
                isinstance(node, ast.AugAssign)
                and ast.unparse(node.value) in trained
                and ast.unparse(node.target) not in trained
            ):
                yield Hit(node)
            is_kept = (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "append"
            )
            if is_kept and isinstance(node, ast.Call) and node.args and ast.unparse(node.args[0]) in trained:
                yield Hit(node)


@register_rule(
    "one-epoch-more",
    source="D-004-5",
    why="range(n + 1) from 0 makes one epoch more than the text says.",
    fix="range(n), or range(1, n + 1)",
)
def find_one_more_epoch(code: Code) -> Iterator[Hit]:
    """for epoch in range(num_epochs + 1)."""
    for node in code.nodes:
        if not (
            isinstance(node, ast.For)
            and isinstance(node.target, ast.Name)
            and "epoch" in node.target.id.casefold()
        ):
            continue
        call = node.iter
        if not (
            isinstance(call, ast.Call) and code.tail(call) in ("range", "trange") and len(call.args) == 1
        ):
            continue
        end = call.args[0]
        if (
            isinstance(end, ast.BinOp)
            and isinstance(end.op, ast.Add)
            and constant(end.right) == 1
            and code.trains
        ):
            yield Hit(node)


@register_rule(
    "uneven-windows",
    source="D-004-5",
    why="Early stopping compares windows of unequal length: before twice the window the earlier one is "
    "short or empty, and its mean is NaN.",
    fix="start when two whole windows are there: if epoch >= 2 * window",
)
def find_uneven_windows(code: Code) -> Iterator[Hit]:
    """mean(losses[-40:-20]) looked at before epoch 40."""
    for node in code.nodes:
        if not (isinstance(node, ast.Slice) and node.lower is not None and node.upper is not None):
            continue
        low, high = number(code.resolve(node.lower)), number(code.resolve(node.upper))
        if low is None or high is None or not (low < high < 0):
            continue
        needed = -low
        guards = [
            one
            for above in code.parents(node)
            if isinstance(above, ast.If)
            for one in ast.walk(above.test)
            if isinstance(one, ast.Compare)
        ]
        limits = [
            value
            for guard in guards
            for side in (guard.left, *guard.comparators)
            if (value := number(code.resolve(side))) is not None
        ]
        if (
            limits
            and max(limits) < needed - 1
            and any(isinstance(one, ast.For) for one in code.loops_of(node))
        ):
            yield Hit(node)


@register_rule(
    "rate-not-used",
    source="D-003-4",
    why="OneCycleLR sets the learning rate from max_lr: the rate that the optimizer was given is never used.",
    fix="give the optimizer the same rate as max_lr, and report that one",
)
def find_unused_rates(code: Code) -> Iterator[Hit]:
    """An optimizer's rate that differs from its one-cycle schedule's."""
    for call in code.find_calls("OneCycleLR"):
        rate, optimizer = argument(call, 1, "max_lr"), argument(call, 0, "optimizer")
        made = code.resolve(optimizer) if optimizer is not None else None
        given = argument(made, 1, "lr") if isinstance(made, ast.Call) else None
        if rate is None or given is None or is_same(rate, given):
            continue
        values = [number(code.resolve(one)) for one in (rate, given)]
        if None not in values and values[0] != values[1] and not _is_start(call, values):
            yield Hit(given)


def _is_start(call: ast.Call, values: list[float | None]) -> bool:
    """Return whether the optimizer's rate is where the cycle starts."""
    factor = number(keyword(call, "div_factor")) or 25.0
    top, given = values
    return top is not None and given is not None and abs(given * factor - top) < 1e-9 * abs(top) + 1e-12
