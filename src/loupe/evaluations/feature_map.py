from collections.abc import Sequence
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from loupe.data import ImageDataset, pick_stratified
from loupe.evaluations.finding import Finding, Scatter, write_value
from loupe.evaluations.network import Network
from loupe.evaluations.registry import register_evaluation
from loupe.inspection import embed
from loupe.inspection.features import FeatureMap
from loupe.metrics import Predictions
from loupe.statistics.largest import MOST_NAMED


@register_evaluation(
    "feature_map",
    title="Images as the network sees them",
    chapter="Predictions",
    order=50,
    split="validation",
)
def map_features(
    answers: Predictions,
    class_names: tuple[str, ...],
    images: ImageDataset,
    network: Network,
    seed: int,
    most: Annotated[int, Field(ge=2, description="Images on the map, ≥ 2.")] = 2_000,
) -> Finding:
    """A map of the images by the network's features, two principal components, with mistakes ringed."""
    mapped = pick_stratified(images.labels, network.afford(most), seed)
    placed = embed(torch.cat(list(network.compute_features(images.select(mapped)))))
    return show_map(answers, class_names, mapped, placed)


def show_map(
    answers: Predictions, class_names: tuple[str, ...], mapped: Tensor, placed: FeatureMap
) -> Finding:
    """Return the map of some images.

    Args:
        answers: of the network, for all of them.
        class_names: one name a class.
        mapped: (points,) int64, which images.
        placed: where they lie.
    """
    labels, guesses = (one[mapped].tolist() for one in (answers.labels, answers.predicted))
    wrong = tuple(
        "" if label == guess else f"{class_names[label]}, taken for {class_names[guess]} (image {index})"
        for label, guess, index in zip(labels, guesses, mapped.tolist(), strict=True)
    )
    total = len(answers.labels)
    some = f"one of {len(mapped):,} of the {total:,} images, drawn evenly from the classes"
    note = (
        f"Each mark is {some if len(mapped) < total else 'an image'}; its colour and shape say its true "
        f"class, a ring that the network takes it for another.{_say_named(labels)} Hover over a mark for its "
        "class, click a name to hide or show a class. Classes that overlap here may still be apart in other "
        "directions."
    )
    first, second = placed.variance or (0.0, 0.0)
    scatter = Scatter(
        "The two directions in which the features spread most",
        tuple((x, y) for x, y in placed.positions.tolist()),
        tuple(labels),
        wrong,
        (
            f"first principal component: {write_value(first, 'percent', 0)} of the variance",
            f"second: {write_value(second, 'percent', 0)} of the variance",
        ),
        note,
    )
    share = write_value(first + second, "percent", 0)
    sentence = f"The plane holds {share} of the features' variance."
    return Finding(sentence, (), [scatter], num_images=len(mapped))


def _say_named(labels: Sequence[int]) -> str:
    """Return which classes have a colour, a space before it; "" if all have."""
    count = len(set(labels))
    if count <= MOST_NAMED:
        return ""
    return f" The {MOST_NAMED} of these {count:,} classes with the most marks have a colour and a name."
