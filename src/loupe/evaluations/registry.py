"""The registry of evaluations, and which of them a network is looked at with."""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from loupe.errors import LoupeError, Mistake, UnknownNameError, suggest
from loupe.evaluations.finding import Finding
from loupe.models import ObjectiveName
from loupe.recipe.sections import Choice, read_choice_text, write_choice_text
from loupe.registry import Registry

OFFERED = {
    "answers": "what the network says of the images: `Predictions`, or `Reconstructions`",
    "class_names": "one name a class",
    "level": "of intervals, in (0, 1)",
    "seed": "of what is drawn at random",
    "split": 'which images these are: "validation", "test", or "other data"',
    "images": "the images, as an `ImageDataset`",
    "validation_answers": "`Predictions` of the validation images, for what is fitted there",
    "network": "the network, to be asked anything: `Network`",
    "training": "the training images, as an `ImageDataset`",
    "examples": "an `ExampleRecord`: training images followed through the epochs",
    "metrics": "the metrics that were asked for, each a `ChosenMetric`",
    "against": "`Predictions` of a second network for the same images",
    "against_network": "the second network: `Network`",
    "against_images": "the same images as the second network takes them, as an `ImageDataset`",
    "names": "how the two networks, or the members, are called",
    "members": "`Predictions` of each network of an ensemble for the same images; `answers` are their mean",
}
"""What an evaluation may name among its parameters, and what that is."""
LookSplit = Literal["judged", "validation", "both", "training"]
DEFAULT = "default"
"""In a recipe's list of looks: all that are taken if it says nothing."""
_OF_TWO = frozenset({"against", "against_network"})
_OF_MANY = frozenset({"members"})
_NEVER_BY_ITSELF = _OF_TWO | _OF_MANY | {"names"}
_COSTLY = frozenset(
    {
        "network",
        "training",
        "images",
        "examples",
        "against",
        "against_network",
        "validation_answers",
        "members",
    }
)

Function = TypeVar("Function", bound=Callable[..., Finding])

EVALUATIONS = Registry(
    "evaluation",
    "loupe.evaluations",
    given=(),
    offered=tuple(OFFERED),
    list_command="loupe evaluations",
)


def register_evaluation(
    name: str,
    *,
    title: str = "",
    chapter: str = "",
    order: int = 500,
    split: LookSplit = "judged",
    objective: ObjectiveName = "classification",
    is_default: bool = True,
    takes_seconds: bool = False,
    mirrors: bool = False,
) -> Callable[[Function], Function]:
    """Return a decorator that registers a function as the evaluation `name`.

    The function names what it needs among its parameters (`OFFERED` lists what there is); all else in its
    signature is a setting. It returns a `Finding`. What names neither `network` nor `training` is computed
    from files and costs no forward pass. Test images are never shown: of an evaluation that looked at them,
    galleries are dropped, and drawings too if it names `images`.

    Args:
        name: what recipes call it; a word of small letters, digits and underscores.
        title: its heading; the name if left out.
        chapter: heading that several share; the title if left out.
        order: where it stands among the others, smaller first; Loupe's own have 5 to 60.
        split: "judged" (test if it was opened, else validation), "validation", "both", or "training".
        objective: "classification" or "reconstruction".
        is_default: whether it is taken where a recipe says nothing: for what costs seconds at most.
        takes_seconds: whether it costs more than a moment: by itself it then looks only at runs that are
            looked into (`evaluate.look_inside`), not at each of a study's.
        mirrors: whether it mirrors images, which changes the class of some.

    Raises:
        LoupeError: the name is taken or no word, or split or objective cannot be.
    """
    wrong = None
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name == DEFAULT:
        wrong = repr(name), "a word of small letters, digits and underscores, not default"
    elif split not in ("judged", "validation", "both", "training"):
        wrong = f"split={split!r}", "judged, validation, both, training"
    elif objective not in ("classification", "reconstruction"):
        wrong = f"objective={objective!r}", "classification or reconstruction"
    if wrong:
        raise LoupeError(
            f"Evaluation {name!r} cannot be registered like that.",
            got=wrong[0],
            allowed=wrong[1],
            next_step="mend its @register_evaluation line",
        )
    heading = title or name.replace("_", " ").capitalize()

    def add(function: Function) -> Function:
        needs = inspect.signature(function).parameters.keys() & OFFERED.keys()
        costly = sorted(needs & _COSTLY) or ["answers"]
        shown = "by default" if is_default else "where it is named"
        if _NEVER_BY_ITSELF & needs:
            shown = "of a series" if _OF_MANY & needs else "by `loupe evaluate --against`"
        register = EVALUATIONS.register(
            name,
            title=heading,
            chapter=chapter or heading,
            order=order,
            split=split,
            objective=objective,
            is_default=is_default,
            takes_seconds=takes_seconds,
            mirrors=mirrors,
            needs=", ".join(costly),
            shown=shown,
        )
        return register(function)

    return add


