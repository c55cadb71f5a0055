"""Questions about what the network says: classes, probabilities, labels, robustness, simple classifiers."""

from scipy.special import bdtr, pdtrc

from loupe.data.overlaps import ONE_RIGHT
from loupe.evaluations import Look
from loupe.evaluations.finding import Cell, Table
from loupe.metrics import Metrics
from loupe.questions.answer import Answer
from loupe.questions.evidence import Evidence
from loupe.wording import count_of, list_names, name_tied, quote_name

_VERY_SURE = 0.95


def ask_classes(evidence: Evidence) -> Answer:
    """Return which class is told apart worst, and whether more so than chance picks the worst of many."""
    name, question, section = "classes", "Which classes does it get wrong?", "classes"
    best = evidence.result.best
    score = (best.test or best.validation) if best is not None else None
    if not isinstance(score, Metrics) or not score.per_class:
        return Answer(name, question, "unknown", "There are no answers by class.", section)
    worst = min(score.per_class, key=lambda one: one.accuracy)
    label = score.class_names.index(worst.name)
    row = score.confusion[label]
    others = [index for index in range(len(row)) if index != label and row[index]]
    ends = f"{100 * worst.interval.low:.1f} to {100 * worst.interval.high:.1f} %"
    tied = name_tied([(one.name, one.accuracy) for one in score.per_class], worst.accuracy)
    called, share = quote_name(worst.name), f"{100 * worst.accuracy:.1f} %"
    images = count_of(worst.num_images, "image")
    said, of_whom = f"{tied} is told apart worst: {share} ({ends}) of {images}", ""
    if tied != called:
        said = f"{tied} are told apart worst: {share} each ({called}: {ends} of {images})"
        of_whom = f"{called} "
    if others:
        counts = [(score.class_names[index], float(row[index])) for index in others]
        most = name_tied(counts, max(count for _, count in counts))
        said += f", {of_whom}most often taken for {most}"
    rest, num_rest = score.correct - worst.correct, score.num_images - worst.num_images
    chance = bdtr(worst.correct, worst.num_images, rest / num_rest) if num_rest else 1.0
    p_value = min(1.0, float(chance) * len(score.per_class))
    if p_value < 1 - evidence.result.confidence:
        said += (
            f"; the others are right in {100 * rest / num_rest:.1f} % (p = {p_value:.2g} for the worst of "
        )
        said += f"{len(score.per_class)})."
        step = f"its mistakes; {_advise_for_classes(evidence)}"
        return Answer(name, question, "attention", said, section, step)
    never = _list_never_named(score)
    if never:
        are = "is" if len(never) == 1 else "are"
        step = _advise_for_classes(evidence)
        told = f"{said}; {list_names(never)} {are} never named, of whatever image."
        return Answer(name, question, "attention", told, section, step)
    return Answer(name, question, "good", f"{said}: no more than chance makes of the worst.", section)


def _advise_for_classes(evidence: Evidence) -> str:
    """Return what helps a class that is missed: weights too, unless they are set."""
    train = evidence.recipe.train
    is_balanced = train.class_weights != "none" or train.sampling not in ("shuffled", 1.0)
    return "more images of the class" + ("" if is_balanced else ", or train.class_weights")


def _list_never_named(score: Metrics) -> list[str]:
    """Return the classes with images, two or more, that no image is given."""
    named = [sum(row[index] for row in score.confusion) for index in range(len(score.class_names))]
    return [
        quote_name(one.name)
        for one in score.per_class
        if one.num_images > 1 and not named[score.class_names.index(one.name)]
    ]


def ask_probabilities(evidence: Evidence) -> Answer:
    """Return whether the network is right as often as it is sure."""
    name, question, section = "probabilities", "Can its probabilities be trusted?", "calibration"
    look = evidence.looks.find("calibration")
    if look is None or not look.values:
        step = "`loupe evaluate RUN --looks calibration`"
        return Answer(name, question, "unknown", "Calibration was not looked at.", section, step)
    interval = look.values[0].interval
    if evidence.scaling:
        said = f"Predict, page and export set them right since ({evidence.scaling}); as it says them: "
        return Answer(name, question, "good", said + look.sentence, section)
    if interval is not None and interval.low > 0:
        return Answer(name, question, "attention", look.sentence, section, "`loupe calibrate RUN`")
    return Answer(name, question, "good", look.sentence, section)


