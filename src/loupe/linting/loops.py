"""Loops that train and loops that evaluate, and the losses in them."""

import ast
import re
from functools import cached_property
from typing import Literal

from loupe.linting.networks import Networks
from loupe.linting.nodes import constant, is_same, keyword
from loupe.linting.roles import Roles
from loupe.linting.script import Loop, Script

Reduction = Literal["mean", "sum", "none"]

_LOSSES = {
    "CrossEntropyLoss": "cross_entropy",
    "NLLLoss": "nll_loss",
    "MSELoss": "mse_loss",
    "L1Loss": "l1_loss",
    "SmoothL1Loss": "smooth_l1_loss",
    "HuberLoss": "huber_loss",
    "BCELoss": "binary_cross_entropy",
    "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
}
_LOADER = re.compile(r"\w*(loader|dataloader|_dl|batches|_iter)s?")


class Loops:
    """What a script says of its loops over images.

    Args:
        script: the code.
        roles: which images things are of.
        networks: what its networks are.
    """

    def __init__(self, script: Script, roles: Roles, networks: Networks) -> None:
        self.script, self.roles, self.networks = script, roles, networks

    @cached_property
    def training(self) -> list[ast.For]:
        """Innermost loops over batches with a backward pass and a step of an optimizer."""
        found = [
            loops[0]
            for call in self.script.find_methods("backward")
            if (loops := self.script.loops_of(call)) and self.script.find_methods("step", within=loops[0])
        ]
        return [one for one in {id(one): one for one in found}.values() if isinstance(one, ast.For)]

    @cached_property
    def evaluating(self) -> list[ast.For]:
        """Loops over loaders that ask a network and train nothing."""
        return [
            node
            for node in self.script.nodes
            if isinstance(node, ast.For)
            and self.is_over_batches(node)
            and not self.script.find_methods("backward", within=node)
            and not self.calls_training(node)
            and self.find_passes(node)
        ]

    def is_over_batches(self, loop: ast.For) -> bool:
        """Return whether a loop goes over the batches of a loader."""
        base: ast.expr = loop.iter
        while (
            isinstance(base, ast.Call)
            and base.args
            and self.script.tail(base) in ("enumerate", "tqdm", "iter", "zip")
        ):
            base = base.args[0]
        if isinstance(base, ast.Call) and self.script.tail(base) != "DataLoader":
            return False
        value = self.script.resolve(base)
        if isinstance(value, ast.Call) and self.script.tail(value) == "DataLoader":
            return True
        names = {getattr(base, "id", ""), getattr(base, "attr", "")}
        return any(_LOADER.fullmatch(name.casefold()) for name in names)

    def calls_training(self, loop: ast.For) -> bool:
        """Return whether a loop calls a function of the script that trains."""
        called = (self.script.functions.get(self.script.tail(call)) for call in _calls_in(loop))
        return any(one is not None and self.script.find_methods("backward", within=one) for one in called)

    def find_passes(self, node: ast.AST) -> list[ast.Call]:
        """Return the calls of networks within a node."""
        return [call for call in _calls_in(node) if self.networks.is_network(call.func)]

    def find_epochs(self, node: ast.AST) -> Loop | None:
        """Return the loop over epochs that a node is in, by way of the function it is in too."""
        for loop in self.script.loops_of(node):
            if isinstance(loop, ast.For) and is_over_epochs(loop):
                return loop
        function = self.script.function_of(node)
        if function is None:
            return None
        for call in self.script.calls:
            if self.script.tail(call) == function.name and self.script.function_of(call) is not function:
                found = next(
                    (
                        one
                        for one in self.script.loops_of(call)
                        if isinstance(one, ast.For) and is_over_epochs(one)
                    ),
                    None,
                )
                if found is not None:
                    return found
        return None

    def find_region(self, node: ast.AST) -> ast.AST:
        """Return the function a node is in, or the module."""
        return self.script.function_of(node) or self.script.tree

    def is_done_around(self, node: ast.AST, *methods: str) -> bool:
        """Return whether a method is called in the function around a node, or where that is called."""
        function = self.script.function_of(node)
        if function is None:
            before = [
                one for one in self.script.find_methods(*methods) if one.lineno <= getattr(node, "lineno", 0)
            ]
            return any(self.script.function_of(one) is None for one in before)
        if self.script.find_methods(*methods, within=function):
            return True
        callers = [one for one in self.script.calls if self.script.tail(one) == function.name]
        around = [self.find_region(one) for one in callers if self.script.function_of(one) is not function]
        return any(
            self.find_region(one) is region
            for region in around
            for one in self.script.find_methods(*methods, within=region)
        )

    def find_loss(self, node: ast.expr) -> ast.Call | None:
        """Return the call that computes a loss: of `F.cross_entropy`, of a criterion; None if not known."""
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr
            in (
                "item",
                "detach",
                "cpu",
                "mean",
                "sum",
                "float",
            )
        ):
            return self.find_loss(node.func.value)
        value = self.script.resolve(node)
        return value if isinstance(value, ast.Call) and self.find_kind(value) else None

    def find_kind(self, call: ast.Call) -> str:
        """Return which loss a call computes, as a function of torch: "cross_entropy"; "" of none."""
        if self.script.is_torch(call, *_LOSSES.values()):
            return self.script.tail(call)
        made = self.find_criterion(call)
        return _LOSSES[self.script.tail(made)] if made is not None else ""

    def find_criterion(self, call: ast.Call) -> ast.Call | None:
        """Return where the criterion that is called was made; by its name, if it is handed to a function."""
        value = self.script.resolve(call.func)
        if isinstance(value, ast.Call) and self.script.is_torch(value, *_LOSSES):
            return value
        if isinstance(value, ast.Name | ast.Attribute):
            name = value.id if isinstance(value, ast.Name) else value.attr
            if re.fullmatch(r"criterion|loss_?f(n|unc|unction)?|(ce|mse)_loss", name.casefold()):
                made = self.script.find_calls(*_LOSSES)
                return made[0] if len({self.script.tail(one) for one in made}) == 1 else None
        return None

    def find_reduction(self, call: ast.Call) -> Reduction:
        """Return how a loss is taken together over a batch."""
        if self.script.is_torch(call, *_LOSSES.values()):
            return _read_reduction(call)
        made = self.find_criterion(call)
        return _read_reduction(made) if made is not None else "mean"

    def find_divisions(self, name: str, region: ast.AST) -> list[tuple[ast.AST, ast.expr]]:
        """Return where a sum of this name is divided, and by what, in a function or the module's own code."""
        found: list[tuple[ast.AST, ast.expr]] = []
        for node in ast.walk(region):
            if self.find_region(node) is not region:
                continue
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and _is_of(node.left, name):
                found.append((node, node.right))
            elif (
                isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Div) and _is_of(node.target, name)
            ):
                found.append((node, node.value))
        return found

    def is_num_batches(self, node: ast.expr) -> bool:
        """Return whether an expression is the number of batches: `len(loader)`."""
        value = self.script.resolve(node)
        if not (isinstance(value, ast.Call) and self.script.tail(value) == "len" and value.args):
            return False
        inner = value.args[0]
        made = self.script.resolve(inner)
        if isinstance(made, ast.Call):
            return self.script.tail(made) == "DataLoader"
        name = inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", "")
        return bool(_LOADER.fullmatch(name.casefold()))

    def is_num_images(self, node: ast.expr, loop: ast.AST) -> bool:
        """Return whether an expression is the number of images: `len(dataset)`, or what a loop counted."""
        value = self.script.resolve(node)
        if isinstance(value, ast.Call) and self.script.tail(value) == "len" and value.args:
            inner = value.args[0]
            name = inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", "")
            return not self.is_num_batches(node) and bool(
                re.search(r"data|set|images|subset", name.casefold())
            )
        if isinstance(node, ast.Name):
            counts = [one.value for one in self.script.all_bindings(node) if one.how == "changed"]
            return any(one is not None and is_batch_size(one) for one in counts)
        return False


