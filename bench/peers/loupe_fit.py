"""Loupe's `fit`, and its report of an epoch."""

from collections.abc import Callable

import torch
from protocol import BATCH_SIZE, LEARNING_RATE, NUM_CLASSES, Data, serve

from loupe import build_model
from loupe.data import EvaluationBatches, ImageDataset, TrainingBatches
from loupe.data.normalization import Normalization
from loupe.runtime import Streams
from loupe.training import Classification, Training, TrainingPlan, build_optimizer, build_schedule, fit


def prepare(data: Data) -> Callable[[], float]:
    normalization = Normalization((0.5,), (0.25,))

    def restore(images: torch.Tensor) -> torch.Tensor:
        return (normalization.invert(images) * 255).round().to(torch.uint8)

    names = tuple(map(str, range(NUM_CLASSES)))
    train, validation = (
        ImageDataset(
            restore(torch.from_numpy(images)), torch.from_numpy(labels), names, source="Fashion-MNIST"
        )
        for images, labels in ((data.train_images, data.train_labels), (data.images, data.labels))
    )
    streams = Streams(0)
    with streams.as_global("model"):
        model = build_model("cnn", in_channels=1, image_size=(28, 28), num_classes=NUM_CLASSES)
    batches = TrainingBatches(train, normalization, BATCH_SIZE, streams)
    held_out = EvaluationBatches(validation, normalization)
    optimizer = build_optimizer("sgd", model.parameters(), learning_rate=LEARNING_RATE, momentum=0.0)
    schedule = build_schedule("constant", num_epochs=1, steps_per_epoch=len(batches))

    def run_epoch() -> float:
        plan = TrainingPlan(1, schedule, Classification())
        state = fit(Training(model, batches, held_out, plan, optimizer, streams))
        return float(state.history[-1].validation_accuracy or 0.0)

    return run_epoch


if __name__ == "__main__":
    serve(prepare, "loupe-bench", "torch")
