"""A small training, to be changed one thing at a time."""

import torch
from torch import Tensor, nn

from loupe.data import ImageDataset, build_augmentation
from loupe.data.batches import EvaluationBatches, TrainingBatches
from loupe.data.normalization import Normalization
from loupe.models import build_model
from loupe.runtime import Streams
from loupe.training import (
    Classification,
    Snapshot,
    Training,
    TrainingPlan,
    TrainingState,
    build_optimizer,
    build_schedule,
    fit,
)

NORMALIZATION = Normalization((0.3,), (0.3,))
BESIDE = ("hard_examples", "clean_train", "observers")  # of a training, beside its plan


class Fit:
    """A small training of an mlp with dropout on digits; keyword arguments change its plan."""

    def __init__(
        self, images: ImageDataset, *, seed: int = 0, batch_size: int = 32, **settings: object
    ) -> None:
        self.streams = Streams(seed)
        with self.streams.as_global("model"):
            mlp = build_model("mlp", in_channels=1, image_size=(8, 8), num_classes=10, widths=[24])
        self.model = nn.Sequential(mlp.flatten, mlp.dense1, nn.ReLU(), nn.Dropout(0.3), mlp.logits)
        train, validation = images.select(torch.arange(140)), images.select(torch.arange(140, 200))
        crop = build_augmentation("padded-crop", padding=1)
        self.train = TrainingBatches(train, NORMALIZATION, batch_size, self.streams, [crop])
        self.validation = EvaluationBatches(validation, NORMALIZATION)
        self.optimizer = build_optimizer("adam", self.model.parameters(), learning_rate=0.01)
        self.settings = settings

    def run(self, epochs: int, of: int = 8, start: Snapshot | None = None, **more: object) -> TrainingState:
        """Train up to `epochs` of a training planned for `of` epochs."""
        settings = {
            "schedule": build_schedule("one-cycle", num_epochs=of, steps_per_epoch=len(self.train)),
            "objective": Classification(),
            **self.settings,
            **more,
        }
        beside = {name: settings.pop(name) for name in BESIDE if name in settings}
        plan = TrainingPlan(num_epochs=epochs, **settings)
        training = Training(
            self.model, self.train, self.validation, plan, self.optimizer, self.streams, **beside
        )
        return fit(training, start=start)


def is_same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
