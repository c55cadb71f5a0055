from typing import Annotated

from pydantic import Field
from torch import Tensor

from loupe.data import ImageDataset
from loupe.evaluations.difficulty import ExampleRecord, measure_difficulty
from loupe.evaluations.finding import Finding, Gallery, ShownImage, Value
from loupe.evaluations.registry import register_evaluation

_SPACE = "\N{NO-BREAK SPACE}"


@register_evaluation("hardest_images", title="Hardest images", chapter="Mistakes", order=34, split="training")
def gather_hardest_images(
    examples: ExampleRecord,
    training: ImageDataset,
    class_names: tuple[str, ...],
    most: Annotated[int, Field(ge=1, le=200, description="Images shown, 1 to 200.")] = 24,
) -> Finding:
    """Training images with the largest mean loss over the epochs, if the recipe has them followed."""
    return show_hardest_images(examples, training.labels, class_names, most)


def show_hardest_images(
    examples: ExampleRecord, labels: Tensor, class_names: tuple[str, ...], most: int
) -> Finding:
    """Return the hardest training images as a gallery, and what became of all that were followed.

    Args:
        examples: what was followed, over an epoch or more.
        labels: (training images,) int64; of those that are shown they have to be right.
        class_names: one name a class.
        most: images shown.
    """
    difficulty, count = measure_difficulty(examples), len(examples.indices)
    shown = []
    for place in difficulty.rank(most).tolist():
        index = int(difficulty.indices[place])
        learnt, forgotten = int(difficulty.epoch_learnt[place]), int(difficulty.forgetting_events[place])
        if learnt:
            story = f"learnt in epoch {learnt}"
        else:
            story = "wrong at the end" if bool(difficulty.ever_right[place]) else "never right"
        story += f", forgotten {forgotten}{_SPACE}×" if forgotten else ""
        notes = (f"mean loss {float(difficulty.mean_loss[place]):.2f}", story)
        shown.append(ShownImage(index, class_names[int(labels[index])], notes=notes, split="train"))
    shares = {
        "right from the first epoch on": difficulty.epoch_learnt == 1,
        "forgotten at least once": difficulty.forgetting_events > 0,
        "never right": ~difficulty.ever_right,
    }
    values = [Value(name, float(of.double().mean()), "percent") for name, of in shares.items()]
    sentence = (
        f"{count:,} training images were followed over {examples.num_epochs} epochs, without augmentation."
    )
    note = (
        f"The {len(shown)} with the largest mean loss over the epochs. Learnt: the first epoch from which on "
        "the image stays right. Forgotten: how often it went from right to wrong. Look here for wrong labels "
        "first."
    )
    return Finding(sentence, values, [Gallery("", tuple(shown), note)])
