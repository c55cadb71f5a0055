"""How runs are compared, kept and named."""

import ast
import re
from collections.abc import Iterator

from loupe.linting.code import Code
from loupe.linting.nodes import constant, is_same, keyword
from loupe.linting.registry import register_rule
from loupe.linting.violation import Hit

_OPTIMIZERS = ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "NAdam", "RAdam")


@register_rule(
    "two-things-change",
    source="D-004-17",
    why="One arm borrows weights and freezes layers, the other does neither: nobody can say which of the "
    "two made the difference.",
    fix="change one: train all layers in both arms, or freeze the same ones in both",
)
def find_two_changes(code: Code) -> Iterator[Hit]:
    """if pretrained: load weights, and freeze all but the head."""
    for node in code.nodes:
        if not (isinstance(node, ast.If) and code.trains and _is_switch(node.test)):
            continue
        done = [ast.unparse(one) for one in node.body]
        loads = any(re.search(r"load_state_dict\(|torch\.load\(|weights=", one) for one in done)
        freezes = [
            one
            for one in node.body
            if re.search(r"requires_grad\s*=\s*False|requires_grad_\(False\)", ast.unparse(one))
        ]
        elsewhere = any("requires_grad" in ast.unparse(one) for one in node.orelse)
        if loads and freezes and not elsewhere:
            yield Hit(freezes[0])


def _is_switch(test: ast.expr) -> bool:
    """Return whether an `if` chooses an arm: by a name or a comparison with a text."""
    if isinstance(test, ast.Compare):
        return isinstance(constant(test.comparators[0]), str)
    return isinstance(test, ast.Name | ast.Attribute)


def _read_branches(node: ast.If) -> tuple[str, set[str], bool]:
    """Return name, texts and whether there is an `else`, of `if name == "a": … elif name == "b": …`."""
    name, texts = "", set()
    branch: ast.If | None = node
    while branch is not None:
        test = branch.test
        text = constant(test.comparators[0]) if isinstance(test, ast.Compare) and len(test.ops) == 1 else None
        if (
            not isinstance(test, ast.Compare)
            or not isinstance(test.ops[0], ast.Eq)
            or not isinstance(text, str)
        ):
            return "", set(), True
        if name and ast.unparse(test.left) != name:
            return "", set(), True
        name = ast.unparse(test.left)
        texts.add(text)
        rest = branch.orelse
        branch = rest[0] if len(rest) == 1 and isinstance(rest[0], ast.If) else None
        if branch is None:
            return name, texts, bool(rest)
    return name, texts, False


@register_rule(
    "unhandled-choice",
    source="D-004-10",
    why="An optimizer that is tried has no branch of its own: the one made before goes on under its name, "
    "or there is none.",
    fix="add its branch, and else: raise ValueError(name)",
)
def find_unhandled_choices(code: Code) -> Iterator[Hit]:
    """ "Adam" among the settings, and no branch for it."""
    known = {one.casefold(): one for one in _OPTIMIZERS}
    for node in code.nodes:
        is_first = isinstance(node, ast.If) and not (
            isinstance(above := code.parent(node), ast.If) and node in above.orelse
        )
        if not is_first or not isinstance(node, ast.If):
            continue
        name, texts, has_else = _read_branches(node)
        if not name or has_else or not any(text.casefold() in known for text in texts):
            continue
        listed = [
            one
            for one in code.nodes
            if isinstance(one, ast.List | ast.Tuple | ast.Set)
            and len(one.elts) > 1
            and all(isinstance(text := constant(each), str) and text.casefold() in known for each in one.elts)
        ]
        missing = {str(constant(each)) for one in listed for each in one.elts} - texts
        if missing:
            yield Hit(
                node,
                f"{' and '.join(sorted(missing))} is tried and has no branch here: "
                "the optimizer made before goes on under its name, or there is none.",
            )


@register_rule(
    "decay-not-passed",
    source="D-004-10",
    why="One optimizer is given the weight decay and another is not: a table over weight decay compares "
    "nothing for it.",
    fix="hand weight_decay to every optimizer",
)
def find_missing_decay(code: Code) -> Iterator[Hit]:
    """SGD(…, weight_decay=wd) beside Adam(… without)."""
    made = code.find_calls(*_OPTIMIZERS)
    for call in made:
        if keyword(call, "weight_decay") is not None or any(one.arg is None for one in call.keywords):
            continue
        function = code.function_of(call)
        beside = [
            other
            for other in made
            if other is not call
            and code.function_of(other) is function
            and _is_alternative(code, call, other)
        ]
        if any(
            isinstance(keyword(other, "weight_decay"), ast.Name | ast.Attribute | ast.Subscript)
            for other in beside
        ):
            yield Hit(call)


