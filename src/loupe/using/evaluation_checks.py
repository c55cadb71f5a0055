"""What cannot be evaluated, refused before a lock is opened or a network asked."""

from collections.abc import Sequence

from loupe.errors import LoupeError, RunError
from loupe.evaluations import ExampleRecord
from loupe.evaluations.registry import ChosenEvaluation
from loupe.runs import name_run
from loupe.using.opened_run import OpenedRun

OTHER = "other data"


def refuse_impossible(opened: OpenedRun, places: Sequence[object], *, on_test: bool, against: object) -> None:
    """Check that a run, images and a second network go together.

    Raises:
        LoupeError: they do not.
    """
    wrong = None
    if on_test and places:
        wrong = "--test and folders of images", "the run's own test images, or other data"
    elif opened.classifier is None and places:
        wrong = "folders of images", "the run's own images: its network names no class"
    elif opened.classifier is None and against is not None:
        wrong = "--against", "networks that name classes: this one gives images back"
    if wrong:
        raise LoupeError(
            f"Run {opened.run.path.name} cannot be evaluated like that.",
            got=wrong[0],
            allowed=wrong[1],
            next_step="leave one of them out",
        )


def refuse_unlike(opened: OpenedRun, second: OpenedRun, split: str) -> None:
    """Check that two networks are two, name the same classes and hold the same images back.

    Raises:
        RunError: they do not; one may then have trained on what the other is evaluated on.
    """
    if second.run.path.resolve() == opened.run.path.resolve():
        raise RunError(
            f"Run {name_run(opened.run.path)} cannot be set against itself.",
            got="the same run twice",
            allowed="another run",
            next_step="name another run; `loupe list` shows them",
        )
    if second.classifier is None or set(second.class_names) != set(opened.class_names):
        raise RunError(
            "These two networks do not name the same classes.",
            got=f"{second.run.path.name}: {', '.join(second.class_names[:12])}",
            allowed=f"{', '.join(opened.class_names[:12])}",
            next_step="compare networks that were trained on the same classes",
        )
    if split == OTHER:
        return
    ours, theirs = (one.run.read_environment()["data_digests"][split] for one in (opened, second))
    if ours != theirs:
        raise RunError(
            f"These two runs do not share their {split} images, so that one may have trained on them.",
            got=f"other {split} images in {second.run.path.name}",
            allowed="runs of the same data and the same data.split_seed, or a folder of other images",
            next_step="name a folder of labelled images behind the run",
        )


def refuse_missing(
    chosen: Sequence[ChosenEvaluation], looks: Sequence[str], opened: OpenedRun, *, is_test: bool
) -> None:
    """Check that evaluations somebody named can be carried out; "default" stands for those that can be.

    Args:
        chosen: what was asked for.
        looks: as it was asked for.
        opened: the run.
        is_test: whether its own test images are looked at.

    Raises:
        LoupeError: one needs what is not at hand, or would show images that are locked.
    """
    named = {look.partition(":")[0] for look in looks}
    for one in chosen:
        if one.name not in named:
            continue
        got = allowed = ""
        if is_test and one.split not in ("judged", "both"):
            got, allowed = "test images, which are never shown", "validation images, or other data"
        elif "examples" in one.required and read_examples(opened) is None:
            got, allowed = "no examples followed", "runs with evaluate.track_examples"
        elif "validation_answers" in one.required and opened.predictions is None:
            got, allowed = "no stored predictions", "runs that have ended"
        if got:
            raise LoupeError(
                f"The evaluation {one.name!r} cannot be carried out here.",
                got=got,
                allowed=allowed,
                next_step="name other looks; `loupe evaluations` says what each needs",
            )


def read_examples(opened: OpenedRun) -> ExampleRecord | None:
    """Return what a run followed of single images, epoch by epoch; None if it did not."""
    examples = opened.run.read_examples()
    return examples if examples is not None and examples.num_epochs else None
