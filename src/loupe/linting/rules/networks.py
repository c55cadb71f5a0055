"""How networks are put together, shared and saved."""

import ast
import re
from collections.abc import Iterator

from loupe.linting.code import Code
from loupe.linting.nodes import argument, constant, is_self, keyword, names_in, number
from loupe.linting.registry import register_rule
from loupe.linting.violation import Hit

_SAME_WIDTH = (
    *("ReLU", "relu", "GELU", "gelu", "SiLU", "LeakyReLU", "leaky_relu", "ELU", "elu", "Tanh", "tanh"),
    *(
        "Sigmoid",
        "sigmoid",
        "Softmax",
        "softmax",
        "log_softmax",
        "Dropout",
        "dropout",
        "Dropout2d",
        "Identity",
    ),
    *(
        "BatchNorm1d",
        "BatchNorm2d",
        "LayerNorm",
        "GroupNorm",
        "MaxPool2d",
        "max_pool2d",
        "AvgPool2d",
        "avg_pool2d",
    ),
    *("AdaptiveAvgPool2d", "AdaptiveMaxPool2d", "LogSoftmax", "Hardtanh", "PReLU"),
)
_PARTS = ("encoder", "backbone", "features", "feature_extractor", "body", "trunk")


def _read_widths(code: Code, layer: ast.Call) -> tuple[float | None, float | None, str] | None:
    """Return what goes in and out of a layer, and its kind; None of what changes no width."""
    if code.is_torch(layer, "Linear"):
        return _number(code, layer, 0, "in_features"), _number(code, layer, 1, "out_features"), "linear"
    if code.is_torch(layer, "Conv2d", "ConvTranspose2d"):
        return _number(code, layer, 0, "in_channels"), _number(code, layer, 1, "out_channels"), "conv"
    return None


def _number(code: Code, call: ast.Call, index: int, name: str) -> float | None:
    found = argument(call, index, name)
    return number(code.resolve(found)) if found is not None else None


@register_rule(
    "widths-do-not-chain",
    source="D-004-2, D-004-3",
    why="The layer does not take what the one before gives: the first image ends in an error.",
    fix="let in_features (in_channels) be what comes out of the layer before",
)
def find_broken_chains(code: Code) -> Iterator[Hit]:
    """Linear(120, 84) followed by Linear(20, 10), in a Sequential or a forward."""
    for row in code.find_calls("Sequential"):
        layers = [code.resolve(one) for one in row.args if not isinstance(one, ast.Starred)]
        yield from _follow(
            code, [one for one in layers if isinstance(one, ast.Call)], len(layers) == len(row.args)
        )
    for owner in code.networks.classes:
        yield from _follow_forward(code, owner)


def _follow(code: Code, layers: list[ast.Call], is_whole: bool) -> Iterator[Hit]:
    width, kind = None, ""
    for layer in layers if is_whole else ():
        widths = _read_widths(code, layer)
        if widths is None:
            if not code.is_torch(layer, *_SAME_WIDTH):
                width = None
            continue
        if width is not None and widths[2] == kind and widths[0] is not None and widths[0] != width:
            yield Hit(
                layer,
                f"The layer takes {widths[0]:g} and the one before gives {width:g}: "
                "the first image ends in an error.",
            )
        _, width, kind = widths


def _follow_forward(code: Code, owner: ast.ClassDef) -> Iterator[Hit]:
    """Follow one value through `x = F.relu(self.fc1(x))`, as long as nothing else happens to it."""
    forward = code.networks.find_forward(owner)
    if forward is None:
        return
    layers: dict[str, ast.Call | None] = {}
    for name, value in code.list_attributes(owner):
        layers[name] = None if name in layers or not isinstance(value, ast.Call) else value
    row: list[ast.Call] = []
    current = ""
    for statement in forward.body:
        given = statement.value if isinstance(statement, ast.Assign | ast.Return) else None
        calls, name = _unwrap(code, given, layers) if given is not None else (None, "")
        if calls is None or name != current:
            yield from _follow(code, row, True)
            row = []
        row += calls or []
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        current = targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else ""
    yield from _follow(code, row, True)


def _unwrap(
    code: Code, node: ast.expr, layers: dict[str, ast.Call | None]
) -> tuple[list[ast.Call] | None, str]:
    """Return the layers of nested calls, innermost first, and what they work on; None of another row."""
    found: list[ast.Call] = []
    while isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and is_self(node.func.value):
            layer = layers.get(node.func.attr)
            if layer is None or not node.args:
                return None, ""
            found.append(layer)
        elif code.is_torch(node, *_SAME_WIDTH):
            pass
        else:
            return None, ""
        if not node.args:
            return None, ""
        node = node.args[0]
    return (found[::-1], node.id) if isinstance(node, ast.Name) else (None, "")


@register_rule(
    "shared-weights",
    source="D-004-14",
    why="Pre-trained layers are put into another network as they are: training it changes the first one "
    "too, and each later start.",
    fix="copy.deepcopy(autoencoder.encoder)",
)
def find_shared_weights(code: Code) -> Iterator[Hit]:
    """Classifier(autoencoder.encoder) without a copy, and then trained."""
    if not code.trains:
        return
    for node in code.nodes:
        if not (isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and node.attr in _PARTS):
            continue
        base = node.value
        if not isinstance(base, ast.Name) or is_self(base) or not code.networks.is_network(base):
            continue
        if _is_put_in(code, node) and not _is_frozen(code, node, base) and _may_go_on(code, node, base):
            yield Hit(node)


