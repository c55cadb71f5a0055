"""Which weights are chosen, by what, and whether they are the ones that are tested."""

import ast
import re
from collections.abc import Iterator

from loupe.linting.code import Code
from loupe.linting.loops import is_over_epochs
from loupe.linting.nodes import constant, keyword
from loupe.linting.registry import register_rule
from loupe.linting.violation import Hit

_BEST = re.compile(r"(^|_)(best|max|highest|min|lowest|top)(_|$)|^best")
_SCORE = re.compile(r"acc|loss|score|err|f1")
_KEEPING = ("save", "deepcopy", "copy", "clone", "save_checkpoint", "save_model", "dump", "save_file")
_LOADING = ("load_state_dict", "load", "load_model", "load_from_checkpoint", "load_file")


def _name_of(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript) and isinstance(constant(node.slice), str):
        return str(constant(node.slice))
    return getattr(node, "id", getattr(node, "attr", ""))


def _find_selections(code: Code) -> Iterator[tuple[ast.If, ast.Compare, ast.expr]]:
    """Yield `if score > best_score:` with what is compared with the best so far."""
    for node in code.nodes:
        if not isinstance(node, ast.If):
            continue
        for test in ast.walk(node.test):
            if not (isinstance(test, ast.Compare) and len(test.ops) == 1):
                continue
            sides = [test.left, test.comparators[0]]
            if not isinstance(test.ops[0], ast.Gt | ast.Lt | ast.GtE | ast.LtE):
                continue
            best = [bool(_BEST.search(_name_of(side))) for side in sides]
            if best[0] != best[1] and _name_of(sides[best.index(True)]):
                yield node, test, sides[best.index(False)]


@register_rule(
    "picked-on-test",
    source="D-003-1, D-000-2, D-001-1",
    why="What is best is chosen on the test set, so its score flatters: it is the luckiest of many looks.",
    fix="choose on validation images held out of the training set, and open the test set once, at the end",
)
def find_picking_on_test(code: Code) -> Iterator[Hit]:
    """The best epoch, rate or stop is chosen by a number from test images."""
    for _, test, score in _find_selections(code):
        if code.roles.of_number(score) == "test":
            yield Hit(test)
    for call in code.calls:
        is_best = isinstance(call.func, ast.Name) and call.func.id in ("max", "min")
        if is_best and call.args and _is_test_scores(code, call):
            yield Hit(call)
        is_stepped = isinstance(call.func, ast.Attribute) and call.func.attr == "step" and len(call.args) == 1
        if (
            is_stepped
            and _SCORE.search(ast.unparse(call.args[0]).casefold())
            and code.roles.of_number(call.args[0]) == "test"
        ):
            yield Hit(
                call, "The learning rate follows the loss on the test set, which is then no test any more."
            )


def _is_test_scores(code: Code, call: ast.Call) -> bool:
    """Return whether the best of test scores is taken; limits of a plot are no choice."""
    statement = code.statement_of(call)
    if isinstance(statement, ast.Expr) and any(
        word in ast.unparse(statement) for word in ("lim(", "axis(", "ticks(")
    ):
        return False
    names = [_name_of(one).casefold() for one in call.args]
    if len(call.args) == 1:
        is_score = bool(re.search(r"acc|score|f1", names[0])) == (code.tail(call) == "max") and bool(
            _SCORE.search(names[0])
        )
        is_list = is_score or re.fullmatch(r"hist(ory)?|log|logs|record|records|results?|curve", names[0])
        return bool(is_list) and code.roles.of_number(call.args[0]) == "test"
    if not any(_BEST.search(name) for name in names):
        return False
    others = [one for one, name in zip(call.args, names, strict=True) if not _BEST.search(name)]
    return any(code.roles.of_number(one) == "test" for one in others)


@register_rule(
    "test-called-validation",
    source="D-000-1",
    why="The test images bear the name of validation images: what is chosen on them is chosen on test.",
    fix="hold validation images out of the training set (torch.utils.data.random_split with a generator)",
)
def find_test_called_validation(code: Code) -> Iterator[Hit]:
    """The set with train=False is named validation."""
    for node in code.nodes:
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)):
            continue
        is_data = code.tail(node.value) == "DataLoader" or keyword(node.value, "train") is not None
        for target in node.targets:
            named = re.search(
                r"(^|_)(val|valid|validation|dev)(_?(set|loader|data|dataset|dl|ds))?($|_)", _name_of(target)
            )
            if is_data and named and "test" not in _name_of(target) and code.roles.of(node.value) == "test":
                yield Hit(node)


