"""How losses and accuracies are added up and divided."""

import ast
import re
from collections.abc import Iterator

from loupe.linting.code import Code
from loupe.linting.nodes import constant, keyword, names_in, number
from loupe.linting.registry import register_rule
from loupe.linting.roles import role_of_name
from loupe.linting.violation import Hit

_RIGHT = re.compile(r"correct|right|hits|acc|matches")
_MIXING = re.compile(r"mix_?up|cut_?mix|mixed")


def _find_sums(code: Code, loop: ast.For) -> Iterator[tuple[ast.AugAssign, str]]:
    """Yield what is added up in a loop, with the name of the sum."""
    for node in ast.walk(loop):
        if (
            isinstance(node, ast.AugAssign)
            and isinstance(node.op, ast.Add)
            and isinstance(node.target, ast.Name | ast.Attribute)
        ):
            yield node, ast.unparse(node.target)


def _is_mean_loss(code: Code, value: ast.expr) -> bool:
    """Return whether what is added is the mean loss of a batch, not times its size."""
    call = code.loops.find_loss(value)
    return call is not None and code.loops.find_reduction(call) == "mean"


@register_rule(
    "mean-of-batch-means",
    source="D-003-5",
    why="The means of batches are averaged: the last batch is smaller, and its images count for more.",
    fix="add loss.item() * images.size(0), and divide by the number of images",
)
def find_means_of_means(code: Code) -> Iterator[Hit]:
    """Evaluation loss added batch by batch and divided by len(loader)."""
    for loop in code.loops.evaluating:
        for node, name in _find_sums(code, loop):
            if not _is_mean_loss(code, node.value):
                continue
            for division, by in code.loops.find_divisions(name, code.loops.find_region(loop)):
                if code.loops.is_num_batches(by):
                    yield Hit(division)


@register_rule(
    "loss-shrinks-with-batches",
    source="D-004-11",
    why="Means of batches are added and divided by the number of images: the loss falls with the batch "
    "size, whatever the network.",
    fix="add loss.item() * images.size(0), or divide by the number of batches",
)
def find_sums_over_images(code: Code) -> Iterator[Hit]:
    """Mean losses of batches, divided by the number of images."""
    for loop in [*code.loops.evaluating, *code.loops.training]:
        for node, name in _find_sums(code, loop):
            if not _is_mean_loss(code, node.value):
                continue
            for division, by in code.loops.find_divisions(name, code.loops.find_region(loop)):
                if code.loops.is_num_images(by, loop):
                    yield Hit(division)


@register_rule(
    "divides-by-full-batches",
    source="D-004-7",
    why="Correct answers are divided by batches times their size: the last batch is smaller, so 100 % is "
    "out of reach.",
    fix="count the images: total += labels.size(0), or len(loader.dataset)",
)
def find_full_batches(code: Code) -> Iterator[Hit]:
    """correct / (len(loader) * batch_size)."""
    if any(constant(keyword(call, "drop_last")) is True for call in code.calls):
        return
    for node in code.nodes:
        if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)):
            continue
        by = code.resolve(node.right)
        is_product = isinstance(by, ast.BinOp) and isinstance(by.op, ast.Mult)
        if (
            not is_product
            or not isinstance(by, ast.BinOp)
            or not _RIGHT.search(ast.unparse(node.left).casefold())
        ):
            continue
        for one, other in ((by.left, by.right), (by.right, by.left)):
            size = number(code.resolve(other))
            is_size = (size is not None and size > 1) or "batch" in ast.unparse(other).casefold()
            if code.loops.is_num_batches(one) and is_size:
                yield Hit(node)


@register_rule(
    "accuracy-of-batch-means",
    source="D-004-15",
    why="Accuracies of batches are averaged: with a smaller last batch the result is a share of nothing.",
    fix="add up correct answers and images, and divide once",
)
def find_averaged_accuracies(code: Code) -> Iterator[Hit]:
    """Accuracy of evaluation as the mean of batches' accuracies."""
    for loop in code.loops.evaluating:
        for node, name in _find_sums(code, loop):
            value = code.resolve(_strip(node.value))
            value = _strip(value)
            is_mean = (
                isinstance(value, ast.Call)
                and isinstance(value.func, ast.Attribute)
                and value.func.attr == "mean"
            )
            if not is_mean or not any(
                isinstance(one, ast.Compare) or "eq" in getattr(one, "attr", "") for one in ast.walk(value)
            ):
                continue
            for division, by in code.loops.find_divisions(name, code.loops.find_region(loop)):
                if code.loops.is_num_batches(by):
                    yield Hit(division)


