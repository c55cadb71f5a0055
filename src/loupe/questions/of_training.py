"""Questions about the training: did it fit, was it long enough, was its rate right?"""

import math
from statistics import fmean

from loupe.questions.answer import Answer
from loupe.questions.evidence import Evidence
from loupe.statistics import Interval, compute_wilson_interval
from loupe.training import EpochRecord
from loupe.wording import count_of

_FEWEST_EPOCHS = 5
_MATTERS = 0.01  # of a loss, as a share of it
_MANY_MISSED = 0.05  # of the training images


def ask_fit(evidence: Evidence) -> Answer:
    """Return whether the network fits its training images, and others as well.

    Over-fitted: twice as many mistakes on validation as on training images, beyond chance. Under-fitted: more
    than one mistake in twenty on training images, and as many on validation. Both: as many on training
    images, and more on validation beyond chance.
    """
    name, question, section = "fit", "Does it under- or over-fit?", "curves"
    record = evidence.best_record
    if record is None or record.clean_train_accuracy is None or record.validation_accuracy is None:
        why, step = "Training images were not measured as validation is.", "train.clean_train_images = 2000"
        if record is not None and record.clean_train_loss is not None:
            return _compare_losses(evidence, record)
        return Answer(name, question, "unknown", why, section, step)
    ours, theirs = record.clean_train_accuracy, record.validation_accuracy
    gap = ours - theirs
    ends = _bound_gap(evidence, ours, theirs)
    said = (
        f"Right for {100 * ours:.1f} % of training and {100 * theirs:.1f} % of validation images: "
        f"{100 * gap:+.1f} points apart ({100 * ends.low:+.1f} to {100 * ends.high:+.1f})"
    )
    if ends.low > 0 and 1 - theirs > 2 * (1 - ours):
        step = "more or stronger data.augment, more images, or a smaller network"
        return Answer(name, question, "attention", f"{said}: it over-fits.", section, step)
    if 1 - ours > _MANY_MISSED and ends.low < _MATTERS and (lowest := _find_turn(evidence)) is not None:
        step = "more images, or more or stronger data.augment"
        told = (
            f"{said} at the best epoch, which misses many of both; what came after epoch {lowest + 1} was of "
            "no use for other images: it over-fits before it has learned them."
        )
        return Answer(name, question, "attention", told, section, step)
    if 1 - ours > _MANY_MISSED and ends.low < _MATTERS:
        augments = bool(evidence.recipe.data.augment)
        step = (
            f"train longer, {'a wider network, or weaker data.augment' if augments else 'or a wider network'}"
        )
        return Answer(name, question, "attention", f"{said}: it under-fits.", section, step)
    if 1 - ours > _MANY_MISSED and ends.low > _MATTERS:
        step = "more images first; then train longer, or a wider network, with stronger data.augment"
        told = f"{said}: it does both, as it misses many training images, and more of the others."
        return Answer(name, question, "attention", told, section, step)
    return Answer(name, question, "good", f"{said}: it does neither.", section)


def _misses_training_images(evidence: Evidence) -> bool:
    record = evidence.best_record
    right = record.clean_train_accuracy if record is not None else None
    return right is not None and 1 - right > _MANY_MISSED


def _compare_losses(evidence: Evidence, record: EpochRecord) -> Answer:
    assert record.clean_train_loss is not None
    ratio = record.validation_loss / record.clean_train_loss if record.clean_train_loss else math.inf
    said = (
        f"Loss of {record.clean_train_loss:.4g} on training and {record.validation_loss:.4g} on validation "
        f"images, {ratio:.2f} times as much"
    )
    question = "Does it under- or over-fit?"
    if ratio > 1.5:
        step = "more images, or a smaller network"
        return Answer("fit", question, "attention", f"{said}: it over-fits.", "curves", step)
    return Answer("fit", question, "good", f"{said}: it does not over-fit.", "curves")


def _bound_gap(evidence: Evidence, ours: float, theirs: float) -> Interval:
    """Return the interval of a difference of two shares of different images (Newcombe, 1998, method 10)."""
    level, counts = evidence.result.confidence, evidence.result.num_images
    num_ours = min(evidence.recipe.train.clean_train_images, counts["train"])
    num_theirs = counts["validation"]
    of_ours = compute_wilson_interval(round(ours * num_ours), num_ours, level)
    of_theirs = compute_wilson_interval(round(theirs * num_theirs), num_theirs, level)
    gap = ours - theirs
    low = gap - math.hypot(ours - of_ours.low, of_theirs.high - theirs)
    high = gap + math.hypot(of_ours.high - ours, theirs - of_theirs.low)
    return Interval(low, high)


def _find_turn(evidence: Evidence) -> int | None:
    """Return after how many epochs but one validation loss was lowest, where nothing was gained since.

    That is where it has clearly risen, and the epoch that was chosen is not clearly a later one.
    """
    lowest, best = _find_rise(evidence), evidence.best_record
    late = len(evidence.history) // 10 + 1
    return None if lowest is None or (best is not None and best.epoch > lowest + 1 + late) else lowest