@register_rule(
    "best-by-reference",
    source="D-004-1",
    why="The best weights are kept by reference: training goes on in the same tensors, so the last ones are"
    " kept.",
    fix="keep a copy: copy.deepcopy(model.state_dict())",
)
def find_best_by_reference(code: Code) -> Iterator[Hit]:
    """`best = model` or `best = model.state_dict()` without a copy."""
    for node in code.nodes:
        if not (isinstance(node, ast.Assign) and code.loops_of(node)):
            continue
        names = [_name_of(target).casefold() for target in node.targets]
        if not any("best" in name for name in names):
            continue
        value = node.value
        is_state = (
            isinstance(value, ast.Call)
            and isinstance(value.func, ast.Attribute)
            and value.func.attr == "state_dict"
        )
        is_network = isinstance(value, ast.Name | ast.Attribute) and code.networks.is_network(value)
        if (is_state or is_network) and _is_chosen(code, node) and not _is_saved_at_once(code, node, names):
            yield Hit(node)


def _is_chosen(code: Code, node: ast.Assign) -> bool:
    """Return whether an assignment stands in an `if` within a loop: the best so far of one network."""
    loops = code.loops_of(node)
    is_fresh = any(
        isinstance(one, ast.Assign)
        and isinstance(node.value, ast.Name)
        and _name_of(one.targets[0]) == node.value.id
        for one in loops[0].body
    )
    return any(isinstance(one, ast.If) for one in code.parents(node)) and not is_fresh


def _is_saved_at_once(code: Code, node: ast.Assign, names: list[str]) -> bool:
    """Return whether the next statements write it to a file, and nothing reads it later."""
    above = code.parent(node)
    after = getattr(above, "body", [])
    saves = [
        one
        for one in after
        if code.find_methods("save", within=one) and any(name in ast.unparse(one) for name in names)
    ]
    loads = [
        one for one in code.find_methods("load_state_dict") if one.args and _name_of(one.args[0]) in names
    ]
    return bool(saves) and not loads


def _keeps(code: Code, node: ast.AST) -> bool:
    """Return whether weights are saved or copied within a node, or the network is at least put aside."""
    text = ast.unparse(node)
    if any(isinstance(one, ast.Assign) and code.networks.is_network(one.value) for one in ast.walk(node)):
        return True
    return "state_dict" in text or any(
        code.tail(one) in _KEEPING for one in ast.walk(node) if isinstance(one, ast.Call)
    )


@register_rule(
    "best-not-kept",
    source="D-000-2",
    why="The best score is noted, but its weights are not kept: nobody can use or check what is reported.",
    fix="keep the weights where the score is noted: torch.save(model.state_dict(), file)",
)
def find_best_not_kept(code: Code) -> Iterator[Hit]:
    """`if score > best: best = score`, and no weights are kept."""
    if not code.trains:
        return
    for node, test, score in _find_selections(code):
        is_scored = _SCORE.search(ast.unparse(score).casefold())
        is_trained = code.loops.find_epochs(node) is not None
        is_handed_on = any(_is_handed_on(code, one) for one in ast.walk(node))
        if is_scored and is_trained and _notes_best(node) and not _keeps(code, node) and not is_handed_on:
            yield Hit(test)


def _notes_best(node: ast.If) -> bool:
    """Return whether an `if` notes the best score so far, and no sign that something is kept elsewhere."""
    names = [_name_of(to) for one in node.body if isinstance(one, ast.Assign) for to in one.targets]
    is_signed = any(re.search(r"is_best|improved|save", name) for name in names)
    return any(_BEST.search(name) for name in names) and not is_signed


def _is_handed_on(code: Code, node: ast.AST) -> bool:
    """Return whether a call may keep the weights: of a function of the script, or with the network."""
    return isinstance(node, ast.Call) and (code.tail(node) in code.functions or "model" in names_of(node))


def names_of(node: ast.AST) -> set[str]:
    """Return every name and attribute in a piece of code."""
    return {getattr(one, "id", getattr(one, "attr", "")) for one in ast.walk(node)}


