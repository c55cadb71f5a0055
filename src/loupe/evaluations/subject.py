"""What evaluations look at, and carrying them out: each in peace, each leaving everything as it was."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch

from loupe.data.dataset import ImageDataset
from loupe.errors import LoupeError
from loupe.evaluations.difficulty import ExampleRecord
from loupe.evaluations.finding import MADE, Block, Drawing, Finding, Gallery, Matrix
from loupe.evaluations.look import Look, Looks, Pictures, list_shown, name_look, rename_split
from loupe.evaluations.network import Network
from loupe.evaluations.registry import ChosenEvaluation
from loupe.inspection.explanation import undisturbed
from loupe.metrics import Predictions, Reconstructions
from loupe.metrics.registry import ChosenMetric
from loupe.models import ObjectiveName
from loupe.registration import PLUGIN_MODULE, describe_place
from loupe.runtime import on_one_thread, release_freed_memory

Say = Callable[[str], None]
_LARGE = {
    "network",
    "against_network",
    "training",
    "images",
}  # whoever needs one of these has much to compute


@dataclass(frozen=True, eq=False)
class LookedAt:
    """Images, and what the network says of them.

    Args:
        name: "validation", "test", "other data".
        answers: in the order of the images.
        images: None where they are not at hand.
        is_locked: whether these are the run's test images, which are never shown.
    """

    name: str
    answers: Predictions | Reconstructions
    images: ImageDataset | None = None
    is_locked: bool = False


@dataclass(frozen=True, eq=False)
class Subject:
    """A trained network and what can be looked at.

    Args:
        objective: of the network.
        class_names: one name a class.
        splits: what was looked at; the last one stands for the network.
        level: of intervals, in (0, 1).
        seed: of what evaluations draw at random.
        network: None where it is not at hand.
        load_training: gives the training images; None where they are not at hand.
        examples: training images followed through the epochs; None if none were.
        validation_answers: of the network; None where they are not at hand.
        metrics: that were asked for.
        against: a second network's answers to the same images, if two are compared.
        against_network: that network.
        against_images: the same images as it takes them.
        names: of the two networks, or of the members.
        members: answers of each network of an ensemble to the same images, if this is one.
    """

    objective: ObjectiveName
    class_names: tuple[str, ...]
    splits: tuple[LookedAt, ...]
    level: float = 0.95
    seed: int = 0
    network: Network | None = field(default=None, repr=False)
    load_training: Callable[[], ImageDataset] | None = field(default=None, repr=False)
    examples: ExampleRecord | None = field(default=None, repr=False)
    validation_answers: Predictions | None = field(default=None, repr=False)
    metrics: tuple[ChosenMetric, ...] = ()
    against: Predictions | None = field(default=None, repr=False)
    against_network: Network | None = field(default=None, repr=False)
    against_images: ImageDataset | None = field(default=None, repr=False)
    names: tuple[str, ...] | None = None
    members: tuple[Predictions, ...] | None = field(default=None, repr=False)

    @cached_property
    def training(self) -> ImageDataset | None:
        """The training images; None where they are not at hand."""
        return self.load_training() if self.load_training is not None else None

    def choose_splits(self, evaluation: ChosenEvaluation) -> list[LookedAt]:
        """Return what an evaluation looks at; nothing where it would show images that are locked."""
        if evaluation.split == "both":
            return list(self.splits)
        if evaluation.split == "judged":
            return [self.splits[-1]]
        return [one for one in self.splits if not one.is_locked][:1]


def carry_out(
    evaluations: Sequence[ChosenEvaluation],
    subject: Subject,
    say: Say = lambda line: None,
    tell: Say = lambda step: None,
) -> Looks:
    """Return what evaluations find, in their order; one whose needs are not met is left out.

    One that fails is kept with its failure: it is worth no run.

    Args:
        evaluations: what to carry out.
        subject: what they look at.
        say: told of each that fails.
        tell: told what is looked at next: "look 3 of 17: Confusion matrix (test)".
    """
    looks, pictures = list[Look](), dict[str, Pictures]()
    ready = [one for one in evaluations if not find_missing(one, subject)]
    wanted = [(one, split) for one in ready for split in subject.choose_splits(one)]
    for number, (evaluation, split) in enumerate(wanted, start=1):
        heading = name_look(evaluation.title, _name_split(evaluation, split))
        tell(f"look {number} of {len(wanted)}: {heading}")
        look = _carry_out_one(evaluation, subject, split, pictures)
        release_freed_memory()
        if look.failure:
            say(f"no {look.heading[:1].lower()}{look.heading[1:]}: {look.failure}")
        looks.append(look)
    return Looks(tuple(looks), _add_training(looks, subject, pictures))


def find_missing(evaluation: ChosenEvaluation, subject: Subject) -> list[str]:
    """Return what an evaluation cannot do without and is not at hand."""
    at_hand = {
        "network": subject.network,
        "training": subject.load_training,
        "examples": subject.examples,
        "validation_answers": subject.validation_answers,
        "against": subject.against,
        "against_network": subject.against_network,
        "names": subject.names,
        "members": subject.members,
        "images": all(one.images is not None for one in subject.splits) or None,
    }
    return sorted(name for name in evaluation.required if name in at_hand and at_hand[name] is None)


def _name_split(evaluation: ChosenEvaluation, split: LookedAt) -> str:
    return "training" if evaluation.split == "training" else split.name


def _carry_out_one(
    evaluation: ChosenEvaluation, subject: Subject, split: LookedAt, pictures: dict[str, Pictures]
) -> Look:
    is_training = evaluation.split == "training"
    followed = len(subject.examples.indices) if subject.examples is not None else 0
    look = Look(
        name=evaluation.name,
        title=evaluation.title,
        chapter=evaluation.chapter,
        order=evaluation.order,
        split=_name_split(evaluation, split),
        num_images=followed if is_training else _count(split),
        seconds=0.0,
    )
    started = time.perf_counter()
    try:
        with _in_peace(subject), _on_threads(evaluation):
            found = evaluation.function(**_collect(evaluation, subject, split), **evaluation.settings)
        if not isinstance(found, Finding):
            raise TypeError(f"a Finding is wanted, got {type(found).__name__}")
        blocks = _hide_locked(found.blocks, evaluation, split)
        if found.made is not None and any(image.split == MADE for image in list_shown(blocks)):
            name = f"{MADE} {evaluation.name} {look.split}"
            pictures[name] = Pictures(torch.arange(len(found.made)), found.made.cpu())
            blocks = rename_split(blocks, MADE, name)
        filled = replace(
            look,
            sentence=found.sentence,
            values=tuple(found.values),
            blocks=blocks,
            num_images=look.num_images if found.num_images is None else found.num_images,
        )
        Looks((filled,)).to_dict()  # what cannot be kept fails here, not when the run is written
    except Exception as error:  # a user's own evaluation, or network, can be anything
        return replace(look, seconds=time.perf_counter() - started, failure=_explain(evaluation, error))
    return replace(filled, seconds=time.perf_counter() - started)


def _explain(evaluation: ChosenEvaluation, error: Exception) -> str:
    """Return why an evaluation failed, with file and line if it is a user's own."""
    told = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    if isinstance(error, LoupeError):
        told = error.message
    is_own = evaluation.function.__module__.startswith(PLUGIN_MODULE)
    return f"{told} ({describe_place(evaluation.function, error)})" if is_own else told