def _find_rise(evidence: Evidence) -> int | None:
    """Return after how many epochs but one validation loss was lowest, where it has clearly risen since."""
    losses, epochs = [one.validation_loss for one in evidence.history], len(evidence.history)
    if epochs < _FEWEST_EPOCHS:
        return None
    lowest = min(range(epochs), key=losses.__getitem__)
    has_risen = fmean(losses[-max(1, epochs // 10) :]) > 1.1 * losses[lowest]
    return lowest if lowest + 1 <= 0.6 * epochs and has_risen else None


def ask_length(evidence: Evidence) -> Answer:
    """Return whether more epochs, or fewer, would have been better, by the loss on validation."""
    name, question, section = "length", "Was it trained long enough?", "curves"
    losses, epochs = [one.validation_loss for one in evidence.history], len(evidence.history)
    if epochs < _FEWEST_EPOCHS:
        said = f"{epochs} epochs are too few to see where they lead."
        return Answer(name, question, "unknown", said, section, f"train.epochs = {4 * max(epochs, 1)}")
    lowest = _find_turn(evidence)
    if lowest is not None:
        said = (
            f"Longer than it needed: validation loss was lowest after epoch {lowest + 1} of {epochs} "
            f"({losses[lowest]:.4g}) and rose to {losses[-1]:.4g}; the weights of the best epoch are kept."
        )
        stopping = "a shorter window of" if evidence.recipe.train.early_stopping else ""
        step = f"{stopping} train.early_stopping, fewer epochs, or more data.augment".lstrip()
        return Answer(name, question, "attention", said, section, step)
    risen, best = _find_rise(evidence), evidence.best_record
    if risen is not None and best is not None:
        said = (
            f"Validation loss was lowest after epoch {risen + 1} of {epochs} ({losses[risen]:.4g}) and rose "
            f"to {losses[-1]:.4g}, while {evidence.result.selected_by} was best after epoch {best.epoch}: it "
            "grew too sure, and went on learning."
        )
        step = "train.label_smoothing, or `loupe calibrate RUN`"
        return Answer(name, question, "attention", said, section, step)
    if evidence.result.stopped_early:
        return Answer(name, question, "good", f"Early stopping ended it after epoch {epochs}.", section)
    window = max(1, epochs // 5)
    last, before = fmean(losses[-window:]), fmean(losses[-2 * window : -window])
    fell = (before - last) / before if before > 0 else 0.0
    when, than = f"In the last of {epochs} epochs", "in the one before"
    if window > 1:
        when, than = f"On average over the last {window} of {epochs} epochs", f"over the {window} before"
    side = "lower" if fell >= 0 else "higher"
    said = f"{when} validation loss was {100 * abs(fell):.1f} % {side} than {than}"
    step = f"train.epochs = {2 * epochs}"
    rates = [one.learning_rate for one in evidence.history]
    has_slowed = rates[-1] < 0.5 * max(rates[-2 * window], 1e-30)
    if fell < _MATTERS:
        if has_slowed and _misses_training_images(evidence):
            said += ", but the learning rate had fallen by then, and it misses many training images: only a "
            return Answer(name, question, "unknown", f"{said}longer run could tell.", section, step)
        return Answer(name, question, "good", f"{said}: it had settled.", section)
    if has_slowed:
        said += ", but the learning rate had fallen too: only a longer run could tell."
        return Answer(name, question, "unknown", said, section, step)
    return Answer(name, question, "attention", f"{said}: it was still learning.", section, step)


def ask_rate(evidence: Evidence) -> Answer:
    """Return whether the losses show signs of a learning rate that is too high, or far too low."""
    name, question, section = "rate", "Is the learning rate right?", "curves"
    step = "`loupe find-rate` shows how the loss goes with the rate"
    result, losses = evidence.result, [one.train_loss for one in evidence.history]
    if result.status == "failed":
        said = f"Training broke off: {result.reason}"
        return Answer(name, question, "attention", said, section, f"a lower rate; {step}")
    if len(losses) < _FEWEST_EPOCHS:
        said = f"{len(losses)} epochs are too few to say."
        return Answer(name, question, "unknown", said, section, step)
    jumps = [
        one.epoch
        for before, one in zip(evidence.history[1:], evidence.history[2:], strict=False)
        if one.train_loss > 1.2 * before.train_loss and one.validation_loss > before.validation_loss
    ]
    if len(jumps) >= max(2, len(losses) // 10):
        listed = ", ".join(map(str, jumps[:5])) + (" …" if len(jumps) > 5 else "")
        said = f"Too high: the loss on training images jumped up by a fifth or more at epoch {listed}."
        return Answer(name, question, "attention", said, section, f"a lower rate; {step}")
    first, last = losses[0], losses[-1]
    if first > 0 and (first - last) / first < 0.1:
        said = f"In {len(losses)} epochs the loss on training images went from {first:.4g} to {last:.4g}"
        said += " only: the rate is far too low, or the network cannot learn this."
        return Answer(name, question, "attention", said, section, step)
    said = (
        f"No sign that it is too high or far too low: the training loss fell from {first:.4g} to {last:.4g}"
    )
    together = "rose by a fifth or more together with that on validation"
    said += f" and {together} in {count_of(len(jumps), 'epoch')}." if jumps else f" and never {together}."
    return Answer(name, question, "good", said, section)
