"""Hidden images that many networks of a class get wrong, and what they take them for."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from loupe.classroom.entries import Grades
from loupe.reports.picture_sheet import Picture, PictureSheet

_MOST_MISTAKES = 40


@dataclass(frozen=True)
class SharedMistake:
    """A hidden image that networks get wrong.

    Args:
        picture: on the sheet.
        true_class: what it is.
        num_wrong: ranked networks that get it wrong.
        taken_for: what these take it for: "always 7", "most often 1 or 7", "as 1, 6 or 7".
    """

    picture: Picture
    true_class: str
    num_wrong: int
    taken_for: str


def count_least_wrong(num_ranked: int) -> int:
    """Return how many networks a mistake is shared by at least: half of those ranked, two; of one, one."""
    return min(num_ranked, max(2, -(-num_ranked // 2)))


def find_shared_mistakes(grades: Grades, sheet: PictureSheet) -> tuple[list[SharedMistake], int]:
    """Return hidden images that `count_least_wrong` of the ranked networks or more get wrong, and how many.

    The commonest come first; of very many, the rest is only counted.
    """
    hidden, ranked = grades.classroom.hidden, grades.ranked
    if not ranked:
        return [], 0
    predicted = torch.stack([one.logits.argmax(1) for one in ranked if one.logits is not None])
    wrong = (predicted != hidden.labels).sum(0).tolist()
    least = count_least_wrong(len(predicted))
    chosen = sorted((index for index, count in enumerate(wrong) if count >= least), key=lambda i: -wrong[i])
    names, found = hidden.class_names, []
    for index in chosen[:_MOST_MISTAKES]:
        label = int(hidden.labels[index])
        answers = predicted[:, index][predicted[:, index] != label].tolist()
        taken = describe_answers(answers, names)
        told = f"wrong in {wrong[index]} of {len(ranked)}, {taken}" if len(ranked) > 1 else taken
        picture = sheet.show("hidden", index, hidden.images[index], f"{names[label]}: {told}")
        found.append(SharedMistake(picture, names[label], wrong[index], taken))
    return found, len(chosen)


def describe_answers(answers: Sequence[int], names: Sequence[str]) -> str:
    """Return what wrong answers to one image say of it, those in words that are as common as the commonest.

    Args:
        answers: one or more classes.
        names: of all classes.
    """
    counts = Counter(answers)
    most = max(counts.values())
    common = [names[label] for label in sorted(counts) if counts[label] == most]
    listed = " or ".join(filter(None, [", ".join(common[:-1]), common[-1]]))
    if len(answers) == 1:
        return f"taken for {listed}"
    if len(counts) == 1:
        return f"always {listed}"
    return f"as {listed}" if len(common) == len(counts) else f"most often {listed}"