def _count(split: LookedAt) -> int:
    return len(split.answers.labels if isinstance(split.answers, Predictions) else split.answers.errors)


@contextlib.contextmanager
def _in_peace(subject: Subject) -> Iterator[None]:
    """Have the same random numbers each time, and leave network and generators as they were."""
    with contextlib.ExitStack() as stack:
        networks = [one for one in (subject.network, subject.against_network) if one is not None]
        for one in networks:
            stack.enter_context(undisturbed(one.model, one.device))
        if not networks:
            stack.enter_context(torch.random.fork_rng(devices=[]))
        torch.manual_seed(subject.seed)
        yield


def _on_threads(evaluation: ChosenEvaluation) -> contextlib.AbstractContextManager[None]:
    """Return all threads for what passes images through networks, one for what only counts answers."""
    return contextlib.nullcontext() if _LARGE & evaluation.required else on_one_thread()


def _collect(evaluation: ChosenEvaluation, subject: Subject, split: LookedAt) -> Mapping[str, object]:
    """Return what an evaluation names of what is offered; None for what it can do without."""
    given: dict[str, object] = {
        "answers": split.answers,
        "class_names": subject.class_names,
        "level": subject.level,
        "seed": subject.seed,
        "split": split.name,
        "images": split.images,
        "validation_answers": subject.validation_answers,
        "network": subject.network,
        "examples": subject.examples,
        "metrics": subject.metrics,
        "against": subject.against,
        "against_network": subject.against_network,
        "against_images": subject.against_images,
        "names": subject.names,
        "members": subject.members,
    }
    if "training" in evaluation.needs:
        given["training"] = subject.training
    return {name: given[name] for name in evaluation.needs}


def _hide_locked(blocks: Sequence[Block], evaluation: ChosenEvaluation, split: LookedAt) -> tuple[Block, ...]:
    """Return blocks without what shows an image, if the images are locked."""
    if not split.is_locked or evaluation.split == "training":
        return tuple(blocks)
    hidden = (Gallery, Drawing) if "images" in evaluation.needs else (Gallery,)
    kept = (block for block in blocks if not isinstance(block, hidden))
    return tuple(replace(one, cells=(), first=None) if isinstance(one, Matrix) else one for one in kept)


def _add_training(
    looks: Sequence[Look], subject: Subject, pictures: Mapping[str, Pictures]
) -> dict[str, Pictures]:
    """Return pictures, and with them those of training images that are shown."""
    shown = {
        image.index
        for look in looks
        for image in list_shown(look.blocks)
        if (image.split or look.shown_split) == "train"
    }
    if not shown or subject.training is None:
        return dict(pictures)
    indices = torch.tensor(sorted(shown))
    return {**pictures, "train": Pictures(indices, subject.training.images[indices].cpu())}