@dataclass(frozen=True)
class ChosenEvaluation:
    """An evaluation with its settings, ready to be carried out.

    Args:
        name: with the settings that are not the default: `feature_map:most=500`.
        function: the registered function.
        settings: all of its settings.
        title: its heading.
        chapter: heading that several share.
        order: where it stands among the others.
        split: which images it looks at.
        objective: what networks it is for.
    """

    name: str
    function: Callable[..., Finding]
    settings: Mapping[str, Any]
    title: str
    chapter: str
    order: int
    split: LookSplit
    objective: ObjectiveName

    @property
    def needs(self) -> frozenset[str]:
        """What of `OFFERED` it asks for."""
        return frozenset(inspect.signature(self.function).parameters) & OFFERED.keys()

    @property
    def required(self) -> frozenset[str]:
        """What of `OFFERED` it cannot do without: parameters without a default."""
        parameters = inspect.signature(self.function).parameters
        return frozenset(name for name in self.needs if parameters[name].default is inspect.Parameter.empty)


def choose_evaluation(choice: str | Choice) -> ChosenEvaluation:
    """Return an evaluation by name and settings.

    Args:
        choice: as in a recipe; or as text, "feature_map" or "feature_map:most=500".

    Raises:
        UnknownNameError: there is no such evaluation.
        LoupeError: a setting is unknown or out of range.
    """
    name, settings = (
        (choice.name, choice.settings) if isinstance(choice, Choice) else read_choice_text(choice)
    )
    function, resolved = EVALUATIONS.get(name), EVALUATIONS.resolve(name, settings)
    facts = {key: value for key, value in EVALUATIONS.facts(name).items() if key not in _NOT_CHOSEN}
    changed = EVALUATIONS.trim(name, settings)
    told = {
        key: value for key, value in changed.items() if not isinstance(value, Mapping)
    }  # tables: no names
    return ChosenEvaluation(write_choice_text(name, told), function, resolved, **facts)


_NOT_CHOSEN = ("is_default", "takes_seconds", "mirrors", "needs", "shown")


def choose_evaluations(
    choices: Sequence[str | Choice] | None, objective: ObjectiveName, plugins: Iterable[str] = ()
) -> tuple[ChosenEvaluation, ...]:
    """Return evaluations by their choices, each once, in the order they ask for.

    Args:
        choices: as in a recipe; None for those taken by default, "default" among others stands for these.
        objective: of the network.
        plugins: modules of plugins that count; what another plugin registered is not taken by default.

    Raises:
        UnknownNameError: there is no such evaluation, or it is for another objective.
        LoupeError: a setting is unknown or out of range.
    """
    wanted: list[str | Choice] = []
    for choice in (DEFAULT,) if choices is None else choices:
        is_default = (choice.name if isinstance(choice, Choice) else choice) == DEFAULT
        wanted += list_default_evaluations(objective, plugins) if is_default else [choice]
    chosen = {one.name: one for one in map(choose_evaluation, wanted)}
    for one in chosen.values():
        if one.objective != objective:
            raise UnknownNameError(
                f"evaluation for {objective}",
                one.name,
                [name for name in EVALUATIONS if EVALUATIONS.facts(name)["objective"] == objective],
                "`loupe evaluations` lists them",
            )
    return tuple(sorted(chosen.values(), key=lambda one: (one.order, one.name)))


