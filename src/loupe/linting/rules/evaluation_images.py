"""What is done to the images that judge a network, and what they are divided by."""

import ast
from collections.abc import Iterator, Sequence

from loupe.linting.bindings import Binding
from loupe.linting.code import Code
from loupe.linting.nodes import argument, keyword, number
from loupe.linting.registry import register_rule
from loupe.linting.violation import Hit

RANDOM = (
    *("RandomCrop", "RandomResizedCrop", "RandomHorizontalFlip", "RandomVerticalFlip", "RandomRotation"),
    *(
        "RandomAffine",
        "RandomPerspective",
        "RandomErasing",
        "RandomGrayscale",
        "RandomInvert",
        "RandomZoomOut",
    ),
    *("ColorJitter", "AutoAugment", "RandAugment", "TrivialAugmentWide", "AugMix", "ElasticTransform"),
    *("RandomAdjustSharpness", "RandomSolarize", "RandomPosterize", "RandomEqualize", "RandomAutocontrast"),
)
_ON_LEVELS = ("ColorJitter", "AutoAugment", "RandAugment", "TrivialAugmentWide", "AugMix", "RandomPosterize")
_WRONG_STD = (0.2023, 0.1994, 0.2010)
_CALLED = {"test": "test", "validation": "validation"}


def list_steps(code: Code, transform: ast.expr | None) -> list[ast.Call]:
    """Return the steps of a transform, those of nested ones too; none of what is not known."""
    if transform is None:
        return []
    value = code.resolve(transform)
    if isinstance(value, ast.BinOp):  # lists that are joined
        return [*list_steps(code, value.left), *list_steps(code, value.right)]
    if isinstance(value, ast.List | ast.Tuple):
        return [step for one in value.elts for step in list_steps(code, one)]
    if not isinstance(value, ast.Call):
        return []
    if code.tail(value) in ("Compose", "Sequential", "RandomApply", "RandomOrder", "RandomChoice"):
        return [step for one in value.args for step in list_steps(code, one)]
    return [value]


def find_random_step(code: Code, transform: ast.expr | None) -> str:
    """Return the name of the first random step of a transform; "" without one."""
    return next((code.tail(step) for step in list_steps(code, transform) if code.tail(step) in RANDOM), "")


def _find_transform(dataset: ast.Call) -> ast.expr | None:
    return keyword(dataset, "transform", "transforms")


@register_rule(
    "augmented-evaluation",
    source="D-000-1, D-002-4",
    why="The images that judge the network are changed at random: the score is one of crops and mirror "
    "images.",
    fix="give evaluation a transform of its own: resize, ToTensor, Normalize, nothing random",
)
def find_augmented_evaluation(code: Code) -> Iterator[Hit]:
    """Random crops, flips or colours on validation or test images, directly or by a shared dataset."""
    for call in code.calls:
        step = find_random_step(code, _find_transform(call))
        if step and (role := _find_role(code, call)) in _CALLED:
            yield Hit(
                call, f"The {role} images go through {step}: the score is one of images changed at random."
            )
        made = code.resolve(call.args[0]) if call.args else None
        if not isinstance(made, ast.Call) or code.tail(call) not in ("random_split", "Subset"):
            continue
        step, name = find_random_step(code, _find_transform(made)), _find_held_out(code, call)
        if step and name:
            yield Hit(
                call,
                f"{name} shares its dataset with the training images, and their {step} with it: "
                "the score is one of images changed at random.",
            )


def _find_role(code: Code, dataset: ast.Call) -> str | None:
    """Return the role of a dataset that is made here: by its arguments, else by what it is called."""
    role = code.roles.of(dataset)
    if role:
        return role
    statement = code.parent(dataset)
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return code.roles.of(ast.Name(statement.targets[0].id, ast.Load()))
    return None