def is_over_epochs(loop: ast.For) -> bool:
    """Return whether a loop goes over epochs, by the name of what it counts or of how far."""
    names = {one.id for one in ast.walk(loop.target) if isinstance(one, ast.Name)}
    names |= {one.id for one in ast.walk(loop.iter) if isinstance(one, ast.Name)}
    names |= {one.attr for one in ast.walk(loop.iter) if isinstance(one, ast.Attribute)}
    return any("epoch" in name.casefold() for name in names)


def is_batch_size(node: ast.expr) -> bool:
    """Return whether an expression is how many images a batch has."""
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute):
            return node.func.attr in ("size", "numel")
        return isinstance(node.func, ast.Name) and node.func.id == "len"
    if isinstance(node, ast.Subscript):
        return (
            isinstance(node.value, ast.Attribute) and node.value.attr == "shape" and constant(node.slice) == 0
        )
    return isinstance(node, ast.Name) and node.id in ("batch_size", "bs", "batch", "n")


def _read_reduction(call: ast.Call) -> Reduction:
    value = constant(keyword(call, "reduction"))
    if value in ("sum", "none"):
        return "sum" if value == "sum" else "none"
    return "sum" if constant(keyword(call, "size_average")) is False else "mean"


def _calls_in(node: ast.AST) -> list[ast.Call]:
    return [one for one in ast.walk(node) if isinstance(one, ast.Call)]


def _is_of(node: ast.expr, name: str) -> bool:
    """Return whether an expression is a sum of this name, or a multiple of it."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = node.func.value  # correct.double() / n
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return _is_of(node.left, name) or _is_of(node.right, name)
    return isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and is_same(
        _plain(node), _plain_name(name)
    )


def _plain(node: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(node), mode="eval").body


def _plain_name(name: str) -> ast.expr:
    return ast.parse(name, mode="eval").body
