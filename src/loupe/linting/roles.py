"""Which images a loader, a dataset or a number is of: training, validation or test."""

import ast
import re
from typing import Literal

from loupe.linting.bindings import Binding
from loupe.linting.nodes import constant, keyword
from loupe.linting.script import Loop, Script

Role = Literal["train", "validation", "test"]

_WRAPPERS = frozenset(
    (
        *("DataLoader", "Subset", "iter", "next", "enumerate", "tqdm", "trange", "list", "tuple", "zip"),
        *("islice", "ConcatDataset", "TensorDataset", "to", "cuda", "cpu", "float", "item", "detach", "len"),
        "prepare",
    )
)
_PATTERNS: tuple[tuple[Role, str], ...] = (
    ("test", r"test(ing|s|ed)?(set|loader|data|dataset|dl|ds|iter|acc|loss|images|labels|x|y)?"),
    ("validation", r"(val|valid|validation|validate|dev)(set|loader|data|dataset|dl|ds|iter|acc|loss)?"),
    ("train", r"(train|training|trn)(set|loader|data|dataset|dl|ds|iter|acc|loss)?"),
)
_DEPTH = 12


def role_of_name(name: str) -> Role | None:
    """Return what a name says it is of: "test_loader", "valAcc", "X_train"; None if it says nothing."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).casefold()
    for role, pattern in _PATTERNS:
        if any(re.fullmatch(pattern, word) for word in re.split(r"[^a-z]+", words)):
            return role
    return None


class Roles:
    """Roles of the expressions of a script.

    Args:
        script: the code.
    """

    def __init__(self, script: Script) -> None:
        self.script = script

    def of(self, node: ast.expr | None, depth: int = _DEPTH) -> Role | None:
        """Return which images a dataset or loader holds; None if nothing says so.

        What it was made from counts before what it is called: `val = CIFAR10(train=False)` is of test.
        """
        if node is None or depth <= 0:
            return None
        if isinstance(node, ast.Name):
            for binding in reversed(self.script.bindings(node)):
                found = self._of_binding(binding, node.id, depth)
                if found:
                    return found
            return role_of_name(node.id)
        if isinstance(node, ast.Call):
            return self._of_call(node, depth)
        if isinstance(node, ast.Attribute):
            return self._of_attribute(node, depth)
        if isinstance(node, ast.Subscript):
            named = constant(node.slice)
            found = role_of_name(named) if isinstance(named, str) else None
            return found or (None if isinstance(named, str) else self.of(node.value, depth - 1))
        return None

    def _of_binding(self, binding: Binding, name: str, depth: int) -> Role | None:
        if binding.how == "parameter":
            return None
        if binding.how == "part":
            if isinstance(binding.value, ast.Call) and self.script.tail(binding.value) == "random_split":
                return (
                    role_of_name(name) or self.of(binding.value.args[0], depth - 1)
                    if binding.value.args
                    else None
                )
            returned = self._of_returned(binding.value, binding.place, depth)
            return returned or role_of_name(name) or self.of(binding.value, depth - 1)
        found = self.of(binding.value, depth - 1)
        is_part = isinstance(binding.value, ast.Call) and self.script.tail(binding.value) == "Subset"
        return (role_of_name(name) if is_part and found != "test" else None) or found

    def _of_attribute(self, node: ast.Attribute, depth: int) -> Role | None:
        owner = self.script.class_of(node)
        if owner is not None and isinstance(node.value, ast.Name) and node.value.id == "self":
            for value in reversed(self.script.attribute_values(owner, node.attr)):
                found = self.of(value, depth - 1)
                if found:
                    return found
        return role_of_name(node.attr) or self.of(node.value, depth - 1)

    def _of_call(self, call: ast.Call, depth: int) -> Role | None:
        part = self._of_part_named(call)
        if part:
            return part
        tail = self.script.tail(call)
        if self.script.dotted(call.func).startswith("torchvision.datasets."):
            return self._of_torchvision(call, tail)
        if tail in _WRAPPERS:
            inside = call.func.value if isinstance(call.func, ast.Attribute) and not call.args else None
            return self.of(call.args[0] if call.args else keyword(call, "dataset") or inside, depth - 1)
        if tail in ("join", "Path"):
            texts = [constant(one) for one in call.args]
            return next(
                (role for text in reversed(texts) if isinstance(text, str) and (role := role_of_name(text))),
                None,
            )
        return self._of_returned(call, None, depth)

    def _of_returned(self, value: ast.expr | None, place: int | None, depth: int) -> Role | None:
        """Return the role of what a function of the script returns, or of one part of its tuple."""
        if not isinstance(value, ast.Call) or depth <= 0:
            return None
        function = self.script.functions.get(self.script.tail(value))
        if function is None:
            return None
        roles = set()
        for node in ast.walk(function):
            if not isinstance(node, ast.Return) or node.value is None:
                continue
            given: ast.expr | None = node.value
            if isinstance(given, ast.Tuple):
                given = given.elts[place] if place is not None and place < len(given.elts) else None
            elif place is not None:
                given = None
            roles.add(self.of(given, depth - 1))
        return roles.pop() if len(roles) == 1 else None

    def _of_part_named(self, call: ast.Call) -> Role | None:
        part = constant(keyword(call, "train", "is_train", "training"))
        if isinstance(part, bool):
            return "train" if part else "test"
        text = constant(keyword(call, "split", "image_set", "subset", "mode"))
        return role_of_name(text) if isinstance(text, str) else None

    def _of_torchvision(self, call: ast.Call, tail: str) -> Role | None:
        if tail in ("ImageFolder", "DatasetFolder"):
            text = constant(call.args[0]) if call.args else None
            if isinstance(text, str):
                return role_of_name(text.rstrip("/").rpartition("/")[2])
            return self.of(call.args[0]) if call.args and isinstance(call.args[0], ast.Call) else None
        second = constant(call.args[1]) if len(call.args) > 1 else None
        if isinstance(second, bool):
            return "train" if second else "test"
        is_known = tail in ("MNIST", "FashionMNIST", "KMNIST", "CIFAR10", "CIFAR100")
        return "train" if is_known and keyword(call, "train") is None else None

    def of_loop(self, loop: Loop) -> Role | None:
        """Return which images a loop goes over."""
        return None if isinstance(loop, ast.While) else self.of(loop.iter)

    def of_number(self, node: ast.expr, depth: int = 5) -> Role | None:
        """Return which images an accuracy or loss was measured on; None if nothing says so."""
        if depth <= 0:
            return None
        if isinstance(node, ast.Call):
            return self._of_measuring(node, depth)
        if isinstance(node, ast.Subscript) and isinstance(constant(node.slice), str):
            return role_of_name(str(constant(node.slice)))
        if isinstance(node, ast.Attribute):
            return role_of_name(node.attr)
        if isinstance(node, ast.Name):
            return self._of_counted(node, depth)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr) and (found := self.of_number(child, depth - 1)):
                return found
        return None

    def _of_measuring(self, call: ast.Call, depth: int) -> Role | None:
        """Return the role of what a function measures: by what it is handed, or loops over itself."""
        for one in [*call.args, *(word.value for word in call.keywords)]:
            found = (
                self.of(one) if isinstance(one, ast.Name | ast.Attribute | ast.Call | ast.Subscript) else None
            )
            found = found or (
                self.of_number(one, depth - 1) if isinstance(one, ast.BinOp | ast.Name) else None
            )
            if found:
                return found
        function = self.script.functions.get(self.script.tail(call))
        if function is not None:
            loops = [node for node in ast.walk(function) if isinstance(node, ast.For)]
            roles = {role for loop in loops if (role := self.of(loop.iter))}
            if len(roles) == 1:
                return roles.pop()
        if isinstance(call.func, ast.Attribute) and (found := self.of_number(call.func.value, depth - 1)):
            return found
        return role_of_name(self.script.tail(call))

    def _of_counted(self, name: ast.Name, depth: int) -> Role | None:
        bound = self.script.bindings(name)
        every = [*bound, *(one for one in self.script.all_bindings(name) if one.how == "changed")]
        for binding in reversed(every):
            for loop in self.script.loops_of(binding.node):
                found = self.of_loop(loop)
                if found:
                    return found
        for binding in reversed(bound):
            if binding.value is not None and binding.how in ("is", "part"):
                found = self.of_number(binding.value, depth - 1)
                if found:
                    return found
        return self._of_appended(name, depth) or role_of_name(name.id)

    def _of_appended(self, name: ast.Name, depth: int) -> Role | None:
        """Return the role of the numbers that are appended to a list; None if they are of several."""
        scope, roles = self.script.scope_of(name), set()
        for call in self.script.calls:
            owner = call.func.value if isinstance(call.func, ast.Attribute) else None
            is_own = isinstance(owner, ast.Name) and owner.id == name.id and call.args
            if is_own and self.script.tail(call) == "append" and self.script.scope_of(call) is scope:
                roles.add(self.of_number(call.args[0], depth - 1))
        return roles.pop() if len(roles) == 1 else None