def _is_put_in(code: Code, node: ast.Attribute) -> bool:
    above = code.parent(node)
    if isinstance(above, ast.keyword):
        above = code.parent(above)
    if isinstance(above, ast.Call) and above.func is not node:
        owner = code.classes.get(code.tail(above))
        return code.is_torch(above, "Sequential") or (owner is not None and code.networks.is_module(owner))
    return isinstance(above, ast.Assign) and isinstance(above.targets[0], ast.Attribute)


def _is_frozen(code: Code, node: ast.Attribute, base: ast.Name) -> bool:
    """Return whether the borrowed layers take no gradient."""
    text = ast.unparse(code.tree)
    return bool(re.search(r"requires_grad\s*=\s*False|requires_grad_\(False\)", text))


def _may_go_on(code: Code, node: ast.Attribute, base: ast.Name) -> bool:
    """Return whether the first network is used again: in a loop, or further down."""
    if code.loops_of(node) or code.function_of(node) is not None:
        return True
    later = [
        one
        for one in code.nodes
        if isinstance(one, ast.Name) and one.id == base.id and one.lineno > node.lineno
    ]
    return bool(later)


@register_rule(
    "layer-never-trained",
    source="D-002-5",
    why="A layer is written by hand, and the network is built of torch's: the hand-written one is never "
    "trained.",
    fix="build the network of it, or say that torch's was trained",
)
def find_untrained_layers(code: Code) -> Iterator[Hit]:
    """class Conv2d(nn.Module) and then `from torch.nn import Conv2d`, or a MyConv2d that no network has."""
    torch_layers = {"Conv2d", "MaxPool2d", "Linear", "BatchNorm2d", "AvgPool2d", "ReLU", "Dropout"}
    for owner in code.networks.classes:
        plain = re.sub(r"^(My|Own|Hand|Custom|Manual|Scratch)_?|_?(Scratch|Custom|Manual)$", "", owner.name)
        if plain not in torch_layers:
            continue
        shadow = [
            node
            for node in code.nodes
            if isinstance(node, ast.ImportFrom)
            and str(node.module).startswith("torch.nn")
            and node.lineno > owner.lineno
            and any((one.asname or one.name) == owner.name for one in node.names)
        ]
        used = [
            call for call in code.calls if code.tail(call) == owner.name and isinstance(call.func, ast.Name)
        ]
        in_network = [
            call for call in used if (above := code.class_of(call)) is not None and above is not owner
        ]
        instead = [call for call in code.find_calls(plain) if code.class_of(call) not in (None, owner)]
        if shadow:
            yield Hit(shadow[0])
        elif (
            instead
            and not in_network
            and code.trains
            and not any("Sequential" in ast.unparse(code.parent(call) or call) for call in used)
        ):
            yield Hit(owner)


@register_rule(
    "unused-dropout",
    source="D-000-5",
    why="Dropout is asked for and never applied: the network has none, whatever the text says.",
    fix="apply it in forward, or take it out",
)
def find_unused_dropout(code: Code) -> Iterator[Hit]:
    """A dropout parameter or layer that nothing uses."""
    for owner in code.networks.classes:
        for node in ast.walk(owner):
            if isinstance(node, ast.FunctionDef) and node.name == "__init__" and not _is_stub(node):
                given = [*node.args.args, *node.args.kwonlyargs]
                used = {one for part in node.body for one in names_in(part)}
                for one in given:
                    if (
                        re.match(r"drop(out)?(_|$)|p_drop", one.arg)
                        and one.arg not in used
                        and not node.args.kwarg
                    ):
                        yield Hit(one)
        read = {
            one.attr
            for one in ast.walk(code.tree)
            if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Load)
        }
        texts = {constant(one) for one in code.nodes if isinstance(one, ast.Constant)}
        for name, value in code.list_attributes(owner):
            if (
                isinstance(value, ast.Call)
                and code.is_torch(value, "Dropout", "Dropout2d")
                and name not in read | texts
            ):
                is_iterated = any(
                    code.tail(one) in ("children", "modules", "named_children") for one in code.calls
                )
                if not is_iterated:
                    yield Hit(value)


def _is_stub(function: ast.FunctionDef) -> bool:
    """Return whether a function has no body: it tells type checkers of one way to call another."""
    return all(
        isinstance(one, ast.Pass) or isinstance(getattr(one, "value", None), ast.Constant)
        for one in function.body
    )


@register_rule(
    "pickled-network",
    source="D-X-5",
    why="The whole network is pickled: it breaks when a class is renamed or moved, and loading one runs "
    "whatever is in it.",
    fix="torch.save(model.state_dict(), file), and torch.load(file, weights_only=True)",
)
def find_pickled_networks(code: Code) -> Iterator[Hit]:
    """torch.save(model, …) and torch.load(…, weights_only=False)."""
    for call in code.find_calls("save", "load"):
        full = code.dotted(call.func)
        if full == "torch.save" and call.args and code.networks.is_network(call.args[0]):
            yield Hit(call)
        elif full == "torch.load" and constant(keyword(call, "weights_only")) is False:
            yield Hit(call, "weights_only=False lets a file run any code while it is loaded.")
