"""What goes into a loss, and what the network before it may give."""

import ast
import re
from collections.abc import Iterator

from loupe.linting.code import Code
from loupe.linting.nodes import argument, constant, keyword, number
from loupe.linting.registry import register_rule
from loupe.linting.violation import Hit

_SQUASHING = ("softmax", "sigmoid", "Softmax", "Sigmoid", "Softmax2d", "LogSigmoid")
_CLASSES = re.compile(
    r"((keep|kept|selected|chosen|sub|my)_?)?(class(es)?|labels)(_names|_to_keep|_idx|_subset|_kept)?"
)


def is_squashing(code: Code, node: ast.expr) -> bool:
    """Return whether an operation is a softmax or sigmoid: of torch, a layer, or a method."""
    if not isinstance(node, ast.Call):
        return False
    if code.is_torch(node, *_SQUASHING):
        return True
    is_method = isinstance(node.func, ast.Attribute) and node.func.attr in ("softmax", "sigmoid")
    return is_method and not code.dotted(node.func).startswith(("np.", "numpy.", "scipy."))


def find_cross_entropies(code: Code) -> list[ast.Call]:
    """Return the calls that compute a cross-entropy of classes."""
    return [call for call in code.calls if code.loops.find_kind(call) == "cross_entropy"]


def find_judged_classes(code: Code, *kinds: str) -> list[ast.ClassDef]:
    """Return the classes of networks whose outputs are seen to go into a loss of these kinds."""
    found = []
    for call in code.calls:
        outputs = argument(call, 0, "input") if code.loops.find_kind(call) in kinds else None
        value = code.resolve(outputs) if outputs is not None else None
        owner = code.networks.class_of(value.func) if isinstance(value, ast.Call) else None
        if owner is not None and owner not in found:
            found.append(owner)
    return found


@register_rule(
    "squashed-logits",
    source="D-004-13",
    why="Cross-entropy applies a softmax itself: behind a sigmoid or softmax its loss cannot fall to 0, and"
    " learns slowly.",
    fix="hand it the last layer's plain outputs; apply softmax only where probabilities are shown",
)
def find_squashed_logits(code: Code) -> Iterator[Hit]:
    """A softmax or sigmoid in front of CrossEntropyLoss."""
    for call in find_cross_entropies(code):
        logits = argument(call, 0, "input")
        if logits is None:
            continue
        value = code.resolve(logits)
        if is_squashing(code, value):
            yield Hit(value)
        elif isinstance(value, ast.Call) and (owner := code.networks.class_of(value.func)) is not None:
            yield from _find_squashed_outputs(code, owner)
        elif isinstance(value, ast.Call) and code.networks.is_network(value.func):
            yield from _find_squashed_rows(code, value)


def _find_squashed_outputs(code: Code, owner: ast.ClassDef) -> Iterator[Hit]:
    yield from (Hit(one) for one in code.networks.list_outputs(owner) if is_squashing(code, one))


def _find_squashed_rows(code: Code, call: ast.Call) -> Iterator[Hit]:
    """Yield from a Sequential; from the only ones there are, if the network is handed to a function."""
    last = code.networks.find_last(call.func)
    if is_squashing(code, last):
        yield Hit(last)
        return
    losses = {
        code.tail(made)
        for made in code.find_calls("MSELoss", "BCELoss", "BCEWithLogitsLoss", "NLLLoss", "L1Loss")
    }
    if losses or not isinstance(last, ast.Name | ast.Attribute):
        return
    made = {code.tail(one) for one in code.calls} & {one.name for one in code.networks.classes}
    for owner in code.networks.classes:
        if owner.name in made and not _is_part(code, owner):
            yield from _find_squashed_outputs(code, owner)
    for row in code.find_calls("Sequential"):
        if (
            isinstance(code.parent(row), ast.Assign)
            and code.class_of(row) is None
            and row.args
            and is_squashing(code, row.args[-1])
        ):
            yield Hit(row.args[-1])


def _is_part(code: Code, owner: ast.ClassDef) -> bool:
    """Return whether a class is made inside another network: a gate may well end with a softmax."""
    return any(
        code.tail(call) == owner.name and code.class_of(call) not in (None, owner) for call in code.calls
    )


