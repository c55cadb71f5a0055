"""What names stand for in a piece of code: imports, assignments, scopes. Read, never run."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property

from loupe.linting.bindings import Binding, list_bindings, targets_of
from loupe.linting.nodes import Function, is_self, is_star
from loupe.linting.reading import Source

Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
Loop = ast.For | ast.AsyncFor | ast.While
_ROOTS = ("torch", "torchvision", "lightning", "pytorch_lightning", "skorch", "fastai", "timm", "ignite")


class Script:
    """A parsed file, asked by rules.

    Args:
        source: as it was read.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.tree = source.tree
        self.comments = source.comments
        self.nodes = list(ast.walk(source.tree))
        self._parents = {id(child): node for node in self.nodes for child in ast.iter_child_nodes(node)}
        self._by_type: dict[type, list[ast.AST]] = defaultdict(list)
        for node in self.nodes:
            self._by_type[type(node)].append(node)

    @cached_property
    def calls(self) -> list[ast.Call]:
        """Every call, in the order of the text."""
        found = [node for node in self._by_type[ast.Call] if isinstance(node, ast.Call)]
        return sorted(found, key=lambda node: (node.lineno, node.col_offset))

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """Classes by name; of several the last."""
        return {node.name: node for node in self._by_type[ast.ClassDef] if isinstance(node, ast.ClassDef)}

    @cached_property
    def functions(self) -> dict[str, Function]:
        """Functions by name, without methods; of several the last."""
        found = [*self._by_type[ast.FunctionDef], *self._by_type[ast.AsyncFunctionDef]]
        return {
            node.name: node
            for node in found
            if isinstance(node, Function) and not isinstance(self.parent(node), ast.ClassDef)
        }

    @cached_property
    def imports(self) -> dict[str, str]:
        """What each imported name stands for: {"F": "torch.nn.functional"}."""
        found: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for one in node.names:
                    found[one.asname or one.name.partition(".")[0]] = (
                        one.name if one.asname else one.name.partition(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom) and not node.level:
                for one in node.names:
                    found[one.asname or one.name] = f"{node.module}.{one.name}"
        return found

    @cached_property
    def stars(self) -> list[str]:
        """Modules of which everything is imported."""
        return [str(node.module) for node in self.nodes if is_star(node) and isinstance(node, ast.ImportFrom)]

    @cached_property
    def is_about_networks(self) -> bool:
        """Whether it imports torch, or something that stands on it."""
        modules = [*self.imports.values(), *self.stars]
        return any(module.partition(".")[0] in _ROOTS for module in modules)

    def parent(self, node: ast.AST) -> ast.AST | None:
        """Return what a node is in."""
        return self._parents.get(id(node))

    def parents(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield what a node is in, from the inside."""
        above = self.parent(node)
        while above is not None:
            yield above
            above = self.parent(above)

    def function_of(self, node: ast.AST) -> Function | None:
        """Return the innermost function a node is in."""
        return next((one for one in self.parents(node) if isinstance(one, Function)), None)

    def class_of(self, node: ast.AST) -> ast.ClassDef | None:
        """Return the innermost class a node is in."""
        return next((one for one in self.parents(node) if isinstance(one, ast.ClassDef)), None)

    def scope_of(self, node: ast.AST) -> Scope:
        """Return the function, class or module whose names a node sees first."""
        return next((one for one in self.parents(node) if isinstance(one, Scope)), self.tree)

    def loops_of(self, node: ast.AST) -> list[Loop]:
        """Return the loops around a node within its function, innermost first."""
        found: list[Loop] = []
        for one in self.parents(node):
            if isinstance(one, Function | ast.ClassDef | ast.Lambda):
                break
            if isinstance(one, Loop):
                found.append(one)
        return found

    def statement_of(self, node: ast.AST) -> ast.stmt | None:
        """Return the statement a node is in, or is."""
        if isinstance(node, ast.stmt):
            return node
        return next((one for one in self.parents(node) if isinstance(one, ast.stmt)), None)

    def dotted(self, node: ast.AST) -> str:
        """Return the full name of what an expression names: `nn.Linear` → "torch.nn.Linear"; "" of others."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        root = self.imports.get(node.id)
        if root is None and not parts and self.stars and not self._find(node.id, node):
            root = f"{self.stars[-1]}.{node.id}"
        return ".".join([root or node.id, *reversed(parts)])

    def tail(self, node: ast.AST) -> str:
        """Return the last word of what an expression or a call's function names; "" of others."""
        node = node.func if isinstance(node, ast.Call) else node
        if isinstance(node, ast.Attribute):
            return node.attr
        return self.dotted(node).rpartition(".")[2] if isinstance(node, ast.Name) else ""

    def is_torch(self, node: ast.AST, *names: str) -> bool:
        """Return whether a call, or a name, is one of torch's (or torchvision's …) of these last words."""
        full = self.dotted(node.func if isinstance(node, ast.Call) else node)
        root, last = full.partition(".")[0], full.rpartition(".")[2]
        return last in names and root in _ROOTS and "." in full

    def find_calls(self, *names: str) -> list[ast.Call]:
        """Return calls of torch's (torchvision's …) functions and classes of these last words."""
        return [call for call in self.calls if self.is_torch(call, *names)]

    def find_methods(self, *names: str, within: ast.AST | None = None) -> list[ast.Call]:
        """Return calls of methods of these names, within a node or anywhere."""
        inside = (
            self.calls if within is None else [one for one in ast.walk(within) if isinstance(one, ast.Call)]
        )
        return [one for one in inside if isinstance(one.func, ast.Attribute) and one.func.attr in names]

    def bindings(self, name: ast.Name) -> list[Binding]:
        """Return what a name may stand for where it is used: the value it got last, or all it may have."""
        found = self._find(name.id, name)
        if not found:
            return []
        scope, bound = found
        if scope is not self.scope_of(name):
            return bound
        before = [one for one in bound if getattr(one.node, "lineno", 0) <= name.lineno]
        last = [one for one in before if one.how != "changed" and not _holds(one.node, name)]
        return [last[-1]] if last else (before or bound)

    def all_bindings(self, name: ast.Name) -> list[Binding]:
        """Return every place where a name gets a value in its scope."""
        found = self._find(name.id, name)
        return found[1] if found else []

    def _find(self, name: str, node: ast.AST) -> tuple[Scope, list[Binding]] | None:
        scopes = [one for one in self.parents(node) if isinstance(one, Scope)]
        for index, scope in enumerate(scopes):
            if isinstance(scope, ast.ClassDef) and index:
                continue  # methods do not see names of their class
            if name in self._globals.get(id(scope), ()):
                scope = self.tree
            bound = self._bound.get(id(scope), {}).get(name)
            if bound:
                return scope, bound
        return None

    @cached_property
    def _globals(self) -> dict[int, set[str]]:
        found: dict[int, set[str]] = defaultdict(set)
        for node in self.nodes:
            if isinstance(node, ast.Global):
                found[id(self.scope_of(node))].update(node.names)
        return found

    @cached_property
    def _bound(self) -> dict[int, dict[str, list[Binding]]]:
        bound: dict[int, dict[str, list[Binding]]] = defaultdict(lambda: defaultdict(list))
        for node in self.nodes:
            for name, binding in list_bindings(node):
                inner = node if isinstance(node, Function | ast.Lambda) else self.scope_of(node)
                scope = self.tree if name in self._globals.get(id(inner), ()) else inner
                bound[id(scope)][name].append(binding)
        for names in bound.values():
            for one in names.values():
                one.sort(key=lambda binding: getattr(binding.node, "lineno", 0))
        return bound

    def attribute_values(self, owner: ast.ClassDef, attribute: str) -> list[ast.expr]:
        """Return what a class puts into `self.attribute`."""
        return [value for name, value in self.list_attributes(owner) if name == attribute]

    def list_attributes(self, owner: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
        """Yield name and value of what a class puts into `self`."""
        for node in ast.walk(owner):
            targets, value = targets_of(node)
            for target in targets:
                if isinstance(target, ast.Attribute) and is_self(target.value) and value is not None:
                    yield target.attr, value

    def resolve(self, node: ast.expr, depth: int = 6) -> ast.expr:
        """Return the expression that a name or `self.name` stands for; what is not known as it is."""
        while depth:
            depth -= 1
            value: ast.expr | None = None
            if isinstance(node, ast.Name):
                bound = self.bindings(node)
                value = bound[-1].value if bound and bound[-1].how == "is" else None
            elif isinstance(node, ast.Attribute) and is_self(node.value):
                owner = self.class_of(node)
                values = self.attribute_values(owner, node.attr) if owner else []
                value = values[-1] if values else None
            if value is None:
                return node
            node = value
        return node


def _holds(outer: ast.AST, inner: ast.AST) -> bool:
    """Return whether a statement's value uses the name: `x = f(x)` does not bind the x it reads."""
    return isinstance(outer, ast.Assign | ast.AnnAssign) and any(one is inner for one in ast.walk(outer))