def _strip(node: ast.expr) -> ast.expr:
    while (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("item", "cpu", "numpy")
    ):
        node = node.func.value
    return node


@register_rule(
    "mixup-accuracy",
    source="D-000-3, D-X-2",
    why="Answers to mixed images are counted against the labels of one of the two: the accuracy says "
    "nothing.",
    fix="count lam * (predicted == a) + (1 - lam) * (predicted == b), or measure on clean images",
)
def find_mixup_accuracy(code: Code) -> Iterator[Hit]:
    """Training accuracy of MixUp or CutMix against unmixed labels."""
    for loop in code.loops.training:
        mixes = [one for one in ast.walk(loop) if _is_mix(code, one)]
        if not mixes or _may_be_clean(code, mixes):
            continue
        for node in ast.walk(loop):
            if not _is_count(node):
                continue
            statement = code.statement_of(node)
            text = ast.unparse(statement) if statement is not None else ""
            if not re.search(r"\blam\b|lambda_|\blmbda\b|\blmd\b|\bratio\b", text):
                yield Hit(node)
                break


def _is_mix(code: Code, node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return bool(_MIXING.search(code.tail(node).casefold())) and not re.search(
            "criterion|loss", code.tail(node)
        )
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)):
        return False
    text = ast.unparse(node).replace(" ", "")
    return bool(re.fullmatch(r"(\w+)\*\w+\+\(1(\.0)?-\1\)\*\w+\[[\w:,]+\]", text))


def _may_be_clean(code: Code, mixes: list[ast.AST]) -> bool:
    """Return whether accuracy is taken in an `else` of the mixing."""
    return all(any(isinstance(one, ast.If) and one.orelse for one in code.parents(mix)) for mix in mixes)


def _is_count(node: ast.AST) -> bool:
    """Return whether predictions are compared with labels."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):
        text = ast.unparse(node).casefold()
        return bool(re.search(r"pred|argmax|output|guess", text)) and bool(
            re.search(r"label|target|\by\b", text)
        )
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "eq":
        return bool(re.search(r"pred", ast.unparse(node.func.value).casefold()))
    return False


@register_rule(
    "running-train-accuracy",
    source="D-X-2",
    why="Training accuracy is counted while weights move, under dropout or augmentation; less test accuracy"
    " it is no over-fitting.",
    fix="measure training accuracy as the other one: model.eval(), no augmentation, weights still",
)
def find_running_gaps(code: Code) -> Iterator[Hit]:
    """Train accuracy minus test accuracy, where the first was counted during training."""
    for node in code.nodes:
        if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub)):
            continue
        left, right = (_accuracy_role(one) for one in (node.left, node.right))
        named = {left, right}
        if "train" in named and named & {"test", "validation"}:
            train = node.left if left == "train" else node.right
            if _is_counted_in_training(code, train):
                yield Hit(node)


def _accuracy_role(node: ast.expr) -> str | None:
    text = ast.unparse(node)
    if len(text) > 80 or "acc" not in text.casefold():
        return None
    names = [getattr(one, "id", getattr(one, "attr", "")) for one in ast.walk(node)]
    names += [str(constant(one)) for one in ast.walk(node) if isinstance(constant(one), str)]
    return next((role for name in names if name and (role := role_of_name(name))), None)


def _is_counted_in_training(code: Code, node: ast.expr, depth: int = 4) -> bool:
    """Return whether an accuracy, or the list it is kept in, comes from a function or loop that trains."""
    for one in ast.walk(node):
        if isinstance(one, ast.Call):
            function = code.functions.get(code.tail(one))
            if function is not None and code.find_methods("backward", within=function):
                return True
        if isinstance(one, ast.Name) and _is_name_of_training(code, one, depth):
            return True
    return False


def _is_name_of_training(code: Code, name: ast.Name, depth: int) -> bool:
    bound = code.all_bindings(name)
    if any(one.how == "changed" and _is_in_training(code, one.node) for one in bound):
        return True
    sources = [one.value for one in bound if one.value is not None and one.how != "changed"]
    sources += [
        call.args[0]
        for call in code.find_methods("append")
        if call.args and isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == name.id
    ]
    return depth > 0 and any(
        _is_counted_in_training(code, source, depth - 1)
        for source in sources
        if name.id not in names_in(source)
    )


def _is_in_training(code: Code, node: ast.AST) -> bool:
    return any(loop in code.loops.training for loop in code.loops_of(node))
