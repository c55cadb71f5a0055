from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from loupe.data import ImageDataset, pick_stratified
from loupe.errors import LoupeError
from loupe.evaluations.finding import Finding, Gallery, ShownImage, Value, write_value
from loupe.evaluations.mistakes import rank_mistakes
from loupe.evaluations.network import Network
from loupe.evaluations.registry import register_evaluation
from loupe.inspection import find_neighbours
from loupe.metrics import Predictions
from loupe.statistics.intervals import compute_wilson_interval

_SPACE = "\N{NO-BREAK SPACE}"
_NEAR = 3


@register_evaluation("mistakes", title="Wrong", chapter="Mistakes", order=30, split="validation")
def gather_mistakes(
    answers: Predictions,
    class_names: tuple[str, ...],
    images: ImageDataset,
    level: float,
    seed: int,
    network: Network | None = None,
    training: ImageDataset | None = None,
    most: Annotated[int, Field(ge=1, le=200, description="Images shown, 1 to 200.")] = 24,
    searched: Annotated[
        int, Field(ge=0, description="Training images among which neighbours are looked for; 0 for none.")
    ] = 20_000,
) -> Finding:
    """The most confident mistakes, each with the training images nearest to it as the network sees them."""
    wrong = rank_mistakes(answers)
    near, note = dict[int, tuple[tuple[ShownImage, ...], str]](), ""
    if network is not None and training is not None and len(wrong) and searched:
        try:
            chosen = pick_stratified(training.labels, network.afford(searched), seed)
            features = list(network.compute_features(images.select(wrong[:most])))
            blocks = network.compute_features(training.select(chosen))
            found = find_neighbours(torch.cat(features), blocks, _NEAR)
            neighbours = chosen[found.indices]
            labels = training.labels[neighbours.flatten()].tolist()
            near = tell_neighbours(wrong[:most], neighbours, found.distances, labels, class_names)
            note = describe_search(len(chosen), len(training))
        except LoupeError as error:
            note = f"No training images beside them: {error.message}"
    return show_mistakes(answers, class_names, most, level, near, note)


def tell_neighbours(
    wrong: Tensor, neighbours: Tensor, distances: Tensor, labels: Sequence[int], class_names: tuple[str, ...]
) -> dict[int, tuple[tuple[ShownImage, ...], str]]:
    """Return the nearest training images of each image, and their classes in words: "2 × Coat, 1 × Shirt".

    Args:
        wrong: (images,) int64.
        neighbours: (images, k) int64, training images, nearest first.
        distances: (images, k), cosine distance to each.
        labels: of the training images in `neighbours`, row by row.
        class_names: one name a class.
    """
    names, told = iter(class_names[label] for label in labels), {}
    for image, near, far in zip(wrong.tolist(), neighbours.tolist(), distances.tolist(), strict=True):
        shown = tuple(
            ShownImage(index, next(names), notes=(f"distance {one:.3f}",), split="train")
            for index, one in zip(near, far, strict=True)
        )
        counts = Counter(one.title for one in shown)
        classes = ", ".join(f"{count}{_SPACE}×{_SPACE}{name}" for name, count in counts.items())
        told[image] = shown, f"near: {classes}"
    return told


def describe_search(num_searched: int, num_training: int) -> str:
    """Return a sentence on the images below each mistake."""
    of = f" of {num_training:,}" if num_searched < num_training else ""
    return (
        "Below each: the three nearest training images, nearest first, as the network sees them: by the "
        f"cosine distance of its features (what its last layer is given), among {num_searched:,}{of} "
        "training images."
    )


def show_mistakes(
    answers: Predictions,
    class_names: tuple[str, ...],
    most: int,
    level: float,
    near: Mapping[int, tuple[tuple[ShownImage, ...], str]],
    note: str,
) -> Finding:
    """Return the most confident mistakes as a gallery.

    Args:
        answers: of the network.
        class_names: one name a class.
        most: images shown.
        level: of the interval.
        near: training images to show below an image, and what to say of them.
        note: on those.
    """
    wrong, total = rank_mistakes(answers), len(answers.labels)
    labels, predicted, sure = answers.labels, answers.predicted, answers.confidence
    shown = tuple(
        ShownImage(
            index,
            class_names[int(predicted[index])],
            is_right=False,
            lines=(f"is {class_names[int(labels[index])]}",),
            notes=(f"{write_value(float(sure[index]), 'percent', 1)} sure",),
            near=near.get(index, ((), ""))[0],
            near_note=near.get(index, ((), ""))[1],
        )
        for index in wrong[:most].tolist()
    )
    count = f"{len(wrong):,} of {total:,} images are wrong"
    sentence = f"{count}; the {most} most confident are shown." if len(wrong) > most else f"{count}."
    share = Value(
        "share wrong", len(wrong) / total, "percent", compute_wilson_interval(len(wrong), total, level)
    )
    return Finding(sentence, [share], [Gallery("", shown, note if shown else "")])