@register_rule(
    "smoothed-evaluation-loss",
    source="D-003-5",
    why="The loss of evaluation has label smoothing in it: it is no negative log likelihood, and never near"
    " 0.",
    fix="evaluate with a criterion of its own, CrossEntropyLoss() without label_smoothing",
)
def find_smoothed_evaluation(code: Code) -> Iterator[Hit]:
    """The smoothing criterion of training used on validation or test images."""
    loops = code.loops.evaluating
    for call in find_cross_entropies(code):
        made = call if code.is_torch(call, "cross_entropy") else code.loops.find_criterion(call)
        smoothing = (
            number(code.resolve(found))
            if made is not None and (found := keyword(made, "label_smoothing")) is not None
            else None
        )
        if smoothing and any(loop in loops for loop in code.loops_of(call)):
            yield Hit(call)


@register_rule(
    "outputs-not-classes",
    source="D-004-13",
    why="The network names more, or fewer, classes than the data has: outputs that never occur take "
    "probability.",
    fix="let the last layer be as wide as there are classes: nn.Linear(…, len(classes))",
)
def find_odd_numbers_of_outputs(code: Code) -> Iterator[Hit]:
    """Five classes are kept and the last layer has ten outputs."""
    if not find_cross_entropies(code):
        return
    kept = [
        (node, len(node.value.elts))
        for node in code.nodes
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and _CLASSES.fullmatch(node.targets[0].id.casefold())
        and isinstance(node.value, ast.List | ast.Tuple)
        and len(node.value.elts) > 1
        and all(isinstance(constant(one), str | int) for one in node.value.elts)
    ]
    owners = find_judged_classes(code, "cross_entropy") or code.networks.classes
    heads = [head for owner in owners if (head := _find_head(code, owner)) is not None]
    if len(kept) != 1 or len(heads) != 1:
        return
    width = (
        number(code.resolve(found)) if (found := argument(heads[0], 1, "out_features")) is not None else None
    )
    if width is not None and width != kept[0][1]:
        yield Hit(
            heads[0],
            f"The last layer has {width:g} outputs, and {kept[0][1]} classes are kept: "
            "the others take probability.",
        )


def _find_head(code: Code, owner: ast.ClassDef) -> ast.Call | None:
    for last in code.networks.list_outputs(owner):
        if isinstance(last, ast.Call) and code.is_torch(last, "Linear"):
            return last
        if is_squashing(code, last):
            inner = (
                code.networks.find_last(last.args[0]) if isinstance(last, ast.Call) and last.args else None
            )
            if isinstance(inner, ast.Call) and code.is_torch(inner, "Linear"):
                return inner
    return None


@register_rule(
    "decoder-range",
    source="D-004-12",
    why="Pixels are in [-1, 1] and the decoder's sigmoid gives [0, 1]: it cannot reach them and paints "
    "black.",
    fix="leave pixels in [0, 1] (ToTensor alone), or end the decoder with nn.Tanh()",
)
def find_unreachable_pixels(code: Code) -> Iterator[Hit]:
    """Normalize(0.5, 0.5) in front of a decoder that ends with a sigmoid."""
    halves = [call for call in code.find_calls("Normalize") if _is_half(code, call)]
    is_rebuilding = bool(code.find_calls("MSELoss", "mse_loss", "L1Loss", "l1_loss"))
    if not (halves and is_rebuilding):
        return
    rebuilding = find_judged_classes(code, "mse_loss", "l1_loss") or [
        owner for owner in code.networks.classes if re.search(r"auto|decod|ae$", owner.name.casefold())
    ]
    for owner in rebuilding:
        for last in code.networks.list_outputs(owner):
            if isinstance(last, ast.Call) and code.is_torch(last, "sigmoid", "Sigmoid"):
                yield Hit(last)


def _is_half(code: Code, call: ast.Call) -> bool:
    """Return whether Normalize makes [-1, 1] of [0, 1]."""
    parts = [argument(call, 0, "mean"), argument(call, 1, "std")]
    for part in parts:
        value = code.resolve(part) if part is not None else None
        values = value.elts if isinstance(value, ast.Tuple | ast.List) else [value]
        if not values or any(number(one) != 0.5 for one in values):
            return False
    return True
