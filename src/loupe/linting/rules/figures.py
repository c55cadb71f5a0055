"""Figures and tables that show something else than they say."""

import ast
import re
from collections.abc import Iterator

from loupe.linting.code import Code
from loupe.linting.nodes import constant, is_same, keyword, names_in, number
from loupe.linting.registry import register_rule
from loupe.linting.violation import Hit


def _read_range(code: Code, loop: ast.For) -> tuple[str, ast.expr] | None:
    """Return counter and end of `for i in range(n)`."""
    call = loop.iter
    if (
        isinstance(loop.target, ast.Name)
        and isinstance(call, ast.Call)
        and code.tail(call) == "range"
        and len(call.args) == 1
    ):
        return loop.target.id, call.args[0]
    return None


@register_rule(
    "grid-index",
    source="D-002-6",
    why="The picture's number is row * rows + column: with other than square grids, channels are repeated "
    "and others never shown.",
    fix="row * columns + column",
)
def find_wrong_grid_index(code: Code) -> Iterator[Hit]:
    """maps[i * rows + j] in loops over rows and columns."""
    for outer in code.nodes:
        if not isinstance(outer, ast.For) or (rows := _read_range(code, outer)) is None:
            continue
        for inner in ast.walk(outer):
            if (
                inner is outer
                or not isinstance(inner, ast.For)
                or (columns := _read_range(code, inner)) is None
            ):
                continue
            if is_same(code.resolve(rows[1]), code.resolve(columns[1])) or is_same(rows[1], columns[1]):
                continue
            for node in ast.walk(inner):
                if (
                    isinstance(node, ast.BinOp)
                    and isinstance(node.op, ast.Add)
                    and _is_by_rows(node, rows, columns[0])
                ):
                    yield Hit(node)


def _is_by_rows(node: ast.BinOp, rows: tuple[str, ast.expr], column: str) -> bool:
    """Return whether a sum is `i * rows + j`."""
    for product, rest in ((node.left, node.right), (node.right, node.left)):
        if not (isinstance(rest, ast.Name) and rest.id == column):
            continue
        if isinstance(product, ast.BinOp) and isinstance(product.op, ast.Mult):
            for one, other in ((product.left, product.right), (product.right, product.left)):
                if isinstance(one, ast.Name) and one.id == rows[0] and is_same(other, rows[1]):
                    return True
    return False


@register_rule(
    "chained-children",
    source="D-004-4",
    why="Child modules are called one after the other: activations that forward applies as functions are "
    "skipped, so these are not the network's maps.",
    fix="register a forward hook on the layer, and run the whole network",
)
def find_chained_children(code: Code) -> Iterator[Hit]:
    """for layer in model.children(): x = layer(x), where forward has F.relu."""
    is_functional = any(
        code.is_torch(one, "relu", "gelu", "leaky_relu", "max_pool2d", "tanh", "elu", "silu")
        for owner in code.networks.classes
        if (forward := code.networks.find_forward(owner)) is not None
        for one in ast.walk(forward)
        if isinstance(one, ast.Call)
    )
    if not is_functional:
        return
    for loop in code.nodes:
        if not isinstance(loop, ast.For) or not _is_over_layers(code, loop.iter):
            continue
        layers = {one.id for one in ast.walk(loop.target) if isinstance(one, ast.Name)}
        for node in ast.walk(loop):
            if not (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in layers
                and node.args
            ):
                continue
            statement = code.statement_of(node)
            targets = statement.targets if isinstance(statement, ast.Assign) else []
            if any(names_in(target) & names_in(node.args[0]) for target in targets) or _is_of_last(
                code, node
            ):
                yield Hit(node)


def _is_of_last(code: Code, call: ast.Call) -> bool:
    """Return whether a layer is applied to what the one before gave: results[-1]."""
    argument = call.args[0]
    return isinstance(argument, ast.Subscript) and constant(argument.slice) == -1


def _is_over_layers(code: Code, node: ast.expr, depth: int = 4) -> bool:
    value = code.resolve(node)
    if depth and isinstance(value, ast.Call):
        if code.tail(value) in ("children", "named_children", "modules", "named_modules"):
            return True
        return (
            bool(value.args)
            and code.tail(value) in ("list", "enumerate")
            and _is_over_layers(code, value.args[0], depth - 1)
        )
    if depth and isinstance(value, ast.ListComp):
        return _is_over_layers(code, value.generators[0].iter, depth - 1)
    if depth and isinstance(value, ast.Subscript):
        return _is_over_layers(code, value.value, depth - 1)
    if isinstance(value, ast.List) and not value.elts and isinstance(node, ast.Name):
        fills = [
            one
            for one in code.find_methods("append")
            if isinstance(one.func, ast.Attribute) and is_same(_load(one.func.value), _load(node))
        ]
        return any(
            _is_over_layers(code, loop.iter, depth - 1)
            for one in fills
            for loop in code.loops_of(one)
            if isinstance(loop, ast.For)
        )
    if isinstance(value, ast.List) and value.elts:
        return all(
            isinstance(one, ast.Attribute) and code.networks.is_network(one.value) for one in value.elts
        )
    return False


def _load(node: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(node), mode="eval").body