@register_rule(
    "best-never-loaded",
    source="D-003-2",
    why="The best weights are saved and never loaded again: tables and figures after training are of the "
    "last ones.",
    fix="model.load_state_dict(torch.load(file, weights_only=True)) before anything is tested or drawn",
)
def find_best_never_loaded(code: Code) -> Iterator[Hit]:
    """Weights saved as the best; what is judged afterwards is the network as it was left."""
    if any(code.tail(call) in _LOADING for call in code.calls):
        return
    for node, _, _ in _find_selections(code):
        saves = code.find_methods("save", within=node)
        loop = code.loops.find_epochs(node)
        if not (saves and loop is not None):
            continue
        after = [
            one
            for one in _list_judgements(code)
            if one.lineno > (loop.end_lineno or 0) and _is_beside(code, one, loop)
        ]
        if after:
            yield Hit(saves[0])


def _list_judgements(code: Code) -> list[ast.For | ast.Call]:
    """Return where networks are judged: loops over loaders, and calls of functions that hold such loops."""
    judging = {function.name for loop in code.loops.evaluating if (function := code.function_of(loop))}
    return [*code.loops.evaluating, *(one for one in code.calls if code.tail(one) in judging)]


def _is_beside(code: Code, node: ast.AST, loop: ast.AST) -> bool:
    return code.function_of(node) is code.function_of(loop)


@register_rule(
    "last-weights",
    source="D-002-7",
    why="Validation is measured every epoch and chooses nothing: the last weights are tested, whatever it "
    "said.",
    fix="keep a copy of the weights of the best validation epoch, and test those",
)
def find_last_weights(code: Code) -> Iterator[Hit]:
    """Validation in the loop over epochs, a test after it, and no weights kept in between."""
    for loop in code.nodes:
        if not (isinstance(loop, ast.For) and is_over_epochs(loop)) or not code.trains:
            continue
        inside = [one for one in _list_judgements(code) if loop in code.loops_of(one)]
        validated = [one for one in inside if _role_of(code, one) == "validation"]
        after = [
            one
            for one in _list_judgements(code)
            if one.lineno > (loop.end_lineno or 0) and _is_beside(code, one, loop)
        ]
        tested = [one for one in after if _role_of(code, one) == "test"]
        region = code.loops.find_region(loop)
        helpers = [
            one
            for call in code.calls
            if loop in code.loops_of(call) and (one := code.functions.get(code.tail(call)))
        ]
        is_kept = any(_keeps(code, one) for one in (loop, *helpers)) or any(
            code.tail(one) in _LOADING for one in code.find_methods(*_LOADING, within=region)
        )
        if validated and tested and not is_kept and not code.find_calls("ReduceLROnPlateau"):
            yield Hit(tested[0])


def _role_of(code: Code, node: ast.For | ast.Call) -> str | None:
    return code.roles.of_loop(node) if isinstance(node, ast.For) else code.roles.of_number(node)


@register_rule(
    "comment-contradicts",
    source="D-004-8",
    why="The comment says that the highest accuracy is chosen; the code chooses the lowest loss.",
    fix="let the comment say what the code does, or choose by accuracy",
)
def find_contradicting_comments(code: Code) -> Iterator[Hit]:
    """A comment speaks of accuracy where the loss chooses, or the other way round."""
    for node, test, score in _find_selections(code):
        chosen = ast.unparse(score).casefold()
        near = " ".join(
            code.comments.get(line, "") for line in range(node.lineno - 2, node.lineno + 1)
        ).casefold()
        if not re.search(r"best|high|low", near):
            continue
        says_accuracy, says_loss = "accura" in near or "acc " in near, "loss" in near
        if "loss" in chosen and says_accuracy and not says_loss:
            yield Hit(test)
        elif "acc" in chosen and says_loss and not says_accuracy:
            yield Hit(
                test,
                "The comment says that the lowest loss is chosen; the code chooses the highest accuracy.",
            )


@register_rule(
    "many-test-passes",
    source="D-003-3",
    why="The test set is gone through more than twice: each look is a chance to choose by it.",
    fix="go through it once, keep the answers, and compute every number and table from those",
)
def find_many_test_passes(code: Code) -> Iterator[Hit]:
    """Three or more loops over the test images."""
    called = {code.tail(call) for call in code.calls}
    passes = [
        one
        for one in sorted(_list_judgements(code), key=lambda one: one.lineno)
        if not (isinstance(one, ast.For) and (function := code.function_of(one)) and function.name in called)
        and _role_of(code, one) == "test"
    ]
    if len(passes) > 2:
        yield Hit(passes[2])