def _find_held_out(code: Code, call: ast.Call) -> str:
    """Return the name of a part that is held out of a dataset; "" if none is called so."""
    statement = code.statement_of(call)
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    names = [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
    from loupe.linting.roles import role_of_name

    return next((name for name in names if role_of_name(name) in _CALLED), "")


@register_rule(
    "shared-dataset-transform",
    source="D-000-1, D-002-4",
    why="Parts of a random_split share one dataset: a transform set for one part is the other part's too.",
    fix="make the dataset twice, each with its transform, and take a Subset of each by the same indices",
)
def find_shared_transforms(code: Code) -> Iterator[Hit]:
    """`val_set.dataset.transform = …` after a split."""
    for node in code.nodes:
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            is_inner = (
                isinstance(target, ast.Attribute)
                and target.attr in ("transform", "transforms")
                and isinstance(target.value, ast.Attribute)
                and target.value.attr == "dataset"
                and isinstance(target.value.value, ast.Name)
            )
            if is_inner and isinstance(target, ast.Attribute) and _is_split(code, target):
                yield Hit(node)


def _is_split(code: Code, target: ast.Attribute) -> bool:
    inner = target.value.value if isinstance(target.value, ast.Attribute) else None
    bound: Sequence[Binding] = code.bindings(inner) if isinstance(inner, ast.Name) else ()
    return any(
        isinstance(one.value, ast.Call) and code.tail(one.value) in ("random_split", "Subset")
        for one in bound
    )


@register_rule(
    "augment-after-normalize",
    source="D-002-4",
    why="Colours are changed after Normalize: the step takes levels in 0..1 or 0..255 for granted, and "
    "meets others.",
    fix="put colour changes and policies before ToTensor or at least before Normalize",
)
def find_late_augmentation(code: Code) -> Iterator[Hit]:
    """Colour jitter or a policy behind Normalize."""
    for call in code.calls:
        if code.tail(call) != "Compose":
            continue
        steps = list_steps(code, call)
        names = [code.tail(step) for step in steps]
        if "Normalize" in names:
            late = [step for step in steps[names.index("Normalize") :] if code.tail(step) in _ON_LEVELS]
            yield from (Hit(step) for step in late)


@register_rule(
    "wrong-std",
    source="D-X-1",
    why="(0.2023, 0.1994, 0.2010) is not the deviation of CIFAR-10's pixels: inputs are 22 to 30 % too "
    "large.",
    fix="use (0.2470, 0.2435, 0.2616), or measure it on the training images",
)
def find_wrong_std(code: Code) -> Iterator[Hit]:
    """The well-known wrong standard deviation of CIFAR-10."""
    for node in code.nodes:
        if not isinstance(node, ast.Tuple | ast.List) or len(node.elts) != 3:
            continue
        values = [number(one) for one in node.elts]
        if all(
            one is not None and abs(one - wrong) < 6e-4 for one, wrong in zip(values, _WRONG_STD, strict=True)
        ):
            yield Hit(node)


@register_rule(
    "shown-normalised",
    source="D-002-9",
    why="The image is drawn as the network sees it: values beyond 0..1 are clipped, and its colours are "
    "wrong.",
    fix="undo the normalisation first: image * std + mean",
)
def find_normalised_pictures(code: Code) -> Iterator[Hit]:
    """imshow of colour images of a loader with Normalize, with nothing undone."""
    if not code.find_calls("Normalize"):
        return
    for call in code.find_methods("imshow"):
        shown = call.args[0] if call.args else None
        if shown is not None and _is_permuted(shown) and _comes_from_loader(code, shown):
            yield Hit(call)


def _is_permuted(node: ast.expr) -> bool:
    text = ast.unparse(node).replace(" ", "")
    return "(1,2,0)" in text and ("permute" in text or "transpose" in text)


def _comes_from_loader(code: Code, node: ast.expr, depth: int = 5) -> bool:
    """Return whether a picture is what a loader or dataset gave, with no arithmetic on the way."""
    if depth <= 0 or any(isinstance(one, ast.BinOp) for one in ast.walk(node)):
        return False
    base = _find_base(code, node)
    if base is None or any(one.how == "changed" for one in code.all_bindings(base)):
        return False
    for bound in code.bindings(base):
        if bound.how == "parameter":
            function = code.function_of(base)
            sites = [one for one in code.calls if function is not None and code.tail(one) == function.name]
            given = [found for one in sites if (found := argument(one, 0)) is not None]
            return any(_comes_from_loader(code, one, depth - 1) for one in given)
        if bound.value is not None and bound.how == "is":
            return _comes_from_loader(code, bound.value, depth - 1)
        if bound.value is not None:
            return "loader" in ast.unparse(bound.value) or code.roles.of(bound.value) is not None
    return code.roles.of(base) is not None and isinstance(node, ast.Subscript)


_SAME_PIXELS = ("permute", "numpy", "cpu", "squeeze", "detach", "clone")


def _find_base(code: Code, node: ast.expr) -> ast.Name | None:
    """Return the name that a picture is made of: `image` of image.permute(1, 2, 0); None of anything else."""
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        elif isinstance(node, ast.Call) and node.args and code.tail(node) in ("make_grid", "transpose"):
            is_method = isinstance(node.func, ast.Attribute) and code.tail(node) == "transpose"
            is_own = is_method and code.dotted(node.func).partition(".")[0] not in ("np", "numpy", "torch")
            node = node.func.value if is_own and isinstance(node.func, ast.Attribute) else node.args[0]
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _SAME_PIXELS
        ):
            node = node.func.value
        else:
            return None
    return node