@register_rule(
    "scale-per-filter",
    source="D-004-18",
    why="Every filter is drawn with a grey scale of its own: a shade means another weight in each picture.",
    fix="one scale for all: limit = weight.abs().max(); imshow(filter, vmin=-limit, vmax=limit)",
)
def find_scales_per_filter(code: Code) -> Iterator[Hit]:
    """imshow of filters in a loop without vmin and vmax."""
    for call in code.find_methods("imshow"):
        has_limits = keyword(call, "vmin") is not None or keyword(call, "norm") is not None
        is_open = any(word.arg is None for word in call.keywords)
        if has_limits or is_open or not call.args or not code.loops_of(call):
            continue
        if _is_of_weights(code, call.args[0]) and not _is_scaled(code, call.args[0]):
            yield Hit(call)


def _is_of_weights(code: Code, node: ast.expr, depth: int = 5) -> bool:
    if any(isinstance(one, ast.Attribute) and one.attr == "weight" for one in ast.walk(node)):
        return True
    if not depth:
        return False
    for one in ast.walk(node):
        if isinstance(one, ast.Name):
            for bound in code.bindings(one):
                if (
                    bound.value is not None
                    and bound.how in ("is", "item")
                    and one.id not in names_in(bound.value)
                ) and _is_of_weights(code, bound.value, depth - 1):
                    return True
    return False


def _is_scaled(code: Code, node: ast.expr) -> bool:
    """Return whether weights were brought to one scale before they are drawn."""
    for one in ast.walk(node):
        if isinstance(one, ast.Name):
            values = [bound.value for bound in code.all_bindings(one) if bound.value is not None]
            if any("max()" in ast.unparse(value) or "make_grid" in ast.unparse(value) for value in values):
                return True
            inner = [
                name
                for value in values
                for name in ast.walk(value)
                if isinstance(name, ast.Name) and name.id != one.id
            ]
            if any(
                "max()" in ast.unparse(bound.value)
                for name in inner
                for bound in code.all_bindings(name)
                if bound.value is not None
            ):
                return True
    return "max()" in ast.unparse(node) or "make_grid" in ast.unparse(node)


@register_rule(
    "colour-by-rank",
    source="D-003-8",
    why="Bars are coloured by rank: the lowest is red however high it is.",
    fix="one colour for all, with intervals; or colour by a threshold that was set before",
)
def find_colours_by_rank(code: Code) -> Iterator[Hit]:
    """The lowest bar red, the highest green, whatever the values."""
    for call in code.find_methods("bar", "barh"):
        colour = keyword(call, "color", "colors")
        value = code.resolve(colour) if colour is not None else None
        if value is None:
            continue
        text = ast.unparse(value)
        is_extreme = isinstance(value, ast.ListComp) and re.search(
            r"(==|<=|>=)\s*(np\.)?(min|max)\(|(np\.)?(min|max)\([\w.\[\]]*\)\s*(==|<=|>=)|argmin|argmax", text
        )
        is_ramp = re.search(r"(RdYlGn|RdYlBu|coolwarm|Reds|get_cmap)", text) and "linspace" in text
        if is_extreme or is_ramp:
            yield Hit(call)


@register_rule(
    "fixed-count",
    source="D-003-9",
    why="Pairs of classes count as confused above a fixed number of images: on a test set of another size "
    "it means something else.",
    fix="compare shares of the row: matrix / matrix.sum(1, keepdims=True)",
)
def find_fixed_counts(code: Code) -> Iterator[Hit]:
    """confusion[i, j] > 50."""
    for node in code.nodes:
        if not (
            isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Gt | ast.GtE)
        ):
            continue
        limit = number(node.comparators[0])
        base = node.left
        while isinstance(base, ast.Subscript | ast.Attribute) and not _is_confusion(base):
            base = base.value
        if (
            limit is not None
            and limit >= 2
            and limit == int(limit)
            and _is_confusion(base)
            and not _is_share(code, base)
        ):
            is_colour = isinstance(code.parent(node), ast.IfExp)
            if not is_colour:
                yield Hit(node)


def _is_confusion(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return bool(re.fullmatch(r"cm|conf(usion)?(_?(mat(rix)?|counts))?|confusions?", name.casefold()))


def _is_share(code: Code, node: ast.expr) -> bool:
    value = code.resolve(node)
    return "normalize=" in ast.unparse(value) or isinstance(value, ast.BinOp)


@register_rule(
    "per-sample-loop",
    source="D-003-3",
    why="Answers are counted image by image in Python: minutes for what one comparison of tensors does.",
    fix="torch.bincount(labels[predicted == labels], minlength=num_classes)",
)
def find_loops_over_samples(code: Code) -> Iterator[Hit]:
    """for i in range(len(labels)) inside a loop over batches."""
    for loop in code.loops.evaluating:
        for node in ast.walk(loop):
            if node is loop or not isinstance(node, ast.For) or _read_range(code, node) is None:
                continue
            text = ast.unparse(node.iter)
            is_batch = re.search(
                r"len\(\w*(label|target|y|pred|image)\w*\)|\.size\(0\)|batch_size|shape\[0\]", text
            )
            counts = any(
                isinstance(one, ast.AugAssign) and isinstance(one.target, ast.Subscript)
                for one in ast.walk(node)
            )
            if is_batch and counts:
                yield Hit(node)
