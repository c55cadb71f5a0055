"""How images are divided."""

import ast
import re
from collections.abc import Iterator

from loupe.linting.code import Code
from loupe.linting.nodes import constant, keyword, names_in, number
from loupe.linting.registry import register_rule
from loupe.linting.roles import role_of_name
from loupe.linting.violation import Hit

_SEEDING = (
    *("manual_seed", "manual_seed_all", "seed_everything", "set_seed", "seed_all", "fix_seed", "fork_rng"),
    *("set_random_seed", "seed", "default_rng", "enable_full_determinism", "fix_seeds", "seed_torch"),
)
_TINY = 1000


def find_seeding(code: Code) -> list[ast.Call]:
    """Return the calls that seed a generator."""
    return [call for call in code.calls if code.tail(call) in _SEEDING]


@register_rule(
    "unseeded-split",
    source="D-004-6",
    why="The split is drawn without a seed: each start has other images to validate on, and none can be "
    "repeated.",
    fix="hand it a generator: generator=torch.Generator().manual_seed(0); random_state=0 for scikit-learn",
)
def find_unseeded_splits(code: Code) -> Iterator[Hit]:
    """random_split without generator or seed, train_test_split without random_state."""
    seeded = [call.lineno for call in find_seeding(code)]
    for call in code.calls:
        is_after = any(line <= call.lineno for line in seeded)
        if code.is_torch(call, "random_split"):
            has_generator = keyword(call, "generator") is not None or len(call.args) > 2
            if not has_generator and not is_after and not (seeded and code.function_of(call)):
                yield Hit(call)
        elif code.tail(call) == "train_test_split" and keyword(call, "random_state") is None and not is_after:
            yield Hit(call)


@register_rule(
    "unstratified-split",
    source="D-004-6, D-002-10",
    why="A small split is drawn without regard to classes: some have few images in it, or none.",
    fix="stratify: train_test_split(indices, stratify=labels, random_state=0), then Subset",
)
def find_unstratified_splits(code: Code) -> Iterator[Hit]:
    """train_test_split without stratify, random_split with a part below 1,000 images."""
    is_classifying = bool(code.find_calls("CrossEntropyLoss", "cross_entropy", "nll_loss", "NLLLoss"))
    for call in code.calls:
        if not is_classifying:
            return
        if code.tail(call) == "train_test_split" and keyword(call, "stratify") is None:
            yield Hit(call)
        elif code.tail(call) == "random_split" and len(call.args) > 1:
            sizes = code.resolve(call.args[1])
            parts = (
                [number(code.resolve(one)) for one in sizes.elts]
                if isinstance(sizes, ast.List | ast.Tuple)
                else []
            )
            if any(one is not None and 1 <= one < _TINY for one in parts):
                yield Hit(call)


@register_rule(
    "first-images-split",
    source="D-002-10",
    why="The first images are held out as they lie in the file: unshuffled, unstratified, perhaps one class"
    " only.",
    fix="shuffle the indices with a seed, and stratify by label",
)
def find_first_images(code: Code) -> Iterator[Hit]:
    """Subset(train, range(5000)) and the like, for validation."""
    for call in code.calls:
        if code.tail(call) != "Subset" or len(call.args) < 2:
            continue
        statement = code.statement_of(call)
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        is_held_out = any(
            role_of_name(name) == "validation" for target in targets for name in names_in(target)
        )
        is_of_training = code.roles.of(call.args[0]) not in ("validation", "test")
        if is_held_out and is_of_training and _is_in_order(code, call.args[1]):
            yield Hit(call)


def _is_in_order(code: Code, node: ast.expr) -> bool:
    """Return whether indices are a row of numbers that nothing shuffles."""
    base = code.resolve(node)
    if isinstance(node, ast.Name) and _is_shuffled(code, node):
        return False
    if isinstance(base, ast.Subscript) and isinstance(base.slice, ast.Slice):
        if isinstance(base.value, ast.Name) and _is_shuffled(code, base.value):
            return False
        return _is_in_order(code, base.value)
    if isinstance(base, ast.Call) and code.tail(base) == "list" and base.args:
        return _is_in_order(code, base.args[0])
    return isinstance(base, ast.Call) and code.tail(base) in ("range", "arange")


def _is_shuffled(code: Code, name: ast.Name) -> bool:
    return any(
        code.tail(call) in ("shuffle", "permutation", "sample") and name.id in names_in(call)
        for call in code.calls
    )


@register_rule(
    "subsets-not-nested",
    source="D-004-16, D-004-15",
    why="Each fraction draws other images anew: a step of the curve mixes more data with other data.",
    fix="draw one order of the images before the loop, and take its first part for each fraction",
)
def find_unnested_subsets(code: Code) -> Iterator[Hit]:
    """A draw of images inside a loop over fractions."""
    for node in code.nodes:
        if not (isinstance(node, ast.For) and isinstance(node.target, ast.Name)):
            continue
        name = node.target.id
        if not re.search(r"frac|percent|ratio|portion|share", name.casefold()):
            continue
        for call in (one for one in ast.walk(node) if isinstance(one, ast.Call)):
            is_draw = code.tail(call) in ("choice", "sample", "randperm", "permutation", "random_split")
            is_seeded = keyword(call, "generator") is not None or any(
                call_is_seed(code, one) for one in ast.walk(node)
            )
            if is_draw and not is_seeded and _depends(code, call, name):
                yield Hit(call)
                break


def call_is_seed(code: Code, node: ast.AST) -> bool:
    """Return whether a node is a call that seeds a generator."""
    return isinstance(node, ast.Call) and code.tail(node) in _SEEDING


def _depends(code: Code, call: ast.Call, name: str) -> bool:
    """Return whether a draw, or what is cut off it, has to do with the loop's fraction."""
    if name in names_in(call):
        return True
    used = {
        used
        for one in ast.walk(call)
        if isinstance(one, ast.Name)
        for bound in code.bindings(one)
        if bound.value is not None
        for used in names_in(bound.value)
    }
    above = code.parent(call)
    cut = above.slice if isinstance(above, ast.Subscript) else None
    more = set() if cut is None else names_in(cut)
    cut_from = (
        {
            one
            for found in ast.walk(cut)
            if isinstance(found, ast.Name)
            for bound in code.bindings(found)
            if bound.value is not None
            for one in names_in(bound.value)
        }
        if cut is not None
        else set()
    )
    return name in used | more | cut_from


@register_rule(
    "no-seed",
    source="D-X-4",
    why="Nothing is seeded: the numbers of this training can never be had again, not even by yourself.",
    fix="torch.manual_seed(0) at the start, and a generator for the loader's order; write the seed down",
)
def find_missing_seed(code: Code) -> Iterator[Hit]:
    """A script that loads data and trains, and seeds nothing."""
    loops = code.loops.training
    made = [
        call for call in code.calls if code.tail(call) == "DataLoader" and code.is_torch(call, "DataLoader")
    ]
    mentions = any(
        "seed" in str(constant(node)).casefold()
        for node in code.nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    named = any("seed" in getattr(node, "id", getattr(node, "attr", "")) for node in code.nodes)
    if loops and made and not find_seeding(code) and not mentions and not named:
        yield Hit(made[0])
