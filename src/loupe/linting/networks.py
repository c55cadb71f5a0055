"""Networks in code: classes, what their `forward` ends with, which expression is a network."""

import ast
import re
from collections.abc import Iterator

from loupe.linting.nodes import Function, is_self
from loupe.linting.script import Script

_CALLED = re.compile(
    r"(model|net|network|encoder|decoder|autoencoder|classifier|backbone|ae|vae|mlp|cnn|resnet|lenet)\d*"
    r"|\w+_(model|net|network|cnn|mlp|ae)|(model|net)_\w+"
)
_MODULES = ("Module", "LightningModule", "Sequential")
_TRANSPARENT = ("to", "cuda", "cpu", "float", "train", "eval", "DataParallel", "compile", "requires_grad_")


class Networks:
    """What a script says of its networks.

    Args:
        script: the code.
    """

    def __init__(self, script: Script) -> None:
        self.script = script

    @property
    def classes(self) -> list[ast.ClassDef]:
        """Classes that are networks or layers."""
        return [one for one in self.script.classes.values() if self.is_module(one)]

    def is_module(self, owner: ast.ClassDef, depth: int = 5) -> bool:
        """Return whether a class inherits from `nn.Module`, by way of others of the script too."""
        for base in owner.bases:
            if self.script.tail(base) in _MODULES:
                return True
            parent = self.script.classes.get(self.script.tail(base))
            if depth and parent is not None and parent is not owner and self.is_module(parent, depth - 1):
                return True
        return False

    def class_of(self, node: ast.expr, depth: int = 6) -> ast.ClassDef | None:
        """Return the class of the script that a network is of; None if that is not known."""
        node = self.script.resolve(node)
        if not depth or not isinstance(node, ast.Call):
            return None
        tail = self.script.tail(node)
        if tail in _TRANSPARENT:
            inner = node.func.value if isinstance(node.func, ast.Attribute) else None
            if isinstance(inner, ast.Name) and inner.id in ("torch", "nn"):
                inner = None
            inner = inner or (node.args[0] if node.args else None)
            return self.class_of(inner, depth - 1) if inner is not None else None
        owner = self.script.classes.get(tail)
        return owner if owner is not None and self.is_module(owner) else None

    def is_network(self, node: ast.expr) -> bool:
        """Return whether an expression is a network, by what it was made of or how it is called."""
        if isinstance(node, ast.Attribute):
            return bool(_CALLED.fullmatch(node.attr.casefold()))
        if not isinstance(node, ast.Name):
            return False
        if self.class_of(node) is not None:
            return True
        value = self.script.resolve(node)
        if isinstance(value, ast.Call) and self.script.is_torch(value, "Sequential"):
            return True
        return bool(_CALLED.fullmatch(node.id.casefold()))

    def is_layer(self, node: ast.expr | None, *names: str) -> bool:
        """Return whether an expression makes, or names, one of torch's layers."""
        return (
            node is not None
            and isinstance(value := self.script.resolve(node), ast.Call)
            and self.script.is_torch(value, *names)
        )

    def find_forward(self, owner: ast.ClassDef) -> Function | None:
        """Return the `forward` of a class."""
        return next(
            (one for one in owner.body if isinstance(one, Function) and one.name in ("forward", "__call__")),
            None,
        )

    def list_outputs(self, owner: ast.ClassDef) -> Iterator[ast.expr]:
        """Yield the last operation of each way through a network: a call, or the last layer of a row."""
        forward = self.find_forward(owner)
        for node in ast.walk(forward) if forward is not None else ():
            if (
                isinstance(node, ast.Return)
                and node.value is not None
                and self.script.function_of(node) is forward
            ):
                yield self.find_last(node.value)

    def find_last(self, node: ast.expr, depth: int = 8) -> ast.expr:
        """Return the operation that a value comes from last: through names and rows of layers."""
        while depth:
            depth -= 1
            node = self.script.resolve(node)
            if not isinstance(node, ast.Call):
                return node
            if self.script.is_torch(node, "Sequential"):
                if not node.args:
                    return node
                last = node.args[-1]
                if isinstance(last, ast.Starred):
                    return node
                node = last
                continue
            layer = self.script.resolve(node.func) if _is_own_layer(node.func) else node.func
            if isinstance(layer, ast.Call):
                node = layer  # self.layers(x): what made self.layers
                continue
            if self.script.tail(node) in ("view", "reshape", "squeeze", "flatten") and isinstance(
                node.func, ast.Attribute
            ):
                node = node.func.value
                continue
            return node
        return node


def _is_own_layer(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and is_self(node.value)
