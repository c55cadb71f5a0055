"""The looks of a run that was made before evaluations were kept: from its predictions and `mistakes.npz`."""

import torch

from loupe.data import ImageDataset
from loupe.evaluations import LookedAt, Looks, Pictures, Subject, carry_out, choose_evaluations
from loupe.evaluations.feature_map import show_map
from loupe.evaluations.finding import Finding
from loupe.evaluations.hardest_images import show_hardest_images
from loupe.evaluations.look import Look
from loupe.evaluations.mistakes_gallery import describe_search, show_mistakes, tell_neighbours
from loupe.evaluations.registry import choose_evaluation
from loupe.inspection.features import FeatureMap
from loupe.metrics import Predictions
from loupe.runs import MistakeRecord, RunFolder, RunResult

_MOST = 24


def read_looks(folder: RunFolder, result: RunResult, validation: ImageDataset) -> Looks:
    """Return what evaluations found of a run; of an earlier version's run what its files give.

    Args:
        folder: the run's folder.
        result: what it found.
        validation: its validation images, in the order of the stored predictions.
    """
    kept = folder.read_evaluations()
    if kept is not None:
        return kept
    if result.best is None or result.objective != "classification":
        return Looks()
    answers, record = folder.read_predictions(), folder.read_mistakes()
    splits = [LookedAt("validation", answers["validation"], validation)]
    if "test" in answers and result.best.test is not None:
        splits.append(LookedAt("test", answers["test"], is_locked=True))
    subject = Subject(
        "classification",
        validation.class_names,
        tuple(splits),
        level=result.confidence,
        seed=folder.read_recipe().split_seed,  # as looks of later versions have it, and `loupe calibrate`
        validation_answers=answers["validation"],
    )
    remembered = _remember(folder, record, answers["validation"], subject, result.num_images["train"])
    found = carry_out(choose_evaluations(None, "classification"), subject)
    names = {one.name for one in remembered}
    looks = [one for one in found.looks if one.name not in names and not one.failure]
    looks = sorted([*looks, *remembered], key=lambda one: (one.order, one.name))
    return Looks(tuple(looks), {"train": Pictures(record.pictured, record.pictures)})


def _remember(
    folder: RunFolder, record: MistakeRecord, answers: Predictions, subject: Subject, num_training: int
) -> list[Look]:
    """Return the looks that `mistakes.npz` holds: neighbours of mistakes, the map, the hardest images."""
    names, found = subject.class_names, dict[str, Finding]()
    labels = [record.find_picture(image)[1] for image in record.neighbours.flatten().tolist()]
    near = tell_neighbours(record.mistakes, record.neighbours, record.distances, labels, names)
    note = describe_search(int(record.num_searched[0]), num_training) if near else ""
    found["mistakes"] = show_mistakes(answers, names, _MOST, subject.level, near, note)
    if len(record.mapped):
        shares = record.variance.tolist()
        placed = FeatureMap(record.positions, (shares[0], shares[1]))
        found["feature_map"] = show_map(answers, names, record.mapped, placed)
    examples = folder.read_examples()
    if examples is not None and examples.num_epochs and len(record.hardest):
        known = torch.zeros(num_training, dtype=torch.int64)
        known[record.pictured] = record.labels
        found["hardest_images"] = show_hardest_images(examples, known, names, len(record.hardest))
    looks = []
    for name, finding in found.items():
        chosen = choose_evaluation(name)
        is_training = chosen.split == "training" and examples is not None
        looks.append(
            Look(
                name,
                chosen.title,
                chosen.chapter,
                chosen.order,
                "training" if is_training else "validation",
                len(examples.indices) if is_training and examples is not None else len(answers.labels),
                0.0,
                finding.sentence,
                tuple(finding.values),
                tuple(finding.blocks),
            )
        )
    return looks