def list_default_evaluations(
    objective: ObjectiveName, plugins: Iterable[str] = (), *, is_hurried: bool = False
) -> list[str]:
    """Return the names of evaluations taken where nothing is said.

    Args:
        objective: of the network.
        plugins: modules of plugins that count.
        is_hurried: whether those that take seconds are left out.
    """
    modules = tuple(plugins)
    found = []
    for name in EVALUATIONS:
        facts, module = EVALUATIONS.facts(name), EVALUATIONS.get(name).__module__
        is_ours = not EVALUATIONS.is_plugin(name) or module in modules
        needs_more = _NEVER_BY_ITSELF & inspect.signature(EVALUATIONS.get(name)).parameters.keys()
        is_wanted = facts["is_default"] and not (is_hurried and facts["takes_seconds"])
        if is_wanted and facts["objective"] == objective and is_ours and not needs_more:
            found.append(name)
    return found


def list_paired_evaluations(objective: ObjectiveName) -> list[str]:
    """Return the names of evaluations that set two networks against each other."""
    return _list_that_need(_OF_TWO, objective)


def list_ensemble_evaluations(objective: ObjectiveName) -> list[str]:
    """Return the names of evaluations that set an ensemble against the networks it is made of."""
    return _list_that_need(_OF_MANY, objective)


def _list_that_need(some: frozenset[str], objective: ObjectiveName) -> list[str]:
    return [
        name
        for name in EVALUATIONS
        if some & inspect.signature(EVALUATIONS.get(name)).parameters.keys()
        and EVALUATIONS.facts(name)["objective"] == objective
        and EVALUATIONS.facts(name)["is_default"]
    ]


def find_evaluation_mistakes(
    choice: object, objective: ObjectiveName | None, *, is_mirrorable: bool, where: str
) -> list[Mistake]:
    """Return what is wrong with an evaluation that a recipe names; form is checked elsewhere.

    Args:
        choice: a name, a name with settings as text, or a mapping.
        objective: of the recipe's network; None if that is not known.
        is_mirrorable: whether a mirrored image is of the same class.
        where: place in the recipe.
    """
    if isinstance(choice, str):
        name, settings = read_choice_text(choice)
    elif isinstance(choice, Mapping) and isinstance(choice.get("name"), str):
        name, settings = choice["name"], {key: value for key, value in choice.items() if key != "name"}
    else:
        return []
    if name == DEFAULT and not settings:
        return []
    names = [one for one in EVALUATIONS if objective in (None, EVALUATIONS.facts(one)["objective"])]
    if name not in names:
        what = f": for {objective}" if name in EVALUATIONS else ""
        allowed = [DEFAULT, *names]
        return [Mistake(where, repr(name), f"{', '.join(allowed)}{what}", suggest(name, allowed))]
    if EVALUATIONS.facts(name)["mirrors"] and not is_mirrorable:
        return [Mistake(where, repr(name), "looks that mirror no image: a mirrored one is of another class")]
    of = EVALUATIONS.facts(name)["objective"]
    for others, way in (
        (list_paired_evaluations(of), "`loupe evaluate --against` takes this one"),
        (list_ensemble_evaluations(of), "`loupe evaluate` of a series of seeds takes this one"),
    ):
        if name in others:
            return [Mistake(where, repr(name), f"a look at one network: {way}")]
    return EVALUATIONS.find_mistakes(name, settings, where=where, fields=("name",))


def resolve_evaluation(choice: Choice) -> dict[str, Any]:
    """Return a choice with every setting filled in, as a table of a recipe."""
    settings = EVALUATIONS.resolve(choice.name, choice.settings) if choice.name != DEFAULT else {}
    return {"name": choice.name, **settings}