def ask_labels(evidence: Evidence) -> Answer:
    """Return whether more images are called another class with near certainty than the network admits.

    Of answers that are right with probability p, 1 - p are wrong; more are a sign of wrong labels, of images
    that show something else, or of a network that is too sure.
    """
    name, question, section = "labels", "Are the labels right?", "mistakes"
    step = "look at the surest mistakes"
    if not evidence.recipe.evaluate.track_examples:
        step += "; evaluate.track_examples = true ranks training images too"
    answers = evidence.validation_answers
    if answers is None:
        return Answer(name, question, "unknown", "There are no answers to look through.", section, step)
    confidence, is_right = answers.confidence.double(), answers.is_right
    sure = confidence > _VERY_SURE
    found, expected = int((sure & ~is_right).sum()), float((1 - confidence[sure]).sum())
    said = (
        f"{found:,} of {len(is_right):,} validation images are given another class than their label with "
        f"more than {100 * _VERY_SURE:.0f} % certainty; by its own probabilities {expected:.1f} would be"
    )
    if found and pdtrc(found - 1, max(expected, 1e-9)) < 1 - evidence.result.confidence:
        return Answer(name, question, "attention", f"{said}: look at these first.", section, step)
    contradictions = [one for one in evidence.result.warnings if ONE_RIGHT in one]
    if contradictions:
        return Answer(name, question, "attention", f"{said}. {contradictions[0]}", section, step)
    if not sure.any():
        told = (
            f"It is more than {100 * _VERY_SURE:.0f} % sure of none of {len(is_right):,} validation images: "
            "it cannot point to labels that may be wrong."
        )
        return Answer(
            name, question, "unknown", told, section, "a network that has learned more; `loupe audit`"
        )
    said += ": nothing points to wrong labels, but only a look at them can tell."
    return Answer(name, question, "good", said, section, step)


def ask_robustness(evidence: Evidence) -> Answer:
    """Return whether spoilt images break it: ten points lost under some corruption, beyond chance."""
    name, question, section = "robustness", "Is it robust?", "robustness"
    look, table = _find_table(evidence, "robustness")
    if look is None or table is None:
        step = "`loupe evaluate RUN --looks robustness`"
        return Answer(name, question, "unknown", "It saw no spoilt images.", section, step)
    headings = [column.heading for column in table.columns]
    lost = headings.index("lost on average (points)")
    low = headings.index("from")  # of what is lost: below 0, it may be chance
    broken = [
        str(row[0])
        for row in table.rows
        if _read_number(row[lost], 0.0) > 0.1 and _read_number(row[low], 0.0) > 0
    ]
    if broken:
        step = f"augmentation like {', '.join(broken[:3])}, if such images will come"
        return Answer(name, question, "attention", look.sentence, section, step)
    share = _find_share_of_chance(evidence)
    if share is not None:
        told = (
            f"It has little to lose: it is not shown to be right more often than naming one class would be, "
            f"{100 * share:.1f} %. {look.sentence}"
        )
        return Answer(name, question, "unknown", told, section, "a network that has learned more")
    return Answer(name, question, "good", look.sentence, section)


def _find_share_of_chance(evidence: Evidence) -> float | None:
    """Return the share of the most frequent class if the network is not shown to beat it; None if it is."""
    score = evidence.result.best.validation if evidence.result.best is not None else None
    if not isinstance(score, Metrics) or not score.per_class:
        return None
    share = max(one.num_images for one in score.per_class) / score.num_images
    return share if score.interval.low <= share else None


def ask_simple(evidence: Evidence) -> Answer:
    """Return whether it is better than classifiers that need no network, beyond chance."""
    name, question, section = "simple", "Is it better than something simple?", "simple-classifiers"
    look, table = _find_table(evidence, "baselines")
    if look is None or table is None:
        step = "`loupe evaluate RUN --looks baselines`"
        return Answer(name, question, "unknown", "No simple classifier stands beside it.", section, step)
    headings = [column.heading for column in table.columns]
    difference, p_value = headings.index("network minus it (points)"), headings.index("p, adjusted")
    level = evidence.result.confidence
    unbeaten = [
        (str(row[0]), _read_number(row[difference], 0.0) < 0 and _read_number(row[p_value], 1.0) < 1 - level)
        for row in table.rows
        if _read_number(row[difference], 0.0) <= 0 or _read_number(row[p_value], 1.0) >= 1 - level
    ]
    if unbeaten:
        best, is_better = unbeaten[0]  # rows stand best first
        step = f"take {best}, which is simpler and better; or a better network"
        if not is_better:
            step = f"take {best}, which is simpler; or a better network, or more images to tell them apart"
        return Answer(name, question, "attention", look.sentence, section, step)
    return Answer(name, question, "good", look.sentence, section)


def _find_table(evidence: Evidence, name: str) -> tuple[Look | None, Table | None]:
    """Return what an evaluation found and its first table; None for what there is not, or is empty."""
    look = evidence.looks.find(name)
    blocks = look.blocks if look is not None else ()
    return look, next((one for one in blocks if isinstance(one, Table) and one.rows), None)


def _read_number(cell: Cell, undefined: float) -> float:
    """Return a cell that holds a number; another value where it is not defined."""
    return float(cell) if isinstance(cell, int | float) else undefined