def _is_alternative(code: Code, call: ast.Call, other: ast.Call) -> bool:
    """Return whether two calls stand in branches of one `if`."""
    above = [one for one in code.parents(call) if isinstance(one, ast.If | ast.IfExp)]
    return any(one in above for one in code.parents(other) if isinstance(one, ast.If | ast.IfExp))


@register_rule(
    "dataframe-append",
    source="D-004-10",
    why="DataFrame.append is gone since pandas 2: the search ends with its first result.",
    fix="collect rows in a list, and make the DataFrame once: pd.DataFrame(rows)",
)
def find_appended_frames(code: Code) -> Iterator[Hit]:
    """df.append(…, ignore_index=True)."""
    yield from (
        Hit(call) for call in code.find_methods("append") if keyword(call, "ignore_index") is not None
    )


def _read_template(node: ast.AST | None) -> str:
    """Return a file's name with what is filled in as {}: "run_{}.pt"; "" of what is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [_read_template(node.left), _read_template(node.right)]
        return "".join(part or "{}" for part in parts) if any(parts) else ""
    return ""


def _find_files(code: Code, name: str, index: int) -> list[tuple[ast.Call, str]]:
    found = []
    for call in code.find_calls(name):
        if code.dotted(call.func) == f"torch.{name}" and len(call.args) > index:
            text = _read_template(code.resolve(call.args[index]))
            if text:
                found.append((call, text))
    return found


@register_rule(
    "file-nobody-writes",
    source="D-004-16",
    why="The file that is loaded is written under another name: what is loaded is an older one, or nothing.",
    fix="keep the name in one variable, for both",
)
def find_unwritten_files(code: Code) -> Iterator[Hit]:
    """torch.load("fm2_state_dict.pth") beside torch.save(…, "fm2.pth")."""
    saved = {text for _, text in _find_files(code, "save", 1)}
    for call, text in _find_files(code, "load", 0):
        stem = re.sub(r"\.\w+$", "", text)
        near = [one for one in saved if _is_near(re.sub(r"\.\w+$", "", one), stem)]
        if saved and text not in saved and near:
            yield Hit(
                call, f"{text} is loaded, and {near[0]} is what is written: an older file is loaded, or none."
            )


def _is_near(one: str, other: str) -> bool:
    """Return whether two names are one with something added: "fm2", "fm2_state_dict"."""
    short, long = sorted((one, other), key=len)
    rest = long.removeprefix(short) if long.startswith(short) else ""
    return len(short) > 2 and bool(
        re.fullmatch(r"[_-]?(state|state_?dict|weights|model|params|dict|final)+", rest)
    )


@register_rule(
    "same-file-twice",
    source="D-004-16",
    why="Two networks are saved under one name: the second overwrites the first.",
    fix="put the arm into the name",
)
def find_overwritten_files(code: Code) -> Iterator[Hit]:
    """Two different networks, one file name."""
    first: dict[str, ast.Call] = {}
    for call, text in _find_files(code, "save", 1):
        other = first.setdefault(text, call)
        if other is call or is_same(other.args[0], call.args[0]):
            continue
        bases = [_base(one.args[0]) for one in (other, call)]
        if (
            all(bases)
            and bases[0] != bases[1]
            and all(code.networks.is_network(ast.Name(one, ast.Load())) for one in bases)
        ):
            yield Hit(call)


def _base(node: ast.expr) -> str:
    """Return the name of the network whose weights are saved."""
    while isinstance(node, ast.Call | ast.Attribute):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


@register_rule(
    "own-drive",
    source="D-000-5",
    why="Code is taken from somebody's own drive: nobody else can run this.",
    fix="keep the file beside the script, and say where data come from",
)
def find_own_drives(code: Code) -> Iterator[Hit]:
    """sys.path.append("/content/drive/MyDrive/…")."""
    for call in code.calls:
        if code.dotted(call.func) not in (
            "sys.path.append",
            "sys.path.insert",
            "shutil.copy",
            "shutil.copyfile",
        ):
            continue
        texts = [constant(one) for one in call.args]
        if any(
            isinstance(text, str) and re.match(r"/content/(g?drive)|/Users/|/home/|[A-Z]:[\\/]", text)
            for text in texts
        ):
            yield Hit(call)
